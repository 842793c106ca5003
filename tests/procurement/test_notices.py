"""A contract notice: prepared by a clerk, published by another person, read by everyone, withdrawn."""

import uuid
from copy import deepcopy

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlmodel import select

from catalog.offerings.models import Listing
from core import db
from tests.api.world import Api
from tests.ocds_checks import package_problems
from tests.page_checks import text_of
from tests.procurement.test_register import values

TICKED = {"confirmed": "yes"}
_ROWS = text("SELECT * FROM contract_notices ORDER BY id")


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


def assert_the_standard_is_watched(package):
    """Break a package in each way that matters; the client's check of every answer tells each."""
    assert package_problems(package) == []
    (supplier,) = (p for p in package["releases"][0]["parties"] if p["roles"] == ["supplier"])
    assert supplier["identifier"]["scheme"] == "JP-JCN"
    assert len(supplier["identifier"]["id"]) == 13
    for place, wrong in (
        (("uri",), "/notices"),
        (("releases", 0, "ocid"), "narabi-1"),
        (("releases", 0, "date"), "令和8年"),
        (("releases", 0, "tag"), ["notice"]),
        (("releases", 0, "colour"), "blue"),
        (("releases", 0, "tender", "status"), "done"),
        (("releases", 0, "awards", 0, "value", "currency"), "yen"),
        (("releases", 0, "contracts", 0, "awardID"), None),
        (("releases", 0, "contracts", 0, "period", "endDate"), "2027-03-31"),
    ):
        broken = deepcopy(package)
        inner = broken
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = wrong
        assert package_problems(broken), place


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
    (release,) = package["releases"]
    assert_the_standard_is_watched(package)
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


def _offered(contract, *readers):
    """Give, for each reader, the links about the notice on the page of the contract."""
    pages = [each.page(contract) for each in readers]
    links = [[text_of(a) for main in page.iter("main") for a in main.iter("a")] for page in pages]
    return [[words for words in each if "公表" in words] for each in links]


def test_who_prepared_does_not_publish_and_an_amount_may_stay_private(market, contract, client):
    both, people = market.as_(market.both), (market.clerk, market.approver, market.seller_admin)
    readers = [market.as_(each) for each in people]
    assert _offered(contract, *readers) == [["契約の公表の案を作る"], [], []]
    both.submit(f"{contract}/notice", {**TICKED, "amount": ""})
    decides = ["契約の公表を決裁する", "公表の案を取り下げる"]
    assert _offered(contract, *readers) == [["公表の案を作り直す"], decides, []]
    assert "案を作った人は決裁できません" in text_of(both.page(f"{contract}/notice/publish"))
    market.as_(market.approver).submit(f"{contract}/notice/publish", TICKED)
    public, taken_back = "公表のページを開く", "契約の公表を取り下げる"
    corrected = [[public, "公表の訂正の案を作る"], [public, taken_back], [public]]
    assert _offered(contract, *readers) == corrected
    api = Api(client)
    (release,) = api.json("/notices")["releases"]
    assert "value" not in release["awards"][0]
    assert "value" not in release["contracts"][0]
    assert "公表していません" in text_of(
        client.page(f"/notices/{release['id'].removesuffix('-1')}")
    )


REASON = "契約金額の桁を誤りました。"


def correct(market, contract):
    """Replace a public notice by one without an amount."""
    said = {**TICKED, "amount": "", "reason": REASON}
    assert market.as_(market.clerk).submit(f"{contract}/notice", said).status_code == 303
    approver = market.as_(market.approver)
    page = text_of(approver.page(f"{contract}/notice/publish"))
    assert REASON in page
    assert "3,300,000円" in page
    assert approver.submit(f"{contract}/notice/publish", TICKED).status_code == 303


