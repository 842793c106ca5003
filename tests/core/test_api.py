"""The conventions of the API on a small application of its own."""

import json

import pytest
from flask import Blueprint, Flask, Response
from jsonschema import Draft202012Validator
from marshmallow import fields, validate

from core import api, api_description, web
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
    api.init_api(app)
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
    assert {"200", "304", "400", "406", "default"} == set(things["responses"])
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
