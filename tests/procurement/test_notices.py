"""A contract notice: prepared by a clerk, published by another person, read by everyone, withdrawn."""

import json
import uuid
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.api.world import Api
from tests.page_checks import text_of
from tests.procurement.test_register import values

OCDS = json.loads((Path(__file__).parent / "ocds_schema.json").read_text())
TICKED = {"confirmed": "yes"}


@pytest.fixture
def contract(market):
    """Record a contract, confirmed by an approver; its address."""
    market.reach_accepted()
    path = f"/requests/{market.request().id}/contract"
    place = market.as_(market.clerk).submit(path, values(market)).location
    market.as_(market.approver).submit(f"{place}/confirm", TICKED)
    return place


def publish(market, contract, **prepared):
    said = {**TICKED, "amount": "3,300,000", **prepared}
    done = market.as_(market.clerk).submit(f"{contract}/notice", said)
    assert done.status_code == 303
    done = market.as_(market.approver).submit(f"{contract}/notice/publish", TICKED)
    assert done.status_code == 303


def test_a_notice_is_published_by_two_people_and_reads_the_same_everywhere(
    market, contract, client
):
    api = Api(client)
    assert api.json("/notices")["releases"] == []
    clerk, approver = market.as_(market.clerk), market.as_(market.approver)
    assert approver.get(f"{contract}/notice").status_code == 403
    assert clerk.get(f"{contract}/notice/publish").status_code == 403
    assert market.as_(market.seller_admin).get(f"{contract}/notice").status_code == 403
    rival, unknown = market.as_(market.rival_admin), f"/contracts/{uuid.uuid4()}/notice"
    assert rival.get(f"{contract}/notice").status_code == rival.get(unknown).status_code == 403
    assert clerk.submit(f"{contract}/notice", {"amount": "三万"}).status_code == 422
    waiting = clerk.submit(f"{contract}/notice", {**TICKED, "amount": "3,300,000"})
    assert waiting.status_code == 303
    assert api.json("/notices")["releases"] == []
    assert "公表された契約はまだありません" in text_of(client.page("/notices"))
    assert "3,300,000円" in text_of(approver.page(f"{contract}/notice/publish"))
    approver.submit(f"{contract}/notice/publish", TICKED)
    package = api.json("/notices")
    Draft202012Validator(OCDS, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(package)
    (release,) = package["releases"]
    notice_id = release["id"].removesuffix("-1")
    page = text_of(client.page(f"/notices/{notice_id}"))
    (told,) = release["contracts"]
    for words in (
        told["title"],
        release["buyer"]["name"],
        release["awards"][0]["suppliers"][0]["name"],
    ):
        assert words in page
    assert told["value"] == {"amount": 3_300_000, "currency": "JPY"}
    assert "3,300,000円" in page
    assert release["tender"]["procurementMethodDetails"].split("　")[0] in page
    assert told["title"] in text_of(client.page("/notices"))
    item = api.json(f"/listings/{market.cheap.listing_id}")
    answered = api.json(f"/offerings/{item['offering_id']}")["version"]["specification_version"]
    counted = api.json(f"/specifications/{answered['code']}/market")["published_contracts"]
    assert counted == {"notices": 1, "bodies": 1, "services": 1, "largest": 1}
    market_page = text_of(client.page(f"/specifications/{answered['code']}/market"))
    assert "1団体が1件の契約を公表しています" in market_page
    one = api.get(f"/notices/{notice_id}")
    assert one.json["releases"] == [release]
    api.get(f"/notices/{notice_id}", 304, headers={"If-None-Match": one.headers["ETag"]})
    assert "すでに公表しています" in text_of(clerk.page(f"{contract}/notice"))
    assert market.clerk.name not in one.text + page
    assert "契約を公表しました" in text_of(
        approver.page(f"/projects/{market.project().id}/history")
    )


def test_who_prepared_does_not_publish_and_an_amount_may_stay_private(market, contract, client):
    both = market.as_(market.both)
    both.submit(f"{contract}/notice", {**TICKED, "amount": ""})
    assert "案を作った人は決裁できません" in text_of(both.page(f"{contract}/notice/publish"))
    market.as_(market.approver).submit(f"{contract}/notice/publish", TICKED)
    api = Api(client)
    (release,) = api.json("/notices")["releases"]
    assert "value" not in release["awards"][0]
    assert "value" not in release["contracts"][0]
    assert "公表していません" in text_of(
        client.page(f"/notices/{release['id'].removesuffix('-1')}")
    )


def test_a_withdrawn_notice_is_gone_with_its_reason_and_can_be_made_anew(market, contract, client):
    publish(market, contract)
    api = Api(client)
    first = api.json("/notices")["releases"][0]["id"].removesuffix("-1")
    approver = market.as_(market.approver)
    assert approver.submit(f"{contract}/notice/withdraw", TICKED).status_code == 422
    reason = {**TICKED, "reason": "金額に誤りがありました。"}
    assert approver.submit(f"{contract}/notice/withdraw", reason).status_code == 303
    problem = api.json(f"/notices/{first}", 410)
    assert "金額に誤りがありました" in problem["detail"]
    gone = client.get(f"/notices/{first}")
    assert (gone.status_code, "金額に誤りがありました" in gone.text) == (410, True)
    assert api.json("/notices")["releases"] == []
    publish(market, contract, amount="3,200,000")
    (release,) = api.json("/notices?limit=1")["releases"]
    assert release["id"].removesuffix("-1") != first
    assert api.json(f"/notices/{uuid.uuid4()}", 404)
    for cursor in ("x", "WyJ4Il0", "WyIyMDI2LTAxLTAxIiwgIngiXQ"):
        assert api.json(f"/notices?cursor={cursor}", 400)["errors"][0]["field"] == "cursor"


def test_a_contract_that_nobody_confirmed_is_not_published(market):
    market.reach_accepted()
    path = f"/requests/{market.request().id}/contract"
    place = market.as_(market.clerk).submit(path, values(market)).location
    clerk = market.as_(market.clerk)
    assert "確かめたあとに、公表の案を作れます" in text_of(clerk.page(f"{place}/notice"))
    refused = clerk.post(f"{place}/notice", data={**TICKED, "version": "0", "amount": ""})
    assert refused.status_code in {400, 422}
