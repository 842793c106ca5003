"""What every page of a quote round begins with, on the body's side and on the vendor's."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import actor
from accounts.permissions import Permission, require
from core import web
from core.db import now
from core.errors import NotFound
from core.forms import Form
from procurement.quoting import queries
from procurement.quoting.models import QuoteInvitation, QuoteRound, RoundState

blueprint = Blueprint("quoting", __name__)


def read_round(
    round_id: uuid.UUID, permission: Permission = Permission.QUOTE_ROUND_READ
) -> QuoteRound:
    """Return a round for a page of its body; raises NotFound for strangers."""
    session = web.read_session()
    found = load_round(session, round_id)
    require(session, actor(), permission, found)
    return found


def load_round(session: Session, round_id: uuid.UUID) -> QuoteRound:
    """Return a round for an act; the service checks the right."""
    found = queries.get_round(session, round_id)
    if found is None:
        raise NotFound
    return found


def read_invitation(
    invitation_id: uuid.UUID, permission: Permission = Permission.QUOTE_REQUEST_READ
) -> QuoteInvitation:
    """Return a request for a page of who is asked; raises NotFound for everybody else."""
    session = web.read_session()
    found = load_invitation(session, invitation_id)
    require(session, actor(), permission, found)
    return found


def load_invitation(session: Session, invitation_id: uuid.UUID) -> QuoteInvitation:
    """Return an invitation for an act; the service checks the right."""
    found = queries.get_invitation(session, invitation_id)
    if found is None:
        raise NotFound
    return found


def is_closed(round_: QuoteRound) -> bool:
    """Tell whether the deadline has passed."""
    return now(web.read_session()) > round_.deadline_at


def is_open(round_: QuoteRound) -> bool:
    """Tell whether quotes may be handed in."""
    return round_.state is RoundState.SENT and not is_closed(round_)


def round_url(round_id: uuid.UUID) -> str:
    """Return the address of a round."""
    return url_for("quoting.show", round_id=round_id)


def request_url(invitation_id: uuid.UUID) -> str:
    """Return the address of a request as who is asked sees it."""
    return url_for("quoting.show_request", quote_request_id=invitation_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A confirm page: its words, and where it leads."""

    heading: str
    check: str
    button: str
    notice: str
    warning: str
    words: str
    back: str
    reason: str = ""
    danger: bool = False


def show_act(
    form: Form, act: Act, do: Callable[..., object], **context: object
) -> ResponseReturnValue:
    """Ask once more for an act, then do it and lead back."""
    done = web.complete(form, do, notice=(act.notice,), target=act.back)
    return done or web.render_page(
        "quoting/act.html", form.status, form=form, act=act, path=request.path, **context
    )


def explain_early(heading: str, sentence: str, back: str, **context: object) -> ResponseReturnValue:
    """Say why a page cannot be used now, and lead back; what was typed stays with who typed it."""
    return web.render_page(
        "quoting/early.html",
        409,
        heading=heading,
        sentence=sentence,
        back=back,
        typed=web.typed_texts(),
        **context,
    )
