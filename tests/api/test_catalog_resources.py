"""Vendors, bodies, what belongs to an offering, costs and comparisons: what their pages say, as data."""

import uuid

import pytest

from catalog.terms import Answer
from core import db
from tests import factories
from tests.api.world import withdraw
from tests.page_checks import text_of

BUDGET = 10


def read_all(api, path, size=2):
    """Follow `next` to the end within the budget of statements for each page."""
    items, cursor = [], ""
    while True:
        mark = "&" if "?" in path else "?"
        found = api.json(f"{path}{mark}limit={size}{cursor}")
        assert len(api.client.statements) <= BUDGET, api.client.statements
        items += found["items"]
        if found["next"] is None:
            return items
        cursor = f"&cursor={found['next']}"


def test_vendors_are_those_whose_registration_is_in_force(api, market):
    found = read_all(api, "/vendors", 1)
    assert [each["id"] for each in found] == sorted(str(each.id) for each in market.makers)
    maker = market.makers[0]
    assert api.json(f"/vendors/{maker.id}") in found
    assert maker.name in text_of(api.client.page(f"/vendors/{maker.id}"))
    (one,) = api.json(f"/vendors?corporate_number={maker.corporate_number}")["items"]
    assert one["id"] == str(maker.id)
    assert api.json(f"/vendors/{market.hidden.id}", 404)
    assert api.json(f"/vendors/{uuid.uuid4()}", 404)
    assert api.json("/vendors?corporate_number=1", 400)["errors"][0]["field"] == "corporate_number"


def test_bodies_carry_what_costs_are_computed_by(api, market):
    with db.transaction() as session:
        codes = ["131016", "102121", "011002"]
        for code in codes:
            factories.body(session, code=code, prefecture="東京都")
        person = factories.person(session)
    found = read_all(api, "/bodies?prefecture=東京都")
    assert [each["code"] for each in found] == sorted(codes)
    one = api.json("/bodies/102121")
    assert one == found[1]
    assert (one["population"], one["size_class"], one["population_on"]) == (
        8_421,
        "under_10k",
        "2020-10-01",
    )
    assert [each["code"] for each in api.json("/bodies?q=1310")["items"]] == ["131016"]
    assert api.json("/bodies?kind=village")["items"] == []
    assert api.json("/bodies?kind=x", 400)["errors"][0]["field"] == "kind"
    assert api.json("/bodies/999999", 404)
    assert person.name not in api.get("/bodies").text


def test_conformance_and_certificates_are_those_of_the_page(api, market):
    path = f"/offerings/{market.offering_id}"
    answers = read_all(api, f"{path}/conformance")
    assert [each["requirement_id"] for each in answers] == ["R-001", "R-002", "R-003"]
    assert {each["answer"] for each in answers} <= {None, *map(str, Answer)}
    (chapter,) = api.json(f"{path}/conformance")["chapters"]
    met, total = chapter["met"]["must"], chapter["total"]["must"]
    page = api.client.page(f"/listings/{market.rows[market.first.id].listing_id}")
    assert f"{met}／{total}" in text_of(page)
    unanswered = api.json(f"/offerings/{market.other_id}/conformance")
    assert {each["answer"] for each in unanswered["items"]} == {None}
    assert unanswered["chapters"][0]["unanswered"] == 3
    (certificate,) = read_all(api, f"{path}/certificates")
    assert certificate["number"] == market.certificate.number
    assert api.json(f"/certificates/{certificate['id']}") == certificate
    assert read_all(api, f"/offerings/{market.other_id}/certificates") == []
    assert api.json(f"/certificates/{uuid.uuid4()}", 404)
    (version,) = read_all(api, f"{path}/versions")
    whole = api.json(path)
    assert {**whole["version"], "certification": whole["certification"]} == {
        name: value for name, value in version.items() if name != "state"
    }


