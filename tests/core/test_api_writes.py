"""Acts over the API on a small application: one effect for one key, and nothing overwritten unread."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Blueprint, Flask, g
from marshmallow import fields, validate
from sqlmodel import select

from accounts.models import Throttle
from core import api, api_writes, db, web
from core.config import Settings
from core.db import now
from core.errors import NotFound
from core.fields import FormSchema, Line

PATH = "/api/v1/marks"
KEY = {"Idempotency-Key": "0f1e2d3c-once"}


class PartSchema(FormSchema):
    """A part of a mark."""

    size = fields.Integer(required=True, strict=True)


class MarkSchema(FormSchema):
    """What makes a mark."""

    tries = fields.Integer(
        required=True, strict=True, validate=validate.Range(0, 9, error="0から9です。")
    )
    word = Line(load_default="")
    parts = fields.List(fields.Nested(PartSchema), load_default=list)


blueprint = Blueprint("marks", __name__, url_prefix="/api/v1")


def told(row):
    return {"id": str(row.id), "tries": row.tries}


@blueprint.post("/marks")
@api_writes.acting("make", needs="mark.write", body=MarkSchema, answer=MarkSchema, status=201)
def make_mark(session, query, body):
    row = Throttle(tries=body["tries"], began_at=now(session))
    session.add(row)
    session.flush()
    if body["word"] == "refuse":
        raise NotFound
    return api_writes.Answer(told(row), f"{PATH}/{row.id}")


@blueprint.put("/marks/<uuid:mark_id>")
@api_writes.acting("change", needs="mark.write", body=MarkSchema)
def change_mark(session, mark_id, query, body):
    row = session.get_one(Throttle, mark_id)
    api_writes.check_match(told(row))
    row.revise(tries=body["tries"])
    return api_writes.Answer(told(row))


@blueprint.delete("/marks/<uuid:mark_id>")
@api_writes.acting("remove", needs="mark.write")
def remove_mark(session, mark_id, query):
    row = session.get_one(Throttle, mark_id)
    api_writes.check_match(told(row))
    session.delete(row)
    return api_writes.Answer(None)


class Caller:
    """A program that calls."""

    def __init__(self, client_id):
        self.client_id, self.person_id = client_id, None


@pytest.fixture
def small(database, tmp_path):
    """The small application over an empty database."""
    app = Flask("small")
    settings = Settings(env="development", database_url=database.url, data_dir=tmp_path)
    app.config["NARABI"] = settings
    web.init_web(app, settings)

    @app.before_request
    def name_caller():
        from flask import request

        g.actor = Caller(request.headers.get("X-Caller", "a"))

    app.register_blueprint(blueprint)
    return app


def marks():
    with db.reading() as session:
        return sorted(each.tries for each in session.exec(select(Throttle)))


def post(app, content, **headers):
    return app.test_client().post(PATH, json=content, headers={**KEY, **headers})


def test_a_retry_is_told_the_same_and_acts_once(small):
    first, again = post(small, {"tries": 3}), post(small, {"tries": 3})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    for name in ("Location", "ETag", "Content-Type"):
        assert first.headers[name] == again.headers[name]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert marks() == [3]
    # Another caller's key is another key; the same key with other words is a mistake.
    assert post(small, {"tries": 4}, **{"X-Caller": "b"}).status_code == 201
    other = post(small, {"tries": 5})
    assert (other.status_code, other.json["type"]) == (422, "/docs/problems#idempotency_key_reused")
    assert marks() == [3, 4]


def test_what_was_refused_leaves_nothing_and_is_judged_anew(small):
    assert post(small, {"tries": 1, "word": "refuse"}).status_code == 404
    assert marks() == []
    assert post(small, {"tries": 2}).status_code == 201


def test_fifty_at_once_with_one_key_act_once(small):
    gate = threading.Barrier(50)

    def send(_number):
        gate.wait()
        answer = post(small, {"tries": 7})
        return answer.status_code, answer.data

    with ThreadPoolExecutor(50) as pool:
        answers = set(pool.map(send, range(50)))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 201
    assert marks() == [7]


@pytest.mark.parametrize("key", [None, "short", "x" * 201, "鍵を日本語で書く"])
def test_a_post_without_a_usable_key_is_refused(small, key):
    headers = {} if key is None else {"Idempotency-Key": key.encode().decode("latin-1")}
    answer = small.test_client().post(PATH, json={"tries": 1}, headers=headers)
    assert (answer.status_code, answer.json["type"]) == (
        400, "/docs/problems#idempotency_key_missing",
    )  # fmt: skip
    assert marks() == []


def test_a_change_names_what_it_was_made_from(small):
    made = post(small, {"tries": 1})
    address, client = made.headers["Location"], small.test_client()
    blind = client.put(address, json={"tries": 2})
    assert (blind.status_code, blind.json["type"]) == (428, "/docs/problems#precondition_required")
    changed = client.put(address, json={"tries": 2}, headers={"If-Match": made.headers["ETag"]})
    assert (changed.status_code, changed.json["tries"]) == (200, 2)
    stale = client.put(address, json={"tries": 3}, headers={"If-Match": made.headers["ETag"]})
    assert (stale.status_code, stale.json["type"]) == (412, "/docs/problems#stale_version")
    assert client.delete(address).status_code == 428
    assert marks() == [2]
    gone = client.delete(address, headers={"If-Match": changed.headers["ETag"]})
    assert (gone.status_code, gone.data) == (204, b"")
    assert marks() == []


@pytest.mark.parametrize(
    ("sent", "kind", "status", "words"),
    [
        (b'{"tries": 1', "application/json", 400, "JSON"),
        (b"[1]", "application/json", 400, "オブジェクト"),
        (b'{"tries": 1, "tries": 2}', "application/json", 400, "「tries」が2回"),
        (b'{"tries": NaN}', "application/json", 400, "NaN"),
        (b'{"tries": 1, "word": "\\u0000"}', "application/json", 400, "使えない文字"),
        (b'{"tries": 1, "word": "\\ud800"}', "application/json", 400, "使えない文字"),
        (b'{"tries": 1, "word": "\xff"}', "application/json", 400, "JSON"),
        (b"[" * 100_000, "application/json", 400, "JSON"),
        (b"tries=1", "application/x-www-form-urlencoded", 415, ""),
        (b'{"tries": 1, "colour": 2}', "application/json", 422, "この項目は受け付けていません。"),
        (b'{"tries": 10}', "application/json", 422, "0から9です。"),
        (b"{}", "application/json", 422, ""),
    ],
)
def test_a_body_that_cannot_be_used_is_named(small, sent, kind, status, words):
    answer = small.test_client().post(PATH, data=sent, content_type=kind, headers=KEY)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert words in json.dumps(answer.json, ensure_ascii=False)
    assert marks() == []


def test_every_wrong_field_is_named_by_its_path(small):
    sent = {"tries": 1, "parts": [{"size": 1}, {"size": "x", "colour": 1}]}
    answer = post(small, sent)
    assert {each["field"] for each in answer.json["errors"]} == {"parts.1.size", "parts.1.colour"}


def test_a_body_without_length_or_too_large_is_refused_unread(small):
    client = small.test_client()
    assert client.post(PATH, headers={**KEY, "Transfer-Encoding": "chunked"}).status_code == 411
    large = json.dumps({"word": "x" * small.config["NARABI"].body_limit_bytes}).encode()
    sent = client.post(PATH, data=large, content_type=api.JSON_TYPE, headers=KEY)
    assert sent.status_code == 413
    assert marks() == []
