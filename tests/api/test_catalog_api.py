"""The public API over HTTP; every answer is held against the description that the site itself gives.

What the database selects and orders runs on both; parameters, headers and the description on SQLite alone.
"""

import re
import shlex
import uuid
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from accounts.hooks.models import MessageState, WebhookMessage
from accounts.identity import Scope
from accounts.models import Organisation
from catalog.certification.models import ReviewState
from catalog.offerings.queries import load_listing_versions
from catalog.terms import Answer, CertificationState
from core import db
from tests import factories
from tests.api.programs import READER, WRITER, Program
from tests.api.world import START, withdraw
from tests.page_checks import text_of
from tests.search.market import index_all

DOCS = Path(__file__).parents[2] / "docs" / "api.md"


def test_offerings_carry_facts_standing_and_every_sellers_price(api, market):
    page = api.json("/offerings")
    assert page["next"] is None
    by_name = {item["version"]["name"]: item for item in page["items"]}
    assert set(by_name) == {"公開サービス一", "公開サービス二"}
    first, second = by_name["公開サービス一"], by_name["公開サービス二"]
    assert first["certification"]["state"] == "certified"
    assert first["certification"]["number"] == market.certificate.number
    assert second["certification"]["state"] == "unknown"
    assert len(first["listings"]) == 2
    assert len(second["listings"]) == 1
    own = next(each for each in first["listings"] if each["seller"]["id"] == first["maker"]["id"])
    assert (own["currency"], own["tax_included"]) == ("JPY", False)
    assert own["price_components"][1]["tiers"] == [{"from": 0, "unit_price": 20_000}]
    assert own["version_id"] == str(market.first.id)


@pytest.mark.sqlite_only
def test_search_answers_as_the_page_does(api, market, settings):
    index_all(settings, *market.rows.values(), market.reseller)
    path = (
        "/search?q=公開&size_class=10k&size_class=under_10k&certification=certified&sort=cost_10000"
    )
    found = api.json(path)
    (item,) = found["items"]
    assert (item["listing_version_id"], item["first_year"]) == (str(market.reseller.id), 108_000)
    assert [each["listing_version_id"] for each in item["other_sellers"]] == [str(market.first.id)]
    assert (found["total"], found["page_count"]) == (1, 1)
    assert "人口10,000人の団体の費用で並べています" in found["cost_basis"]
    counts = {
        each["name"]: {one["value"]: one["count"] for one in each["values"]}
        for each in found["facets"]
    }
    assert counts["certification"]["certified"] == 1
    assert list(counts["region"].values()) == [1]
    assert counts["certification"]["unknown"] == 1
    assert counts["seller_kind"] == {"direct": 1, "reseller": 1}
    few = api.json(f"{path}&facets=hosting&facets=certification")["facets"]
    assert {each["name"]: each["values"] for each in few} == {
        each["name"]: each["values"]
        for each in found["facets"]
        if each["name"] in {"hosting", "certification"}
    }
    page = api.client.page(path)
    assert "1件見つかりました" in text_of(page.find(".//*[@role='status']"))
    assert api.json(f"{path}&cost_max=118800")["total"] == 1
    assert api.json(f"{path}&cost_max=118799")["total"] == 0
    refused = {
        "colour=red": "colour",
        "q=a&q=b": "q",
        "sort=fame": "sort",
        "project=x": "project",
        "facets=x": "facets",
    }
    for query, name in refused.items():
        problem = api.json(f"/search?{query}", 400)
        assert [each["field"] for each in problem["errors"]] == [name]
    assert "設置場所" in api.json("/search?hosting=nowhere", 400)["detail"]
    assert api.json("/search?page=2", 404)["type"].endswith("#not_found")


def test_what_is_not_public_never_appears(api, market):
    seen = "".join(api.get(path).text for path in ("/offerings", "/snapshot", "/changes?since=0"))
    for name in ("秘密の下書き", "未登録事業者のサービス", market.hidden.name):
        assert name not in seen
    rows = (market.secret, market.stranger, market.unconfirmed)
    for row in rows:
        assert str(row.listing_id) not in seen
        assert str(row.id) not in seen
    assert str(market.draft.id) not in seen


