"""A registered vendor changes its facts: handed in, checked, decided by another, kept.

Pages and their words are read on SQLite only; the database's own refusal on both.
"""

from types import SimpleNamespace

import pytest
import sqlalchemy as sa

import tests.factories as make
from accounts.models import Organisation, OrganisationKind
from app import outbox_handlers
from core import db, outbox
from core.errors import Conflict
from core.japanese import name_skeleton
from tests.page_checks import text_of
from tests.vendors.people import add_people
from vendors import queries

KINDS = {"qualification_kinds": ["goods_sale", "service"]}
FORM = {
    "name": "見本海ソフト株式会社",
    "kana": "みほんうみそふと",
    "representative": "見本 新代表",
    "address": "見本県見本市1-2-3",
    "invoice_number": "",
    "is_small_or_medium": "true",
    "roles": ["maker", "seller"],
    "reason": "令和8年6月に商号を変えたため。",
    "confirmed": "yes",
}


@pytest.fixture
def town(settings, new_client):
    """A registered vendor, its people, two leads and a reviewer, each in a browser."""
    with db.transaction() as session:
        office = make.organisation(session, OrganisationKind.AGENCY)
        vendor = make.vendor(session, name="見本川ソフト株式会社", roles=["maker"], **KINDS)
        taken = "見本海ソフト株式会社"
        make.vendor(session, name=taken, name_skeleton=name_skeleton(taken))
        home = session.get_one(Organisation, vendor.owner_id)
        people = add_people(session, home, office)
    browsers = {name: new_client() for name in people}
    for name, browser in browsers.items():
        make.sign_in_client(browser, people[name])
    path = f"/vendors/{vendor.id}/company"
    return SimpleNamespace(vendor=vendor, path=path, people=people, settings=settings, **browsers)


@pytest.mark.sqlite_only  # pages and words: the same on both
def test_company_changes_its_facts_and_keeps_the_old_ones_until_they_are_checked(town, client):
    change = f"{town.path}/change"
    assert town.rival.get(town.path).status_code == 404
    assert town.member.get(change).status_code == 403
    for wrong, sentence in (
        ({"invoice_number": f"T{make.corporate_number(5)}"}, "法人番号と違います"),
        ({"address": ""}, "本店の所在地を入力してください"),
        ({"reason": ""}, "変わった日と理由を入力してください"),
        ({"confirmed": []}, "チェックを入れて"),
    ):
        answer = town.admin.submit(change, FORM | wrong)
        assert (answer.status_code, sentence in answer.text) == (422, True), sentence
        assert "見本 新代表" in answer.text
    click = town.admin.prepare(change, FORM)
    assert [click().status_code for _ in range(2)] == [303, 303]  # a double click hands in once
    shown = text_of(town.member.page(town.path))
    for words in ("見本海ソフト", "今：", "変更後：", "提出済み"):
        assert words in shown, words
    assert "見本海ソフト" not in client.get(f"/vendors/{town.vendor.id}").text
    assert "確かめています" in town.admin.get(change).text
    assert "デジタル庁による会社の情報の変更の確認" in town.admin.get("/").text


@pytest.mark.sqlite_only  # pages and words: the same on both
def test_agency_refuses_a_change_for_a_reason_then_puts_it_in_force(town, client):
    change = f"{town.path}/change"
    assert town.admin.submit(change, FORM).status_code == 303
    assert "会社の情報の変更を確かめる：見本川" in town.lead.get("/").text
    assert "会社の情報の変更" in text_of(town.lead.page("/vendors/queue"))
    assert "新しい名前と似た登録" in town.lead.get(town.path).text
    assert "審査員が確認を始めたあと" in town.lead.get(f"{town.path}/decide").text
    chosen = {"reviewer_id": str(town.people["reviewer"].id)}
    assert town.admin.get(f"{town.path}/assign").status_code == 403
    assert town.lead.submit(f"{town.path}/assign", chosen).status_code == 303
    assert "見本 新代表" in town.reviewer.get(town.path).text
    assert "確認した人は判断できません" in town.reviewer.get(f"{town.path}/decide").text
    no = {"decision": "refuse", "confirmed": "yes"}
    assert "認めない理由を" in town.lead.submit(f"{town.path}/decide", no).text
    assert (
        town.lead.submit(f"{town.path}/decide", no | {"reason": "登記と違う。"}).status_code == 303
    )
    assert "登記と違う。" in town.admin.get(town.path).text
    assert "見本海ソフト" not in client.get(f"/vendors/{town.vendor.id}").text

    assert town.admin.submit(change, FORM).status_code == 303
    late = town.admin.prepare(town.path, {}, action="/withdraw")
    assert town.lead.submit(f"{town.path}/assign", chosen).status_code == 303
    yes = {"decision": "approve", "confirmed": "yes"}
    assert town.lead.submit(f"{town.path}/decide", yes).status_code == 303
    assert late().status_code == 412
    public = client.get(f"/vendors/{town.vendor.id}").text
    assert "見本海ソフト" in public
    assert "見本川ソフト株式会社から見本海ソフト株式会社へ" in text_of(town.member.page(town.path))
    outbox.drain(outbox_handlers(town.settings))
    assert "会社の情報の変更が認められました" in town.admin.get("/").text
    with db.reading() as session:
        vendor = queries.get_vendor(session, town.vendor.id)
        assert (vendor.representative, vendor.roles) == ("見本 新代表", ["maker", "seller"])
        assert vendor.look_alike_of == "見本海ソフト株式会社"
        assert session.get_one(Organisation, vendor.owner_id).name == "見本海ソフト株式会社"


@pytest.mark.sqlite_only  # pages and words: the same on both
def test_what_is_typed_into_filings_and_records_is_kept(town):
    change = f"{town.path}/change"
    renewal = f"/vendors/{town.vendor.id}/qualification/renew"
    exclusions = f"/vendors/{town.vendor.id}/exclusions"
    for browser, page, name in (
        (town.admin, change, "reason"),
        (town.admin, renewal, "qualification_number"),
        (town.lead, exclusions, "reference"),
    ):
        token = browser.get(page).text.split('name="csrf_token" value="')[1].split('"')[0]
        typed = {name: "書きかけの言葉", "csrf_token": token, "draft_mark": "0"}
        assert browser.post(f"{page}?draft=keep", data=typed).status_code == 200, page
        assert "書きかけの言葉" in browser.get(page).text
    assert "書きかけの言葉" not in town.member.get(town.path).text
    assert town.admin.submit(change, FORM).status_code == 303
    town.admin.submit(town.path, {}, action="/withdraw")
    assert "書きかけの言葉" not in town.admin.get(change).text  # handed in: forgotten


def test_database_refuses_whoever_submitted_or_checked_as_decider(town):
    town.admin.submit(f"{town.path}/change", FORM)
    for person in (town.people["admin"].id, town.people["reviewer"].id):
        sent = sa.text(
            "UPDATE company_changes SET state = 'approved', decided_by_id = :decider,"
            " decided_at = submitted_at, assigned_reviewer_id = :reviewer"
        ).bindparams(
            sa.bindparam("decider", person, sa.Uuid()),
            sa.bindparam("reviewer", town.people["reviewer"].id, sa.Uuid()),
        )
        with pytest.raises(Conflict), db.transaction() as session:
            session.execute(sent)
