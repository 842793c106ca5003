"""A certification from the vendor's submission to the public certificate, over HTTP."""

import io
import itertools
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from pypdf import PdfReader

from accounts.models import Organisation, Role
from accounts.services import hash_password
from catalog.certification.models import Opinion, ReviewState
from catalog.terms import Answer
from core import db
from core.clock import today_jst
from core.japanese import format_date
from tests import factories
from tests.catalog.certification.conftest import (
    PASSWORD,
    Stage,
    assign,
    decide,
    declare,
    load,
    load_version,
    make_recommended,
    publish,
    recommend,
    submit,
)
from tests.catalog.certification.test_services import change_answer
from tests.page_checks import text_of

# A decision closes three machines and tells trail, mirrors and index in one act.
# Words and refusals of pages: the same on both databases, so asked once.
pytestmark = [pytest.mark.query_budget(40), pytest.mark.sqlite_only]
CONFIRMED = {"confirmed": "yes"}
OPINION = {"opinion": "certify", "reason": "画面で確認しました。", **CONFIRMED}


@pytest.fixture
def browser(stage, new_client):
    """Make the signed-in browser of a person."""

    def sign_in(person, at=None):
        client = new_client()
        factories.sign_in_client(client, person, at or stage.agency)
        return client

    return sign_in


def day_fields(name: str, day: date) -> dict[str, str]:
    return {
        f"{name}-era": "western",
        f"{name}-year": str(day.year),
        f"{name}-month": str(day.month),
        f"{name}-day": str(day.day),
    }


def decision(**values) -> dict[str, str]:
    until = day_fields("valid_until", today_jst() + timedelta(days=700))
    return {"decision": "certify", **until, **CONFIRMED, **values}


def words(client, path: str, status: int = 200) -> str:
    return text_of(client.page(path, status))


@pytest.mark.acceptance(29)
def test_whole_way_from_submission_to_certificate(stage: Stage, browser) -> None:
    vendor = browser(stage.company.admin, stage.company.home)
    lead = browser(stage.leads[0])
    first, second = (browser(person) for person in stage.reviewers)

    submitted = vendor.submit(f"/vendor/offerings/{stage.version_id}/submit", CONFIRMED)
    assert submitted.status_code == 303
    path = submitted.location
    assert "提出しました" in words(vendor, path)

    assert "見本の窓口予約" in words(lead, "/reviews")
    assert "見本の窓口予約" not in words(first, "/reviews")
    ids = [str(person.id) for person in stage.reviewers]
    assert (
        lead.submit(f"{path}/assign", {"first_id": ids[0], "second_id": ids[1]}).status_code == 303
    )
    assert "見本の窓口予約" in words(first, "/reviews")
    for client in (first, second):
        assert client.get(path).location == f"{path}/declare"
        declared = client.submit(f"{path}/declare", {"conflict": "no", **CONFIRMED})
        assert declared.status_code == 303

    assert (
        first.submit(f"{path}/opinion", {**OPINION, "reason": "一の理由です。"}).status_code == 303
    )
    assert "一の理由です。" in words(first, path)
    hidden = words(second, path)
    assert "一の理由です。" not in hidden
    assert "あなたが意見を提出したあとに表示されます" in hidden
    assert "一の理由です。" not in words(second, f"{path}/opinion")
    assert (
        second.submit(f"{path}/opinion", {**OPINION, "reason": "二の理由です。"}).status_code == 303
    )
    for client in (first, second):
        assert "一の理由です。" in words(client, path)
        assert "二の理由です。" in words(client, path)
    assert "理由です。" not in words(vendor, path)

    assert lead.submit(f"{path}/decide", decision()).status_code == 303
    with db.transaction() as session:
        review = load(session, submitted_id(path))
        assert review.state is ReviewState.CERTIFIED
        number = review.number
    publish(stage)
    page = words(browser(stage.company.member, stage.company.home), f"/certificates/{number}")
    for seen in ("認証済み", "見本", "R-001", "機能1", review.evaluated_sha256, "第1版", number):
        assert seen in page, seen
    assert "理由です。" not in page
    assert stage.reviewers[0].name not in page