def test_every_answer_is_ordered_and_paged_without_gaps(api, market):
    with db.transaction() as session:
        for _ in range(5):
            factories.offering(session, market.makers[0], market.version)
    whole = [item["id"] for item in api.json("/offerings")["items"]]
    assert whole == sorted(whole)
    assert len(whole) == 7
    collected: list[list[str]] = []
    path: str | None = "/offerings?limit=3"
    while path:
        response = api.get(path)
        collected.append([item["id"] for item in response.json["items"]])
        link = re.fullmatch(
            r'<http://localhost/api/v1(.+)>; rel="next"', response.headers.get("Link", "")
        )
        assert bool(link) == (response.json["next"] is not None)
        path = link.group(1) if link else None
    assert [len(part) for part in collected] == [3, 3, 1]
    assert [each for part in collected for each in part] == whole


def test_offerings_are_filtered_by_specification_and_standing(api, market):
    with db.transaction() as session:
        other = factories.specification(session, requirements=3)
        odd = factories.offering(session, market.makers[0], other, name="別の仕様")
        states = {}
        for state, values in (
            (
                ReviewState.CONDITIONAL,
                {"conditions": [{"requirement_id": "R-001", "due_on": "2027-01-31"}]},
            ),
            (
                ReviewState.CERTIFIED,
                {"valid_from": START - timedelta(days=9), "valid_until": START},
            ),
            (ReviewState.SUSPENDED, {}),
            (ReviewState.REVOKED, {}),
            (ReviewState.SUPERSEDED, {}),
        ):
            made = factories.offering(session, market.makers[0], market.version, answers=None)
            row = load_listing_versions(session, [made.id])[made.id]
            factories.certification(
                session, row.offering_version, state, **{"decided_at": START, **values}
            )
            states[state] = str(row.listing.offering_id)
        claimed = factories.offering(
            session, market.makers[1], market.version, answers=Answer.CONFORMS
        )
    code = api.json(f"/offerings/{odd_id(odd)}")["version"]["specification_version"]["code"]
    assert [
        i["version"]["name"] for i in api.json(f"/offerings?specification={code}")["items"]
    ] == ["別の仕様"]
    assert api.json(f"/offerings?specification={code}&specification_version=9")["items"] == []
    found = {
        state: {item["id"] for item in api.json(f"/offerings?certification={state}")["items"]}
        for state in CertificationState
    }
    assert found["conditional"] == {states[ReviewState.CONDITIONAL]}
    assert found["expired"] == {states[ReviewState.CERTIFIED]}
    assert found["suspended"] == {states[ReviewState.SUSPENDED]}
    assert found["revoked"] == {states[ReviewState.REVOKED]}
    assert found["certified"] == {str(market.offering_id)}
    assert found["unknown"] == {str(market.other_id)}
    assert found["claimed"] == {
        states[ReviewState.SUPERSEDED],
        str(odd_id(odd)),
        str(odd_id(claimed)),
    }
    for item in api.json("/offerings")["items"]:
        assert item["id"] in found[item["certification"]["state"]]


def odd_id(version):
    with db.reading() as session:
        return load_listing_versions(session, [version.id])[version.id].listing.offering_id


@pytest.mark.sqlite_only
def test_one_offering_is_answered_and_an_ended_one_is_gone(api, market):
    assert api.json(f"/offerings/{market.offering_id}")["version"]["name"] == "公開サービス一"
    assert api.json(f"/offerings/{odd_id(market.secret)}", 404)["status"] == 404
    assert api.json(f"/offerings/{odd_id(market.stranger)}", 404)["status"] == 404
    assert api.json(f"/offerings/{uuid.uuid4()}", 404)["type"].endswith("#not_found")
    withdraw(market, market.second)
    assert (
        "掲載を終え、新しい依頼を受け付けていません"
        in api.json(f"/offerings/{market.other_id}", 410)["detail"]
    )