def test_a_public_notice_is_corrected_only_by_another_one_under_the_same_ocid(
    market, contract, client
):
    api, place = Api(client), f"{contract}/notice"
    clerk, approver = market.as_(market.clerk), market.as_(market.approver)
    told = {**TICKED, "amount": "3,200,000"}
    assert "契約の公表の案を作る" in text_of(clerk.page("/"))
    publish(market, contract)
    assert "契約の公表の案を作る" not in text_of(clerk.page("/"))
    (first,) = api.json("/notices")["releases"]
    assert clerk.submit(place, told).status_code == 422  # without a reason
    same = clerk.submit(place, {**TICKED, "reason": "確認のため。"})
    assert (same.status_code, "公表している内容と同じです" in same.text) == (422, True)
    assert clerk.submit(place, {**told, "reason": REASON}).status_code == 303
    assert "契約の公表を決裁する" in text_of(approver.page("/"))
    assert api.json("/notices")["releases"] == [first]  # the old one until the decision
    dropped = {**TICKED, "reason": "案に誤りがありました。"}
    assert approver.submit(f"{place}/withdraw", dropped).status_code == 303  # the waiting one only
    correct(market, contract)

    package = api.json("/notices")
    before, after = package["releases"]
    assert before == first
    assert (after["ocid"], after["tag"]) == (first["ocid"], ["awardUpdate", "contractUpdate"])
    assert after["id"] != first["id"]
    assert after["contracts"][0]["value"] == {"amount": None, "currency": None}
    assert after["contracts"][0]["id"] == first["contracts"][0]["id"]
    assert REASON in after["contracts"][0]["description"]
    old, new = (each["id"].removesuffix("-1") for each in (before, after))
    for each in (old, new):
        assert api.json(f"/notices/{each}")["releases"] == [before, after]
        assert REASON in text_of(client.page(f"/notices/{each}"))
    assert "この内容は訂正されました" in text_of(client.page(f"/notices/{old}"))
    assert (
        'class="notice ' not in client.get(f"/notices/{new}").text
    )  # no empty box above the title
    listed = client.get("/notices").text
    assert (new in listed, old in listed) == (True, False)


def test_a_withdrawal_takes_all_corrections_and_reaches_who_follows_the_list(
    market, contract, client
):
    api, approver = Api(client), market.as_(market.approver)
    publish(market, contract)
    correct(market, contract)
    package = api.json("/notices")
    first, after = package["releases"]
    place = f"/notices?since={package['nextSince']}&epoch={package['epoch']}"
    assert (api.json(place)["releases"], api.json(place)["withdrawn"]) == ([], [])
    assert approver.submit(f"{contract}/notice/withdraw", TICKED).status_code == 422
    reason = {**TICKED, "reason": "契約の相手方の求めによります。"}
    assert approver.submit(f"{contract}/notice/withdraw", reason).status_code == 303
    for each in (first["id"].removesuffix("-1"), after["id"].removesuffix("-1")):
        assert reason["reason"] in api.json(f"/notices/{each}", 410)["detail"]
        gone = client.get(f"/notices/{each}")
        assert (gone.status_code, reason["reason"] in gone.text) == (410, True)
    assert "提供を終了" not in gone.text  # nobody ended a service
    assert reason["reason"] in text_of(market.as_(market.clerk).page(contract))
    assert reason["reason"] not in text_of(market.as_(market.seller_admin).page(contract))
    followed = api.json(place)
    assert followed["releases"] == []
    assert {each["releaseID"] for each in followed["withdrawn"]} == {first["id"], after["id"]}
    assert {each["ocid"] for each in followed["withdrawn"]} == {first["ocid"]}
    assert "契約の公表の案を作る" not in text_of(market.as_(market.clerk).page("/"))
    publish(market, contract, amount="3,100,000")
    # Page by page is the same as at once, and nothing public was ever left out.
    since, pages = 0, []
    while pages == [] or "links" in pages[-1]:
        pages.append(api.json(f"/notices?limit=1&since={since}"))
        since = pages[-1]["nextSince"]
    (anew,) = [release for page in pages for release in page["releases"]]
    assert (anew["ocid"], anew["tag"]) == (first["ocid"], ["award", "contract"])
    assert [e for page in pages for e in page["withdrawn"]] == followed["withdrawn"]
    assert api.json(f"/notices/{uuid.uuid4()}", 404)
    for wrong in (since + 1, -1, "x"):
        assert api.json(f"/notices?since={wrong}", 400)["errors"][0]["field"] == "since"
    assert "初めから" in api.json("/notices?since=1&epoch=other", 410)["detail"]
    of_none = text_of(client.page(f"/notices?offering={uuid.uuid4()}"))
    assert "公表された契約はまだありません" in of_none
    with db.reading() as session:
        software = session.exec(select(Listing.offering_id)).all()
    listed = [client.get(f"/notices?offering={each}").text for each in software]
    assert [anew["id"].removesuffix("-1") in each for each in listed].count(True) == 1
    assert client.get("/notices?offering=x").status_code == 404


