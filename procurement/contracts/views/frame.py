"""What every page of a request or a contract begins with."""

import uuid
from collections.abc import Callable

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import actor
from accounts.models import OrganisationKind
from accounts.permissions import Permission, require
from core import web
from core.errors import NotFound
from core.forms import Form
from procurement.contracts import queries
from procurement.contracts.models import RequestAction, UsageContractRequest

requests_blueprint = Blueprint("requests", __name__)
contracts_blueprint = Blueprint("contracts", __name__)


def read_request(
    request_id: uuid.UUID, permission: Permission = Permission.REQUEST_READ
) -> UsageContractRequest:
    """Return a request for a page; raises NotFound for strangers."""
    session = web.read_session()
    found = load_request(session, request_id)
    require(session, actor(), permission, found)
    return found


def load_request(session: Session, request_id: uuid.UUID) -> UsageContractRequest:
    """Return a request for an act; the service checks the right."""
    found = queries.get_request(session, request_id)
    if found is None:
        raise NotFound
    return found


def explain_early(
    found: UsageContractRequest, heading: str, action: RequestAction
) -> ResponseReturnValue | None:
    """Say where the request stands and what is possible; None when the page is ready to be used."""
    if found.can_apply(action):
        return None
    return web.render_page(
        "requests/early.html",
        409,
        request_row=found,
        heading=heading,
        typed=web.typed_texts(),
    )


def complete(
    form: Form, request_id: uuid.UUID, act: Callable[..., object], *notice: str
) -> ResponseReturnValue | None:
    """Do what a confirm page asks for and lead to the request; None while the page has to be shown."""
    return web.complete(
        form,
        lambda session, **said: act(session, actor(), load_request(session, request_id), **said),
        notice=notice,
        target=request_url(request_id),
    )


def request_url(request_id: uuid.UUID) -> str:
    """Return the address of a request."""
    return url_for("requests.show", request_id=request_id)


def acting_body_id() -> uuid.UUID | None:
    """Return the acting body, None for those who see all bodies."""
    who = actor()
    return who.organisation_id if who.organisation_kind is OrganisationKind.BODY else None


def is_vendor() -> bool:
    """Tell whether a vendor looks: the addressee's view, without the body's own affairs."""
    return actor().organisation_kind is OrganisationKind.VENDOR
