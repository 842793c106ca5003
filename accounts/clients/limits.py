"""How often a program may ask, by its token or else by its network, and how it is told so."""

from typing import cast

from flask import Response, current_app, g, request

from accounts.clients.leases import Leases, Standing
from accounts.identity import Actor
from accounts.throttling import Limit, network_of
from core import web
from core.config import Settings
from core.errors import TooMany

LEASES = Leases()
_MINUTES = 1
_ANONYMOUS, _CLIENT, _STRANGER = "anonymous", "client", "stranger"


def count_request() -> None:
    """Count a request of the API; raises TooMany (429) with the seconds to wait."""
    if not web.wants_json() or request.method == "OPTIONS":
        return
    actor = cast("Actor", g.actor)
    if actor.client_id is None:
        _take(_ANONYMOUS, network_of(request.remote_addr))
    else:
        _take(_CLIENT, str(actor.client_id))


def count_stranger() -> None:
    """Count a token that is not good, against its network: guessing is slow, too."""
    _take(_STRANGER, network_of(request.remote_addr))


def _take(kind: str, source: str) -> None:
    settings = cast("Settings", current_app.config["NARABI"])
    rates = settings.api_client_per_minute, settings.api_anonymous_per_minute
    limit = Limit(kind, most=rates[kind != _CLIENT], minutes=_MINUTES)
    standing = LEASES.take(settings, limit, source)
    g.api_standing = standing
    if standing is not None and standing.is_over:
        raise TooMany(
            f"1分に{limit.most:,}回までです。{standing.seconds}秒待ってから送ってください。",
            retry_after=standing.seconds,
        )


def tell_limits(response: Response) -> Response:
    """Tell what is left (IETF draft-ietf-httpapi-ratelimit-headers): the policy, and the standing."""
    standing: Standing | None = g.get("api_standing")
    if standing is not None:
        limit = standing.limit
        window = int(limit.span.total_seconds())
        response.headers["RateLimit-Policy"] = f'"{limit.kind}";q={limit.most};w={window}'
        response.headers["RateLimit"] = f'"{limit.kind}";r={standing.left};t={standing.seconds}'
    return response
