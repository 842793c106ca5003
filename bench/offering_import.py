"""Import of 500 offerings with prices from a workbook, new or changed, as the page does it."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from accounts.identity import Actor
from accounts.models import Organisation, Role
from bench.measures import measure
from catalog.offerings.sheets import services
from catalog.offerings.sheets.checking import Checked, check_book
from catalog.offerings.sheets.known import load_known
from catalog.offerings.sheets.queries import list_own
from catalog.offerings.sheets.reading import read_book
from catalog.offerings.sheets.writing import export_rows, sample_rows, write_workbook
from catalog.specifications.models import SpecificationVersion
from core import cli, db
from tests import factories
from vendors.models import Vendor


def workbook(count: int) -> bytes:
    """Return a filled template: every column of every offering, three price rows each."""
    rows = []
    for number in range(count):
        offering, (price,) = sample_rows("BENCH 1.0")
        words = {"name": f"見本のサービス{number}", "summary": f"{number}番目の説明です。"}
        key = {"key": f"K{number}"}
        kinds = (("初期", "1回"), ("月額基本", "毎月"), ("研修", "1回"))
        prices = [
            price | key | {"component_kind": kind, "component_interval": interval}
            for kind, interval in kinds
        ]
        rows.append((offering | key | words, prices))
    return write_workbook(rows, ["BENCH 1.0"])


@contextmanager
def catalog() -> Iterator[tuple[Actor, Vendor, SpecificationVersion]]:
    """Give a vendor in a fresh database on disk with one open standard."""
    with tempfile.TemporaryDirectory() as folder:
        database = db.configure(f"sqlite:///{folder}/bench.db")
        cli.upgrade_database()
        with db.transaction() as session:
            specification = factories.specification(session, code="BENCH", label="1.0")
            vendor = factories.vendor(session)
            home = session.get_one(Organisation, vendor.owner_id)
            person = factories.person(session, Role.VENDOR_ADMIN, home)
            actor = factories.actor(person, Role.VENDOR_ADMIN, home)
        yield actor, vendor, specification
        database.dispose()


def run(content: bytes, actor: Actor) -> tuple[float, Checked]:
    """Return the seconds from the bytes of the file to the commit, and what was found."""
    start = time.perf_counter()
    reading = read_book(content, "bench.xlsx")
    with db.transaction() as session:
        checked = check_book(reading, load_known(session, actor))
        source = services.ImportedSheet("bench.xlsx", "0" * 64)
        count = services.import_offerings(session, actor, checked.drafts, source)
    seconds = time.perf_counter() - start
    if count != 500 or checked.findings:
        raise ValueError(f"imported {count}, findings {len(checked.findings)}")
    return seconds, checked


@measure(
    "offering_import_500", goal="<= 10", unit="s", base="500 offerings, 1,500 price rows, XLSX"
)
def import_500_offerings() -> float:
    """Return the seconds from the bytes of the file to the commit, into a database on disk."""
    content = workbook(500)
    with catalog() as (actor, _vendor, _specification):
        seconds, _checked = run(content, actor)
    return seconds


@measure(
    "offering_change_500",
    goal="<= 10",
    unit="s",
    base="500 published offerings changed, half of them in text and price, half in price only",
)
def change_500_offerings() -> float:
    """Return the seconds from the bytes of a changed export to the commit of 500 pending drafts."""
    with catalog() as (actor, vendor, specification):
        with db.transaction() as session:
            maker = session.get_one(Vendor, vendor.id)
            for _ in range(500):
                factories.offering(session, maker, specification)
        with db.reading() as session:
            exported = list(export_rows(list_own(session, vendor.owner_id)))
        rows = []
        for number, (offering, prices) in enumerate(exported):
            words = {"summary": f"{number}番目の説明です。"} if number % 2 else {}
            rows.append((offering | words, [prices[0] | {"component_price": "7"}, *prices[1:]]))
        seconds, checked = run(write_workbook(rows, ["BENCH 1.0"]), actor)
    if len(checked.openings) != 500:
        raise ValueError(f"opened {len(checked.openings)}")
    return seconds