def submitted_id(path: str) -> UUID:
    return UUID(path.rsplit("/", 1)[1])


def test_submission_names_what_is_missing_and_links_to_it(stage: Stage, browser) -> None:
    with db.transaction() as session:
        load_version(session, stage.version_id).revise(hosting_region="", description="")
    vendor = browser(stage.company.admin, stage.company.home)
    path = f"/vendor/offerings/{stage.version_id}/submit"
    page = vendor.page(path)
    assert "足りないもの（2件）" in text_of(page)
    main = next(page.iter("main"))
    links = {text_of(link): link.get("href") for link in main.iter("a")}
    assert links["設置する地域を入力してください。"].endswith("/hosting#f-hosting_region")
    assert not list(main.iter("form"))
    token = _token(vendor)
    refused = vendor.post(path, data={**CONFIRMED, "csrf_token": token})
    assert refused.status_code == 422
    assert "設置する地域を入力してください。" in refused.text


def _token(client) -> str:
    page = client.page("/")
    return next(e.get("value") for e in page.iter("input") if e.get("name") == "csrf_token")


def test_submission_needs_the_declaration_and_the_administrator(stage: Stage, browser) -> None:
    path = f"/vendor/offerings/{stage.version_id}/submit"
    vendor = browser(stage.company.admin, stage.company.home)
    missing = vendor.submit(path, {"confirmed": None})
    assert missing.status_code == 422
    assert "チェックを入れてください" in missing.text
    assert browser(stage.company.member, stage.company.home).get(path).status_code == 403
    with db.transaction() as session:
        rival = factories.person(session, Role.VENDOR_ADMIN)
    assert browser(rival).get(path).status_code in {403, 404}
    assert vendor.submit(path, CONFIRMED).status_code == 303
    assert "もう提出されています" in words(vendor, path)


@pytest.mark.acceptance(29)
def test_insider_is_neither_offered_nor_accepted_as_reviewer(stage: Stage, browser) -> None:
    first, second = stage.reviewers
    with db.transaction() as session:
        factories.membership(session, first, Role.VENDOR_MEMBER, stage.company.home)
        outsider = factories.person(session, Role.REVIEWER, stage.agency, name="審査 五")
    path = f"/reviews/{submit(stage)}/assign"
    lead = browser(stage.leads[0])
    page = words(lead, path)
    assert second.name in page
    assert first.name not in page
    refused = lead.submit(path, {"first_id": str(first.id), "second_id": str(outsider.id)})
    assert refused.status_code == 422
    assert "この方は選べません" in refused.text
    twice = lead.submit(path, {"first_id": str(second.id), "second_id": str(second.id)})
    assert twice.status_code == 422
    assert "1人目と別の審査員" in twice.text


def test_review_is_closed_to_those_who_take_no_part(stage: Stage, browser) -> None:
    certification_id = submit(stage)
    assign(stage, certification_id)
    with db.transaction() as session:
        strangers = [
            factories.person(session, Role.REVIEWER, stage.agency),
            factories.person(session, Role.VENDOR_ADMIN),
            factories.person(session, Role.CLERK),
        ]
    path = f"/reviews/{certification_id}"
    for person in strangers:
        client = browser(person)
        token = _token(client)
        for page in ("", "/assign", "/opinion", "/request-info", "/decide", "/claim"):
            assert client.get(path + page).status_code in {403, 404}, (person.name, page)
            if page:
                sent = client.post(path + page, data={**OPINION, "csrf_token": token})
                assert sent.status_code in {403, 404}, (person.name, page)
    reviewer = browser(stage.reviewers[0])
    for page in ("", "/opinion", "/request-info"):
        assert reviewer.get(path + page).status_code == 200


