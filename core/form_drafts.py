"""What a person typed into a page and has not saved: kept while typing, shown again, forgotten when saved.

A page takes part by calling `keep_typed` right after it made its form, and by `forms.autosave(form)`
in its template. Nobody but the person ever sees a draft, and it counts for nothing.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Index, UniqueConstraint, delete
from sqlmodel import Field, Session, col, select
from werkzeug.datastructures import MultiDict

from core import web
from core.clock import JST
from core.db import now, transaction
from core.errors import StaleVersion, TooLarge
from core.forms import Form, list_sent
from core.models import JSONType, Model

DRAFT_DAYS = 60
MOST_DRAFTS = 200  # of one person; the oldest is forgotten first
LONGEST_DRAFT = 200_000  # characters


class FormDraft(Model, table=True):
    """The fields of one page as a person typed them; `version` rises with each keeping."""

    __tablename__ = "form_drafts"
    __table_args__ = (
        UniqueConstraint("person_id", "address"),
        Index("ix_form_drafts_updated_at", "updated_at"),
    )

    person_id: uuid.UUID = Field(foreign_key="people.id")
    address: str = Field(max_length=300)
    typed: list[list[str]] = Field(sa_type=JSONType)


def keep_typed(form: Form, person_id: uuid.UUID | None) -> ResponseReturnValue | None:
    """Answer a keeping or a forgetting; else show what was typed before, and forget it once saved.

    `?draft=keep` is sent while typing and answered in JSON with the time and the mark that the next
    keeping sends along; 412 when another tab kept something since. `?draft=forget` is a button.
    """
    asked = request.args.get("draft") if form.posted is not None else None
    if person_id is None:
        return None
    if asked == "keep":
        return _keep(person_id, form.posted or MultiDict())
    address = request.path
    if asked == "forget":
        with transaction() as session:
            forget(session, person_id, address)
        web.leave_notice("done", "書きかけを取り消しました", "保存されている内容を表示しています。")
        return web.see_other(address)
    form.afterwards.append(lambda session: forget(session, person_id, address))
    if not form.is_posted:
        row = find_draft(web.read_session(), person_id, address)
        if row is not None:
            form.show_draft(typed_of(row), row.version)
    return None


def read_typed(person_id: uuid.UUID | None) -> MultiDict[str, str]:
    """Return what a person typed into the page of this request and has not saved; empty when nothing."""
    if person_id is None or request.method != "GET":
        return MultiDict()
    row = find_draft(web.read_session(), person_id, request.path)
    return typed_of(row) if row is not None else MultiDict()


def find_draft(session: Session, person_id: uuid.UUID, address: str) -> FormDraft | None:
    """Return what a person typed into a page and has not saved."""
    statement = select(FormDraft).where(
        FormDraft.person_id == person_id, FormDraft.address == address
    )
    return session.exec(statement).first()


def mark_tasks(
    session: Session, person_id: uuid.UUID | None, tasks: Sequence[dict[str, Any]]
) -> None:
    """Say in a task list on which of its pages this person typed something that is not saved."""
    hrefs = [task["href"] for task in tasks if task.get("href")]
    if person_id is None or not hrefs:
        return
    statement = select(FormDraft.address).where(
        FormDraft.person_id == person_id, col(FormDraft.address).in_(hrefs)
    )
    typed = set(session.exec(statement).all())
    for task in tasks:
        if task.get("href") in typed:
            task.update(status="in_progress", status_text="書きかけ（未保存）")


def typed_of(row: FormDraft) -> MultiDict[str, str]:
    """Return the fields of a draft as a form sends them."""
    return MultiDict([(name, value) for name, value in row.typed])


def keep(
    session: Session, person_id: uuid.UUID, address: str, typed: list[list[str]], mark: int
) -> FormDraft:
    """Keep what was typed into a page; `mark` is the draft's version that the page last saw, or 0.

    Raises StaleVersion when another tab kept something since, TooLarge beyond LONGEST_DRAFT.
    """
    if sum(len(name) + len(value) for name, value in typed) > LONGEST_DRAFT:
        raise TooLarge("長すぎるため、書きかけを保存できません。")
    row = find_draft(session, person_id, address)
    if (row.version if row else 0) != mark:
        raise StaleVersion
    if row is None:
        _make_room(session, person_id)
        row = FormDraft(person_id=person_id, address=address, typed=typed)
        session.add(row)
    else:
        row.revise(version=mark, typed=typed)
    session.flush()
    return row


def forget(session: Session, person_id: uuid.UUID, address: str) -> None:
    """Forget what a person typed into a page."""
    row = find_draft(session, person_id, address)
    if row is not None:
        session.delete(row)


def _make_room(session: Session, person_id: uuid.UUID) -> None:
    session.execute(
        delete(FormDraft).where(
            col(FormDraft.updated_at) < now(session) - timedelta(days=DRAFT_DAYS)
        )
    )
    oldest = (
        select(FormDraft.id)
        .where(FormDraft.person_id == person_id)
        .order_by(col(FormDraft.updated_at).desc())
        .offset(MOST_DRAFTS - 1)
    )
    surplus = session.exec(oldest).all()
    if surplus:
        session.execute(delete(FormDraft).where(col(FormDraft.id).in_(surplus)))


def _keep(person_id: uuid.UUID, posted: MultiDict[str, str]) -> ResponseReturnValue:
    mark = posted.get("draft_mark", "0")
    try:
        with transaction() as session:
            row = keep(
                session,
                person_id,
                request.path,
                list_sent(posted),
                int(mark) if mark.isdecimal() and len(mark) < 10 else 0,
            )
            told: dict[str, Any] = {
                "drafts": row.version,
                "saved_at": f"{now(session).astimezone(JST):%H:%M}",
            }
    except (StaleVersion, TooLarge) as error:
        return jsonify(message=error.message), 412 if isinstance(error, StaleVersion) else 413
    return cast("ResponseReturnValue", jsonify(told))