@pytest.mark.sqlite_only
@pytest.mark.acceptance(34)
@pytest.mark.parametrize(
    "path", ["/offerings", "/changes?since=0", "/snapshot", "/openapi.json", "/offerings/{id}"]
)
def test_unknown_parameters_are_refused_by_name(api, market, path):
    path = path.replace("{id}", str(market.offering_id))
    mark = "&" if "?" in path else "?"
    problem = api.get(f"{path}{mark}colour=red", 400)
    assert problem.mimetype == "application/problem+json"
    assert [each["field"] for each in problem.json["errors"]] == ["colour"]
    assert "「colour」は指定できません" in problem.json["detail"]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("offerings?limit=0", "limit"),
        ("offerings?limit=101", "limit"),
        ("offerings?limit=x", "limit"),
        ("offerings?limit=1&limit=2", "limit"),
        ("offerings?cursor=%00", "cursor"),
        ("offerings?cursor=WyJ4Il0", "cursor"),
        ("offerings?specification=%00", "specification"),
        ("offerings?certification=good", "certification"),
        ("changes", "since"),
        ("changes?since=-1", "since"),
        ("changes?since=two", "since"),
        ("changes?since=99999999999999999999", "since"),
        ("changes?since=0&limit=1001", "limit"),
    ],
)
def test_wrong_values_are_refused_by_name(api, market, query, name):
    problem = api.json(f"/{query}", 400)
    assert [each["field"] for each in problem["errors"]] == [name]


@pytest.mark.sqlite_only
def test_only_json_and_only_reads(api, market):
    assert api.get("/offerings", 406, headers={"Accept": "text/html"})
    assert api.get("/offerings", 200, headers={"Accept": "text/html, */*;q=0.1"})
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(api.client, method)("/api/v1/offerings", json={})
        assert answer.status_code in {403, 405}
        assert answer.mimetype == "application/problem+json"
    unknown = api.client.get("/api/v1/nothing")
    assert (unknown.status_code, unknown.mimetype) == (404, "application/problem+json")


@pytest.mark.sqlite_only
def test_unchanged_answers_304_and_a_change_answers_200(api, market):
    for path in (
        "/offerings",
        f"/offerings/{market.offering_id}",
        "/changes?since=0",
        "/openapi.json",
        "/snapshot",
    ):
        tag = api.get(path).headers["ETag"]
        assert api.get(path, 304, headers={"If-None-Match": tag}).headers["ETag"] == tag
    tag = api.get("/offerings").headers["ETag"]
    withdraw(market, market.second)
    assert api.get("/offerings", 200, headers={"If-None-Match": tag}).headers["ETag"] != tag


