"""Webhooks over the API: a program with the scope manages its organisation's, one effect for one key."""

import itertools
import json
import re
import uuid

import pytest
from jsonschema import Draft202012Validator
from sqlmodel import select
from standardwebhooks.webhooks import Webhook as StandardWebhook

from accounts.hooks.models import Webhook
from accounts.identity import Scope
from accounts.models import Organisation
from core import changes, db
from core.audit import AuditEvent
from tests import factories
from tests.accounts.receiving import change, receiving, send_once
from tests.accounts.test_webhooks import verify_pair

HOOKS = "/api/v1/webhooks"
_keys = itertools.count(1)


class Program:
    """A program of an organisation that trusts only the description."""

    def __init__(self, client, owner_id, *scopes):
        self.client = client
        self.paths = None
        with db.transaction() as session:
            owner = session.get_one(Organisation, owner_id)
            self.client_row, self.token = factories.api_client(session, owner, scopes)

    def __call__(self, method, path, status, body=None, **headers):
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        if method == "POST":
            sent.setdefault("Idempotency-Key", f"key-of-test-{next(_keys)}")
        empty = {"CONTENT_LENGTH": "0"} if body is None and method == "POST" else {}
        data = json.dumps(body) if body is not None else None
        kind = "application/json" if body is not None else None
        answer = self.client.open(
            path, method=method, headers=sent, data=data, content_type=kind, environ_overrides=empty
        )
        assert answer.status_code == status, answer.text
        self._hold(method, path, answer)
        return answer

    def _hold(self, method, path, answer):
        """Hold what came back against the description of the site."""
        if self.paths is None:
            self.paths = json.loads(self.client.get("/api/v1/openapi.json").data)
        for template, item in self.paths["paths"].items():
            if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path.partition("?")[0]):
                declared = item[method.lower()]["responses"]
                told = declared[str(answer.status_code)]
                if answer.data:
                    schema = told["content"][answer.mimetype]["schema"]
                    whole = {**schema, "components": self.paths["components"]}
                    Draft202012Validator(whole).validate(answer.json)
                return
        pytest.fail(f"{path} is not described")


@pytest.fixture
def company(database):
    with db.transaction() as session:
        made = factories.vendor(session)
        changes.append(session, "vendor", made.id)
    return made


@pytest.fixture
def program(client, company):
    return Program(client, company.owner_id, Scope.WEBHOOK_MANAGE)


@pytest.fixture
def receiver(app, settings):
    with receiving() as made:
        app.config["NARABI"] = settings.model_copy(update={"webhook_origins": [made.origin]})
        made.settings = app.config["NARABI"]
        yield made


def one_hook():
    with db.reading() as session:
        return session.exec(select(Webhook)).one()


@pytest.mark.acceptance(33, 35)
def test_program_registers_is_told_changes_and_deletes(program, receiver, company):
    values = {"name": "写し", "address": f"{receiver.origin}/a", "signature": "hmac"}
    made = program("POST", HOOKS, 201, values, **{"Idempotency-Key": "once-and-only"})
    again = program("POST", HOOKS, 201, values, **{"Idempotency-Key": "once-and-only"})
    assert again.json == made.json
    secret, path = made.json["secret"], made.headers["Location"]
    assert path == f"{HOOKS}/{made.json['id']}"
    assert made.headers["Cache-Control"] == "no-store"
    one_hook()
    read = program("GET", path, 200)
    assert "secret" not in read.json
    assert secret not in read.text
    assert "public" not in read.headers["Cache-Control"]
    change(company, "ミホン")
    assert send_once(receiver.settings) == 1
    _, headers, body = receiver.received[0]
    StandardWebhook(secret).verify(body, headers)
    log = program("GET", f"{path}/messages", 200).json
    with db.reading() as session:
        feed = changes.read_state(session)
    assert log["told"] == {"epoch": feed.epoch, "sequence": feed.head}
    assert log["items"][0]["webhook_id"] == headers["Webhook-Id"]
    assert [each["status"] for each in log["items"][0]["attempts"]] == [204]
    # What the sender notes by itself makes no writer stale.
    assert program("GET", path, 200).headers["ETag"] == read.headers["ETag"]
    match = {"If-Match": read.headers["ETag"]}
    program("PATCH", path, 428, {"name": "別の名"})
    changed = program("PATCH", path, 200, {"name": "別の名"}, **match)
    assert (changed.json["name"], changed.json["address"]) == ("別の名", values["address"])
    program("PATCH", path, 412, {"name": "遅れた名"}, **match)
    program("PATCH", path, 422, {"address": "https://10.0.0.1/"}, **{"If-Match": "*"})
    program("DELETE", path, 428)
    program("DELETE", path, 412, **match)
    program("DELETE", path, 204, **{"If-Match": changed.headers["ETag"]})
    program("GET", path, 404)
    with db.reading() as session:
        acts = session.exec(select(AuditEvent).where(AuditEvent.subject_kind == "Webhook")).all()
        assert {each.organisation_id for each in acts} == {company.owner_id}


