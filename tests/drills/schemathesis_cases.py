"""Thousands of requests made from the description: no server error, no answer that it does not tell.

Every kind of client asks: nobody, a program with each scope alone, programs with all scopes of a vendor,
a body and the agency, programs of others who name rows that are not theirs, and tokens that are over.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache

import click

from accounts.clients.tokens import end_tokens, give_token
from accounts.identity import SCOPES_BY_KIND, Scope
from accounts.models import Organisation, OrganisationKind
from app import create_app
from bench.measures import measure
from catalog.feed_wait import WATCH
from core import db
from core.config import Settings
from tests import factories
from tests.api.cases import Asker, Asking, Tally, load_operations
from tests.api.known_rows import KnownRows, build_rows
from tests.drills.stage import open_stage

EACH = 2
_RATE = 10_000_000
_BASE = "the whole description, as each kind of client, a part of it with what is known to be there"


@measure("requests made from the description", goal=">= 10000", unit="requests", base=_BASE)
def schemathesis_cases() -> float:
    """Return how many requests were sent."""
    return _rehearse_once().cases


@measure("server errors among them", goal="== 0", unit="errors", base=_BASE)
def schemathesis_server_errors() -> float:
    """Return how many answers were 5xx."""
    return len(_rehearse_once().server_errors)


@measure("answers that the description does not tell", goal="== 0", unit="answers", base=_BASE)
def schemathesis_undocumented() -> float:
    """Return how many statuses, media types, headers or bodies were not described."""
    return len(_rehearse_once().undocumented)


@measure("described answers 2xx and 3xx that nobody got", goal="== 0", unit="answers", base=_BASE)
def schemathesis_unseen() -> float:
    """Return how many promised answers were never met: requests that are all refused show little."""
    return len(_rehearse_once().unseen())


@cache
def _rehearse_once() -> Tally:
    with open_stage(0) as settings:
        tally = rehearse(settings, EACH, list_askers)
    found = [*tally.lines(), str(tally.statuses), *tally.unseen()]
    click.echo("\n".join([*found, *tally.server_errors, *tally.undocumented]), err=True)
    return tally


def rehearse(
    settings: Settings, each: int, askers: Callable[[KnownRows], Iterable[Asker]]
) -> Tally:
    """Ask as each client: all that is known once, then `each` requests per operation and mode.

    Those with a larger share of the requests are also refused for each header that can be wrong.
    """
    rates = {"api_anonymous_per_minute": _RATE, "api_client_per_minute": _RATE}
    application, tally, longest = create_app(settings.model_copy(update=rates)), Tally(), WATCH.most
    WATCH.most = 0  # nobody waits for news
    try:
        rows, operations = build_rows(settings), load_operations(application)
        for number, asker in enumerate(askers(rows)):
            asking = Asking(application, operations, rows, tally, asker)
            asking.walk()
            if asker.share > 1:
                asking.provoke()
            if asker.share:
                asking.draw(each * asker.share, number)
    finally:
        WATCH.most = longest
    return tally


def list_askers(rows: KnownRows) -> Iterator[Asker]:
    """Give every kind of client, each made when its turn comes: tokens end soon."""
    vendor, body = rows.town.seller.owner_id, rows.town.body.id
    yield Asker("nobody", share=4)
    yield from list_owners(rows, share=10)
    for scope in Scope:
        is_vendors = scope in SCOPES_BY_KIND[OrganisationKind.VENDOR]
        yield ask_for(scope.value, vendor if is_vendors else body, [scope])
    for kind in OrganisationKind:
        yield ask_for(f"another {kind.value}", _add_organisation(kind))
    yield ask_for("token revoked", vendor, is_revoked=True)
    yield ask_for("token expired", vendor, lifetime=timedelta(seconds=-1))
    yield Asker("no such token", "no-such-token")


def list_owners(rows: KnownRows, share: int = 1) -> Iterator[Asker]:
    """Give the programs of those whose rows are asked for, with every scope that they can have."""
    for name, owner_id in (("vendor", rows.town.seller.owner_id), ("body", rows.town.body.id)):
        yield replace(ask_for(f"{name}, all scopes", owner_id), share=share)


def ask_for(
    name: str,
    owner_id: uuid.UUID,
    scopes: Iterable[Scope] | None = None,
    *,
    is_revoked: bool = False,
    lifetime: timedelta | None = None,
) -> Asker:
    """Make a program of an organisation, with all scopes of its kind unless told otherwise."""
    with db.transaction() as session:
        owner = session.get_one(Organisation, owner_id)
        program, token = factories.api_client(session, owner, scopes)
        if lifetime is not None:
            token, _ = give_token(session, program, program.scopes, lifetime)
        if is_revoked:
            end_tokens(session, program.id)
    return Asker(name, token, owner_id)


def _add_organisation(kind: OrganisationKind) -> uuid.UUID:
    with db.transaction() as session:
        made = (
            factories.body(session)
            if kind is OrganisationKind.BODY
            else factories.organisation(session, kind)
        )
        return made.id
