"""What a person typed into a page and has not saved: kept while typing, shown again, forgotten when saved.

A page takes part by calling `keep_typed` right after it made its form, and by `forms.autosave(form)`
in its template. Nobody but the person ever sees a draft, and it counts for nothing.
"""

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, cast

from flask import (
    Response,
    after_this_request,
    current_app,
    jsonify,
    make_response,
    request,
)
from flask import (
    session as browser_session,
)
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import Index, UniqueConstraint, delete
from sqlmodel import Field, Session, col, select
from werkzeug.datastructures import MultiDict

from core import web
from core.clock import JST, day_in_japan, utcnow
from core.db import now, transaction
from core.documents import sha256_hex
from core.errors import StaleVersion, TooLarge, TooMany
from core.forms import Form, list_sent
from core.japanese import format_date
from core.models import JSONType, Model

DRAFT_DAYS = 60
MOST_DRAFTS = 200  # of one person; no further page is kept until one of them is saved or dropped
TITLE = "draft_title"  # sent along while typing: what the page calls itself
LONGEST_DRAFT = 200_000  # characters
VISITOR_HOURS = 24  # or until the browser is closed
_VISITOR_NOTE = (
    f"{VISITOR_HOURS}時間たつか、ブラウザーを閉じると消えます。ほかの人も使う端末では、"
    "終わるときに「書きかけを取り消す」を押してください。"
)
_COOKIE = "narabi_typed"
_LONGEST_COOKIE = 3_500  # characters as signed; browsers take 4,096 bytes with name and path
_REFUSED = frozenset({409, 412, 422, 429})


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
    Without a person the browser that typed keeps it (see `VISITOR_HOURS`).
    """
    asked = request.args.get("draft") if form.posted is not None else None
    if person_id is None:
        return _keep_for_visitor(form, asked)
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
            form.show_draft(
                typed_of(row), row.version, f"{format_date(last_day(row))}まで残ります。"
            )
    return None


def last_day(row: FormDraft) -> date:
    """Return the last day on which a draft is kept; typing again moves it."""
    return day_in_japan(row.updated_at + timedelta(days=DRAFT_DAYS))


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
    return MultiDict([(name, value) for name, value in row.typed if name != TITLE])


def keep(
    session: Session, person_id: uuid.UUID, address: str, typed: list[list[str]], mark: int
) -> FormDraft:
    """Keep what was typed into a page; `mark` is the draft's version that the page last saw, or 0.

    Raises StaleVersion when another tab kept something since, TooLarge beyond LONGEST_DRAFT, TooMany
    when there are MOST_DRAFTS of others: none of them is dropped unasked.
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


def list_drafts(session: Session, person_id: uuid.UUID) -> list[FormDraft]:
    """Return all that a person typed and has not saved, the newest first."""
    statement = (
        select(FormDraft)
        .where(FormDraft.person_id == person_id)
        .order_by(col(FormDraft.updated_at).desc(), col(FormDraft.id))
        .limit(MOST_DRAFTS)
    )
    return list(session.exec(statement))


def title_of(row: FormDraft) -> str:
    """Return what the page of a draft called itself, its address if it did not say."""
    return next((value for name, value in row.typed if name == TITLE and value), row.address)


def _make_room(session: Session, person_id: uuid.UUID) -> None:
    """Forget what nobody came back to; raises TooMany when a person has as many drafts as may be."""
    session.execute(
        delete(FormDraft).where(
            col(FormDraft.updated_at) < now(session) - timedelta(days=DRAFT_DAYS)
        )
    )
    if len(list_drafts(session, person_id)) >= MOST_DRAFTS:
        raise TooMany(
            f"書きかけが{MOST_DRAFTS}件あるため、この画面の書きかけは控えられません。"
            "「サインインの方法」の画面から書きかけの一覧を開き、要らないものを取り消してください。"
        )


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
    except (StaleVersion, TooLarge, TooMany) as error:
        return jsonify(message=error.message), 412 if isinstance(error, StaleVersion) else 413
    return cast("ResponseReturnValue", jsonify(told))


def _keep_for_visitor(form: Form, asked: str | None) -> ResponseReturnValue | None:
    """Do the same for somebody who is not signed in: a signed cookie of this page holds it, not we.

    What a refused form held is kept too, so nothing of this needs a script.
    """
    typed, mark = _read_cookie()
    if asked == "keep":
        posted = form.posted or MultiDict()
        if form.draft_mark != mark:
            return jsonify(message=StaleVersion().message), 412
        packed = _pack(posted, mark + 1)
        if packed is None:
            return jsonify(message="長すぎるため、書きかけを保存できません。"), 413
        saved_at = f"{utcnow().astimezone(JST):%H:%M}"
        return _with_cookie(jsonify(drafts=mark + 1, saved_at=saved_at), packed)
    if asked == "forget":
        web.leave_notice("done", "書きかけを取り消しました")
        return _with_cookie(make_response(web.see_other(request.path)), None)
    form.afterwards.append(lambda _session: None)  # forgotten with the answer, below
    after_this_request(lambda response: _follow(form, response))
    if not form.is_posted and typed:
        form.show_draft(typed, mark, _VISITOR_NOTE)
    return None


def _follow(form: Form, response: Response) -> Response:
    """Keep what was refused; forget what was accepted."""
    if form.posted is None:
        return response
    if response.status_code in _REFUSED:
        packed = _pack(form.posted, form.draft_mark)
        return _with_cookie(response, packed) if packed is not None else response
    return _with_cookie(response, None) if response.status_code == 303 else response


def _read_cookie() -> tuple[MultiDict[str, str], int]:
    """Return what this browser typed into this page, with its mark; nothing of another session."""
    try:
        value = _serializer().loads(request.cookies.get(_COOKIE, ""))
    except BadData:
        return MultiDict(), 0
    oldest = (utcnow() - timedelta(hours=VISITOR_HOURS)).timestamp()
    is_ours = (value["path"], value["session"]) == (request.path, _session_mark())
    if not is_ours or value["at"] < oldest:
        return MultiDict(), 0
    return MultiDict([(name, typed) for name, typed in value["typed"]]), int(value["mark"])


def _pack(posted: MultiDict[str, str], mark: int) -> str | None:
    """Return the cookie for a form, never a password in it; None when it is too long."""
    value = {
        "path": request.path,
        "session": _session_mark(),
        "at": int(utcnow().timestamp()),
        "mark": mark,
        "typed": [each for each in list_sent(posted) if each[0] != TITLE],
    }
    packed = str(_serializer().dumps(value))
    return packed if len(packed) <= _LONGEST_COOKIE else None


def _with_cookie(response: Response, packed: str | None) -> Response:
    """Hand the cookie to the browser for this page alone, or take it away."""
    kept: dict[str, Any] = {
        "path": request.path,
        "httponly": True,
        "samesite": "Lax",
        "secure": bool(current_app.config["SESSION_COOKIE_SECURE"]),
    }
    if packed is None:
        response.delete_cookie(_COOKIE, **kept)
    else:
        response.set_cookie(_COOKIE, packed, **kept)
    return response


def _session_mark() -> str:
    """Return what ties a cookie to the browser's form session, which ends with the browser."""
    return sha256_hex(str(browser_session.get("csrf_token", "")).encode())[:16]


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="narabi.visitor-draft")
