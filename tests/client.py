"""A client that checks every page it fetches and fills forms as a browser would."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element

from flask.testing import FlaskClient
from sqlalchemy import Engine, event
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.ocds_checks import package_problems
from tests.page_checks import (
    fragment_problems,
    header_problems,
    page_problems,
    parse_page,
    text_of,
    unsendable,
)

QUERY_BUDGET = 25
_READS_AND_WRITES = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_RELEASE_PACKAGES = "/api/v1/notices"
_CLOCK = "SELECT clock_timestamp()"


@contextmanager
def recorded_statements() -> Iterator[list[str]]:
    """Collect the SQL of every engine of this process, without transaction control and clock."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if _READS_AND_WRITES.match(statement) and statement.strip() != _CLOCK:
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


class CheckedClient(FlaskClient):
    """One person's browser without scripts.

    `statements` holds the SQL of the last request; `query_budget` is how many a page may use.
    """

    query_budget = QUERY_BUDGET

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.statements: list[str] = []

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request; fails the test when the page breaks what all pages keep."""
        follow = kwargs.pop("follow_redirects", False)
        kwargs.setdefault("buffered", True)  # read to the end and closed, as by a server
        with recorded_statements() as statements:
            response = super().open(*args, **kwargs)
        self.statements = statements
        self._check(response)
        if follow:
            for _ in range(10):
                if response.status_code not in {301, 302, 303, 307, 308}:
                    break
                response = self.get(response.location)
        return response

    def business_statements(self, *tables_of_sign_in: str) -> list[str]:
        """Return the last request's SQL without statements that read only the given tables."""
        return [
            statement
            for statement in self.statements
            if not set(re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+\"?(\w+)", statement))
            <= set(tables_of_sign_in)
        ]

    def page(self, path: str, status: int = 200) -> Element:
        """Fetch a page and return its parsed tree; fails on another status."""
        response = self.whole(path)
        assert response.status_code == status, f"{path}: {response.status_code}, not {status}"
        return parse_page(response.text)

    def whole(self, path: str) -> TestResponse:
        """Fetch a page; where its address leaves words out, that of the whole address it leads to."""
        response = self.get(path)
        if response.status_code == 303 and urlsplit(response.location).path == urlsplit(path).path:
            return self.get(response.location)
        return response

    def submit(
        self,
        path: str,
        values: Mapping[str, Any] | None = None,
        *,
        action: str | None = None,
        button: str | None = None,
    ) -> TestResponse:
        """Open `path`, fill the one fitting form over what it already holds, and send it.

        `action` picks the form by the end of its address, `button` the button by its words.
        A value is a string, a list for repeated fields, or (stream, name) for a file. Fails when no
        form or several fit, or when a field is not on the form. Does not follow the redirect.
        """
        return self.prepare(path, values, action=action, button=button)()

    def prepare(
        self,
        path: str,
        values: Mapping[str, Any] | None = None,
        *,
        action: str | None = None,
        button: str | None = None,
    ) -> Callable[[], TestResponse]:
        """Open and fill the form as `submit` does; call what it returns to press the button."""
        form = _pick_form(self.page(path), values or {}, action, button)
        fields = filled(form, values or {})
        pressed = _pick_button(form, button)
        if pressed is not None and pressed.get("name"):
            fields.setlist(pressed.get("name", ""), [pressed.get("value", "")])
        target = pressed.get("formaction") if pressed is not None else None
        address = urlsplit(urljoin(path, target or form.get("action") or path))
        relative = address.path + (f"?{address.query}" if address.query else "")
        if form.get("method", "get").lower() == "get":
            return lambda: self.get(address.path, query_string=fields)
        return lambda: self.post(relative, data=fields, content_type=form.get("enctype"))

    def _check(self, response: TestResponse) -> None:
        request = f"{response.request.method} {response.request.path}"
        counted = self.statements
        if response.request.method == "POST":
            # The spine's last step, reading and writing what became public, is not the page's.
            counted = list(takewhile(lambda each: "FROM feed_state" not in each, counted))
        if response.status_code < 500 and len(counted) > self.query_budget:
            listing = "\n".join(f"  {' '.join(s.split())[:140]}" for s in counted)
            raise AssertionError(
                f"{request}: {len(counted)} SQL statements (budget "
                f"{self.query_budget}; marker query_budget(n)):\n{listing}"
            )
        if bad := unsendable(dict(response.headers)):
            raise AssertionError(f"{request}: {bad}")
        if response.request.path.startswith(_RELEASE_PACKAGES) and response.status_code == 200:
            assert not (wrong := package_problems(response.get_json())), f"{request}: {wrong}"
        if response.mimetype != "text/html" or response.status_code in {301, 302, 303, 307, 308}:
            return
        if response.request.method == "HEAD":
            return
        partial = response.request.headers.get("HX-Request") == "true"
        text = response.text
        problems = (
            fragment_problems(text) if partial and "<html" not in text else page_problems(text)
        )
        problems += header_problems(dict(response.headers))
        if problems:
            raise AssertionError(f"{request} ({response.status_code}):\n  " + "\n  ".join(problems))


