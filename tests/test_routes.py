"""Every route states who may use it, and nobody else gets through; no dummy address ever breaks it."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

import tests.factories as make
from accounts.auth import route_access
from accounts.identity import Grantee, Pseudo
from accounts.models import Role
from accounts.permission_table import PERMISSIONS, Permission
from core import db
from core.gates import PROGRAMS
from tests.client import CheckedClient

SAFE = {"GET", "HEAD", "OPTIONS"}
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
WHO: tuple[Grantee, ...] = (Pseudo.ANONYMOUS, *Role)
DUMMIES = {
    "UUIDConverter": "00000000-0000-4000-8000-000000000000",
    "IntegerConverter": "999999",
    "UnicodeConverter": "none-such",
    "PathConverter": "none/such",
}
ACCEPTS = {"Accept": "text/html, application/json, */*"}
READ_OF = {
    "specification": Permission.SPECIFICATION_READ_DRAFT,
    "comment": Permission.COMMENT_READ,
    "vendor": Permission.VENDOR_READ_FILE,
    "offering": Permission.OFFERING_READ_DRAFT,
    "listing": Permission.OFFERING_READ_DRAFT,
    "certification": Permission.CERTIFICATION_READ,
    "body_rules": Permission.BODY_RULES_READ,
    "project": Permission.PROJECT_READ,
    "evidence": Permission.EVIDENCE_READ,
    "request": Permission.REQUEST_READ,
    "quote_round": Permission.QUOTE_ROUND_READ,
    "quote_request": Permission.QUOTE_REQUEST_READ,
    "contract": Permission.CONTRACT_READ,
    "client": Permission.CLIENT_READ,
    "webhook": Permission.WEBHOOK_READ,
    "audit": Permission.AUDIT_READ_CASE,
}
OPENED = {200, 303, 400, 404, 409, 410, 422}


def routes(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def address(rule: Rule) -> str:
    """The rule with a dummy in every place."""
    path = rule.rule
    for name, converter in rule._converters.items():
        dummy = DUMMIES[type(converter).__name__]
        path = re.sub(rf"<(?:[^<>]*:)?{name}>", dummy, path)
    assert "<" not in path, rule.rule
    return path


@pytest.fixture
def people(database, new_client) -> dict[Grantee, CheckedClient]:
    """A browser for everyone, each of an organisation of their own."""
    browsers: dict[Grantee, CheckedClient] = {}
    for who in WHO:
        browsers[who] = new_client()
        if isinstance(who, Role):
            with db.transaction() as session:
                person = make.person(session, who)
            make.sign_in_client(browsers[who], person)
    return browsers


def asked(app: Flask, methods: set[str]) -> Iterator[tuple[str, str, str]]:
    """Give (method, address, endpoint) of every route with one of the methods."""
    for rule in routes(app):
        for method in sorted(methods & (rule.methods or set())):
            yield method, address(rule), rule.endpoint


def sees_noun(who: Grantee, needed: Permission) -> bool:
    """Tell whether somebody reads such subjects and is told of the missing right; others read 404."""
    read = READ_OF.get(needed.value.split(".")[0])
    return read is not None and who in PERMISSIONS[read]


def some(
    people: dict[Grantee, CheckedClient], granted: Iterable[Grantee], turn: int
) -> list[Grantee]:
    """Take nobody's browser, and by turns one of those who may and two of those who may not.

    Who may is compared in full in test_permissions; here each route shows that its gate is shut.
    """
    may = [who for who in people if who in granted and isinstance(who, Role)]
    may_not = [who for who in people if who not in granted and isinstance(who, Role)]
    taken = [may[turn % len(may)]] if may else []
    taken += {may_not[(turn + step) % len(may_not)] for step in (0, 5)} if may_not else []
    return [Pseudo.ANONYMOUS, *taken]


def ask(browser: CheckedClient, path: str, **options: Any) -> TestResponse:
    """Send a request that is judged by its status alone; the page's own tests look at the page."""
    return FlaskClient.open(browser, path, headers=ACCEPTS, **options)


@pytest.mark.sqlite_only
def test_every_route_states_its_permission(app):
    silent = [rule.rule for rule in routes(app) if route_access(app, rule.endpoint) is None]
    assert silent == []


@pytest.mark.sqlite_only
def test_unsafe_methods_need_a_write_permission(app):
    loose = []
    for rule in routes(app):
        stated = route_access(app, rule.endpoint)
        if stated is None or not UNSAFE & (rule.methods or set()):
            continue
        _, write = stated
        if write is None or not write.is_write:
            loose.append(rule.rule)
    assert loose == []


@pytest.mark.timeout(300)
@pytest.mark.sqlite_only
def test_no_page_opens_without_its_permission(app, people):
    for turn, (method, path, endpoint) in enumerate(asked(app, {"GET"})):
        stated = route_access(app, endpoint)
        assert stated is not None
        for who in some(people, PERMISSIONS[stated[0]], turn):
            response = ask(people[who], path, method=method)
            status = response.status_code
            where = f"{who} {method} {path}: {status}"
            by = Pseudo.ANONYMOUS if path.startswith(PROGRAMS) else who
            if by in PERMISSIONS[stated[0]]:
                assert status in OPENED, where
            elif by is Pseudo.ANONYMOUS:
                wanted = 401 if path.startswith("/api/") else 303
                assert status == wanted, where
                if wanted == 303:
                    assert response.location.startswith("/sign-in?next="), where
            else:
                assert status in {403, 404}, where
                assert (status == 403) == sees_noun(who, stated[0]), where


@pytest.mark.sqlite_only
@pytest.mark.timeout(300)
def test_no_form_is_taken_without_its_permission(app, people):
    app.config["WTF_CSRF_ENABLED"] = False
    for turn, (method, path, endpoint) in enumerate(asked(app, UNSAFE)):
        if endpoint == "accounts.sign_out":  # it would end the sessions of this test
            continue
        stated = route_access(app, endpoint)
        assert stated is not None
        assert stated[1] is not None
        for who in some(people, PERMISSIONS[stated[1]], turn):
            response = ask(people[who], path, method=method, data={"none": "x"})
            status = response.status_code
            where = f"{who} {method} {path}: {status}"
            by = Pseudo.ANONYMOUS if path.startswith(PROGRAMS) else who
            if by in PERMISSIONS[stated[1]]:
                assert status < 500, where
                assert status not in {401, 403}, where
            else:
                wanted = 403 if sees_noun(who, stated[1]) else 404
                assert status == (401 if by is Pseudo.ANONYMOUS else wanted), where


@pytest.mark.sqlite_only
def test_form_without_token_changes_nothing(app, people):
    for method, path, endpoint in asked(app, UNSAFE):
        if path.startswith(PROGRAMS):  # they take no cookie, so that nothing can be forged
            continue
        for who in (Pseudo.ANONYMOUS, Role.CLERK, Role.VENDOR_ADMIN):
            status = ask(people[who], path, method=method, data={"x": "y"}).status_code
            assert status == 400, f"{who} {method} {path} ({endpoint}): {status}"


@pytest.mark.parametrize(
    "path",
    ["/absent", "/vendors/00000000-0000-4000-8000-000000000000", "/vendors/none", "/static/x"],
)
def test_what_is_not_there_is_404(client, path):
    assert client.get(path).status_code == 404