def test_lead_who_reviewed_is_told_on_the_page_and_refused(stage: Stage, browser) -> None:
    with db.transaction() as session:
        factories.membership(session, stage.leads[0], Role.REVIEWER, stage.agency)
    certification_id = submit(stage)
    lead, other = browser(stage.leads[0]), browser(stage.leads[1])
    path = f"/reviews/{certification_id}"
    ids = {"first_id": str(stage.leads[0].id), "second_id": str(stage.reviewers[1].id)}
    assert other.submit(f"{path}/assign", ids).status_code == 303
    declare(stage.reviewer(1), certification_id)
    declare(
        factories.actor(stage.leads[0], Role.REVIEWER, stage.agency),
        certification_id,
    )
    recommend(stage, certification_id, 1)
    assert "意見の理由1" not in words(lead, path)
    assert lead.submit(f"{path}/opinion", OPINION).status_code == 303
    assert "あなたはこの審査を担当したので、決定できません" in words(lead, f"{path}/decide")
    posted = lead.post(
        f"{path}/decide", data={**decision(), "version": "1", "csrf_token": _token(lead)}
    )
    assert posted.status_code == 403
    assert "ほかの主任審査員に頼んでください" in posted.text


def test_question_goes_to_the_vendor_and_comes_back(stage: Stage, browser) -> None:
    certification_id = submit(stage)
    assign(stage, certification_id)
    path = f"/reviews/{certification_id}"
    reviewer = browser(stage.reviewers[0])
    assert reviewer.submit(f"{path}/request-info", CONFIRMED).status_code == 422
    due = day_fields("due_on", today_jst() + timedelta(days=14))
    asked = {"reason": "R-001の画面を示してください。", **due, **CONFIRMED}
    assert reviewer.submit(f"{path}/request-info", asked).status_code == 303
    vendor = browser(stage.company.admin, stage.company.home)
    assert "R-001の画面を示してください。" in words(vendor, path)
    again = f"/vendor/offerings/{stage.version_id}/submit"
    assert "R-001の画面を示してください。" in words(vendor, again)
    assert vendor.submit(again, CONFIRMED).location == path
    assert reviewer.submit(f"{path}/opinion", OPINION).status_code == 303


def test_second_lead_reads_who_decided_first_and_keeps_the_words(stage: Stage, browser) -> None:
    certification_id = make_recommended(stage)
    path = f"/reviews/{certification_id}/decide"
    one, other = (browser(person) for person in stage.leads)
    other.page(path)
    page = one.page(path)
    fields = {e.get("name"): e.get("value", "") for e in page.iter("input")}
    assert one.submit(path, decision()).status_code == 303
    late = {**decision(reason="二番目の理由"), "version": fields["version"]}
    lost = other.post(path, data={**late, "csrf_token": _token(other)})
    assert lost.status_code == 412
    for seen in ("主任 三さん", "「認証済み」と決定しました", "二番目の理由"):
        assert seen in lost.text, seen
    timeline = words(one, f"/reviews/{certification_id}")
    assert "できなかった操作：決定しました" in timeline
    assert "主任 四" in timeline


@pytest.mark.query_budget(45)
def test_old_sign_in_needs_the_password_to_decide(stage: Stage, browser, hold_clock) -> None:
    hold_clock(datetime(2026, 11, 1, 1, 0, tzinfo=UTC))
    with db.transaction() as session:
        person = factories.person(
            session,
            Role.LEAD_REVIEWER,
            stage.agency,
            password_hash=hash_password(PASSWORD),
        )
    certification_id = make_recommended(stage)
    lead, path = browser(person), f"/reviews/{certification_id}/decide"
    hold_clock(datetime(2026, 11, 1, 1, 11, tzinfo=UTC))
    wrong = lead.submit(path, decision(password="not this one at all"))
    assert wrong.status_code == 422
    assert "パスワードが違います" in wrong.text
    assert lead.submit(path, decision(password="")).status_code == 422
    assert lead.submit(path, decision(password=PASSWORD)).status_code == 303