def test_a_listing_shows_its_terms_and_every_one_it_had(api, market):
    row = market.rows[market.first.id]
    (offered,) = [
        each
        for each in api.json(f"/offerings/{market.offering_id}")["listings"]
        if each["id"] == str(row.listing_id)
    ]
    assert api.json(f"/listings/{row.listing_id}") == offered
    (past,) = read_all(api, f"/listings/{row.listing_id}/versions")
    assert past == {**offered, "state": "published"}
    for each in (market.secret, market.stranger, market.unconfirmed):
        assert api.json(f"/listings/{each.listing_id}", 404)
        assert api.json(f"/listings/{each.listing_id}/versions", 404)
    withdraw(market, market.second)
    ended = market.rows[market.second.id]
    assert api.json(f"/listings/{ended.listing_id}", 410)["type"].endswith("#gone")
    assert [e["state"] for e in read_all(api, f"/listings/{ended.listing_id}/versions")] == [
        "withdrawn"
    ]
    for part in ("", "/versions", "/conformance", "/certificates"):
        assert api.json(f"/offerings/{market.other_id}{part}", 410)


def test_costs_are_the_yen_of_the_page(api, market):
    words = f"l={market.first.id}&body=reference&start=2027-04-01&months=36"
    cost = api.json(f"/cost?{words}")
    assert len(api.client.statements) <= BUDGET
    page = text_of(api.client.page(f"/cost?{words}"))
    assert cost["total"] == cost["subtotal"] + cost["tax"]
    assert f"{cost['total']:,}円" in page
    for line in cost["fiscal_years"]:
        assert f"{line['total']:,}" in page
    assert sum(line["total"] for line in cost["fiscal_years"]) == cost["total"]
    assert sum(item["amount"] for item in cost["items"]) == cost["subtotal"]
    assert cost["conditions"]["ends_on"] == "2030-03-31"
    refused = {
        "": "l",
        f"l={market.first.id}&l={market.second.id}": "l",
        f"{words}&on=2099-01-01": "on",
        f"{words}&usd=150": "usd_on",
        f"l={market.first.id}&body=どこにもない": "body",
        f"{words}&months=0": "months",
        f"{words}&colour=x": "colour",
    }
    for query, name in refused.items():
        problem = api.json(
            f"/cost?{query.replace(f'{words}&months=0', f'l={market.first.id}&months=0')}", 400
        )
        assert problem["errors"][0]["field"] == name, query
    assert api.json(f"/cost?l={market.secret.id}", 404)


def test_a_comparison_is_that_of_the_page(api, market):
    words = f"l={market.first.id}&l={market.second.id}&body=reference&start=2027-04-01"
    found = api.json(f"/comparison?{words}")
    assert len(api.client.statements) <= BUDGET
    page = text_of(api.client.page(f"/compare?{words}"))
    assert [each["name"] for each in found["services"]] == ["公開サービス一", "公開サービス二"]
    for service in found["services"]:
        assert f"{service['cost']['total']:,}" in page
        one = api.json(f"/cost?l={service['listing_version_id']}&body=reference&start=2027-04-01")
        assert {name: one[name] for name in service["cost"]} == service["cost"]
    assert found["requirements"]["total"] == 3
    assert f"{found['requirements']['total']:,}件" in page
    for term in found["terms"]:
        assert term["label"] in page
    rows = read_all(api, f"/comparison?{words}")
    assert [each["requirement_id"] for each in rows] == ["R-001", "R-002", "R-003"]
    assert all(each["answers"][1] is None and each["has_gap"] for each in rows)
    assert api.json(f"/comparison?{words}&must=1")["requirements"]["shown"] < 3
    assert api.json(f"/comparison?l={market.first.id}", 400)["errors"][0]["field"] == "l"
    assert api.json(f"/comparison?l={market.first.id}&l={market.secret.id}", 404)


@pytest.mark.sqlite_only
def test_unchanged_resources_answer_304(api, market):
    for path in (
        "/vendors",
        "/bodies",
        f"/offerings/{market.offering_id}/conformance",
        f"/cost?l={market.first.id}",
    ):
        tag = api.get(path).headers["ETag"]
        api.get(path, 304, headers={"If-None-Match": tag})
        refused = api.get(path, 412, headers={"If-Match": '"of-before"'}).json
        assert "If-Matchを付けずに" in refused["detail"]
