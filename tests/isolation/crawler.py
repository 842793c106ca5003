"""A reader who opens everything a site offers: each link, GET form, format and page of the API."""

import functools
import gzip
import hashlib
import html
import io
import itertools
import json
import re
import zipfile
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit
from xml.etree.ElementTree import Element

from flask.testing import FlaskClient
from pypdf import PdfReader
from werkzeug.test import TestResponse

from tests.client import filled
from tests.page_checks import parse_page

ORIGIN = "http://localhost"
REQUEST_ID = "isolation-0000-0000-0000-000000000000"
FORMATS = ("csv", "xlsx", "json")
ACCEPTS = ("application/json", "text/csv")
MEMBER = "\ue000file\ue000"  # begins each file of a ZIP, with its name
_VOLATILE = re.compile(r'(name="(?:csrf_token|form_key)"[^>]*value="|nonce[-=]"?)[^"\'\s;]+')
_FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)
_LINK = re.compile(r'\b(?:href|src|hx-get|data-url)="([^"]+)"')
_IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PAGE = '<!doctype html><html lang="ja"><head><title>x</title></head><body>{}</body></html>'
_HEADERS = {"date", "set-cookie", "content-length", "expires", "ratelimit"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one address, as words that can be searched."""

    status: int
    kind: str
    headers: str
    body: str

    @property
    def words(self) -> str:
        """Headers and body."""
        return f"{self.status}\n{self.headers}\n{self.body}"


@dataclass
class Crawler:
    """One person's walk through the site; `answers` by what was asked.

    Of addresses of one shape (a requirement each, a listing each) so many are opened as `most_alike`,
    and with so many questions as `most_questions`: facets multiply without end. One of each shape is
    asked for `in_every_form`.
    """

    browser: FlaskClient
    most_alike: int = 2
    most_questions: int = 6
    in_every_form: bool = True
    token: str = ""  # of a program, which reads nothing but the API
    answers: dict[str, Answer] = field(default_factory=dict)
    text_fields: dict[tuple[str, str], str] = field(default_factory=dict)
    _queue: deque[str] = field(default_factory=deque)
    _known: set[str] = field(default_factory=set)
    _questions: Counter[str] = field(default_factory=Counter)
    _shapes: Counter[str] = field(default_factory=Counter)
    _forms: set[str] = field(default_factory=set)

    def anew(self) -> "Crawler":
        """Return the same person before the first step."""
        kept = (self.most_alike, self.most_questions, self.in_every_form)
        return Crawler(self.browser, *kept, self.token)

    def ask(self, address: str, method: str = "GET", **headers: str) -> Answer:
        """Send one request and read what came back, whatever its format."""
        sent = {"X-Request-ID": REQUEST_ID, **headers}
        # The pages themselves are judged elsewhere: here they are only read.
        # Without a body a form is refused before anything looks at it.
        more: dict[str, Any] = {"data": {"csrf_token": "none"} if method == "POST" else None}
        if self.token:
            sent |= {"Authorization": f"Bearer {self.token}"}
            sent |= {} if method == "GET" else {"If-Match": '"x"'}
            sent["Idempotency-Key"] = hashlib.sha256(f"{method} {address}".encode()).hexdigest()
            more = {} if method in {"GET", "DELETE"} else {"json": {}}
        response = FlaskClient.open(self.browser, address, method=method, headers=sent, **more)
        try:
            return _read(response)
        finally:
            response.close()

    def walk(self, *starts: str) -> "Crawler":
        """Open everything that can be reached from these addresses."""
        for start in starts:
            self._meet(start)
        while self._queue:
            address = self._queue.popleft()
            answer = self.answers[address] = self.ask(address)
            for found in _links(answer, address):
                self._meet(urljoin(ORIGIN + address, found))
            if answer.kind == "text/html" and answer.status == 200:
                self._read_forms(answer, address)
            if self.in_every_form and "?" not in address and answer.status == 200:
                self._ask_in_other_forms(address)
        return self

    def _meet(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.netloc not in {"", "localhost"} or parts.path.startswith("/static/"):
            return
        if self.token and not parts.path.startswith("/api/"):
            return
        here = parts.path + (f"?{parts.query}" if parts.query else "")
        if here in self._known:
            return
        self._known.add(here)
        if parts.query:
            shape = _shape(parts.path)
            self._questions[shape] += 1
            if self._questions[shape] > self.most_questions:
                return
        else:
            shape = _shape(parts.path)
            self._shapes[shape] += 1
            if self._shapes[shape] > self.most_alike:
                return
        self._queue.append(here)

    def _ask_in_other_forms(self, path: str) -> None:
        shape = _shape(path)
        is_file = "." in path.rsplit("/", 1)[-1] and not path.startswith("/specifications")
        if self._shapes[f"forms {shape}"] or is_file:
            return
        self._shapes[f"forms {shape}"] += 1
        for name in FORMATS:
            self._queue.append(f"{path}?format={name}")
        for accepted in ACCEPTS:
            self.answers[f"{path} as {accepted}"] = self.ask(path, Accept=accepted)

    def _read_forms(self, answer: Answer, address: str) -> None:
        for source in _FORM.findall(answer.body):
            # The frame's forms are on every page, and a form read once offers nothing new.
            if 'method="post"' in source or source in self._forms:
                continue
            self._forms.add(source)
            form = next(parse_page(_PAGE.format(source)).iter("form"))
            target = urlsplit(urljoin(ORIGIN + address, form.get("action") or address)).path
            fields = list(filled(form, {}).items(multi=True))
            self._meet(f"{target}?{urlencode(fields)}")
            for name, value in _choices(form):
                kept = [pair for pair in fields if pair[0] != name]
                self._meet(f"{target}?{urlencode([*kept, (name, value)])}")
            self.text_fields.update({(_shape(target), name): target for name in _typed(form)})


def _shape(path: str) -> str:
    return re.sub(r"NRB-\w+|(?<=%)\w\w|\d+", "0", _IDS.sub("id", path))


def _read(response: TestResponse) -> Answer:
    headers = "\n".join(
        f"{name}: {value}" for name, value in response.headers if name.lower() not in _HEADERS
    )
    body = _as_words(response.get_data())
    return Answer(
        response.status_code,
        response.mimetype,
        _VOLATILE.sub(r"\1", headers),
        _VOLATILE.sub(r"\1", body),
    )


@functools.lru_cache(maxsize=500)
def _as_words(data: bytes) -> str:
    """Return what a person finds in a file: unpacked, and read page by page where it is a PDF."""
    if data[:2] == b"\x1f\x8b":
        return _as_words(gzip.decompress(data))
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = sorted(archive.namelist())
            # A word processor's file or a workbook is one text, whatever it is packed of.
            begin = "" if "[Content_Types].xml" in names else f"{MEMBER}{{}}\n"
            return "\n".join(begin.format(n) + _as_words(archive.read(n)) for n in names)
    if data[:5] == b"%PDF-":
        reader = PdfReader(io.BytesIO(data))
        pages = "\n".join(page.extract_text() for page in reader.pages)
        return f"{dict(reader.metadata or {})}\n{pages}"
    return data.decode("utf-8", "replace")


def _links(answer: Answer, address: str) -> Iterator[str]:
    for line in answer.headers.splitlines():
        name, _, value = line.partition(": ")
        if name.lower() == "location":
            yield value
        if name.lower() == "link":
            yield from re.findall(r"<([^>]+)>", value)
    if answer.kind == "text/html":
        for value in _LINK.findall(answer.body):
            if not value.startswith(("#", "mailto:")):
                yield html.unescape(value)
    elif "json" in answer.kind and address != "/api/v1/openapi.json":
        for line in answer.body.splitlines():
            try:
                yield from _addresses(json.loads(line))
            except ValueError:
                yield from re.findall(rf'"((?:{ORIGIN})?/[^"\s]*)"', line)


def _addresses(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _addresses(each)
    elif isinstance(value, str) and value.startswith(("/", ORIGIN)):
        yield value


def _choices(form: Element) -> Iterator[tuple[str, str]]:
    for element in form.iter():
        name = element.get("name")
        if not name:
            continue
        if element.tag == "select":
            options = element.iter("option")
            yield from ((name, o.get("value", "".join(o.itertext()))) for o in options)
        elif element.tag == "button" or element.get("type") in {"checkbox", "radio"}:
            yield name, element.get("value", "on")


def _typed(form: Element) -> list[str]:
    fields = itertools.chain(form.iter("input"), form.iter("textarea"))
    typed = {None, "text", "search", "number"}
    return [f.get("name", "") for f in fields if f.get("type") in typed and f.get("name")]