def test_conditional_without_dates_is_refused_then_shown_with_them(stage: Stage, browser) -> None:
    counts_from = today_jst() + timedelta(days=100)
    change_answer(stage, Answer.CONDITIONAL, conformity_date=counts_from)
    certification_id = make_recommended(stage, Opinion.CONDITIONAL)
    path = f"/reviews/{certification_id}/decide"
    lead = browser(stage.leads[0])
    empty = dict.fromkeys(("due_1-year", "due_1-month", "due_1-day"), "")
    refused = lead.submit(path, decision(decision="conditional", **empty))
    assert refused.status_code == 422
    assert "R-001の期限を入力してください。" in refused.text
    late = day_fields("due_1", counts_from + timedelta(days=1))
    assert "適合基準日の" in lead.submit(path, decision(decision="conditional", **late)).text
    assert lead.submit(path, decision(decision="certify", reason="よい")).status_code == 422
    given = {**day_fields("due_1", counts_from), "text_1": "画面を直すこと"}
    assert lead.submit(path, decision(decision="conditional", **given)).status_code == 303
    page = words(lead, f"/certificates/{number_of(certification_id)}")
    for seen in ("条件付き認証", "R-001", "画面を直すこと", format_date(counts_from)):
        assert seen in page, seen


def number_of(certification_id) -> str | None:
    with db.reading() as session:
        return load(session, certification_id).number


@pytest.mark.acceptance(28)
def test_impossible_last_day_is_refused_on_the_page(stage: Stage, browser) -> None:
    certification_id = make_recommended(stage)
    path = f"/reviews/{certification_id}/decide"
    lead = browser(stage.leads[0])
    for day in (today_jst(), today_jst() + timedelta(days=365 * 6)):
        refused = lead.submit(path, decision(**day_fields("valid_until", day)))
        assert refused.status_code == 422
        assert "有効期限は" in refused.text
    nonsense = day_fields("valid_until", today_jst()) | {"valid_until-month": "13"}
    assert lead.submit(path, decision(**nonsense)).status_code == 422
    unknown = lead.post(
        path, data={**decision(version="1"), "color": "red", "csrf_token": _token(lead)}
    )
    assert unknown.status_code == 422
    assert "「color」という項目は受け付けていません" in unknown.text


def test_claim_is_confirmed_by_a_lead(stage: Stage, browser) -> None:
    certification_id = submit(stage)
    assign(stage, certification_id)
    recommend(stage, certification_id, 0)
    lead, path = browser(stage.leads[0]), f"/reviews/{certification_id}"
    assert "申告のみ" in words(lead, f"{path}/claim")
    assert lead.submit(f"{path}/claim", CONFIRMED).status_code == 303
    assert "この操作は要りません" in words(lead, f"{path}/claim")
    assert "決定の前の公開を認めました" in words(lead, path)


def test_filters_leave_what_needs_a_look(stage: Stage, browser) -> None:
    change_answer(stage, Answer.NOT_CONFORMING, conformity_date=None)
    certification_id = submit(stage)
    lead, path = browser(stage.leads[0]), f"/reviews/{certification_id}"
    table = {}
    for shown in ("all", "blocking", "conditions", "for_review", "unanswered", "findings"):
        page = lead.page(f"{path}?show={shown}")
        heads = [text_of(th) for table in page.iter("table") if table.get("id") == "requirements"
                 for th in table.iter("th") if th.get("scope") == "row"]  # fmt: skip
        table[shown] = len(heads)
    assert table == {
        "all": 6, "blocking": 1, "conditions": 0, "for_review": 0, "unanswered": 0, "findings": 0,
    }  # fmt: skip
    assert "認証を妨げる要件が1件あります" in words(lead, path)
    assert lead.get(f"{path}?show=nonsense").status_code == 404


@pytest.mark.acceptance(26)
def test_certificate_page_says_that_time_ran_out(stage: Stage, client, hold_clock) -> None:
    hold_clock(datetime(2026, 4, 1, 3, tzinfo=UTC))
    certification_id = make_recommended(stage)
    decide(stage.lead(), certification_id, valid_until=date(2027, 3, 31))
    publish(stage)
    path = f"/certificates/{number_of(certification_id)}"
    hold_clock(datetime(2027, 3, 31, 14, 59, tzinfo=UTC))
    assert "認証済み" in words(client, path)
    assert "期限切れ" not in words(client, path)
    hold_clock(datetime(2027, 3, 31, 15, 0, tzinfo=UTC))
    page = words(client, path)
    assert "期限切れ" in page
    assert "令和9年3月31日に期限が切れました。認証されていないものとして扱います。" in page