def test_the_database_itself_keeps_what_was_published(market, contract):
    publish(market, contract)
    market.as_(market.clerk).submit(
        f"{contract}/notice", {**TICKED, "amount": "", "reason": "金額は公表しないため。"}
    )
    engine, public = db.current().engine, "UPDATE contract_notices SET {} WHERE state = 'published'"
    attempts = [
        (rule, public.format(change))
        for rule, change in (
            ("publication_stays", "content = '{}'"),
            ("publication_stays", "content_sha256 = 'x'"),
            ("order_stays", "sequence = 0"),
            ("withdrawn_with_a_reason", "state = 'withdrawn'"),
            ("ck_contract_notices_four_eyes", "prepared_by_id = published_by_id"),
        )
    ]
    less = "DELETE FROM contract_notices WHERE state = 'prepared'; "
    attempts.append(("never_prepared_again", less + public.format("state = 'prepared'")))
    attempts.append(("kept", f"{less}DELETE FROM contract_notices"))
    gone = "state = 'superseded', sequence = 8"
    whole = "state = 'published', published_at = updated_at, sequence = 9, published_by_id ="
    other = "(SELECT id FROM people WHERE id <> prepared_by_id LIMIT 1)"
    for rule, change in (
        ("published_as_prepared", f"{whole} {other}, content = '{{}}'"),
        ("ck_contract_notices_four_eyes", f"{whole} prepared_by_id"),
    ):
        later = f"UPDATE contract_notices SET {change} WHERE state = 'prepared'"
        attempts.append((rule, f"{public.format(gone)}; {later}"))
    born = (
        "INSERT INTO contract_notices (id, created_at, updated_at, version, contract_id, owner_id,"
        " state, content, content_sha256, prepared_by_id, withdrawal_reason, correction_reason)"
        " SELECT corrects_id, created_at, updated_at, 1, contract_id, owner_id, 'withdrawn', '{}',"
        " '', prepared_by_id, '', '' FROM contract_notices WHERE state = 'prepared'"
    )
    attempts.append(("born_prepared|pkey|UNIQUE", born.replace("corrects_id,", "contract_id,", 1)))
    if not db.current().is_sqlite:
        attempts.append(("append-only", "TRUNCATE contract_notices CASCADE"))
    with db.reading() as session:
        before = session.execute(_ROWS).all()
    for rule, statement in attempts:
        with pytest.raises(DatabaseError, match=rule), engine.begin() as connection:
            for each in statement.split("; "):
                connection.execute(text(each))
            pytest.fail(rule)
    with db.reading() as session:
        assert session.execute(_ROWS).all() == before
    with engine.begin() as connection:  # what was never public may go
        connection.execute(text("DELETE FROM contract_notices WHERE state = 'prepared'"))


def test_a_contract_that_nobody_confirmed_is_not_published(market):
    market.reach_accepted()
    path = f"/requests/{market.request().id}/contract"
    place = market.as_(market.clerk).submit(path, values(market)).location
    clerk = market.as_(market.clerk)
    assert "確かめたあとに、公表の案を作れます" in text_of(clerk.page(f"{place}/notice"))
    refused = clerk.post(f"{place}/notice", data={**TICKED, "version": "0", "amount": ""})
    assert refused.status_code in {400, 422}
