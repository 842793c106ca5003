"""One page for every act on a review: what it means, the fields, the confirmation, the password."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from sqlmodel import Session

from accounts.auth import actor, is_confirmed, needs_password
from accounts.permissions import Permission, require
from catalog.certification import queries
from catalog.certification.models import Certification
from core import web
from core.errors import NotFound
from core.forms import Form


@dataclass(frozen=True, slots=True)
class Question:
    """One field of the page; `kind` is textarea, line, date, select or radio."""

    kind: str
    name: str
    label: str
    hint: str = ""
    is_required: bool = True
    options: Sequence[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True)
class ActPage:
    """The words of one act; without `questions` it only asks for confirmation."""

    permission: Permission
    heading: str
    button: str
    check_label: str
    done: str
    consequence_title: str = ""
    consequence: str = ""
    questions: Sequence[Question] = ()
    is_legal: bool = False
    is_danger: bool = False


Act = Callable[[Session, Certification, Mapping[str, Any]], object]


def answer(
    page: ActPage,
    certification_id: uuid.UUID,
    schema: Schema,
    act: Act,
    *,
    why_not: Callable[[Session, Certification], str] | None = None,
    **shown: Any,
) -> ResponseReturnValue:
    """Show the page of an act, do it when it is sent, and lead back to the review.

    `why_not` gives the sentence that stands in place of the form while the act is not possible.
    """
    session = web.read_session()
    review = find_review(session, certification_id, page.permission)
    form = Form(schema, web.posted_form(), {"version": review.version})
    if form.is_posted and (is_confirmed(form) if page.is_legal else form.validate()):
        led = shown.get("target") or review_href(certification_id), page.done
        once = partial(_do, certification_id=certification_id, act=act, led=led)
        if done := web.create_once(form, actor().person_id, once):
            return done
    session = web.refresh_read_session() if form.is_posted else session
    review = find_review(session, certification_id, page.permission)
    reason = why_not(session, review) if why_not and not form.is_posted else ""
    return web.render_page(
        "certification/act.html",
        form.status,
        form=form,
        page=page,
        review=review,
        why_not=reason,
        action=request.full_path.rstrip("?"),
        needs_password=page.is_legal and needs_password(),
        **{"target": review_href(certification_id), **shown},
    )


def review_href(certification_id: uuid.UUID) -> str:
    """Return the address of a review."""
    return url_for("certification.show", certification_id=certification_id)


def find_review(
    session: Session, certification_id: uuid.UUID, permission: Permission
) -> Certification:
    """Return a review that the reader may do this to; raises NotFound or Forbidden."""
    review = queries.get_certification(session, certification_id)
    if review is None:
        raise NotFound
    require(session, actor(), permission, review)
    return review


def get_review(session: Session, certification_id: uuid.UUID) -> Certification:
    """Return a review inside an act; raises NotFound."""
    review = queries.get_certification(session, certification_id)
    if review is None:
        raise NotFound
    return review


def _do(
    session: Session,
    *,
    certification_id: uuid.UUID,
    act: Act,
    led: tuple[str, ...],
    **data: Any,
) -> tuple[str, ...]:
    act(session, get_review(session, certification_id), data)
    return led