@pytest.mark.acceptance(26)
@pytest.mark.parametrize(
    ("state", "seen"),
    [(ReviewState.SUSPENDED, "効力停止"), (ReviewState.REVOKED, "取消し")],
)
def test_certificate_page_says_that_it_is_not_in_force(
    stage: Stage, client, state: ReviewState, seen: str
) -> None:
    with db.transaction() as session:
        row = load_version(session, stage.version_id)
        made = factories.certification(
            session, row, state, number="NC-2026-0000ABCD", ended_on=today_jst()
        )
        row.published_at = db.now(session)
        path = f"/certificates/{made.number}"
    page = words(client, path)
    assert seen in page
    assert "認証されていないものとして扱います" in page
    assert "認証済み" not in page


def test_certificate_comes_as_pdf_and_unknown_numbers_do_not_exist(stage: Stage, client) -> None:
    certification_id = make_recommended(stage)
    decide(stage.lead(), certification_id)
    publish(stage)
    number = number_of(certification_id)
    response = client.get(f"/certificates/{number}.pdf")
    assert response.mimetype == "application/pdf"
    printed = "".join(p.extract_text() for p in PdfReader(io.BytesIO(response.data)).pages)
    printed = printed.replace("\n", "")
    for seen in (number, "見本の窓口予約", "認証済み", "見本", "第1.0版"):
        assert seen in printed, seen
    for path in ("/certificates/NC-2026-00000000", "/certificates/NC-2026-00000000.pdf"):
        assert client.get(path).status_code == 404


def test_decision_on_an_unpublished_offering_is_known_to_its_parties_only(
    stage: Stage, client, browser
) -> None:
    certification_id = make_recommended(stage)
    decide(stage.lead(), certification_id)
    number = number_of(certification_id)
    with db.transaction() as session:
        rival = factories.vendor(session)
        home = session.get_one(Organisation, rival.owner_id)
        competitor = factories.person(session, Role.VENDOR_ADMIN, home)
        clerk_home = factories.body(session)
        clerk = factories.person(session, Role.CLERK, clerk_home)
    paths = (f"/certificates/{number}", f"/certificates/{number}.pdf")
    strangers = [client, browser(competitor, home), browser(clerk, clerk_home)]
    for reader, path in itertools.product(strangers, paths):
        assert reader.get(path).status_code == 404
    assert str(certification_id) not in client.get("/api/v1/snapshot").text
    assert str(certification_id) not in client.get("/api/v1/changes?since=0").text
    for insider in (browser(stage.company.admin, stage.company.home), browser(stage.leads[1])):
        assert "まだ公開されていません" in words(insider, paths[0])
        assert insider.get(paths[1]).status_code == 200
    vendor = browser(stage.company.admin, stage.company.home)
    act = f"/vendor/offerings/{stage.version_id}/publish"
    assert vendor.submit(act, {"confirmed": "yes"}).status_code == 303
    for reader, path in itertools.product(strangers, paths):
        assert reader.get(path).status_code == 200
    assert "まだ公開されていません" not in words(client, paths[0])
    changed = client.get("/api/v1/changes?since=0").json["changes"]
    told = [each["data"] for each in changed if each["kind"] == "certificate"]
    assert [each["number"] for each in told] == [number]
    assert str(certification_id) in client.get("/api/v1/snapshot").text


def test_public_page_stays_within_its_statements(stage: Stage, client) -> None:
    certification_id = make_recommended(stage)
    decide(stage.lead(), certification_id)
    publish(stage)
    client.get(f"/certificates/{number_of(certification_id)}")
    assert len(client.business_statements("people", "sign_ins")) <= 6


def test_refused_review_has_no_certificate(stage: Stage, browser) -> None:
    certification_id = make_recommended(stage, Opinion.REFUSE)
    decide(stage.lead(), certification_id, Opinion.REFUSE)
    assert number_of(certification_id) is None
    vendor = browser(stage.company.admin, stage.company.home)
    page = words(vendor, f"/reviews/{certification_id}")
    assert "認証しないことに決まりました" in page
    assert "要件を満たさない。" in page
