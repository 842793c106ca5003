"""The request: number, bytes, sending, answers, and who sees what.

What pages and rules in Python refuse is asked on SQLite alone; rows, guards, times and races on both.
"""

import io
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from accounts.models import Organisation, Person, Role
from accounts.services import hash_password
from catalog.offerings.models import ListingVersion, OfferAction
from core import db, outbox
from core.errors import DomainError, Forbidden
from procurement.contracts import documents, services
from procurement.contracts.models import RequestState
from procurement.contracts.queries import get_request, latest_request
from procurement.projects.models import ProjectState
from procurement.projects.services import create_project
from procurement.selection.models import Selection
from tests import factories
from tests.page_checks import text_of
from tests.procurement.conftest import PROJECT, REQUEST, SELECTION, START, request_values
from vendors.agreement_models import AgreementVersion
from vendors.models import Vendor, VendorAction

ROUNDS = 5


def is_sqlite() -> bool:
    return db.current().is_sqlite


def load(session, market):
    found = get_request(session, market.request().id)
    assert found is not None
    return found


def run_at_once(*acts):
    """Run acts in threads that start together; returns 'done' or the code of the refusal for each."""
    outcomes: list[str | None] = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def run(position, act):
        start.wait()
        try:
            with db.transaction() as session:
                outcomes[position] = act(session) or "done"
        except DomainError as error:
            outcomes[position] = error.code

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def recent(market, person, role):
    return factories.actor(
        person, role, market.body, authenticated_at=datetime.now(UTC) + timedelta(minutes=1)
    )


# --- drawing up -----------------------------------------------------------------------------


@pytest.mark.sqlite_only
@pytest.mark.acceptance(20)
def test_request_needs_an_approved_selection(market):
    market.reach_proposed()
    client, path = market.as_(market.clerk), f"/projects/{market.project().id}/request"
    token = client.page("/projects/new").find(".//input[@name='csrf_token']").get("value")
    for response in (client.get(path), client.post(path, data={**REQUEST, "csrf_token": token})):
        assert response.status_code == 409
        assert "選定の決裁待ち" in response.text
        assert "選定の案を見る" in response.text
    with db.reading() as session:
        assert latest_request(session, market.project().id) is None


def test_project_has_one_live_request(market):
    market.reach_chosen()
    assert market.draw_up().status_code == 303
    client = market.as_(market.clerk)
    again = client.get(f"/projects/{market.project().id}/request")
    assert again.status_code == 303
    assert again.location.endswith(str(market.request().id))
    with pytest.raises(DomainError), db.transaction() as session:
        clerk = factories.actor(market.clerk, Role.CLERK, market.body)
        services.create_request(session, clerk, market.project(), **request_values())


BAD_VALUES: list[tuple[dict[str, str], str]] = [
    ({"answer_due_on-year": "2020"}, "回答の期限は明日以後の日付にしてください。"),
    ({"bidder_list": "exception"}, "理由を入力してください"),
    ({"bidder_list": "not_listed"}, "理由を入力してください"),
    ({"contact_email": "joho"}, "name@example.jp の形で"),
    ({"sender_name": ""}, "差出人の職と氏名を入力してください。"),
]


@pytest.mark.sqlite_only
def test_bad_values_of_a_request_are_named(market):
    market.reach_chosen()
    for values, sentence in BAD_VALUES:
        refused = market.draw_up(**values)
        assert refused.status_code == 422, sentence
        assert sentence in refused.text


def test_returned_request_is_mended_and_submitted_again(market):
    market.reach_submitted()
    edit = f"/requests/{market.request().id}/edit"
    early = market.as_(market.clerk).get(edit)
    assert early.status_code == 409
    assert "この依頼書は今「決裁待ち」です" in early.text
    assert "依頼書の画面を開く" in early.text
    back = market.on_request("decision", market.approver, decision="return")
    assert back.status_code == 422
    back = market.on_request(
        "decision", market.approver, decision="return", reason="電話番号が違います。"
    )
    assert back.status_code == 303
    assert market.request().number is None
    page = text_of(market.as_(market.clerk).page(f"/requests/{market.request().id}"))
    assert "電話番号が違います。" in page
    mended = market.as_(market.clerk).submit(edit, {"contact_phone": "0277-11-1111"})
    assert mended.status_code == 303
    assert market.on_request("submit", market.clerk, confirmed="yes").status_code == 303
    assert market.on_request("decision", market.approver, decision="approve").status_code == 303
    assert market.request().number.endswith("-0001")


