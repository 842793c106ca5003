"""Clerks who open projects over HTTP while something is killed under them; afterwards every project is there once.

A clerk who gets no answer, or a failure, sends the same form again, as people and programs do; one in ten is
sent twice at once. Whoever was told a number must find it, and nothing stands there twice.
"""

import random
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import requests
from sqlalchemy import text

from accounts.models import Role
from core import audit_checkpoints, clock, db
from tests import factories

DUPLICATES = 0.1
_PATIENCE = 60.0  # seconds in which one form must get through
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Writer(threading.Thread):
    """One clerk with a browser at each node; `told` holds the address of each project by its title."""

    def __init__(self, name: str, addresses: Sequence[str], token: str) -> None:
        super().__init__(name=name)
        self._browsers = [_Browser(address, token) for address in addresses]
        self._tokens: dict[_Browser, str] = {}
        self.stopped = threading.Event()
        self.told: dict[str, str] = {}
        self.moments: list[float] = []
        self.failed_tries = self.twins = 0
        self.faults: list[str] = []

    def run(self) -> None:
        """Open projects one after the other until stopped; the last one is finished."""
        with ThreadPoolExecutor(2) as hands:
            number = 0
            while not self.stopped.is_set():
                number += 1
                self._open_project(hands, f"{self.name}の案件{number}")

    def _open_project(self, hands: ThreadPoolExecutor, title: str) -> None:
        form = {
            "title": title,
            "need": "止まっても、二重にも、なくなりもしないこと。",
            "starts_on": f"{clock.today_jst().year + 1}-04-01",
            "term_months": "12",
            "term_basis": "single_year",
            "budget_line": "総務費",
            "form_key": uuid.uuid4().hex,
        }
        browsers = random.sample(self._browsers, len(self._browsers)) * 2
        deadline = time.monotonic() + _PATIENCE
        if random.random() < DUPLICATES:
            self.twins += 1
            twins = [hands.submit(self._send, each, form, deadline) for each in browsers[:2]]
            places = {each.result() for each in twins}
        else:
            places = {self._send(browsers[0], form, deadline)}
        if len(places) != 1 or None in places:
            self.faults.append(f"{title}: {places}")
        self.told[title] = str(places.pop())
        self.moments.append(time.monotonic())

    def _send(self, browser: "_Browser", form: dict[str, str], deadline: float) -> str | None:
        while time.monotonic() < deadline:
            place = browser.post("/projects/new", form)
            if place is not None:
                return place
            self.failed_tries += 1
            time.sleep(0.05)
        return None


class _Browser:
    """A signed-in browser at one node; safe to use from two threads, for it keeps nothing between requests."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._cookies = {"narabi_session": token}
        self._csrf = ""

    def post(self, path: str, form: dict[str, str]) -> str | None:
        """Send a form; returns where it led, None when it has to be sent again."""
        try:
            if not self._csrf:
                page = requests.get(self._address + path, cookies=self._cookies, timeout=20)
                found = _TOKEN.search(page.text)
                if found is None:
                    return None
                self._cookies |= page.cookies.get_dict()
                self._csrf = found[1]
            answer = requests.post(
                self._address + path,
                data={**form, "csrf_token": self._csrf},
                cookies=self._cookies,
                allow_redirects=False,
                timeout=20,
            )
        except requests.RequestException:
            return None
        if answer.status_code >= 500:
            return None
        if answer.status_code != 303:
            told = re.findall(r'class="[^"]*error[^"]*"[^>]*>(.*?)<', answer.text)
            raise AssertionError(f"{answer.status_code}: {told}")
        return answer.headers["Location"]


def hire(count: int, addresses: Sequence[str]) -> list[Writer]:
    """Make so many clerks of one body: their numbers come from one counter."""
    with db.transaction() as session:
        town = factories.body(session)
        people = [factories.person(session, Role.CLERK, town) for _ in range(count)]
        tokens = [factories.sign_in(session, each, town) for each in people]
    return [Writer(f"担当{n}", addresses, token) for n, token in enumerate(tokens, 1)]


def longest_silence(writers: Sequence[Writer], since: float) -> float:
    """Return the seconds from a moment until the first project was opened, all together."""
    later = [moment for each in writers for moment in each.moments if moment > since]
    return min(later, default=float("inf")) - since


def dismiss(writers: Sequence[Writer]) -> None:
    """Let everybody finish the form at hand."""
    for each in writers:
        each.stopped.set()
    for each in writers:
        each.join()


def count_lost_and_doubled(writers: Sequence[Writer]) -> tuple[int, int]:
    """Hold what the clerks were told against the rows, their numbers and the audit trail."""
    with db.reading() as session:
        rows = session.execute(text("SELECT id, title, number FROM projects")).all()
        acts = session.execute(
            text("SELECT subject_id FROM audit_events WHERE action = 'project.create'")
        )
        noted = Counter(str(each).replace("-", "") for each in acts.scalars())
        problems = audit_checkpoints.verify(session).problems
    held = Counter(title for _, title, _ in rows)
    told = {title: place for each in writers for title, place in each.told.items()}
    lost = sum(title not in held for title in told) + len(problems)
    doubled = sum(count - 1 for count in held.values()) + len(set(held) - set(told))
    doubled += len(rows) - len({number for _, _, number in rows})
    ids = {str(row_id).replace("-", "") for row_id, _, _ in rows}
    lost += sum(not any(each in place.replace("-", "") for each in ids) for place in told.values())
    lost += len(ids - set(noted))
    doubled += sum(noted.values()) - len(ids)
    return lost + sum(len(each.faults) for each in writers), doubled
