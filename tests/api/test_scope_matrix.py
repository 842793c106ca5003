"""Scope by route, complete by construction: a route of the API that is not in the table fails.

Whoever adds a route writes here which scope opens it; no scope ever submits, approves, opens or sends.
"""

import re

import pytest

from accounts.identity import SCOPES_BY_KIND, Scope
from accounts.models import OrganisationKind
from accounts.permission_table import PERMISSIONS, Permission
from core import db
from core.api_description import list_operations
from tests import factories
from tests.test_routes import address

ANY = "any token, or none"
# What everybody reads without a token; a token needs the scope.
OPEN = {Scope.CATALOG_READ, Scope.FEED_READ, Scope.SPEC_READ}
_DRAFT = "/api/v1/drafts/<uuid:offering_version_id>"
_EVIDENCE = f"{_DRAFT}/answers/<uuid:requirement_id>/evidence"
_GROUPS = (
    "accreditations", "data", "discounts", "exit", "hosting", "operation", "overview", "prices", "users",
)  # fmt: skip
_LISTING = "/api/v1/listings/<uuid:listing_id>"
_OFFERING = "/api/v1/offerings/<uuid:offering_id>"
_WEBHOOK = "/api/v1/webhooks/<uuid:webhook_id>"
_MARKET = "/api/v1/specifications/<code>/market"
_VERSION = "/api/v1/specifications/<code>/versions/<label>"
TABLE: dict[str, set[str]] = {
    ANY: {"GET /api/v1/openapi.json"},
    Scope.CATALOG_READ: {
        "GET /api/v1/bodies",
        "GET /api/v1/bodies/<code>",
        "GET /api/v1/certificates/<uuid:certification_id>",
        "GET /api/v1/comparison",
        "GET /api/v1/cost",
        f"GET {_LISTING}",
        f"GET {_LISTING}/versions",
        "GET /api/v1/notices",
        "GET /api/v1/notices/<uuid:notice_id>",
        "GET /api/v1/offerings",
        f"GET {_OFFERING}",
        f"GET {_OFFERING}/certificates",
        f"GET {_OFFERING}/conformance",
        f"GET {_OFFERING}/versions",
        "GET /api/v1/search",
        f"GET {_MARKET}",
        f"GET {_MARKET}/services",
        f"GET {_MARKET}/services/<uuid:offering_id>",
        "GET /api/v1/vendors",
        "GET /api/v1/vendors/<uuid:vendor_id>",
    },
    Scope.FEED_READ: {"GET /api/v1/changes", "GET /api/v1/snapshot"},
    Scope.SPEC_READ: {
        "GET /api/v1/specifications",
        "GET /api/v1/specifications/<code>",
        f"GET {_VERSION}",
        f"GET {_VERSION}/changes",
        f"GET {_VERSION}/requirements",
        f"GET {_VERSION}/requirements/<path:requirement_id>",
    },
    Scope.OFFERING_WRITE: {
        "GET /api/v1/drafts",
        "POST /api/v1/drafts",
        f"POST {_OFFERING}/drafts",
        f"GET {_DRAFT}",
        f"GET {_DRAFT}/missing",
        f"GET {_DRAFT}/answers",
        f"PATCH {_DRAFT}/answers",
        f"GET {_DRAFT}/answers/<uuid:requirement_id>",
        f"PUT {_DRAFT}/answers/<uuid:requirement_id>",
        f"GET {_EVIDENCE}",
        f"POST {_EVIDENCE}",
        f"GET {_EVIDENCE}/<uuid:evidence_id>",
        f"DELETE {_EVIDENCE}/<uuid:evidence_id>",
        *(f"{method} {_DRAFT}/{group}" for group in _GROUPS for method in ("GET", "PUT")),
    },
    Scope.PROJECT_READ: {
        "GET /api/v1/projects",
        "GET /api/v1/projects/<uuid:project_id>",
        "GET /api/v1/projects/<uuid:project_id>/candidates",
        "GET /api/v1/projects/<uuid:project_id>/evidence/<int(max=999999):revision>",
        "GET /api/v1/requests",
        "GET /api/v1/requests/<uuid:request_id>",
        "GET /api/v1/contracts",
        "GET /api/v1/contracts/<uuid:contract_id>",
    },
    Scope.WEBHOOK_MANAGE: {
        "GET /api/v1/webhooks",
        "POST /api/v1/webhooks",
        f"GET {_WEBHOOK}",
        f"PATCH {_WEBHOOK}",
        f"DELETE {_WEBHOOK}",
        f"POST {_WEBHOOK}/key",
        f"GET {_WEBHOOK}/messages",
        f"POST {_WEBHOOK}/messages/<uuid:message_id>/resend",
        f"POST {_WEBHOOK}/resume",
        f"POST {_WEBHOOK}/stop",
        f"POST {_WEBHOOK}/test",
    },
}
SCOPE_OF = {route: scope for scope, routes in TABLE.items() for route in routes}
_UNSAID = {"HEAD", "OPTIONS"}