# --- four eyes ------------------------------------------------------------------------------


def approve_as(market, person):
    with db.transaction() as session:
        found = load(session, market)
        who = factories.actor(person, Role.APPROVER, market.body)
        services.approve_request(
            session, who, found, documents.make_document, version=found.version
        )


@pytest.mark.sqlite_only
def test_submitter_who_is_also_approver_cannot_decide(market):
    market.reach_chosen()
    assert market.draw_up().status_code == 303
    assert market.on_request("submit", market.both, confirmed="yes").status_code == 303
    assert market.on_request("decision", market.both, decision="approve").status_code == 403
    with pytest.raises(Forbidden):
        approve_as(market, market.both)
    assert market.on_request("decision", market.approver, decision="approve").status_code == 303


@pytest.mark.sqlite_only
def test_proposer_of_the_choice_who_is_also_approver_decides_no_request_of_it(market):
    market.reach_compared()
    path = f"/projects/{market.project().id}/selection"
    chosen = {"candidate_id": str(market.candidate(market.cheap).id)}
    assert market.as_(market.both).submit(path, {**SELECTION, **chosen}).status_code == 303
    assert market.decide("approve").status_code == 303
    assert market.draw_up().status_code == 303
    assert market.on_request("submit", market.clerk, confirmed="yes").status_code == 303
    with pytest.raises(Forbidden, match="選定の案を作った人"):
        approve_as(market, market.both)
    assert market.on_request("decision", market.approver, decision="approve").status_code == 303


@pytest.mark.sqlite_only
def test_last_editor_who_is_also_approver_cannot_decide(market):
    market.reach_chosen()
    assert market.draw_up().status_code == 303
    edit = f"/requests/{market.request().id}/edit"
    assert market.as_(market.both).submit(edit, {"message": "請求は月ごと。"}).status_code == 303
    assert market.on_request("submit", market.clerk, confirmed="yes").status_code == 303
    with pytest.raises(Forbidden):
        approve_as(market, market.both)
    assert market.request().state is RequestState.SUBMITTED


@pytest.mark.parametrize("column", ["submitted_by_id", "last_editor_id"])
def test_database_refuses_the_same_person_twice(market, column):
    market.reach_submitted()
    with pytest.raises(DomainError), db.transaction() as session:
        session.execute(text(f"UPDATE usage_contract_requests SET approved_by_id = {column}"))


def test_database_refuses_to_send_other_bytes_than_approved(market):
    market.reach_approved()
    with pytest.raises(DomainError), db.transaction() as session:
        session.execute(text(f"UPDATE usage_contract_requests SET sent_sha256 = '{'0' * 64}'"))
    with pytest.raises(DomainError), db.transaction() as session:
        session.execute(text("UPDATE usage_contract_requests SET state = 'sent'"))
    with pytest.raises(DomainError), db.transaction() as session:
        session.execute(text("UPDATE request_documents SET filename = 'x'"))


# --- sending --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE usage_contract_requests SET payload = REPLACE(payload, '総務課', '総務謀')",
        "UPDATE selections SET reason = reason || '。'",
        "UPDATE candidates SET exclusion_reason = '別の理由' WHERE rank = 1",
        "UPDATE evidence_packs SET content = content || ' '",
    ],
)
def test_one_changed_byte_stops_the_sending(market, change):
    """Also a byte of what lies under the request: the choice, an exclusion, the evidence."""
    market.reach_approved()
    request = market.request()
    path = f"/requests/{request.id}/send"
    client = market.as_(market.approver)
    page = client.page(path)
    assert "決裁した内容と同じです" in text_of(page)
    token = page.find(".//input[@name='csrf_token']").get("value")
    with db.transaction() as session:
        factories.thaw(session)
        if db.current().is_sqlite:
            for guard in ("evidence_packs_no_update", *_guards_of(session, "candidates")):
                session.execute(text(f"DROP TRIGGER {guard}"))
        session.execute(text(change))
    page = text_of(client.page(path))
    assert "決裁した内容と違います" in page
    assert "決裁した内容と同じです" not in page
    form = {"confirmed": "yes", "version": str(request.version), "csrf_token": token}
    refused = client.post(path, data=form)
    assert refused.status_code == 422
    assert market.request().sent_at is None


