"""One-time keys of forms that make something: a double click makes it once."""

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Index, Table, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import class_mapper
from sqlmodel import Field, Session

from core.db import now
from core.japanese import format_datetime
from core.models import Model

KEY = "form_key"
_KEPT = timedelta(days=2)  # longer than anybody leaves a form open; older keys are forgotten


class FormPosting(Model, table=True):
    """A form that made something; the id is its key and the person, `location` is what it made."""

    __tablename__ = "form_postings"
    __table_args__ = (Index("ix_form_postings_created_at", "created_at"),)

    content_sha256: str = Field(max_length=64)
    location: str = Field(default="", max_length=500)


@dataclass(frozen=True, slots=True)
class Made:
    """Where a form led: `notice` when this posting made it, none when one before did.

    `is_other` tells that the posting before said something else.
    """

    location: str
    at: datetime
    notice: tuple[str, ...] = ()
    is_other: bool = False

    @property
    def is_repeat(self) -> bool:
        """Tell whether an earlier posting of the form made it."""
        return not self.notice

    @property
    def sentence(self) -> str:
        """What a reader is told whose form was sent before with other words."""
        return (
            f"この画面からの登録は、{format_datetime(self.at)}に終わっています。"
            "登録したものを直すときは、それを開いて変更してください。"
            "この内容でもう一つ登録するときは、もう一度送信してください。"
        )


def make_key(posted: str | None) -> str:
    """Return the key that a page sent, or a new one when it sent none of ours."""
    try:
        return uuid.UUID(posted or "").hex
    except ValueError:
        return uuid.uuid4().hex


def make_once(
    session: Session,
    owner: tuple[str, uuid.UUID | None],
    content: Sequence[tuple[str, str]],
    act: Callable[[], tuple[str, ...]],
) -> Made:
    """Act unless this key of this person has led somewhere already; both clicks at once, too.

    `owner` is key and person; `act` returns the address of what it made and the words of the notice.
    """
    key, person_id = owner
    row_id = uuid.uuid5(uuid.UUID(key), str(person_id))
    digest = hashlib.sha256(json.dumps(sorted(content)).encode()).hexdigest()
    is_first = claim(session, FormPosting, row_id, _KEPT, content_sha256=digest, location="")
    row = session.get_one(FormPosting, row_id)
    if not is_first:
        return Made(row.location, row.created_at, is_other=row.content_sha256 != digest)
    location, *notice = act()
    row.location = location
    return Made(location, row.created_at, tuple(notice))


def claim(
    session: Session, model: type[Model], row_id: uuid.UUID, kept: timedelta, **values: Any
) -> bool:
    """Write a one-time key down as a row of its table; False for whoever comes second.

    That one waits for the first to commit. Keys older than `kept` are forgotten on the way.
    """
    table = cast("Table", class_mapper(model).local_table)
    dialect = session.get_bind().dialect.name
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    moment = now(session)
    session.execute(delete(table).where(table.c.created_at < moment - kept))
    row = {"id": row_id, "created_at": moment, "updated_at": moment, "version": 1, **values}
    statement = insert(table).values(**row).on_conflict_do_nothing(index_elements=[table.c.id])
    return session.execute(statement.returning(table.c.id)).first() is not None
