"""Two nodes (two ports, two data folders) on one PostgreSQL and one bucket behave as one.

Sessions, the limit of sign-ins, one-time keys of forms, files and the outbox: whatever is done at one
holds at the other at once. Each check that does not hold is one fault.
"""

import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import click
import requests
from moto.server import ThreadedMotoServer
from sqlalchemy import func, text
from sqlmodel import col, select

from accounts import services
from accounts.models import Person, Role
from accounts.notices import tell_organisation
from app import create_app
from bench.measures import measure
from catalog.offerings.models import Offering
from catalog.offerings.queries.answers import list_answers
from core import db, outbox
from core.config import Settings
from tests import factories
from tests.catalog.offerings.conftest import make_company, make_draft
from tests.drills.both import open_both
from tests.drills.stage import ROOT, serve_node
from tests.drills.writers import count_lost_and_doubled, dismiss, hire

ACTS = 60
_WRITERS = 4
_LETTERS = 40
_TWINS = 10
_PASSWORD = "mihon-no-nagai-aikotoba"
_HIDDEN = re.compile(r'name="(csrf_token|form_key|version)" value="([^"]*)"')


@measure(
    "two nodes on one database: checks that do not hold",
    goal="== 0",
    unit="faults",
    base=f"two gunicorns, two outbox workers, PostgreSQL, S3; {ACTS} acts by {_WRITERS} writers",
)
def count_faults() -> float:
    """Return how many checks of one instance on two nodes did not hold."""
    (faults,) = rehearse(ACTS)
    return faults


@dataclass(frozen=True)
class Pair:
    """Both addresses and the settings of each."""

    first: str
    second: str
    settings: tuple[Settings, Settings]


def rehearse(acts: int) -> tuple[int]:
    """Let both nodes work on one database; returns the checks that did not hold."""
    checks: tuple[Callable[[Pair], bool], ...] = (
        _sessions_are_shared,
        _sign_in_limit_is_shared,
        _files_are_shared,
        _letters_go_once,
        _keys_are_shared,
        lambda pair: _writers_are_counted_once(pair, acts),
    )
    faults = 0
    with open_pair() as pair:
        for check in checks:
            if not check(pair):
                faults += 1
                click.echo(f"two_nodes: {getattr(check, '__name__', 'writers')}", err=True)
    return (faults,)


@contextmanager
def open_pair() -> Iterator[Pair]:
    """Serve two nodes with an outbox worker each, and end all of it."""
    with ExitStack() as stack:
        bucket = stack.enter_context(_bucket())
        for _, settings in open_both("postgres"):
            both = tuple(
                settings.model_copy(update={"data_dir": settings.data_dir / name, **bucket})
                for name in "ab"
            )
            create_app(both[0])
            access = {f"NARABI_{name.upper()}": str(value) for name, value in bucket.items()}
            access["NARABI_FILES_KEY_SECRET"] = "secret"
            access["NARABI_SIGN_IN_ATTEMPTS"] = "5"
            nodes = [stack.enter_context(serve_node(each, **access)) for each in both]
            for each in both:
                stack.enter_context(_worker(each, access))
            yield Pair(nodes[0].address, nodes[1].address, (both[0], both[1]))
            stack.pop_all().close()


@contextmanager
def _bucket() -> Iterator[dict[str, object]]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    access = {"aws_access_key_id": "id", "aws_secret_access_key": "secret"}
    client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **access)
    client.create_bucket(Bucket="narabi")
    yield {
        "files_url": "s3://narabi/drill",
        "files_endpoint": address,
        "files_region": "us-east-1",
        "files_key_id": "id",
    }
    server.stop()


