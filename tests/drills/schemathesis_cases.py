"""Thousands of requests made from the description alone: no server error, no answer that it does not tell."""

import uuid
from collections.abc import Iterable, Iterator
from functools import cache

import click

import search.cli
from accounts.identity import SCOPES_BY_KIND, Scope
from accounts.models import Organisation
from app import create_app
from bench.measures import measure
from catalog.feed_wait import WATCH
from core import db
from core.config import Settings
from tests import factories
from tests.api.cases import Tally, try_out
from tests.api.world import make_market
from tests.drills.stage import open_stage

EACH = 14
_RATE = 10_000_000
_BASE = "the whole description, as nobody and as a client of each scope"


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


@cache
def _rehearse_once() -> Tally:
    with open_stage(1) as settings:
        tally = rehearse(settings, EACH)
    click.echo(
        "\n".join([str(tally.statuses), *tally.server_errors, *tally.undocumented]), err=True
    )
    return tally


def rehearse(settings: Settings, each: int, scopes: Iterable[Scope] = Scope) -> Tally:
    """Ask as nobody and as a client of each scope; `each` is requests per operation and mode."""
    rates = {"api_anonymous_per_minute": _RATE, "api_client_per_minute": _RATE}
    application, tally, longest = create_app(settings.model_copy(update=rates)), Tally(), WATCH.most
    WATCH.most = 0  # nobody waits for news
    try:
        market = make_market()
        search.cli.rebuild_all(settings)
        known = {"offering_id": [str(market.offering_id), str(market.other_id)]}
        for number, token in enumerate(_give_tokens(market.makers[0].owner_id, scopes)):
            try_out(application, tally, token=token, each=each, known=known, number=number)
    finally:
        WATCH.most = longest
    return tally


def _give_tokens(vendor_owner_id: uuid.UUID, scopes: Iterable[Scope]) -> Iterator[str | None]:
    """Give nobody's token, then one of each scope, made when its turn comes: they end soon."""
    yield None
    for scope in scopes:
        with db.transaction() as session:
            vendor = session.get_one(Organisation, vendor_owner_id)
            is_vendors = scope in SCOPES_BY_KIND[vendor.kind]
            owner = vendor if is_vendors else factories.body(session)
            _, token = factories.api_client(session, owner, [scope])
        yield token
