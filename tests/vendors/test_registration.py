"""A company registers, is checked and approved, accepts the framework agreement, is stopped and resumed."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

import tests.factories as make
from accounts.models import Membership, Organisation, OrganisationKind, Person, Role
from accounts.services import hash_password
from core import changes, db, form_drafts
from core.audit import AuditEvent
from core.clock import day_in_japan, utcnow
from core.errors import GuardFailed, ReauthenticationRequired
from core.japanese import format_date
from core.outbox import OutboxMessage
from tests.client import filled
from tests.page_checks import parse_page, text_of
from vendors import agreement, queries, standing_services
from vendors.models import FrameworkAgreement, Vendor, VendorState
from vendors.queries import agreements

# Words and refusals of pages: the same on both databases, so asked once.
pytestmark = pytest.mark.sqlite_only

START = {
    "corporate_number": "８０００-０１２０-１００３８",
    "name": "見本川ソフト株式会社",
    "kana": "みほんがわそふと",
    "person_name": "見本 花子",
    "email": "Hanako@Example.jp",
    "password": "correct horse battery",
}
DONE = "/vendors/register/done"
WATCHED = {"vendor.state_changed", "organisation.told"}
COMPANY = {
    "name": "見本川ソフト株式会社",
    "kana": "みほんがわそふと",
    "representative": "見本 春男",
    "address": "見本県架空市中央一丁目1番1号",
    "is_small_or_medium": "true",
    "roles": ["maker", "seller"],
}
QUALIFICATION = {
    "qualification_number": "見本-000001",
    "qualification_kinds": ["goods_sale", "service"],
    "qualification_grade": "A",
    "qualification_regions": ["関東・甲信越"],
    "qualification_expires_on-era": "reiwa",
    "qualification_expires_on-year": "10",
    "qualification_expires_on-month": "3",
    "qualification_expires_on-day": "31",
}
CONTACT = {"contact_email": "info@example.jp", "gbizid_type": "prime"}


def the_vendor():
    with db.reading() as session:
        return session.exec(select(Vendor)).one()


def token_of(browser, path):
    return browser.get(path).text.split('name="csrf_token" value="')[1].split('"')[0]


def register(client, **values):
    given = {**START, **values}
    response = client.submit("/vendors/register", given)
    assert (response.status_code, response.location) == (303, DONE), response.text
    password = {name: given[name] for name in ("email", "password")}
    assert client.submit("/sign-in?next=/vendors/register", password).status_code == 303
    with db.transaction() as session:  # as the link of the letter does, see test_addresses
        for person in session.exec(select(Person).where(Person.awaits_confirmation)):
            person.awaits_confirmation = False
    return client.get("/vendors/register").location


def fill(client, base):
    for section, values in (
        ("company", COMPANY),
        ("qualification", QUALIFICATION),
        ("exclusions", {"has_exclusions": "false"}),
        ("contact", CONTACT),
    ):
        assert client.submit(f"{base}/{section}", values).status_code == 303


def hand_in(client, base):
    response = client.submit(f"{base}/submit", {"confirmed": "yes"})
    assert response.status_code == 303, response.text


@pytest.fixture
def agency(new_client):
    """A lead, a second lead and a reviewer, each in a browser of their own."""
    with db.transaction() as session:
        home = make.organisation(session, OrganisationKind.AGENCY)
        people = {
            "lead": make.person(session, Role.LEAD_REVIEWER, home, name="見本 主任"),
            "second": make.person(session, Role.LEAD_REVIEWER, home, name="見本 副主任"),
            "reviewer": make.person(session, Role.REVIEWER, home, name="見本 審査"),
        }
    browsers = {name: new_client() for name in people}
    for name, browser in browsers.items():
        make.sign_in_client(browser, people[name], home)
    return browsers, people


@pytest.fixture
def checked(client, agency):
    """A registration under check."""
    browsers, people = agency
    base = register(client)
    fill(client, base)
    hand_in(client, base)
    vendor = the_vendor()
    response = browsers["lead"].submit(
        f"/vendors/{vendor.id}/assign", {"reviewer_id": str(people["reviewer"].id)}
    )
    assert response.status_code == 303
    return the_vendor()


def decide(browser, vendor, decision, **values):
    values = {"decision": decision, "confirmed": "yes", **values}
    return browser.submit(f"/vendors/{vendor.id}/decide", values)


@pytest.mark.acceptance(1)
def test_company_registers_is_approved_and_accepts_the_agreement(client, checked, agency):
    browsers, _ = agency
    assert checked.corporate_number == "8000012010038"
    assert browsers["reviewer"].get(f"/vendors/{checked.id}/file").status_code == 200
    assert client.get(f"/vendors/{checked.id}").status_code == 404
    assert decide(browsers["lead"], checked, "approve").status_code == 303
    assert "登録が認められました" in client.get(f"/vendors/{checked.id}/file").text
    page = client.page(f"/vendors/{checked.id}/agreement")
    assert agreement.SHA256 in text_of(page)
    path = f"/vendors/{checked.id}/agreement"
    assert client.submit(path, {}).status_code == 422
    assert client.submit(path, {"confirmed": "yes"}).status_code == 303
    contact = f"/vendors/{checked.id}/file/contact"
    undone = client.submit(contact, {"contact_email": "", "gbizid_type": "entry"})
    assert undone.status_code == 422
    assert "連絡先のメールアドレスは空欄にできません" in undone.text
    assert "登録には、GビズIDのプライムかメンバーが必要です" in undone.text
    public = text_of(client.page(f"/vendors/{checked.id}"))
    assert "見本川ソフト株式会社" in public
    assert "第1.0版に" in public
    with db.reading() as session:
        row = session.exec(select(FrameworkAgreement)).one()
        assert (row.label, row.text_sha256) == ("1.0", agreement.SHA256)
        actions = [
            e.action
            for e in session.exec(select(AuditEvent).order_by(AuditEvent.sequence))
            if e.subject_kind == "Vendor"
        ]
        assert actions == [
            "vendor.register",
            "vendor.edit",
            "vendor.edit",
            "vendor.edit",
            "vendor.edit",
            "vendor.submit",
            "vendor.assign",
            "vendor.approve",
            "vendor.accept_agreement",
        ]
        assert {c.subject_id for c in changes.list_changes(session, 0, 9)} == {checked.id}
        topics = [m.topic for m in session.exec(select(OutboxMessage)) if m.topic in WATCHED]
        assert topics == ["vendor.state_changed"]
        agreements.require_selling(session, session.get(Vendor, checked.id))


@pytest.mark.acceptance(1)
def test_draft_survives_signing_out_and_submission_lists_what_is_missing(client):
    base = register(client)
    assert client.submit(f"{base}/company", {"representative": "見本 春男"}).status_code == 303
    client.post("/sign-out", data={"csrf_token": token_of(client, base)})
    assert client.get(base).status_code == 303
    sign_in = {"email": "hanako@example.jp", "password": START["password"]}
    assert client.submit("/sign-in", sign_in).status_code == 303
    assert 'value="見本 春男"' in client.get(f"{base}/company").text
    response = client.submit(f"{base}/submit", {"confirmed": "yes"})
    assert response.status_code == 422
    summary = response.text.split('id="error-summary"')[1].split("</ul>")[0]
    assert "確認が必要な入力が10件あります" in summary
    assert f'href="{base}/company#f-address">本店の所在地を入力してください。' in summary
    assert f'href="{base}/qualification#f-qualification_kinds"' in summary
    assert the_vendor().state is VendorState.DRAFT


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("corporate_number", "8000012010039", "先頭の数字（検査用数字）が"),
        ("corporate_number", "", "法人番号を入力してください。"),
        ("email", "hanako", "のような形で入力してください。"),
        ("password", "short", "12文字以上"),
        ("name", "架空\u202eソフト", "画面に見えない書式文字"),
        ("name", "株式会社　（有）", "会社の種類だけでは登録できません"),
        ("name", "<b>太郎</b>株式会社", "「&lt;」は使えません"),
        ("kana", "カクウ abc 漢字", "ひらがなかカタカナで入力してください"),
        ("name", "架" * 201, "200文字以内で入力してください。現在201文字です。"),
    ],
)
def test_bad_registration_keeps_what_was_typed(client, field, value, sentence):
    response = client.submit("/vendors/register", {**START, field: value})
    assert response.status_code == 422
    assert sentence in response.text
    kept = {k: v for k, v in START.items() if k not in {field, "password"}}
    assert all(f'value="{v}"' in response.text for v in kept.values())
    assert START["password"] not in response.text
    with db.reading() as session:
        assert session.exec(select(Person)).all() == []
        assert session.exec(select(Organisation)).all() == []


def test_unknown_field_is_refused_by_name(client):
    token = token_of(client, "/vendors/register")
    response = client.post(
        "/vendors/register", data={**START, "state": "active", "csrf_token": token}
    )
    assert response.status_code == 422
    assert "「state」という項目は受け付けていません" in response.text


def test_second_registration_of_a_number_conflicts_without_telling_who(client, new_client):
    press = client.prepare("/vendors/register", START)
    assert [press().location for _ in range(2)] == [DONE, DONE]
    response = new_client().submit(
        "/vendors/register", {**START, "name": "別の名前", "email": "other@example.jp"}
    )
    assert response.status_code == 409
    assert "すでに始まっています" in response.text
    assert "見本川" not in response.text
    assert 'value="別の名前"' in response.text
    with db.reading() as session:
        assert len(session.exec(select(Membership)).all()) == 1


def test_known_address_reads_like_a_new_one_and_its_owner_goes_on(client, new_client):
    secret = "the password of the owner"
    with db.transaction() as session:
        town = make.body(session, name="あさひ町")
        owner = make.person(session, Role.CLERK, town, email="hanako@example.jp")
        session.get_one(Person, owner.id).password_hash = hash_password(secret)
    fresh = {**START, "email": "fresh@example.jp", "corporate_number": make.corporate_number(7)}
    for values in (START, fresh):
        browser = new_client()
        answer = browser.submit("/vendors/register", values)
        assert (answer.status_code, answer.location) == (303, DONE)
        assert browser.get_cookie("narabi_session") is None
        assert "登録されているかどうかをお知らせしません" in browser.get(DONE).text
    assert "12文字以上" in client.submit("/vendors/register", {**START, "password": "short"}).text
    assert [vendor.contact_email for vendor in _all_vendors()] == ["fresh@example.jp"]
    with db.reading() as session:
        event = session.exec(select(AuditEvent).where(AuditEvent.outcome == "refused")).one()
        assert (event.action, event.person_id) == ("account.claim", owner.id)
    assert register(client, password=secret) is None  # signed in for the body, not the company
    assert "役割の切り替え" in client.get("/vendors/register").text
    home = next(v.owner_id for v in _all_vendors() if v.contact_email == "hanako@example.jp")
    assert client.submit("/account/organisation", {"organisation_id": str(home)}).status_code == 303
    assert client.get("/vendors/register").location.endswith("/file")


def test_registration_resent_with_another_password_is_asked_about_and_not_swallowed(client):
    secret = "the password of the owner"
    with db.transaction() as session:
        owner = make.person(session, email="hanako@example.jp")
        session.get_one(Person, owner.id).password_hash = hash_password(secret)
    fields = filled(next(client.page("/vendors/register").iter("form")), START)
    wrong = fields.to_dict()
    clicks = [client.post("/vendors/register", data=wrong) for _ in range(2)]
    assert [(each.status_code, each.location) for each in clicks] == [(303, DONE)] * 2
    assert not _all_vendors()
    asked = client.post("/vendors/register", data={**wrong, "password": secret})
    assert (asked.status_code, "もう一度送信してください" in asked.text) == (422, True)
    form = next(parse_page(asked.text).iter("form"))
    again = filled(form, {"password": secret})
    assert client.post("/vendors/register", data=again).location == DONE
    assert [vendor.contact_email for vendor in _all_vendors()] == ["hanako@example.jp"]
    with db.reading() as session:  # a double click counts as one wrong password
        refused = session.exec(select(AuditEvent).where(AuditEvent.outcome == "refused")).all()
        assert len(refused) == 1


def test_look_alike_name_is_marked_for_the_agency_only(client, agency):
    with db.transaction() as session:
        from core.japanese import name_skeleton

        for name in ("カクウソフト(株)", "カクウソフトー合同会社", "カクウハード株式会社"):
            make.vendor(session, name=name, name_skeleton=name_skeleton(name))
    base = register(client, name="かくうソフト株式会社")
    vendor = next(v for v in _all_vendors() if v.state is VendorState.DRAFT)
    assert vendor.look_alike_of == "カクウソフト(株)"
    assert "よく似た" not in client.get(base).text
    page = agency[0]["lead"].get(base).text
    assert "よく似た" in page
    assert "カクウソフト(株)" in page
    assert "カクウソフトー合同会社" in page
    assert "カクウハード" not in page


def test_exclusions_are_declared_shown_to_the_lead_and_public_while_they_run(
    client, agency, hold_clock
):
    hold_clock(datetime(2026, 10, 1, 3, 0, tzinfo=UTC))
    base = register(client)
    for browser, name in ((agency[0][name], name) for name in agency[1]):
        make.sign_in_client(browser, agency[1][name])
    page = f"{base}/exclusions"
    fill(client, base)
    period = {
        "authority": "見本県",
        "reason": "虚偽の記載。",
        "reference": "見本県告示第1号",
        **{f"starts_on-{k}": v for k, v in (("year", "8"), ("month", "9"), ("day", "1"))},
        **{f"ends_on-{k}": v for k, v in (("year", "8"), ("month", "12"), ("day", "31"))},
    }
    some = {"has_exclusions": "true"}
    for values, sentence in (
        (period, "「ある」を選択してください"),
        ({**some, **period, "reference": ""}, "根拠の文書を入力してください"),
        ({**some, **period, "ends_on-year": "7"}, "終わる日は、始まる日と同じか後"),
    ):
        refused = client.submit(page, values)
        assert (refused.status_code, sentence in refused.text) == (422, True), sentence
    assert client.submit(page, some).status_code == 303
    refused = client.submit(f"{base}/submit", {"confirmed": "yes"})
    assert f'href="{page}#f-has_exclusions">指名停止等の期間を入力' in refused.text
    for _ in range(2):
        assert client.submit(page, {**some, **period}).status_code == 303
    refused = client.submit(page, {"has_exclusions": "false"})
    assert "「消す」のチェックを入れてください" in refused.text
    assert client.submit(page, {"removed": ["1"]}).status_code == 303
    assert (
        text_of(client.page(f"{base}/submit")).count("見本県：令和8年9月1日から令和8年12月31日")
        == 1
    )
    hand_in(client, base)

    lead, vendor = agency[0]["lead"], the_vendor()
    recorded = {**period, "authority": "見本市", "reference": "見本市公告第2号"}
    assert lead.submit(f"/vendors/{vendor.id}/exclusions", recorded).status_code == 303
    assert "見本市公告第2号" in client.get(base).text
    reviewer = str(agency[1]["reviewer"].id)
    assert lead.submit(f"/vendors/{vendor.id}/assign", {"reviewer_id": reviewer}).status_code == 303
    shown = text_of(lead.page(f"/vendors/{vendor.id}/decide"))
    assert all(word in shown for word in ("見本県告示第1号", "見本市公告第2号", "期間中"))
    assert decide(lead, vendor, "approve").status_code == 303
    public = client.get(f"/vendors/{vendor.id}").text
    assert "見本県告示第1号" in public
    agreed = f"/vendors/{vendor.id}/agreement"
    assert client.submit(agreed, {"confirmed": "yes"}).status_code == 303
    # It binds the authority that took it: others see it and decide for themselves.
    assert "指名停止等の期間中です" in public
    with db.reading() as session:
        agreements.require_selling(session, session.get(Vendor, vendor.id))
    hold_clock(datetime(2027, 1, 1, 3, 0, tzinfo=UTC))
    assert "指名停止等の期間中です" not in client.get(f"/vendors/{vendor.id}").text


def _all_vendors():
    with db.reading() as session:
        return session.exec(select(Vendor)).all()


def test_returned_registration_shows_findings_and_can_be_resubmitted(client, checked, agency):
    lead = agency[0]["lead"]
    refused = decide(lead, checked, "return", finding_company="住所が登記と違います。")
    assert refused.status_code == 422
    assert "差し戻す理由を入力してください。" in refused.text
    assert "住所が登記と違います。" in refused.text
    response = decide(
        lead, checked, "return", reason="登記と違います。", finding_company="住所が登記と違います。"
    )
    assert response.status_code == 303
    base = f"/vendors/{checked.id}/file"
    page = client.get(base).text
    assert "登記と違います。" in page
    assert "要修正" in page
    assert client.submit(f"{base}/company", {"address": "見本県架空市2番"}).status_code == 303
    assert "要修正" not in client.get(base).text
    hand_in(client, base)
    vendor = the_vendor()
    assert (vendor.state, vendor.findings) == (VendorState.SUBMITTED, {})


def test_refused_number_may_be_registered_anew(client, new_client, checked, agency):
    assert (
        decide(agency[0]["lead"], checked, "refuse", reason="資格がありません。").status_code == 303
    )
    register(new_client(), email="again@example.jp")
    assert len(_all_vendors()) == 2


def test_of_two_leads_the_second_reads_who_was_first(checked, agency):
    browsers, _ = agency
    path = f"/vendors/{checked.id}/decide"
    token = token_of(browsers["second"], path)
    assert decide(browsers["lead"], checked, "approve").status_code == 303
    late = browsers["second"].post(
        path,
        data={
            "decision": "refuse",
            "reason": "番号が違います。",
            "confirmed": "yes",
            "version": str(checked.version),
            "csrf_token": token,
        },
    )
    assert late.status_code == 412
    assert "見本 主任" in late.text
    assert "番号が違います。" in late.text
    assert the_vendor().state is VendorState.ACTIVE


def check_list_of_drafts(client, base, token, monkeypatch):
    """All drafts stand in one list, each with its last day; none is dropped unasked for another."""
    listed = text_of(client.page("/account/drafts"))
    last = day_in_japan(utcnow() + timedelta(days=form_drafts.DRAFT_DAYS))
    assert "書きかけ（1件）" in listed
    assert f"会社：見本 {format_date(last)}" in re.sub(r" 令和\S+ \d+:\d+", "", listed)
    contact = {"contact_email": "a@example.jp", "csrf_token": token, "draft_mark": "0"}
    with monkeypatch.context() as patch:
        patch.setattr(form_drafts, "MOST_DRAFTS", 1)
        full = client.post(f"{base}/contact?draft=keep", data=contact)
    assert (full.status_code, "書きかけが1件あるため" in full.json["message"]) == (413, True)
    assert client.post(f"{base}/contact?draft=keep", data=contact).status_code == 200
    assert "書きかけ（2件）" in client.get("/account/drafts").text
    assert (
        client.submit("/account/drafts", {}, button=f"取り消す：{base}/contact").location
        == "/account/drafts"
    )
    assert "a@example.jp" not in client.get(f"{base}/contact").text
    assert "見本県" in client.get(f"{base}/company").text


def test_typed_words_are_kept_for_their_writer_alone_until_they_are_saved(
    client, new_client, monkeypatch
):
    base = register(client)
    page = f"{base}/company"
    token = token_of(client, page)
    begun = the_vendor()
    typed = {"address": "見本県一番地", "name": begun.name, "kana": begun.kana,
             "version": str(begun.version), "csrf_token": token, "draft_mark": "0",
             "draft_title": "会社：見本"}  # fmt: skip
    kept = client.post(f"{page}?draft=keep", data=typed)
    assert (kept.status_code, kept.json["drafts"]) == (200, 1)
    assert client.post(f"{page}?draft=keep", data=typed).status_code == 412  # another tab
    again = {**typed, "address": "見本県二番地", "draft_mark": "1"}
    assert client.post(f"{page}?draft=keep", data=again).json["drafts"] == 2
    assert (
        client.post(f"{page}?draft=keep", data={**again, "address": "あ" * 300_000}).status_code
        == 413
    )
    assert the_vendor().address == ""
    shown = client.get(page)
    assert "書きかけの内容を表示しています" in shown.text
    assert 'value="見本県二番地"' in shown.text
    assert "書きかけ（未保存）" in client.get(base).text
    odd = {**again, "address": "見本県\x00二番地", "draft_mark": "9" * 5_000}
    assert client.post(f"{page}?draft=keep", data=odd).status_code == 412
    assert client.post(f"{page}?draft=keep", data={**odd, "draft_mark": "2"}).status_code == 200
    assert 'value="見本県二番地"' in client.get(page).text
    with db.transaction() as session:
        home = session.get(Organisation, the_vendor().owner_id)
        other = make.person(session, Role.VENDOR_ADMIN, home)
    colleague = new_client()
    make.sign_in_client(colleague, other, home)
    assert "見本県" not in colleague.get(page).text
    assert "書きかけはありません" in colleague.get("/account/drafts").text
    check_list_of_drafts(client, base, token, monkeypatch)
    assert client.submit(page, {}, button="書きかけを取り消す").location == page
    assert "見本県" not in client.get(page).text

    client.post(f"{page}?draft=keep", data=typed)
    assert client.submit(page, {}, button="保存する").status_code == 303
    assert the_vendor().address == "見本県一番地"
    assert "書きかけの内容" not in client.get(page).text
    stale = {**typed, "address": "見本県三番地"}
    assert client.post(f"{page}?draft=keep", data=stale).status_code == 200
    conflict = client.submit(page, {}, button="保存する")
    assert conflict.status_code == 412
    assert {"見本県一番地", "見本県三番地"} <= set(re.findall(r"見本県.番地", conflict.text))
    assert new_client().post(f"{page}?draft=keep", data=typed).status_code == 400


def test_what_a_visitor_types_is_kept_by_the_browser_alone_until_it_is_sent(
    client, new_client, hold_clock
):
    page = "/vendors/register"
    moment = utcnow()
    hold_clock(moment)
    typed = {**START, "csrf_token": token_of(client, page), "draft_mark": "0"}
    kept = client.post(f"{page}?draft=keep", data=typed)
    assert (kept.status_code, kept.json["drafts"]) == (200, 1)
    cookie = kept.headers["Set-Cookie"]
    assert all(each in cookie for each in ("HttpOnly", f"Path={page}", "SameSite=Lax"))
    assert "Expires" not in cookie
    assert client.post(f"{page}?draft=keep", data=typed).status_code == 412  # another tab
    long = {**typed, "name": "".join(map(chr, range(0x4E00, 0x5E00))), "draft_mark": "1"}
    assert client.post(f"{page}?draft=keep", data=long).status_code == 413
    shown = client.get(page).text
    assert "書きかけの内容を表示しています" in shown
    assert "ほかの人も使う端末では" in shown
    assert f'value="{START["person_name"]}"' in shown
    assert START["password"] not in shown
    # Another browser sees nothing of it, with this cookie neither; a day later it is gone.
    value = cookie.partition("=")[2].partition(";")[0]
    stranger = new_client()
    stranger.get(page)
    stranger.set_cookie("narabi_typed", value, path=page)
    assert START["person_name"] not in stranger.get(page).text
    hold_clock(moment + timedelta(hours=25))
    assert START["person_name"] not in client.get(page).text
    hold_clock(moment)
    assert client.submit(page, {}, button="書きかけを取り消す").location == page
    assert START["person_name"] not in client.get(page).text

    # Without a script: what was refused is there again, and what was accepted is not.
    refused = client.submit(page, {**START, "corporate_number": "123"})
    assert refused.status_code == 422
    again = client.get(page).text
    assert f'value="{START["name"]}"' in again
    assert START["password"] not in again
    old = {**typed, "csrf_token": "old"}
    expired = client.post(page, data=old, headers={"Origin": "http://localhost"})
    assert (expired.status_code, START["person_name"] in expired.text) == (400, True)
    assert START["password"] not in expired.text
    assert client.submit(page, START).status_code == 303
    assert START["person_name"] not in client.get(page).text


def test_stale_edit_shows_both_texts(client, new_client):
    base = register(client)
    version = the_vendor().version
    assert client.submit(f"{base}/company", {"address": "見本県一番地"}).status_code == 303
    response = client.submit(
        f"{base}/company", {"address": "見本県二番地", "version": str(version)}
    )
    assert response.status_code == 412
    assert "見本県一番地" in response.text
    assert "見本県二番地" in response.text


def test_submitted_registration_cannot_be_edited(client, checked):
    base = f"/vendors/{checked.id}/file"
    assert "変更できません" in client.get(f"{base}/company").text
    token = token_of(client, base)
    response = client.post(
        f"{base}/contact",
        data={"contact_email": "x@example.jp", "version": checked.version, "csrf_token": token},
    )
    assert response.status_code == 409
    assert "確認中" in response.text


def test_lapsed_qualification_and_entry_account_are_missing(client, hold_clock):
    base = register(client)
    fill(client, base)
    assert client.submit(f"{base}/contact", {"gbizid_type": "entry"}).status_code == 303
    lapsed = {
        "qualification_expires_on-era": "western",
        "qualification_expires_on-year": "2020",
        "qualification_kinds": ["service"],
    }
    assert client.submit(f"{base}/qualification", lapsed).status_code == 303
    response = client.submit(f"{base}/submit", {"confirmed": "yes"})
    assert response.status_code == 422
    assert "資格の有効期限が過ぎています。" in response.text
    assert "「物品の販売」も必要です。" in response.text
    assert "GビズIDエントリーでは登録できません。" in response.text


def test_suspension_blocks_selling_and_is_announced(client, checked, agency):
    lead = agency[0]["lead"]
    decide(lead, checked, "approve")
    client.submit(f"/vendors/{checked.id}/agreement", {"confirmed": "yes"})
    path = f"/vendors/{checked.id}/suspend"
    assert lead.submit(path, {"confirmed": "yes"}).status_code == 422
    response = lead.submit(path, {"confirmed": "yes", "reason": "資格の取消し。"})
    assert response.status_code == 303
    assert "停止されています" in client.get(f"/vendors/{checked.id}").text
    assert "資格の取消し。" in client.get(f"/vendors/{checked.id}/file").text
    with db.reading() as session, pytest.raises(GuardFailed) as refusal:
        agreements.require_selling(session, session.get(Vendor, checked.id))
    assert [at for at, _ in refusal.value.reasons] == ["main"]
    response = lead.submit(
        f"/vendors/{checked.id}/resume", {"confirmed": "yes", "reason": "資格を確かめた。"}
    )
    assert response.status_code == 303
    with db.reading() as session:
        agreements.require_selling(session, session.get(Vendor, checked.id))
        topics = [m.topic for m in session.exec(select(OutboxMessage)) if m.topic in WATCHED]
        assert topics == ["vendor.state_changed"] * 3


def test_active_vendor_without_agreement_may_not_sell(database):
    with db.transaction() as session:
        vendor = make.vendor(session)
        row = session.exec(select(FrameworkAgreement)).one()
        row.ended_at = db.now(session)
        session.flush()
        with pytest.raises(GuardFailed) as refusal:
            agreements.require_selling(session, vendor)
    assert [at for at, _ in refusal.value.reasons] == [f"/vendors/{vendor.id}/agreement"]


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.VENDOR_ADMIN, 404),
        (Role.REVIEWER, 404),
        (Role.CLERK, 404),
        (Role.OPERATOR, 404),
        (Role.AUDITOR, 200),
        (Role.LEAD_REVIEWER, 200),
    ],
)
def test_file_is_closed_to_strangers(client, new_client, role, status):
    base = register(client)
    with db.transaction() as session:
        stranger = make.person(session, role)
    browser = new_client()
    make.sign_in_client(browser, stranger)
    assert browser.get(base).status_code == status


def test_member_may_read_but_not_submit(client, new_client):
    base = register(client)
    with db.transaction() as session:
        home = session.get(Organisation, the_vendor().owner_id)
        member = make.person(session, Role.VENDOR_MEMBER, home)
    browser = new_client()
    make.sign_in_client(browser, member)
    assert browser.get(base).status_code == 200
    token = token_of(browser, base)
    response = browser.post(
        f"{base}/submit", data={"confirmed": "yes", "version": 1, "csrf_token": token}
    )
    assert response.status_code == 403
    with db.reading() as session:
        refused = session.exec(select(AuditEvent).where(AuditEvent.outcome == "refused")).all()
        assert [event.action for event in refused] == ["vendor.submit"]


def test_lead_of_the_same_company_is_not_independent(client, agency, checked):
    browsers, people = agency
    with db.transaction() as session:
        home = session.get(Organisation, checked.owner_id)
        make.membership(session, session.get(Person, people["second"].id), Role.VENDOR_MEMBER, home)
    assert browsers["second"].get(f"/vendors/{checked.id}/decide").status_code == 403
    assert browsers["lead"].get(f"/vendors/{checked.id}/decide").status_code == 200


def test_old_sign_in_needs_the_password_to_suspend(client, new_client, hold_clock):
    noon = datetime(2026, 10, 1, 3, 0, tzinfo=UTC)
    hold_clock(noon)
    from accounts.services import hash_password

    with db.transaction() as session:
        vendor = make.vendor(session)
        lead = make.person(
            session, Role.LEAD_REVIEWER, password_hash=hash_password("correct horse battery")
        )
    make.sign_in_client(client, lead)
    hold_clock(noon + timedelta(minutes=11))
    path = f"/vendors/{vendor.id}/suspend"
    values = {"confirmed": "yes", "reason": "資格の取消し。"}
    wrong = client.submit(path, {**values, "password": "not this one at all"})
    assert wrong.status_code == 422
    assert "パスワードが違います" in wrong.text
    assert "資格の取消し。" in wrong.text
    right = client.submit(path, {**values, "password": "correct horse battery"})
    assert right.status_code == 303
    assert the_vendor().state is VendorState.SUSPENDED


def test_services_themselves_refuse_an_old_sign_in(settings):
    with db.transaction() as session:
        vendor = make.vendor(session)
        home = make.organisation(session, OrganisationKind.AGENCY)
        lead = make.person(session, Role.LEAD_REVIEWER, home)
    old = make.actor(
        lead, Role.LEAD_REVIEWER, home, authenticated_at=datetime.now(UTC) - timedelta(minutes=11)
    )
    for act in (standing_services.suspend, standing_services.resume):
        with pytest.raises(ReauthenticationRequired), db.transaction() as session:
            row = queries.lock_vendor(session, vendor.id)
            act(session, old, settings, row, reason="資格の取消し。", version=row.version)
    assert the_vendor().state is VendorState.ACTIVE
    with db.reading() as session:
        events = session.exec(select(AuditEvent).where(AuditEvent.outcome == "refused")).all()
        assert [(e.action, e.person_id) for e in events] == [("vendor.decide", lead.id)] * 2


def test_reviewer_whose_time_has_run_out_is_not_offered(client, agency):
    browsers, people = agency
    register(client)
    fill(client, f"/vendors/{the_vendor().id}/file")
    hand_in(client, f"/vendors/{the_vendor().id}/file")
    path = f"/vendors/{the_vendor().id}/assign"
    assert "見本 審査" in browsers["lead"].get(path).text
    with db.transaction() as session:
        held = select(Membership).where(Membership.person_id == people["reviewer"].id)
        session.exec(held).one().ends_at = db.now(session) - timedelta(seconds=1)
    assert "見本 審査" not in browsers["lead"].get(path).text


def test_queue_pages_exist_as_promised(client):
    with db.transaction() as session:
        lead = make.person(session, Role.LEAD_REVIEWER)
        for _ in range(51):
            make.vendor(session, VendorState.SUBMITTED, qualification_expires_on=date(2030, 3, 31))
    make.sign_in_client(client, lead)
    assert "51件の登録" in client.get("/vendors/queue").text
    assert client.get("/vendors/queue?page=2").status_code == 200
    assert client.get("/vendors/queue?page=3").status_code == 404
    assert client.get("/vendors/queue?page=x").status_code == 404


@pytest.mark.sqlite_only  # the database's own refusal stands in the four-eyes test, on both
def test_whoever_checked_a_registration_cannot_decide_on_it(checked, agency):
    browsers, people = agency
    with db.transaction() as session:
        home = make.organisation(session, OrganisationKind.AGENCY)
        make.membership(session, people["reviewer"], Role.LEAD_REVIEWER, home)
    make.sign_in_client(browsers["reviewer"], people["reviewer"], home)
    refused = decide(browsers["reviewer"], checked, "approve")
    assert (refused.status_code, "確認した人は判断できません" in refused.text) == (403, True)
    assert decide(browsers["second"], checked, "approve").status_code == 303
