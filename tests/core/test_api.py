"""The conventions of the API on a small application of its own."""

import gzip
import json
from datetime import date

import pytest
from flask import Blueprint, Flask, Response
from jsonschema import Draft202012Validator
from marshmallow import fields, validate

from core import api, api_delivery, api_description, web
from core.config import Settings
from core.errors import Gone
from core.fields import FormSchema


class AskSchema(FormSchema):
    """What may be asked."""

    limit = fields.Integer(load_default=5, validate=validate.Range(1, 9, error="1から9です。"))
    word = fields.String(load_default=None)


class AnswerSchema(FormSchema):
    """What is answered."""

    limit = fields.Integer(required=True, strict=True)
    word = fields.String(required=True, allow_none=True)


blueprint = Blueprint("small", __name__, url_prefix="/api/v1")


@blueprint.get("/things")
@api.endpoint("things", query=AskSchema, answer=AnswerSchema)
def list_things(query):
    return {"word": query["word"], "limit": query["limit"]}


@blueprint.get("/things/<uuid:thing_id>")
@api.endpoint("one thing", answer=AnswerSchema, problems=(410,))
def show_thing(thing_id, query):
    raise Gone(f"{thing_id} is gone")


OLD = api.Deprecation(date(2026, 10, 1), date(2027, 4, 1), "/api/v1/things")
OLDER = api.Deprecation(date(2026, 4, 1), date(2027, 10, 1), "/api/v2/lines")


class OldQuerySchema(FormSchema):
    """A parameter on its way out."""

    size = fields.Integer(load_default=3, metadata=api.deprecated(OLDER))


class PartSchema(FormSchema):
    """A part with a field on its way out."""

    colour = fields.String(metadata=api.deprecated(OLD))


class LineSchema(FormSchema):
    """An answer with such parts."""

    parts = fields.List(fields.Nested(PartSchema))


@blueprint.get("/lines")
@api.endpoint("lines", answer=LineSchema, query=OldQuerySchema)
def list_lines(query):
    return {"parts": [{"colour": "red"}]}


@blueprint.get("/old")
@api.endpoint("old", deprecated=OLD)
def show_old(query):
    return {}


@blueprint.get("/own")
@api.endpoint("own", needs="project.read", answer=AnswerSchema)
def list_own(query):
    return {"words": ["並び"] * 1000}


@blueprint.get("/stream")
@api.endpoint("stream", media_type="application/x-ndjson")
def stream(query) -> Response:
    response = Response((b'{"a":1}\n' for _ in range(500)), mimetype="application/x-ndjson")
    response.set_etag("all", weak=True)
    response.content_length = 4_000
    return response


@blueprint.get("/many")
@api.endpoint("many")
def list_many(query):
    return {"words": ["並び"] * 1000}


@blueprint.get("/pages")
@api.endpoint("pages", query=AskSchema)
def list_pages(query) -> Response:
    return api.link_next(api.json_response({}), limit="2")


@pytest.fixture
def client(tmp_path):
    """A client of the small application; no database is needed."""
    app = Flask("small")
    settings = Settings(env="development", data_dir=tmp_path)
    web.init_web(app, settings)
    api_delivery.init_delivery(app)
    app.register_blueprint(blueprint)
    return app.test_client()


def test_values_are_loaded_and_answered_as_plain_json(client):
    answer = client.get("/api/v1/things?limit=3&word=%E4%B8%A6%E3%81%B3")
    assert answer.content_type == "application/json"
    assert answer.data.decode() == '{"word":"並び","limit":3}\n'
    assert answer.headers["Cache-Control"] == "public, no-cache"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("colour=red", ["colour"]),
        ("limit=0", ["limit"]),
        ("limit=1&limit=2", ["limit"]),
        ("colour=red&size=2&limit=x", ["colour", "size", "limit"]),
    ],
)
def test_every_wrong_parameter_is_named_at_once(client, query, names):
    answer = client.get(f"/api/v1/things?{query}")
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert [each["field"] for each in answer.json["errors"]] == names


