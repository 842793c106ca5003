"""What nobody may learn of one purchase, planted as unmistakable values, and a search for it anywhere.

Words and amounts are looked for in flattened text: full width or not, with or without commas, broken
by a line or by the runs of a word processor's file.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from core import db
from core.models import metadata
from tests.isolation.crawler import FORMATS, MEMBER, Answer, Crawler

_BROKEN = re.compile(r"[\s,、]+")
_TAGS = re.compile(r"</?[a-zA-Z][^<>]*>")
_END = "accounts.sign_out"
_FILE = re.compile(r"filename\*=UTF-8''(\S+)")
_PLACE = re.compile(r"<(?:[^<>]*:)?(\w+)>")


def flatten(text: str) -> str:
    """Return a text without what may stand inside a word or an amount."""
    return _BROKEN.sub("", unicodedata.normalize("NFKC", text))


@dataclass(frozen=True)
class Canary:
    """One secret: every form of it, and the roles that may meet it."""

    name: str
    forms: frozenset[str]
    readers: frozenset[str] = frozenset()

    def is_in(self, flat: str) -> bool:
        """Tell whether any form of it stands in a flattened text."""
        return any(form in flat for form in self.forms)


def amounts(name: str, *numbers: int, readers: Iterable[str] = ()) -> Canary:
    """Make a canary of amounts that occur nowhere else."""
    return Canary(name, frozenset(map(str, numbers)), frozenset(readers))


def words(name: str, *texts: str, readers: Iterable[str] = ()) -> Canary:
    """Make a canary of words that occur nowhere else."""
    return Canary(name, frozenset(map(flatten, texts)), frozenset(readers))


@dataclass(frozen=True)
class Allowed:
    """Where some who are not on a canary's list may meet it all the same, and by which rule."""

    readers: frozenset[str]
    canary: str
    place: str
    reason: str

    def covers(self, who: str, canary: str, place: str) -> bool:
        """Tell whether this person may meet this canary at this place."""
        return who in self.readers and canary.startswith(self.canary) and self.place in place


@dataclass
class Watch:
    """All canaries, and every place where one was met."""

    canaries: list[Canary]
    allowed: list[Allowed] = field(default_factory=list)
    met: dict[str, set[str]] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    asked: int = 0

    def look(self, who: str, place: str, text: str) -> None:
        """Search one text; what this role may not meet is a leak."""
        self.asked += 1
        self._search(who, place, text)

    def look_at(self, who: str, place: str, answer: Answer) -> None:
        """Search what came back for an address, headers too, and each file of a ZIP by its name."""
        self.asked += 1
        place = f"{answer.kind} {answer.status} {place}"
        named = _FILE.search(answer.headers)
        place += f" [{unquote(named[1])}]" if named else ""
        whole, *members = answer.words.split(MEMBER)
        self._search(who, place, whole)
        for each in members:
            self._search(who, f"{place} {each.partition(chr(10))[0]}", each)

    def _search(self, who: str, place: str, text: str) -> None:
        for each in self._meet(text):
            self.met.setdefault(f"{who}: {each.name}", set()).add(place)
            leak = f"{who}: {place} tells {each.name}"
            if who in each.readers or leak in self.leaks:
                continue
            if not any(rule.covers(who, each.name, place) for rule in self.allowed):
                self.leaks.append(leak)

    def _meet(self, text: str) -> list[Canary]:
        # A value in a file of runs or cells may be broken by its tags.
        flats = {flatten(text), flatten(_TAGS.sub("", text))}
        return [each for each in self.canaries if any(each.is_in(flat) for flat in flats)]


def addresses(app: Flask, known: dict[str, list[str]]) -> Iterator[tuple[Rule, str]]:
    """Give every address in whose places these rows can stand, and those that need none."""
    for rule in app.url_map.iter_rules():
        names = [name for name in _PLACE.findall(rule.rule) if name in rule.arguments]
        if rule.endpoint == "static" or not all(known.get(name) for name in names):
            continue
        for at in range(max((len(known[name]) for name in names), default=1)):
            path = rule.rule
            for name in names:
                path = re.sub(rf"<(?:[^<>]*:)?{name}>", known[name][at % len(known[name])], path)
            yield rule, path


def ask_everything(
    watch: Watch, who: str, crawler: Crawler, app: Flask, known: dict[str, list[str]],
    *, is_wanted: Callable[[Rule, str], bool],
) -> None:  # fmt: skip
    """Open and send every address as this person, and lists in every form they come in.

    Signing out ends the walk: whoever asks on is nobody.
    """
    found = sorted(addresses(app, known), key=lambda each: each[0].endpoint == _END)
    for rule, path in found:
        for method in sorted({"GET", "POST"} & (rule.methods or set())):
            if is_wanted(rule, method):
                watch.look_at(who, f"{method} {rule.rule}", crawler.ask(path, method))
        has_forms = "GET" in (rule.methods or ()) and not rule.arguments
        if has_forms and is_wanted(rule, "in every form"):
            for form in FORMATS:
                watch.look_at(who, f"{rule.rule} as {form}", crawler.ask(f"{path}?format={form}"))


def look_into_rows(watch: Watch, *, without: Iterable[str] = ()) -> None:
    """Search every table as somebody does who holds the database but not the key of the seals."""
    with db.reading() as session:
        for table in metadata.sorted_tables:
            if table.name in without:
                continue
            for row in session.execute(sa.select(table)):
                watch.look("whoever holds the database", f"table {table.name}", _plain(row))


def _plain(row: Any) -> str:
    return " ".join(
        each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in row
    )