@pytest.mark.sqlite_only
def test_pages_of_other_sites_may_read(api, market):
    answer = api.get("/offerings", headers={"Origin": "https://example.jp"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert answer.headers["Cache-Control"] == "public, no-cache"
    assert "Set-Cookie" not in answer.headers
    asked = api.client.options(
        "/api/v1/offerings",
        headers={"Origin": "https://example.jp", "Access-Control-Request-Headers": "if-none-match"},
    )
    assert (asked.status_code, asked.data) == (204, b"")
    assert "If-None-Match" in asked.headers["Access-Control-Allow-Headers"]
    assert "GET" in asked.headers["Access-Control-Allow-Methods"]
    refused = api.get("/offerings?x=1", 400)
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in api.client.get("/").headers


@pytest.mark.sqlite_only
def test_an_empty_catalog_answers_too(api, database):
    found = api.json("/offerings")
    assert (found["items"], found["next"]) == ([], None)
    assert api.json("/changes?since=0")["changes"] == []
    assert len(api.get("/snapshot").data.splitlines()) == 1
    assert api.json("/changes?since=1", 400)


@pytest.mark.sqlite_only
def test_the_description_covers_every_route(api, app):
    described = set(api.description["paths"])
    routes = {
        re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
    }
    assert described == routes
    assert len(routes) >= 5
    assert api.description["openapi"] == "3.1.0"
    Draft202012Validator.check_schema({"$defs": api.description["components"]["schemas"]})


@pytest.mark.sqlite_only
def test_lists_keep_the_sql_budget(api, market):
    for path in ("/offerings", f"/offerings/{market.offering_id}"):
        api.get(path)
        assert len(api.client.statements) <= 6, api.client.statements
    api.get("/changes?since=0")
    assert len(api.client.statements) <= 14, api.client.statements


def curl_lines():
    return re.findall(r"^curl (.+?)(?:\s+# → (\d+))$", DOCS.read_text(), re.MULTILINE)


def names_of(api, market):
    """What stands for the words in capitals of the documentation."""
    whole = api.json("/specifications")["items"]
    (item,) = [e for e in whole if str(market.version.id) in {v["id"] for v in e["versions"]}]
    return {
        "OFFERING_ID": str(market.offering_id),
        "ETAG": api.get("/offerings").headers["ETag"].strip('"'),
        "CODE": item["code"],
        "LABEL": quote(market.version.label),
        "REQUIREMENT_ID": "R-001",
        "VENDOR_ID": str(market.makers[0].id),
        "LISTING_ID": str(market.rows[market.first.id].listing_id),
        "VERSION_A": str(market.first.id),
        "VERSION_B": str(market.second.id),
        "CERTIFICATE_ID": str(market.certificate.id),
        **names_of_own(api, market),
    }


def names_of_own(api, market):
    """What stands for the words about a vendor's drafts and a body's cases."""
    writer = Program(api.client, market.makers[0].owner_id, WRITER)
    with db.transaction() as session:
        town = factories.body(session)
    place = f"/drafts/{market.secret.offering_version_id}"
    return {
        "WRITE_TOKEN": writer.token,
        "READ_TOKEN": Program(api.client, town.id, READER).token,
        "STANDARD_ID": str(market.version.id),
        "DRAFT_ID": str(market.secret.offering_version_id),
        "ANSWER_ID": writer.get(f"{place}/answers").json["items"][0]["id"],
        "OVERVIEW_TAG": writer.get(f"{place}/overview").headers["ETag"].strip('"'),
        "ANSWERS_TAG": writer.get(f"{place}/answers").headers["ETag"].strip('"'),
    }


def names_of_hook(api, market):
    """What stands for the words about webhooks: one that was told something once."""
    hooks = Program(api.client, market.makers[0].owner_id, Scope.WEBHOOK_MANAGE)
    body = {"name": "見本", "address": "https://example.jp/hooks", "signature": "ed25519"}
    made = hooks.post("/webhooks", body).json["id"]
    message = hooks.post(f"/webhooks/{made}/test", None, 202).json["id"]
    with db.transaction() as session:
        row = session.get_one(WebhookMessage, uuid.UUID(message))
        row.state, row.is_single = MessageState.DELIVERED, False
    return {"HOOK_TOKEN": hooks.token, "HOOK_ID": made, "MESSAGE_ID": message}


def program_of(market):
    """Return what the lines on tokens name, of a program of the first maker."""
    with db.transaction() as session:
        owner = session.get_one(Organisation, market.makers[0].owner_id)
        row, token = factories.api_client(session, owner)
    secret = factories.secret_of(row.id)
    return {"CLIENT_ID": str(row.id), "CLIENT_SECRET": secret, "ACCESS_TOKEN": token}


@pytest.mark.query_budget(45)  # a file is checked before its transaction
@pytest.mark.sqlite_only
def test_the_curl_lines_of_the_documentation_work(api, market, settings):
    index_all(settings, *market.rows.values())
    lines = curl_lines()
    # A line that does not say its status would be passed over in silence.
    assert len(lines) == DOCS.read_text().count("curl -") > 60
    named = {**names_of(api, market), **names_of_hook(api, market), **program_of(market)}
    for line, status in lines:
        words = shlex.split(re.sub("|".join(named), lambda found: named[found[0]], line))
        assert run_curl(api.client, words).status_code == int(status), line


def run_curl(client, words):
    """Send what curl would: without another type a form, and by POST as soon as something is sent."""
    (address,) = [word for word in words if word.startswith("http://127.0.0.1:8000")]
    told = {name: [b for a, b in pairwise(words) if a == name] for name in words}
    headers = [each.split(": ", 1) for each in told.get("-H", ())]
    file = "番号,結果\r\n1,合格\r\n".encode() if "@results.csv" in words else None
    sent = file or "&".join(told.get("-d", ())) or None
    form = sent is not None and not any(name == "Content-Type" for name, _ in headers)
    length = {"CONTENT_LENGTH": "0"} if ["Content-Length", "0"] in headers else {}
    return client.open(
        address.removeprefix("http://127.0.0.1:8000"),
        method=told["-X"][0] if "-X" in told else "POST" if sent else "GET",
        headers=headers,
        data=sent,
        auth=tuple(told["-u"][0].split(":")) if "-u" in told else None,
        content_type="application/x-www-form-urlencoded" if form else None,
        environ_overrides=length,
    )