def routes_of(app):
    """Give every route of the API as METHOD RULE with the address that asks for nothing real."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            for method in sorted((rule.methods or set()) - _UNSAID):
                yield f"{method} {rule.rule}", method, address(rule)


@pytest.fixture
def tokens(database):
    """A token for each scope alone, of an organisation that may hold it."""
    made = {}
    with db.transaction() as session:
        vendor = factories.organisation(session, OrganisationKind.VENDOR)
        town = factories.body(session)
        for scope in Scope:
            holds = scope in SCOPES_BY_KIND[OrganisationKind.VENDOR]
            _, made[scope] = factories.api_client(session, vendor if holds else town, [scope])
    return made


@pytest.mark.sqlite_only
def test_every_route_is_in_the_table_and_the_description_says_the_same(app):
    routes = {route for route, *_ in routes_of(app)}
    assert routes == set(SCOPE_OF), "a route that no scope opens, or a scope that opens no route"
    assert sum(map(len, TABLE.values())) == len(SCOPE_OF)
    for rule, operation in list_operations(app, "/api/"):
        for method in (rule.methods or set()) - _UNSAID:
            scope = SCOPE_OF[f"{method} {rule.rule}"]
            allowed = {scope} if scope not in {ANY, *OPEN} else {None, scope}
            assert operation.needs in allowed, rule.rule


@pytest.mark.sqlite_only
def test_each_scope_opens_its_routes_and_no_other(app, client, tokens):
    client.query_budget = 60
    for route, method, path in routes_of(app):
        wanted = SCOPE_OF[route]
        for scope, token in {**tokens, None: None, "bad": "no-such-token"}.items():
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            if method == "POST":
                headers["Idempotency-Key"] = f"{scope}-once-only"
            sent = {} if method == "GET" else {"json": {}}
            answer = client.open(path, method=method, headers=headers, **sent)
            status, where = answer.status_code, f"{scope} {route}: {answer.status_code}"
            if scope == "bad":
                assert (status, answer.json["type"]) == (401, "/docs/problems#invalid_token"), where
            elif scope is None and wanted not in {ANY, *OPEN}:
                assert (status, answer.json["type"]) == (401, "/docs/problems#token_required"), (
                    where
                )
            elif scope is None or wanted in {ANY, scope}:
                assert status not in {401, 403}, where
                assert status < 500, where
            else:
                assert status == 403, where
                assert answer.json["type"] == "/docs/problems#insufficient_scope", where
                assert wanted in answer.json["detail"], where
                assert f'scope="{wanted}"' in answer.headers["WWW-Authenticate"], where


@pytest.mark.sqlite_only
def test_no_scope_submits_decides_opens_or_sends():
    held = {each for each, granted in PERMISSIONS.items() if any(s in granted for s in Scope)}
    writes = {each for each in held if each.is_write}
    allowed = {
        Permission.OFFERING_CREATE,
        Permission.OFFERING_EDIT,
        Permission.WEBHOOK_MANAGE,
        Permission.COST_COMPUTE,  # computes and stores nothing
    }
    assert writes <= allowed
    shut = re.compile(r"estimated_price|quote|question|decide|submit|publish|withdraw|send|approve")
    assert [each for each in held if shut.search(each.value)] == []