def test_program_tries_stops_resumes_and_changes_keys(program, receiver, company):
    values = {"name": "写し", "address": receiver.origin, "signature": "ed25519"}
    made = program("POST", HOOKS, 201, values)
    assert made.json["secret"] is None
    path = made.headers["Location"]
    (former,) = [each["public_key"] for each in made.json["keys"]]
    asked = program("POST", f"{path}/test", 202).json
    assert (asked["type"], asked["state"]) == ("webhook.test", "waiting")
    program("POST", f"{path}/test", 409)
    send_once(receiver.settings)
    rotated = program("POST", f"{path}/key", 201)
    both = [each["public_key"] for each in rotated.json["keys"]]
    assert both[1] == former
    assert rotated.json["keys"][1]["ends_at"] is not None
    program("POST", f"{path}/messages/{asked['id']}/resend", 202)
    send_once(receiver.settings)
    _, headers, body = receiver.received[-1]
    assert receiver.ids == [asked["webhook_id"]] * 2
    assert verify_pair(both, headers, body) == set(both)
    assert program("POST", f"{path}/stop", 200).json["stop_reason"] == "owner"
    program("POST", f"{path}/stop", 409)
    change(company, "ミホンイチ")
    assert send_once(receiver.settings) == 0
    assert program("POST", f"{path}/resume", 200).json["stop_reason"] is None
    assert send_once(receiver.settings) == 1
    first = program("GET", f"{path}/messages?limit=1", 200)
    assert first.json["items"][0]["type"] == "catalog.changed"
    following = program("GET", f"{path}/messages?limit=1&cursor={first.json['next']}", 200)
    assert following.json["items"][0]["id"] == asked["id"]
    assert following.json["next"] is None
    assert 'rel="next"' in first.headers["Link"]
    for query in ("cursor=x", "limit=0", "colour=red"):
        program("GET", f"{path}/messages?{query}", 400)
    assert [each["name"] for each in program("GET", HOOKS, 200).json["items"]] == ["写し"]


def test_program_without_scope_or_of_another_organisation_finds_nothing(
    program, client, receiver, company
):
    values = {"name": "写し", "address": receiver.origin, "signature": "hmac"}
    path = program("POST", HOOKS, 201, values).headers["Location"]
    with db.transaction() as session:
        rival, body = factories.vendor(session).owner_id, factories.body(session).id
    strangers = [Program(client, each, Scope.WEBHOOK_MANAGE) for each in (rival, body)]
    poor = Program(client, company.owner_id, Scope.CATALOG_READ, Scope.FEED_READ)
    ways = [
        ("GET", path, None),
        ("PATCH", path, {"name": "別の名"}),
        ("DELETE", path, None),
        ("GET", f"{path}/messages", None),
        *(("POST", f"{path}/{act}", None) for act in ("key", "stop", "resume", "test")),
        ("POST", f"{path}/messages/{uuid.uuid4()}/resend", None),
    ]
    match = {"If-Match": "*"}
    for method, address, content in ways:
        for stranger in strangers:
            stranger(method, address, 404, content, **match)
        refused = poor(method, address, 403, content, **match)
        assert refused.json["type"] == "/docs/problems#insufficient_scope"
        nobody = client.open(
            address, method=method, json=content or {}, headers={"Idempotency-Key": "12345678"}
        )
        assert nobody.status_code == 401
    assert strangers[0]("GET", HOOKS, 200).json["items"] == []
    assert one_hook().name == "写し"


@pytest.mark.sqlite_only  # words of refusals
@pytest.mark.acceptance(34)
def test_what_cannot_be_used_is_refused_by_name(program, receiver):
    good = {"name": "写し", "address": "https://example.jp/", "signature": "hmac"}
    for change_of, field in (
        ({"colour": "red"}, "colour"),
        ({"address": "http://example.jp/"}, "address"),
        ({"address": "https://169.254.169.254/"}, "address"),
        ({"signature": "md5"}, "signature"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": 5}, "name"),
    ):
        refused = program("POST", HOOKS, 422, {**good, **change_of})
        assert [each["field"] for each in refused.json["errors"]] == [field]
    program("POST", HOOKS, 400, good, **{"Idempotency-Key": ""})
    with db.reading() as session:
        assert session.exec(select(Webhook)).all() == []
