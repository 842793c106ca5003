"""The pages around a decision: queue, declaration, findings, rehearsal, measures, appeal.

What services refuse stands in test_proceedings, on both databases; words of pages are asked once.
"""

import io
from datetime import timedelta
from hashlib import sha256

import pytest

from accounts.models import Role
from catalog.certification.models import ReviewState
from catalog.certification.queries import proceedings
from catalog.offerings.queries import list_answers
from catalog.terms import Answer
from core import db
from core.clock import today_jst
from tests import factories
from tests.catalog.certification.conftest import (
    Stage,
    assign,
    load,
    publish,
    submit,
)
from tests.catalog.certification.test_pages import CONFIRMED, day_fields, words
from tests.catalog.certification.test_proceedings import make_certified, make_conditional
from tests.catalog.certification.test_services import change_answer, state_of
from tests.catalog.offerings.conftest import make_company
from tests.page_checks import text_of

pytestmark = [pytest.mark.query_budget(40), pytest.mark.sqlite_only]


@pytest.fixture
def browser(stage, new_client):
    """Make the signed-in browser of a person."""

    def sign_in(person, at=None):
        client = new_client()
        factories.sign_in_client(client, person, at or stage.agency)
        return client

    return sign_in


def send(client, path: str, **values):
    """Send a form that asks for confirmation."""
    return client.submit(path, {**CONFIRMED, **values})


@pytest.mark.acceptance(25)
def test_checks_are_rehearsed_sort_the_queue_and_overrule_nobody(stage: Stage, browser) -> None:
    change_answer(stage, Answer.NOT_CONFORMING, conformity_date=None)
    vendor = browser(stage.company.admin, stage.company.home)
    rehearsed = words(vendor, f"/vendor/offerings/{stage.version_id}/checks")
    for seen in ("自動チェック：不備あり", "R-001", "実装必須に適合していません", "何も記録せず"):
        assert seen in rehearsed, seen
    with db.reading() as session:
        assert proceedings.list_submissions(session, stage.version_id) == []
    assert "不備あり" in words(vendor, f"/vendor/offerings/{stage.version_id}/submit")
    assert (
        browser(stage.leads[0]).get(f"/vendor/offerings/{stage.version_id}/checks").status_code
        == 200
    )
    certification_id = submit(stage)
    lead = browser(stage.leads[0])
    for query, count in (
        ("", 1), ("check=fail", 1), ("check=pass", 0), ("place=unassigned", 1), ("place=assigned", 0),
        ("state=submitted", 1), ("state=assigned", 0), ("check=fail&order=age", 1),
        (f"specification={code_of(stage)}", 1), ("specification=none", 0),
    ):  # fmt: skip
        page = lead.page(f"/reviews?{query}")
        rows = [table for table in page.iter("table") if table.get("id") == "reviews"]
        assert len(rows) == count, query
    assert "不備あり" in words(lead, "/reviews")
    assert lead.get("/reviews?check=best").status_code == 404
    assert "人が決めます" in words(lead, f"/reviews/{certification_id}")


def code_of(stage: Stage) -> str:
    with db.reading() as session:
        from catalog.specifications.queries import get_version

        version = get_version(session, stage.specification.id)
        assert version is not None
        return version.specification.code


@pytest.mark.acceptance(29)
def test_reviewer_declares_before_reading_and_a_conflict_is_replaced(stage: Stage, browser) -> None:
    certification_id = submit(stage)
    path = f"/reviews/{certification_id}"
    lead, first = browser(stage.leads[0]), browser(stage.reviewers[0])
    with db.transaction() as session:
        spare = factories.person(session, Role.REVIEWER, stage.agency, name="審査 五")
    ids = [str(person.id) for person in stage.reviewers]
    lead.submit(f"{path}/assign", {"first_id": ids[0], "second_id": ids[1]})
    assert first.get(path).location == f"{path}/declare"
    hidden = words(first, f"{path}/declare")
    assert "R-001" not in hidden
    for page in ("/opinion", "/request-info", "/findings/new", "/submissions/1"):
        assert first.get(path + page).status_code == 404, page
    assert send(first, f"{path}/declare", conflict="yes").status_code == 422
    told = send(first, f"{path}/declare", conflict="yes", words="前の職場です。")
    assert told.status_code == 303
    assert first.get(path).status_code == 404
    assert "審査員が足りません" in words(lead, path)
    assert "一人足りません" in words(lead, "/reviews")
    choose = words(lead, f"{path}/reassign/first")
    assert stage.reviewers[0].name not in choose.split("新しい審査員")[1]
    done = send(lead, f"{path}/reassign/first", person_id=str(spare.id), reason="空いたため。")
    assert done.status_code == 303
    other = browser(spare)
    assert send(other, f"{path}/declare", conflict="no").status_code == 303
    assert "要件ごとの回答" in words(other, path)
    assert lead.get(f"{path}/reassign/third").status_code == 404