def _guards_of(session, table):
    named = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
    return session.execute(named, {"table": table}).scalars().all()


def test_sending_twice_in_two_tabs_sends_once(market):
    market.reach_approved()
    path = f"/requests/{market.request().id}/send"
    client = market.as_(market.approver)
    token = client.page(path).find(".//input[@name='csrf_token']").get("value")
    form = {"confirmed": "yes", "version": str(market.request().version), "csrf_token": token}
    answers = [client.post(path, data=form) for _ in range(2)]
    assert [each.status_code for each in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    assert "すでに送信されています" in text_of(client.page(answers[1].location))
    with db.reading() as session:
        sent = text(
            "SELECT count(*) FROM audit_events WHERE action = 'request.send' AND outcome = 'done'"
        )
        assert session.execute(sent).scalar_one() == 1
        lapses = text("SELECT count(*) FROM outbox_messages WHERE topic = 'request.lapse'")
        assert session.execute(lapses).scalar_one() == 1


def test_double_click_on_send_gives_one_number_and_one_sending(market):
    """Five rounds of two clicks at once."""
    market.reach_approved()
    who = recent(market, market.approver, Role.APPROVER)
    reset = text(
        "UPDATE usage_contract_requests SET state = 'approved', sent_sha256 = '', sent_at = NULL"
    )
    number = market.request().number
    for _ in range(ROUNDS):
        with db.transaction() as session:
            factories.thaw(session)
            session.execute(reset)

        def click(session):
            found = load(session, market)
            newly = services.send_request(
                session, who, market.settings, found, version=found.version
            )
            return "sent" if newly else "already"

        assert sorted(run_at_once(click, click)) == ["already", "sent"]
        assert market.request().number == number
    with db.reading() as session:
        count = text(
            "SELECT count(*) FROM audit_events WHERE action = 'request.send' AND outcome = 'done'"
        )
        assert session.execute(count).scalar_one() == ROUNDS


def test_two_approvals_at_once_give_one_number(market):
    market.reach_submitted()
    with db.transaction() as session:
        second = factories.person(session, Role.APPROVER, market.body)

    def approve(person):
        def act(session):
            found = load(session, market)
            who = factories.actor(person, Role.APPROVER, market.body)
            services.approve_request(
                session, who, found, documents.make_document, version=found.version
            )

        return act

    outcomes = run_at_once(approve(market.approver), approve(second))
    assert sorted(outcomes) in (["done", "stale_version"], ["done", "wrong_state"])
    assert market.request().number.endswith("-0001")
    with db.reading() as session:
        assert session.execute(text("SELECT last FROM request_counters")).scalar_one() == 1


@pytest.mark.sqlite_only
def test_old_sign_in_asks_for_the_password_again(market, hold_clock):
    market.reach_approved()
    with db.transaction() as session:
        approver = session.get_one(Person, market.approver.id)
        approver.password_hash = hash_password("correct horse battery")
    client = market.as_(market.approver)
    later = datetime.now(UTC) + timedelta(minutes=11)
    hold_clock(later)
    path = f"/requests/{market.request().id}/send"
    assert client.submit(path, {"confirmed": "yes"}).status_code == 422
    wrong = client.submit(path, {"confirmed": "yes", "password": "wrong horse battery"})
    assert wrong.status_code == 422
    assert market.request().sent_at is None
    with pytest.raises(DomainError, match="サインイン"), db.transaction() as session:
        found = load(session, market)
        old = factories.actor(
            market.approver,
            Role.APPROVER,
            market.body,
            authenticated_at=later - timedelta(minutes=11),
        )
        services.send_request(session, old, market.settings, found, version=found.version)
    done = client.submit(path, {"confirmed": "yes", "password": "correct horse battery"})
    assert done.status_code == 303
    assert market.request().state is RequestState.SENT


@pytest.mark.sqlite_only
def test_approver_decides_and_sends_in_one_visit_or_does_neither(market, hold_clock):
    market.reach_submitted()
    with db.transaction() as session:
        approver = session.get_one(Person, market.approver.id)
        approver.password_hash = hash_password("correct horse battery")
        session.get_one(Vendor, market.seller.id).apply(VendorAction.SUSPEND)
    path = f"/requests/{market.request().id}/decision"
    client = market.as_(market.approver)
    said = {"decision": "send", "password": "correct horse battery"}
    page = client.page(path)
    assert page.find(".//input[@name='password']") is None
    hidden = {
        each.get("name"): each.get("value")
        for each in page.iter("input")
        if each.get("type") == "hidden"
    }
    hold_clock(datetime.now(UTC) + timedelta(minutes=11))
    for password, words in (
        ("", "パスワードを入力してください"),
        ("wrong horse battery", "パスワードが違います"),
        ("correct horse battery", "決裁もしていません"),
    ):
        refused = client.submit(path, {**said, "password": password})
        assert refused.status_code == 422
        assert words in refused.text
        found = market.request()
        assert (found.state, found.number, found.approved_by_id) == (
            RequestState.SUBMITTED,
            None,
            None,
        )
    assert "この事業者の登録は停止中" in refused.text
    with db.transaction() as session:
        assert not session.execute(text("SELECT last FROM request_counters")).all()
        session.get_one(Vendor, market.seller.id).apply(VendorAction.RESUME)
    assert market.as_(market.both).submit(path, {"decision": "return"}).status_code == 422
    done = [client.post(path, data={**hidden, **said}) for _ in range(2)]
    assert [(each.status_code, each.location) for each in done] == [(303, done[0].location)] * 2
    assert "依頼はすでに送信されています" in text_of(client.page(done[1].location))
    found = market.request()
    assert (found.state, found.sent_sha256) == (RequestState.SENT, found.approved_sha256)
    assert (found.approved_by_id, found.sent_by_id) == (market.approver.id, market.approver.id)
    assert found.number.endswith("-0001")
    with db.reading() as session:
        lapses = text("SELECT count(*) FROM outbox_messages WHERE topic = 'request.lapse'")
        assert session.execute(lapses).scalar_one() == 1


@pytest.mark.sqlite_only
def test_withdrawn_service_or_suspended_vendor_stops_the_sending(market):
    market.reach_approved()
    with db.transaction() as session:
        session.get_one(Vendor, market.seller.id).apply(VendorAction.SUSPEND)
    refused = market.send()
    assert refused.status_code == 422
    assert "停止中" in refused.text
    with db.transaction() as session:
        session.get_one(Vendor, market.seller.id).apply(VendorAction.RESUME)
        session.get_one(ListingVersion, market.cheap.id).apply(OfferAction.WITHDRAW)
    refused = market.send()
    assert refused.status_code == 422
    assert "提供が終わった" in refused.text
    with db.transaction() as session:
        expired = {"qualification_expires_on": date(2026, 3, 31)}
        session.get_one(Vendor, market.seller.id).revise(**expired)
    refused = market.send()
    assert refused.status_code == 422
    assert "全省庁統一資格の期限が切れていて" in refused.text
    assert market.request().state is RequestState.APPROVED


@pytest.mark.sqlite_only
def test_withdrawal_after_sending_leaves_the_request_valid(market):
    market.reach_sent()
    with db.transaction() as session:
        session.get_one(ListingVersion, market.cheap.id).apply(OfferAction.WITHDRAW)
    assert market.on_request("accept", market.seller_admin, confirmed="yes").status_code == 303


@pytest.mark.sqlite_only
def test_suspended_vendor_cannot_accept(market):
    market.reach_sent()
    with db.transaction() as session:
        session.get_one(Vendor, market.seller.id).apply(VendorAction.SUSPEND)
    refused = market.on_request("accept", market.seller_admin, confirmed="yes")
    assert refused.status_code == 422
    assert "「停止中」のため、この操作はできません" in refused.text
    assert market.request().state is RequestState.SENT


@pytest.mark.sqlite_only
def test_vendor_under_an_agreement_that_ran_out_cannot_accept(market):
    market.reach_sent()
    days = {"applies_from": date(2020, 1, 1), "accept_by": date(2020, 2, 1)}
    by = {"issued_by_id": market.approver.id, "issued_at": datetime(2019, 1, 1, tzinfo=UTC)}
    with db.transaction() as session:
        words = {"label": "9.0", "text": "新しい文面", "text_sha256": "9" * 64, "note": "見本"}
        session.add(AgreementVersion(**words, **days, **by))
    refused = market.on_request("accept", market.seller_admin, confirmed="yes")
    assert refused.status_code == 422
    page = f"/vendors/{market.seller.id}/agreement"
    assert f'href="{page}">基本契約の第1.0版で続けられるのは' in refused.text
    assert "いまは承諾できません" in refused.text
    market.as_(market.seller_admin).submit(page, {"confirmed": "yes"})
    assert market.on_request("accept", market.seller_admin, confirmed="yes").status_code == 303


@pytest.mark.sqlite_only
def test_vendor_whose_qualification_ran_out_cannot_accept_until_it_is_renewed(market):
    market.reach_sent()
    with db.transaction() as session:
        expired = {"qualification_expires_on": date(2026, 3, 31)}
        session.get_one(Vendor, market.seller.id).revise(**expired)
    refused = market.on_request("accept", market.seller_admin, confirmed="yes")
    assert refused.status_code == 422
    page = f"/vendors/{market.seller.id}/qualification"
    assert f'href="{page}">全省庁統一資格の有効期限（令和8年3月31日）が過ぎています' in refused.text
    assert "資格の更新を届け出る" in refused.text
    file = market.as_(market.seller_admin).page(f"/vendors/{market.seller.id}/file")
    assert "いまは公開と承諾ができません" in text_of(file)
    with db.transaction() as session:
        renewed = {"qualification_expires_on": date(2099, 3, 31)}
        session.get_one(Vendor, market.seller.id).revise(**renewed)
    assert market.on_request("accept", market.seller_admin, confirmed="yes").status_code == 303


@pytest.mark.sqlite_only
def test_clerk_cannot_send(market):
    market.reach_approved()
    assert market.as_(market.clerk).get(f"/requests/{market.request().id}/send").status_code == 403


# --- answers --------------------------------------------------------------------------------


@pytest.mark.sqlite_only
def reselect(market, person=None, **said):
    path = f"/projects/{market.project().id}/reselect"
    return market.as_(person or market.clerk).submit(path, {"confirmed": "yes", **said})


def test_declined_case_goes_to_the_next_candidate_by_a_new_decision(market):
    """Evidence, exclusions and the first choice stay; nothing is opened while a request is live."""
    market.reach_sent()
    pack, first = market.pack(), market.selection()
    live = reselect(market, reason="返事が遅い。")
    assert live.status_code == 422
    assert "依頼が残っています" in live.text
    assert "返事が遅い。" in live.text
    market.on_request("decline", market.seller_admin, confirmed="yes", reason="人手が足りません。")
    project = market.project()
    page = market.as_(market.clerk).get(f"/projects/{project.id}").text
    assert f'href="/projects/{project.id}/reselect"' in page
    assert reselect(market).status_code == 422
    assert market.as_(market.approver).get(f"/projects/{project.id}/reselect").status_code == 403
    assert reselect(market, reason="次の候補に依頼するため。").status_code == 303
    assert market.project().state is ProjectState.COMPARED
    page = text_of(market.as_(market.clerk).page(f"/projects/{project.id}"))
    assert "前に選んだ事業者とは契約に至りませんでした" in page
    assert "次は、選定の案を作ります" in page
    history = market.as_(market.clerk).get(f"/projects/{project.id}/history").text
    assert "次の候補を選び直すことにしました" in history
    assert "次の候補に依頼するため。" in history
    early = market.as_(market.clerk).get(f"/projects/{project.id}/reselect")
    assert early.status_code == 409
    assert market.propose(market.other).status_code == 303
    assert market.decide("approve").status_code == 303
    assert (market.pack().sha256, market.selection().pack_id) == (pack.sha256, first.pack_id)
    assert market.selection().listing_version_id == market.other.id
    page = text_of(market.as_(market.clerk).page(f"/projects/{project.id}"))
    assert "次は、利用契約の依頼書を作ります" in page
    again = reselect(
        market, reason="依頼の前に。"
    )  # the earlier request says nothing of this choice
    assert "まだ依頼していません" in again.text
    assert market.draw_up().status_code == 303
    assert market.request().selection_id == market.selection().id
    with db.reading() as session:
        kept = session.get_one(Selection, first.id)
        assert (kept.is_approved, kept.approved_sha256) == (True, first.approved_sha256)


def test_vendor_declines_with_a_reason_and_a_new_request_can_follow(market):
    market.reach_sent()
    assert market.on_request("decline", market.seller_admin, confirmed="yes").status_code == 422
    declined = market.on_request(
        "decline", market.seller_admin, confirmed="yes", reason="人手が足りません。"
    )
    assert declined.status_code == 303
    page = text_of(market.as_(market.clerk).page(f"/projects/{market.project().id}"))
    assert "事業者が辞退しました" in page
    assert market.draw_up().status_code == 303
    assert market.request().state is RequestState.DRAFT


@pytest.mark.sqlite_only
def test_long_lists_have_pages_and_none_beyond_the_last(market):
    market.reach_sent()
    pages = (
        (market.clerk, "/projects"),
        (market.clerk, "/requests"),
        (market.seller_admin, "/requests/inbox"),
        (market.clerk, "/contracts"),
    )
    for person, path in pages:
        browser = market.as_(person)
        assert "次のページ" not in text_of(browser.page(path))
        assert browser.get(f"{path}?page=2").status_code == 404, path
    clerk = market.actor(market.clerk, Role.CLERK)
    for number in range(50):
        with db.transaction() as session:
            values = {**PROJECT, "starts_on": START, "title": f"追加の調達その{number:02d}"}
            create_project(session, clerk, **values)
    browser = market.as_(market.clerk)
    first, second = (text_of(browser.page(f"/projects?page={n}")) for n in (1, 2))
    assert "次のページ" in first
    assert "前のページ" in second
    assert (first.count("追加の調達その"), second.count("追加の調達その")) == (50, 0)
    assert browser.get("/projects?page=3").status_code == 404


@pytest.mark.sqlite_only
def test_body_withdraws_with_a_reason_and_both_are_told(market):
    market.reach_sent()
    reason = {"confirmed": "yes", "reason": "予算が減りました。"}
    path = f"/requests/{market.request().id}"
    for person in (market.clerk, market.second_clerk):
        assert market.as_(person).get(f"{path}/withdraw").status_code == 403
        page = market.as_(person).get(path).text
        assert "取り下げられるのは、決裁者だけです" in page
        assert f"{path}/withdraw" not in page
    with pytest.raises(Forbidden), db.transaction() as session:
        clerk = factories.actor(market.clerk, Role.CLERK, market.body)
        found = load(session, market)
        services.withdraw_request(session, clerk, found, version=found.version, reason="理由。")
    with db.transaction() as session:
        factories.thaw(session)
        load(session, market).last_editor_id = market.both.id
    alone = market.on_request("withdraw", market.both, **reason)
    assert alone.status_code == 403
    assert "別の決裁者に頼んでください" in alone.text
    assert market.on_request("withdraw", market.approver, confirmed="yes").status_code == 422
    assert market.on_request("withdraw", market.approver, **reason).status_code == 303
    for person in (market.clerk, market.seller_admin):
        page = text_of(market.as_(person).page(path))
        assert "取下げ" in page
        assert "予算が減りました。" in page
    late = market.as_(market.seller_admin).get(f"{path}/accept")
    assert "依頼を承諾する" not in late.text


def test_accept_and_withdraw_at_once_end_in_one_state(market):
    """Five rounds: exactly one of the two acts holds."""
    market.reach_sent()
    vendor_home = market.seller.owner_id
    reset = text(
        "UPDATE usage_contract_requests SET state = 'sent', version = version + 1,"
        " answered_at = NULL, answered_by_id = NULL, answer_reason = '',"
        " withdrawn_at = NULL, withdrawn_by_id = NULL, withdrawal_reason = ''"
    )

    def accept(session):
        found = load(session, market)
        admin = factories.actor(market.seller_admin, Role.VENDOR_ADMIN, home(session, vendor_home))
        services.accept_request(session, admin, found, version=found.version)

    def withdraw(session):
        found = load(session, market)
        approver = factories.actor(market.approver, Role.APPROVER, market.body)
        services.withdraw_request(
            session, approver, found, version=found.version, reason="予算が減りました。"
        )

    for _ in range(ROUNDS):
        with db.transaction() as session:
            factories.thaw(session)
            session.execute(reset)
        accepted, withdrawn = run_at_once(accept, withdraw)
        assert sorted([accepted == "done", withdrawn == "done"]) == [False, True]
        state = RequestState.ACCEPTED if accepted == "done" else RequestState.WITHDRAWN
        assert market.request().state is state


def home(session, organisation_id):
    return session.get_one(Organisation, organisation_id)


def test_unanswered_request_lapses_when_due(market, hold_clock):
    market.reach_sent()
    request = market.request()
    handlers: dict[str, outbox.Handler] = dict(services.HANDLERS)
    outbox.drain(handlers)
    assert market.request().state is RequestState.SENT
    hold_clock(request.answer_due_at + timedelta(seconds=1))
    with pytest.raises(DomainError, match="回答の期限"), db.transaction() as session:
        admin = factories.actor(
            market.seller_admin, Role.VENDOR_ADMIN, home(session, market.seller.owner_id)
        )
        found = load(session, market)
        services.accept_request(session, admin, found, version=found.version)
    outbox.drain(handlers)
    assert market.request().state is RequestState.LAPSED


# --- who sees what --------------------------------------------------------------------------


@pytest.mark.sqlite_only
def test_addressee_sees_nothing_before_sending_and_rivals_never(market):
    market.reach_approved()
    path = f"/requests/{market.request().id}"
    seller, rival = market.as_(market.seller_admin), market.as_(market.rival_admin)
    for each in ("", "/document.pdf", "/accept", "/decline"):
        assert seller.get(f"{path}{each}").status_code == 404
    market.send()
    assert seller.get(f"{path}/document.pdf").status_code == 200
    for each in ("", "/document.pdf", "/accept", "/decline"):
        assert rival.get(f"{path}{each}").status_code == 404
    assert "公共施設の予約" not in rival.get("/requests/inbox").text
    assert rival.get(f"/requests/{market.request().id}/contract").status_code in {403, 404}


@pytest.mark.sqlite_only
def test_addressee_learns_neither_candidates_nor_reasons(market):
    market.reach_sent()
    seller = market.as_(market.seller_admin)
    path = f"/requests/{market.request().id}"
    pdf = PdfReader(io.BytesIO(seller.get(f"{path}/document.pdf").data))
    texts = [seller.get(path).text, seller.get("/requests/inbox").text]
    texts += [seller.get(f"{path}/accept").text]
    texts.append("".join("".join(p.extract_text() for p in pdf.pages).split()))
    for shown in texts:
        for secret in ("とびらの予約", "おおきな予約", "3件", "最も低いため", "限度額"):
            assert secret not in shown
        assert market.rival.name not in shown


@pytest.mark.sqlite_only
def test_member_reads_but_only_the_administrator_answers(market):
    market.reach_sent()
    with db.transaction() as session:
        member = factories.person(
            session, Role.VENDOR_MEMBER, home(session, market.seller.owner_id)
        )
    client, path = market.as_(member), f"/requests/{market.request().id}"
    assert "承諾する画面へ進む" not in text_of(client.page(path))
    assert client.get(f"{path}/accept").status_code == 403


@pytest.mark.sqlite_only
def test_open_request_keeps_the_project_from_being_cancelled(market):
    market.reach_sent()
    path = f"/projects/{market.project().id}/cancel"
    client = market.as_(market.clerk)
    refused = client.submit(path, {"confirmed": "yes", "reason": "やめます。"})
    assert refused.status_code == 422
    assert "先に依頼を取り下げてください" in refused.text