@contextmanager
def _worker(settings: Settings, access: dict[str, str]) -> Iterator[None]:
    variables = {
        "NARABI_ENV": "development",
        "NARABI_DATABASE_URL": settings.effective_database_url,
        "NARABI_DATA_DIR": str(settings.data_dir),
    }
    worker = subprocess.Popen(
        [sys.executable, "-c", "from app import cli; cli()", "outbox", "run"],
        cwd=ROOT,
        env=os.environ | variables | access,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(60)


class _Person(requests.Session):
    """Somebody's browser: the cookies of one host hold at both ports."""

    def send_form(self, page: str, values: dict[str, str], **more: object) -> requests.Response:
        """Open a page, fill its form and send it; redirects are not followed."""
        shown = self.get(page, timeout=30)
        hidden = dict(_HIDDEN.findall(shown.text))
        return self.post(page, data={**hidden, **values}, allow_redirects=False, timeout=60, **more)


def _sign_in(browser: _Person, address: str, email: str, password: str) -> bool:
    form = {"email": email, "password": password}
    return browser.send_form(f"{address}/sign-in", form).status_code == 303


def _make_person() -> str:
    with db.transaction() as session:
        someone = factories.person(session, Role.CLERK)
        someone.password_hash = services._hasher.hash(_PASSWORD)
        return someone.email


def _is_signed_in(browser: _Person, address: str) -> bool:
    return "サインアウト" in browser.get(f"{address}/", timeout=30).text


def _sessions_are_shared(pair: Pair) -> bool:
    browser, email = _Person(), _make_person()
    at_first = _sign_in(browser, pair.first, email, _PASSWORD)
    at_second = _is_signed_in(browser, pair.second)
    hidden = dict(_HIDDEN.findall(browser.get(f"{pair.second}/", timeout=30).text))
    browser.post(f"{pair.second}/sign-out", data=hidden, timeout=30)
    return at_first and at_second and not _is_signed_in(browser, pair.first)


def _sign_in_limit_is_shared(pair: Pair) -> bool:
    email = _make_person()
    for number in range(5):
        address = (pair.first, pair.second)[number % 2]
        if _sign_in(_Person(), address, email, "machigatta-aikotoba"):
            return False
    return not any(
        _sign_in(_Person(), address, email, _PASSWORD) for address in (pair.first, pair.second)
    )


def _files_are_shared(pair: Pair) -> bool:
    with db.transaction() as session:
        company = make_company(session)
        specification_id = factories.specification(session, requirements=2).id
        version_id = make_draft(session, company, specification_id)
    with db.transaction() as session:
        token = factories.sign_in(session, session.get_one(Person, company.admin.id), company.home)
    with db.reading() as session:
        requirement_id = next(iter(list_answers(session, [version_id])[version_id]))
    browser = _Person()
    browser.cookies.set("narabi_session", token)
    content = b"%s,1\n" % uuid.uuid4().hex.encode()
    page = f"/vendor/offerings/{version_id}/evidence/{requirement_id}"
    file = {"file": ("表.csv", content, "text/csv")}
    if browser.send_form(pair.first + page, {}, files=file).status_code != 303:
        return False
    shown = browser.get(pair.second + page, timeout=30).text
    found = re.search(r'href="(/evidence-files/[^"]+)"', shown)
    return found is not None and browser.get(pair.second + found[1], timeout=30).content == content


def _letters_go_once(pair: Pair) -> bool:
    """Every letter is delivered by one of the workers, once; each keeps what it sent in its own folder."""
    with db.transaction() as session:
        company = make_company(session)
        for number in range(_LETTERS):
            tell_organisation(
                session, company.home.id, "drill", f"見本{number}", "/", roles=[Role.VENDOR_MEMBER]
            )
    return _wait_until(_is_outbox_empty) and _count_letters(pair) == _LETTERS


def _count_letters(pair: Pair) -> int:
    folders = [each.data_dir / "mail" for each in pair.settings]
    letters = [path for folder in folders for path in Path(folder).glob("*") if path.is_file()]
    told = [each.read_text("utf-8", "replace") for each in letters]
    with db.reading() as session:
        again = session.execute(text("SELECT COUNT(*) FROM outbox_messages WHERE attempts > 1"))
        if again.scalar_one():
            return -1
    return len(told)


def _is_outbox_empty() -> bool:
    with db.reading() as session:
        return outbox.count_waiting(session)[0] == 0


def _wait_until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _keys_are_shared(pair: Pair) -> bool:
    """Equal requests with one Idempotency-Key, at both nodes at once, make one draft."""
    with db.transaction() as session:
        company = make_company(session)
        specification_id = factories.specification(session).id
        _, token = factories.api_client(session, company.home)
    body = {"name": "見本", "specification_version_id": str(specification_id)}
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}

    def send(number: int) -> str:
        address = (pair.first, pair.second)[number % 2]
        url = f"{address}/api/v1/drafts"
        answer = requests.post(url, json=body, headers=headers, timeout=60)
        return f"{answer.status_code} {answer.text}"

    with ThreadPoolExecutor(_TWINS) as pool:
        told = set(pool.map(send, range(_TWINS)))
    with db.reading() as session:
        owned = select(func.count()).where(col(Offering.owner_id) == company.home.id)
        made = session.execute(owned).scalar_one()
    return made == 1 and len(told) == 1 and told.pop().startswith("201 ")


def _writers_are_counted_once(pair: Pair, acts: int) -> bool:
    """Twins of one form go to both nodes at once."""
    writers = hire(_WRITERS, [pair.first, pair.second])
    for each in writers:
        each.start()
    enough = _wait_until(lambda: sum(len(each.told) for each in writers) >= acts)
    dismiss(writers)
    return enough and count_lost_and_doubled(writers) == (0, 0)
