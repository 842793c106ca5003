"""Posted values and errors from a marshmallow schema, kept for re-display."""

import hashlib
import hmac
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar, cast

from flask import current_app
from marshmallow import Schema, ValidationError, fields
from sqlmodel import Session
from werkzeug.datastructures import MultiDict

from core import japanese
from core.db import transaction
from core.errors import BadRequest, DomainError, GuardFailed, Invalid, StaleVersion, TooMany
from core.fields import Day, label_of
from core.form_keys import KEY, Made, make_key, make_once

T = TypeVar("T")
_DATE_PARTS = ("era", "year", "month", "day")
_AT_THE_FOOT = ("confirmed", "password")
DRAFT_MARK = "draft_mark"
_IGNORED = frozenset({"csrf_token", DRAFT_MARK, KEY})
_SECRET = "password"  # noqa: S105 - part of the names of fields whose value is never shown
_WORTH_COPYING = 10  # characters; version numbers and short names are quickly typed again
# Ids, checksums and codes of choices: the page fills them in, nobody types them.
_MACHINE_MADE = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,}|[a-z][a-z0-9_]*"
)
_INVALID, _STALE, _CONFLICT, _TOO_MANY = 422, 412, 409, 429


class Form:
    """Values as typed, errors beside their fields, and the loaded data when all is well.

    `posted` None shows the page for the first time with `initial` values.
    """

    def __init__(
        self,
        schema: Schema,
        posted: MultiDict[str, str] | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self.schema = schema
        self.posted = posted
        self.initial = dict(initial or {})
        self.errors: dict[str, str] = {}
        self.extra_summary: list[tuple[str, str]] = []
        self.conflict: dict[str, Any] | None = None
        self.draft: MultiDict[str, str] | None = None
        self.draft_until = ""
        self.draft_mark = 0 if posted is None else posted.get(DRAFT_MARK, 0, type=int)
        self.afterwards: list[Callable[[Session], None]] = []  # in the transaction of the act
        self._overrides: dict[str, str] = {}
        self.data: dict[str, Any] = {}
        self.status = 200

    @property
    def is_posted(self) -> bool:
        """Tell whether somebody sent values."""
        return self.posted is not None

    @property
    def keeps_drafts(self) -> bool:
        """Tell whether what is typed may be kept: somebody forgets it when it is saved."""
        return bool(self.afterwards)

    @property
    def summary(self) -> list[tuple[str, str]]:
        """Return (anchor id, sentence) for the error summary, in the order of the fields.

        The box and the password of a confirm page stand at its foot, wherever they are declared.
        """
        declared = sorted(self.schema.fields, key=_AT_THE_FOOT.__contains__)
        order = {name: index for index, name in enumerate(declared)}
        names = sorted(self.errors, key=lambda name: order.get(name, len(order)))
        return [(f"f-{name}", self.errors[name]) for name in names] + self.extra_summary

    def value(self, name: str) -> str:
        """Return the value to show in a field, or in one part of a date (NAME-era, NAME-year, …)."""
        if name in self._overrides:
            return self._overrides[name]
        sent = self.draft if self.posted is None else self.posted
        if sent is not None:
            return sent.get(name, "")
        base, _, part = name.rpartition("-")
        if part in _DATE_PARTS and isinstance(self.initial.get(base), date):
            return _date_part(self.initial[base], part)
        return _shown(self.initial.get(name))

    def values(self, name: str) -> list[str]:
        """Return the values to show in a group of boxes."""
        sent = self.draft if self.posted is None else self.posted
        if sent is not None:
            return sent.getlist(name)
        value = self.initial.get(name)
        if value is None:
            return []
        several = isinstance(value, list | tuple | set | frozenset)
        return [_shown(item) for item in (value if several else [value])]

    @property
    def key(self) -> str:
        """Return the one-time key that the page sends along, the same until something was made."""
        return self._overrides.setdefault(
            KEY, make_key(None if self.posted is None else self.posted.get(KEY))
        )

    def error(self, name: str) -> str | None:
        """Return the sentence for a field."""
        return self.errors.get(name)

    def validate(self) -> bool:
        """Load the posted values; on failure the errors are kept and the status is 422."""
        doubled = self._name_doubled()
        try:
            self.data = self.schema.load(self._raw())
        except ValidationError as error:
            self._take_messages(cast("dict[str, Any]", error.messages))
            self.status = _INVALID
            self.errors.update(doubled)
            return False
        if doubled:
            self.errors.update(doubled)
            self.status = _INVALID
        return not doubled

    def submit(self, act: Callable[[Session, dict[str, Any]], T]) -> T | None:
        """Validate, then act in one transaction; None when something has to be mended first.

        Invalid, GuardFailed and StaleVersion are shown on the page; other errors are raised.
        """
        if not self.validate():
            return None
        try:
            with transaction() as session:
                made = act(session, self.data)
                for each in self.afterwards:
                    each(session)
                return made
        except (Invalid, GuardFailed, StaleVersion) as error:
            self.refuse(error)
            return None

    def submit_once(
        self, person_id: uuid.UUID | None, act: Callable[[Session, dict[str, Any]], tuple[str, ...]]
    ) -> Made | None:
        """Submit a form that makes something: the same form sent again leads to what the first made.

        `act` returns the address of what it made and the words of the notice. None when something
        has to be mended; a form sent again with other words is shown once more, with a fresh key.
        """
        posted: MultiDict[str, str] = self.posted if self.posted is not None else MultiDict()
        key = self.key
        content = [
            (name, _seal(key, value) if _SECRET in name else value)
            for name, value in posted.items(multi=True)
            if name not in _IGNORED
        ]
        made = self.submit(
            lambda session, data: make_once(
                session, (key, person_id), content, lambda: act(session, data)
            )
        )
        if made is not None and made.is_other:
            self._overrides[KEY] = make_key(None)
            self.refuse(GuardFailed([("main", made.sentence)]))
            return None
        return made

    def show_draft(self, typed: MultiDict[str, str], mark: int, until: str) -> None:
        """Show what was typed before and not saved, instead of what is stored; `until` says how long."""
        self.draft, self.draft_mark, self.draft_until = typed, mark, until

    def show(self, name: str, value: str) -> None:
        """Show a value in a field instead of what was typed, e.g. the full name of what was meant."""
        self._overrides[name] = value

    def refuse(self, error: DomainError) -> None:
        """Show a refusal on the page."""
        self.status = _INVALID
        if isinstance(error, Invalid):
            self.errors.update(error.errors)
        elif isinstance(error, GuardFailed):
            self.extra_summary.extend(error.reasons)
        elif isinstance(error, StaleVersion):
            self.status = _STALE
            self._show_conflict(error.current)
        else:
            self.status = _TOO_MANY if isinstance(error, TooMany) else _CONFLICT
            self.extra_summary.append(("main", error.message))

    def _show_conflict(self, current: Mapping[str, Any]) -> None:
        rows = []
        for name, field in self.schema.fields.items():
            if name == "version" or name not in current:
                continue
            mine = "、".join(self._typed(name))
            theirs = current[name]
            values = [_shown(item) for item in (theirs if isinstance(theirs, list) else [theirs])]
            if mine != "、".join(values):
                rows.append(
                    {
                        "name": name,
                        "label": label_of(field),
                        "mine": mine,
                        "theirs": "、".join(values),
                        "values": values,
                    }
                )
        self.conflict = {"by": None, "at": None, "rows": rows}
        if "version" in current:
            self._overrides["version"] = str(current["version"])

    def _typed(self, name: str) -> list[str]:
        loaded = self.data.get(name)
        return [_shown(item) for item in (loaded if isinstance(loaded, list) else [loaded])]

    def _keep_theirs(self) -> MultiDict[str, str]:
        """Return the posted values, with the other person's where the reader chose to keep them."""
        chosen: MultiDict[str, str] = self.posted if self.posted is not None else MultiDict()
        posted = MultiDict(chosen)
        for name in [key for key in posted if key.startswith(("keep-", "theirs-"))]:
            values = posted.poplist(name)
            kind, _, target = name.partition("-")
            if kind == "theirs" and chosen.get(f"keep-{target}") == "theirs":
                for part in ("", *(f"-{p}" for p in _DATE_PARTS)):
                    posted.poplist(target + part)
                posted.setlist(target, values)
        return posted

    def _raw(self) -> dict[str, Any]:
        if self.posted is not None:
            self.posted = self._keep_theirs()
        posted = self.posted if self.posted is not None else MultiDict()
        raw: dict[str, Any] = {}
        for name in posted:
            base, _, part = name.rpartition("-")
            if name in _IGNORED or (part in _DATE_PARTS and base in self.schema.fields):
                continue
            field = self.schema.fields.get(name)
            if isinstance(field, fields.List):
                raw[name] = [value for value in posted.getlist(name) if value != ""]
            elif self._is_blank(field, posted.get(name, "")):
                continue
            else:
                raw[name] = posted.get(name)
        for name, field in self.schema.fields.items():
            if isinstance(field, Day) and f"{name}-year" in posted:
                written = _join_date(posted, name)
                if written:
                    raw[name] = written
        return raw

    def _name_doubled(self) -> dict[str, str]:
        """Return a sentence for every field of one value that was sent several times."""
        posted: MultiDict[str, str] = self.posted if self.posted is not None else MultiDict()
        found = {}
        for name, values in posted.lists():
            base, _, part = name.rpartition("-")
            owner = base if part in _DATE_PARTS and base in self.schema.fields else name
            field = self.schema.fields.get(owner)
            if len(values) > 1 and field is not None and not isinstance(field, fields.List):
                seen = "" if _SECRET in name else "".join(f"「{value}」" for value in values)
                found[owner] = (
                    f"{label_of(field)}が{len(values)}回送られました{seen and f'（{seen}）'}。"
                    "一つだけにして、送り直してください。"
                )
        return found

    @staticmethod
    def _is_blank(field: fields.Field[Any] | None, value: str) -> bool:
        return field is not None and value.strip() == ""

    def _take_messages(self, messages: Mapping[str, Any]) -> None:
        for name, message in messages.items():
            sentence = first_sentence(message)
            if name not in self.schema.fields:
                self.extra_summary.append(("main", f"「{name}」という項目は受け付けていません。"))
            else:
                self.errors[name] = sentence


def read_address(schema: Schema, arguments: MultiDict[str, str]) -> dict[str, Any]:
    """Load the parameters of a page's address; raises BadRequest naming what is unknown or doubled.

    Blank values count as not given.
    """
    raw: dict[str, Any] = {}
    for name, given in arguments.lists():
        field = schema.fields.get(name)
        kept = [value for value in given if value.strip()]
        if field is None:
            raise BadRequest(
                f"「{name}」という指定はありません。アドレスを確かめて、やり直してください。"
            )
        if isinstance(field, fields.List):
            raw[name] = kept
        elif len(kept) > 1:
            raise BadRequest(f"「{name}」は一つだけ指定してください。")
        elif kept:
            raw[name] = kept[0]
    try:
        loaded: dict[str, Any] = schema.load(raw)
    except ValidationError as error:
        name, message = min(error.messages_dict.items())
        sentence = f"{label_of(schema.fields[name])}（{name}）：{first_sentence(message)}"
        raise BadRequest(sentence) from error
    return loaded


def _seal(key: str, password: str) -> str:
    """Return what tells whether a form came again with the same password, and nothing else of it."""
    secret = str(current_app.secret_key).encode()
    return hmac.new(secret, f"{key} {password}".encode(), hashlib.sha256).hexdigest()


def list_sent(posted: MultiDict[str, str]) -> list[list[str]]:
    """Return the fields of a form that are worth keeping; never a password, nor what no database holds."""
    return [
        [name.replace("\x00", ""), value.replace("\x00", "")]
        for name, value in posted.items(multi=True)
        if name not in _IGNORED and _SECRET not in name
    ]


def list_typed(posted: MultiDict[str, str]) -> list[str]:
    """Return what a form held in words; never a password, nor what the page filled in itself."""
    typed = []
    for name, given in posted.items(multi=True):
        value = given.strip()
        if name in _IGNORED or _SECRET in name or len(value) < _WORTH_COPYING:
            continue
        if not _MACHINE_MADE.fullmatch(value):
            typed.append(value)
    return typed


def _join_date(posted: MultiDict[str, str], name: str) -> str:
    era, *numbers = (posted.get(f"{name}-{part}", "").strip() for part in _DATE_PARTS)
    if not any(numbers):
        return ""
    year, month, day_of_month = numbers
    prefix = "令和" if era == "reiwa" else ""
    return f"{prefix}{year}年{month}月{day_of_month}日"


def _date_part(value: date, part: str) -> str:
    era, year = japanese.era_year(value)
    is_reiwa = era == "令和"
    parts = {
        "era": "reiwa" if is_reiwa else "western",
        "year": str(year if is_reiwa else value.year),
        "month": str(value.month),
        "day": str(value.day),
    }
    return parts[part]


def first_sentence(message: Any) -> str:
    """Return the first sentence of what a schema complains of, however deep: of a field, of a list's item."""
    while isinstance(message, Mapping):
        message = next(iter(message.values()))
    while isinstance(message, list):
        message = message[0]
    return str(message)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, StrEnum):
        return str(value.value)
    return str(value)