def _pick_form(
    page: Element, values: Mapping[str, Any], action: str | None, button: str | None
) -> Element:
    forms = [form for form in page.iter("form") if set(values) <= _field_names(form)]
    if action is not None:
        forms = [form for form in forms if _ends_with(form, action)]
    elif len(forms) > 1:
        forms = [f for f in forms if f.get("method", "get").lower() == "post"] or forms
    if button is not None:
        forms = [form for form in forms if _buttons(form, button)]
    if len(forms) > 1:
        # Forms of the frame (sign-out, search) give way to those of the content.
        content = {id(form) for main in page.iter("main") for form in main.iter("form")}
        forms = [form for form in forms if id(form) in content] or forms
    if len(forms) != 1:
        on_page = [(f.get("action"), sorted(_field_names(f))) for f in page.iter("form")]
        raise AssertionError(
            f"{len(forms)} forms fit {sorted(values)}, action {action!r}, button {button!r};"
            f" on the page: {on_page}"
        )
    return forms[0]


def _ends_with(form: Element, action: str) -> bool:
    addresses = [form.get("action") or ""]
    addresses += [b.get("formaction") or "" for b in form.iter("button")]
    return any(urlsplit(address).path.endswith(action) for address in addresses)


def _field_names(form: Element) -> set[str]:
    fields = (e for e in form.iter() if e.tag in {"input", "select", "textarea", "button"})
    return {name for field in fields if (name := field.get("name"))}


def _buttons(form: Element, words: str) -> list[Element]:
    return [button for button in form.iter("button") if words in text_of(button)]


def _pick_button(form: Element, words: str | None) -> Element | None:
    if words is not None:
        return _buttons(form, words)[0]
    found = [b for b in form.iter("button") if b.get("type", "submit") == "submit"]
    return found[0] if found else None


def filled(form: Element, values: Mapping[str, Any]) -> MultiDict[str, Any]:
    """Return what a browser would send of a form, with the given values over those that it holds."""
    fields: MultiDict[str, Any] = MultiDict()
    for element in form.iter():
        name = element.get("name")
        if not name or name in values or element.get("disabled") is not None:
            continue
        for value in _present_values(element):
            fields.add(name, value)
    for name, value in values.items():
        repeated = isinstance(value, Sequence) and not isinstance(value, str | bytes | tuple)
        for one in value if repeated else [value]:
            if one is not None:
                fields.add(name, one)
    return fields


def _present_values(element: Element) -> list[str]:
    if element.tag == "textarea":
        return ["".join(element.itertext())]
    if element.tag == "select":
        options = list(element.iter("option"))
        chosen = [o for o in options if o.get("selected") is not None]
        if not chosen and element.get("multiple") is None:
            chosen = options[:1]
        return [o.get("value", text_of(o)) for o in chosen]
    if element.tag != "input":
        return []
    kind = element.get("type", "text")
    if kind in {"submit", "button", "reset", "image", "file"}:
        return []
    if kind in {"checkbox", "radio"} and element.get("checked") is None:
        return []
    return [element.get("value", "on" if kind in {"checkbox", "radio"} else "")]