def detach(vendor, page: str):
    """Take the first file away from an answer, by the page that asks again."""
    doors = [a.get("href", "") for a in vendor.page(page).iter("a")]
    door = next(each for each in doors if each.endswith("/remove"))
    return vendor.submit(door, {"confirmed": "yes"}, button="ファイルを外す")


@pytest.mark.acceptance(9)
def test_vendor_reads_findings_beside_its_answers_replies_mends_and_resubmits(
    stage: Stage, browser
) -> None:
    change_answer(stage, Answer.NOT_CONFORMING, conformity_date=None)
    vendor = browser(stage.company.admin, stage.company.home)
    attaching = attach(stage, vendor, "画面の一覧.csv", b"1,2\r\n")
    certification_id = submit(stage)
    assign(stage, certification_id)
    path = f"/reviews/{certification_id}"
    reviewer = browser(stage.reviewers[0])
    raised = f"{path}/findings/new?requirement=R-001"
    check_shown(words(reviewer, raised))
    assert send(reviewer, raised, words=" ").status_code == 422
    press = reviewer.prepare(raised, {"words": "必須の要件です。", "confirmed": "yes"})
    assert [press().status_code for _ in range(2)] == [303, 303]
    assert reviewer.get(f"{path}/findings/new?requirement=R-999").status_code == 404
    due = day_fields("due_on", today_jst() + timedelta(days=14))
    asked = {"reason": "直してください。", **due}
    late = {**asked, **day_fields("due_on", today_jst())}
    assert "回答の期限は" in send(reviewer, f"{path}/request-info", **late).text
    assert send(reviewer, f"{path}/request-info", **asked).status_code == 303
    page = words(vendor, path)
    for seen in ("審査員が説明を求めています", "指摘1", "必須の要件です。", "回答を直す"):
        assert seen in page, seen
    assert stage.reviewers[0].name not in page
    answering = f"/vendor/offerings/{stage.version_id}/answers/1"
    assert "必須の要件です。" in words(vendor, answering)
    with db.reading() as session:
        [finding] = proceedings.list_findings(session, certification_id)
    talk = f"{path}/findings/{finding.id}"
    assert "指摘が1件" in send(vendor, f"/vendor/offerings/{stage.version_id}/submit").text
    for text, status in (("", 422), ("直しました。", 303)):
        assert vendor.submit(talk, {"words": text}).status_code == status
    assert (
        vendor.submit(answering, {"answer_1": "conforms"}, button="下書きを保存する").status_code
        == 303
    )
    assert detach(vendor, attaching).status_code == 303
    attach(stage, vendor, "直した画面.csv", b"1,3\r\n")
    assert send(vendor, f"/vendor/offerings/{stage.version_id}/submit").location == path
    assert "実装不可" in words(reviewer, path)
    first = words(reviewer, f"{path}/submissions/1")
    for seen in ("第1回の提出", "最後の提出（第2回）", "R-001", "非適合", "今も同じ内容です",
                 sha256(b"1,2\r\n").hexdigest(), "外したファイル：画面の一覧.csv", "証拠のファイル：画面の一覧.csv"):  # fmt: skip
        assert seen in first, seen
    assert reviewer.get(f"{path}/submissions/3").status_code == 404
    check_files(stage, browser, path)
    for step, text in (("ask_again", ""), ("nonsense", "よい。")):
        assert reviewer.submit(talk, {"step": step, "words": text}).status_code == 422
    assert reviewer.submit(talk, {"step": "accept", "words": "確かめました。"}).status_code == 303


def check_shown(page: str) -> None:
    """Assert that whoever raises a finding reads requirement, answer and evidence beside it."""
    assert "要件の内容機能1を利用できること。" in page.replace(" ", "")
    assert "非適合" in page
    assert "画面の一覧.csv" in page


def attach(stage: Stage, vendor, name: str, content: bytes) -> str:
    """Put a file beside the answer to R-001 as the vendor; returns the page on which it was done."""
    with db.reading() as session:
        answers = list_answers(session, [stage.version_id])[stage.version_id]
    [row_id] = [key for key, row in answers.items() if row.requirement.requirement_id == "R-001"]
    path = f"/vendor/offerings/{stage.version_id}/evidence/{row_id}"
    sent = vendor.submit(path, {"file": (io.BytesIO(content), name)}, button="付ける")
    assert sent.status_code == 303
    return path


