"""Import of 500 offerings with prices from a workbook, read, checked and stored as the page does."""

import tempfile
import time

from accounts.models import Organisation, Role
from bench.measures import measure
from catalog.offerings.sheets import services
from catalog.offerings.sheets.checking import check_book
from catalog.offerings.sheets.known import load_known
from catalog.offerings.sheets.reading import read_book
from catalog.offerings.sheets.writing import sample_rows, write_workbook
from core import cli, db
from tests import factories


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


@measure(
    "offering_import_500", goal="<= 10", unit="s", base="500 offerings, 1,500 price rows, XLSX"
)
def import_500_offerings() -> float:
    """Return the seconds from the bytes of the file to the commit, into a database on disk."""
    content = workbook(500)
    with tempfile.TemporaryDirectory() as folder:
        database = db.configure(f"sqlite:///{folder}/bench.db")
        cli.upgrade_database()
        with db.transaction() as session:
            factories.specification(session, code="BENCH", label="1.0")
            vendor = factories.vendor(session)
            home = session.get_one(Organisation, vendor.owner_id)
            person = factories.person(session, Role.VENDOR_ADMIN, home)
            actor = factories.actor(person, Role.VENDOR_ADMIN, home)
        start = time.perf_counter()
        reading = read_book(content, "bench.xlsx")
        with db.transaction() as session:
            checked = check_book(reading, load_known(session, actor))
            source = services.ImportedSheet("bench.xlsx", "0" * 64)
            count = services.import_offerings(session, actor, checked.new, source)
        seconds = time.perf_counter() - start
        database.dispose()
    if count != 500 or checked.findings:
        raise ValueError(f"imported {count}, findings {len(checked.findings)}")
    return seconds