def test_an_unchanged_answer_is_304(client):
    tag = client.get("/api/v1/things").headers["ETag"]
    again = client.get("/api/v1/things", headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get("/api/v1/things?limit=2", headers={"If-None-Match": tag}).status_code == 200


def test_a_caller_that_takes_no_json_gets_406(client):
    assert client.get("/api/v1/things", headers={"Accept": "text/html"}).status_code == 406
    assert client.get("/api/v1/things", headers={"Accept": "*/*"}).status_code == 200


def test_other_sites_may_read_but_never_with_cookies(client):
    answer = client.options("/api/v1/things", headers={"Origin": "https://example.jp"})
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert client.post("/api/v1/things", json={}).headers.get("Access-Control-Allow-Origin") is None


def test_what_needs_a_token_is_not_for_pages_of_other_sites(client):
    for method in ("GET", "OPTIONS"):
        answer = client.open("/api/v1/own", method=method, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Content-Encoding" not in answer.headers
    assert "RateLimit" in client.get("/api/v1/many").headers["Access-Control-Expose-Headers"]


def test_large_public_answers_are_compressed_for_those_who_ask(client):
    plain = client.get("/api/v1/many")
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["Vary"]
    pressed = client.get("/api/v1/many", headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert pressed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(pressed.data) == plain.data
    assert int(pressed.headers["Content-Length"]) == len(pressed.data) < len(plain.data) / 10
    # Other bytes, the same content: the tag says so, and still spares the copy.
    tag = pressed.headers["ETag"]
    assert tag == f"W/{plain.headers['ETag']}"
    held = {"Accept-Encoding": "gzip", "If-None-Match": tag}
    assert client.get("/api/v1/many", headers=held).status_code == 304
    head = client.head("/api/v1/many", headers={"Accept-Encoding": "gzip"})
    assert (head.data, head.headers["Content-Length"]) == (b"", pressed.headers["Content-Length"])
    for wanted in ("identity", "gzip;q=0", "gzip;q=0.5, identity", ""):
        answer = client.get("/api/v1/many", headers={"Accept-Encoding": wanted})
        assert answer.data == plain.data
    assert client.get("/api/v1/things", headers={"Accept-Encoding": "gzip"}).json["limit"] == 5
    lines = client.get("/api/v1/stream", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(lines.data) == client.get("/api/v1/stream").data
    assert "Content-Length" not in lines.headers


@pytest.mark.parametrize(
    ("path", "since", "sunset", "successors"),
    [
        ("/old", "@1790812800", "Thu, 01 Apr 2027 00:00:00 GMT", ["/api/v1/things"]),
        ("/lines", "@1790812800", "Thu, 01 Apr 2027 00:00:00 GMT", ["/api/v1/things"]),
        (
            "/lines?size=2",
            "@1775001600",
            "Thu, 01 Apr 2027 00:00:00 GMT",
            ["/api/v1/things", "/api/v2/lines"],
        ),
    ],
)
@pytest.mark.acceptance(36)
def test_what_is_on_its_way_out_says_since_when_until_when_and_what_instead(
    client, path, since, sunset, successors
):
    answer = client.get(f"/api/v1{path}")
    assert (answer.headers["Deprecation"], answer.headers["Sunset"]) == (since, sunset)
    links = [f'<{each}>; rel="successor-version"' for each in successors]
    assert answer.headers.getlist("Link") == links
    plain = client.get("/api/v1/things").headers
    assert not {"Deprecation", "Sunset", "Link"} & set(plain.keys())


@pytest.mark.parametrize(
    ("asked", "language", "title"),
    [
        (None, "ja", "指定できない検索条件があります"),
        ("en", "en", "Parameters cannot be used"),
        ("en-GB,en;q=0.8,ja;q=0.5", "en", "Parameters cannot be used"),
        ("ja,en;q=0.9", "ja", "指定できない検索条件があります"),
        ("fr", "ja", "指定できない検索条件があります"),
        ("*", "ja", "指定できない検索条件があります"),
    ],
)
def test_a_problem_speaks_the_language_that_was_asked_for(client, asked, language, title):
    headers = {} if asked is None else {"Accept-Language": asked}
    answer = client.get("/api/v1/things?colour=red", headers=headers)
    assert (answer.headers["Content-Language"], answer.json["title"]) == (language, title)
    assert "Accept-Language" in answer.headers["Vary"]
    assert answer.json["type"] == "/docs/problems#bad_parameters"
    assert [each["field"] for each in answer.json["errors"]] == ["colour"]
    gone = client.get(f"/api/v1/things/{'0' * 8}-0000-0000-0000-{'0' * 12}", headers=headers)
    assert gone.json["title"] == ("Gone" if language == "en" else "公開を終えました")


@pytest.mark.parametrize("text", ["", "x", "W10", "bnVsbA", "WzFd", "WyJhIiwiYiJd", "日本"])
def test_a_foreign_cursor_is_refused(text):
    with pytest.raises(api.BadParameters):
        api.read_cursor(text)


def test_a_cursor_comes_back_whole():
    assert api.read_cursor(api.make_cursor("令和", "2"), 2) == ("令和", "2")


def test_the_next_page_keeps_the_other_parameters(client):
    link = client.get("/api/v1/pages?word=a&limit=1").headers["Link"]
    assert link == '<http://localhost/api/v1/pages?word=a&limit=2>; rel="next"'


def test_the_description_tells_parameters_answers_and_problems(client):
    with client.application.test_request_context():
        found = api_description.describe_api(
            client.application, title="small", version="1", prefix="/api/v1", shapes={}
        )
    things = found["paths"]["/api/v1/things"]["get"]
    assert [each["name"] for each in things["parameters"]] == ["limit", "word"]
    assert things["parameters"][0]["schema"]["maximum"] == 9
    told = {"200", "304", "400", "401", "403", "404", "406", "412", "414", "429", "431"}
    assert set(things["responses"]) == told
    assert found["paths"]["/api/v1/old"]["get"]["deprecated"] is True
    old = found["components"]["schemas"]["Part"]["properties"]["colour"]
    ends = "2027-04-01まで。後継：/api/v1/things"
    assert old == {"type": "string", "deprecated": True, "description": ends}
    one = found["paths"]["/api/v1/things/{thing_id}"]["get"]
    assert one["parameters"][0]["schema"]["format"] == "uuid"
    assert "410" in one["responses"]
    problem = found["components"]["schemas"]["Problem"]
    gone = client.get("/api/v1/things/00000000-0000-0000-0000-000000000000")
    assert gone.status_code == 410
    Draft202012Validator({**problem, "components": found["components"]}).validate(gone.json)


def test_numbers_that_json_does_not_know_are_refused():
    with pytest.raises(ValueError, match="Out of range"):
        api.dump_json({"x": float("nan")})
    assert json.loads(api.dump_json({"x": None})) == {"x": None}