def check_files(stage: Stage, browser, path: str) -> None:
    """Assert that each submission keeps its own file, for those who may read the review alone."""
    kept = (sha256(each).hexdigest() for each in (b"1,2\r\n", b"1,3\r\n"))
    old, new = kept
    reviewer = browser(stage.reviewers[0])
    got = reviewer.get(f"{path}/submissions/1/files/{old}")
    assert (got.status_code, got.data) == (200, b"1,2\r\n")
    assert got.headers["Content-Disposition"].startswith("attachment;")
    assert "filename*=UTF-8''%E7%94%BB%E9%9D%A2" in got.headers["Content-Disposition"]
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert reviewer.get(f"{path}/submissions/2/files/{new}").data == b"1,3\r\n"
    for number, digest in ((1, new), (2, old), (3, new), (1, "0" * 64)):
        gone = reviewer.get(f"{path}/submissions/{number}/files/{digest}")
        assert gone.status_code == 404, (number, digest)
    with db.transaction() as session:
        rival, other = make_company(session), factories.person(session, Role.REVIEWER, stage.agency)
    own = stage.company.home
    for person, at, status in ((stage.company.admin, own, 200), (stage.leads[0], None, 200), (other, None, 404), (rival.admin, rival.home, 404)):  # fmt: skip
        seen = browser(person, at).get(f"{path}/submissions/1/files/{old}")
        assert seen.status_code == status, person.name


@pytest.mark.acceptance(26)
def test_measures_need_two_leads_and_are_public_at_once(stage: Stage, browser, client) -> None:
    certification_id = make_certified(stage)
    path = f"/reviews/{certification_id}"
    with db.reading() as session:
        hidden = f"/certificates/{load(session, certification_id).number}/status"
    assert [client.get(f"{hidden}.{kind}").status_code for kind in ("svg", "json")] == [404, 404]
    early = browser(stage.leads[0]).get(f"{hidden}.json")
    assert early.headers["Cache-Control"] == "private, no-store"
    publish(stage)
    one, other = (browser(person) for person in stage.leads)
    vendor = browser(stage.company.admin, stage.company.home)
    with db.reading() as session:
        public = f"/certificates/{load(session, certification_id).number}"
    assert send(one, f"{path}/suspend", reason="").status_code == 422
    assert send(one, f"{path}/suspend", reason="稼働が止まった。").status_code == 303
    assert "効力停止" in words(client, public)
    assert client.get(f"{public}/status.json").json["state"] == "suspended"
    assert send(other, f"{path}/resume", reason="直った。").status_code == 303
    assert client.get(f"{public}/status.json").json["state"] == "certified"
    assert send(one, f"{path}/revoke", reason="申告と違う。").status_code == 303
    assert "取消し" not in words(client, public)
    assert "あなたが提案したので確認できません" in words(one, f"{path}/revoke/confirm")
    assert "取消しの確認：" in words(other, "/reviews")
    assert send(other, f"{path}/revoke/confirm").status_code == 303
    assert "認証は取り消されました" in words(client, public)
    assert "申告と違う。" in words(vendor, path)
    assert send(vendor, f"{path}/appeal", reason="誤解です。").status_code == 303
    with db.transaction() as session:
        person = factories.person(session, Role.LEAD_REVIEWER, stage.agency)
    third = browser(person)
    assert "誤解です。" in words(third, f"{path}/appeal/decide")
    refused = send(one, f"{path}/appeal/decide", outcome="dismiss", reason="ない。")
    assert refused.status_code == 403
    done = send(third, f"{path}/appeal/decide", outcome="uphold", reason="誤りでした。")
    assert done.status_code == 303
    assert client.get(f"{public}/status.json").json["state"] == "certified"
    assert "決定を待っている不服申立てはありません" in words(vendor, f"{path}/appeal/withdraw")
    for page in ("suspend", "revoke", "resume", "revoke/confirm", "revoke/drop", "cover"):
        assert vendor.get(f"{path}/{page}").status_code == 403, page


def test_condition_is_reported_and_confirmed_on_pages(stage: Stage, browser, client) -> None:
    certification_id = make_conditional(stage)
    publish(stage)
    path = f"/reviews/{certification_id}"
    vendor, reviewer = browser(stage.company.admin, stage.company.home), browser(stage.reviewers[0])
    said = {
        "requirement_id": "R-001",
        "note": "画面を直しました。",
        **day_fields("met_on", today_jst()),
    }
    wrong = send(vendor, f"{path}/conditions", **{**said, "evidence_url": "ftp://x"})
    assert wrong.status_code == 422
    assert send(vendor, f"{path}/conditions", **said).status_code == 303
    page = reviewer.page(path)
    [judge] = [a.get("href") for a in page.iter("a") if text_of(a).startswith("報告を確認する")]
    assert "画面を直しました。" in words(reviewer, judge)
    assert send(reviewer, judge, outcome="open").status_code == 422
    assert send(reviewer, judge, outcome="met").status_code == 303
    assert state_of(certification_id) is ReviewState.CERTIFIED
    with db.reading() as session:
        number = load(session, certification_id).number
    assert "に満たしました" in words(client, f"/certificates/{number}")
