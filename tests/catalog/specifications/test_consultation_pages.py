"""A consultation as people meet it; the pages are the same on both databases, so SQLite is enough."""

import csv
import io

import openpyxl
import pytest
from sqlmodel import select

from accounts.models import OrganisationNotice
from app import outbox_handlers
from catalog.specifications.consultation.models import CommentState
from core import db, outbox
from tests.catalog.specifications.consulting import (
    CLOSED,
    LAST_SECOND,
    NOON,
    PAGE,
    make_scene,
)
from tests.page_checks import text_of

pytestmark = pytest.mark.sqlite_only

COMMENT = {"requirement_id": "R-002", "kind": "change", "text": "曜日ごとの受付時間が要ります。"}
KEEP = {"outcome": "keep", "category": "d", "reasoning": "一つの団体に固有の運用のためです。"}


@pytest.fixture
def scene(database, new_client, hold_clock):
    hold_clock(NOON)
    return make_scene(new_client)


@pytest.fixture
def opened(scene):
    scene.open()
    return scene


def period(first: str, last: str) -> dict[str, str]:
    """A period in October of Reiwa 8."""
    days = {"opens_on": first, "closes_on": last}
    parts = {}
    for name, day in days.items():
        parts |= {f"{name}-year": "8", f"{name}-month": "10", f"{name}-day": day}
    return parts


def new_comment(scene):
    return f"/consultations/{scene.id}/comments/new"


def test_a_reviewer_opens_a_draft_to_everyone_for_a_period(scene, client, hold_clock):
    address = f"/manage/specifications/versions/{scene.version.id}/consultation"
    assert client.get("/specifications/YOYAKU/2.0").status_code == 404
    assert client.get(PAGE).status_code == 404
    assert scene.browser("clerk").get(address).status_code == 404
    reviewer = scene.browser("reviewer")
    assert "意見を募集する" in reviewer.get("/specifications/YOYAKU/2.0").text
    for days, words in ((("5", "4"), "始まる日以後"), (("1", "99"), "締切りの日")):
        refused = reviewer.submit(address, period(*days))
        assert refused.status_code == 422
        assert words in refused.text
    with db.reading() as session:
        assert session.get_one(type(scene.version), scene.version.id).state.value == "draft"
    done = reviewer.submit(address, {**period("2", "30"), "about": "予約の章を見直しました。"})
    assert (done.status_code, done.location) == (303, PAGE)
    assert "まだ始まっていません" in text_of(client.page(PAGE))
    assert client.get("/specifications/YOYAKU/2.0").status_code == 404
    soon = scene.browser("clerk").get(new_comment(scene), follow_redirects=True)
    assert "10月2日の0時に始まります" in soon.text
    reviewer.submit(address, period("1", "30"))
    page = text_of(client.page(PAGE))
    for words in ("予約の章を見直しました。", "締切りまであと29日", "第1.0版との違いを見る"):
        assert words in page
    assert "R-002" in text_of(client.page("/specifications/YOYAKU/2.0"))
    assert "意見募集の案" in text_of(client.page("/specifications/YOYAKU/2.0/R-002"))
    client.page("/specifications/YOYAKU/2.0/changes?from=1.0")
    assert "意見募集中" in text_of(client.page("/specifications/YOYAKU"))
    assert "あと29日" in text_of(client.page("/consultations"))
    fixed = reviewer.submit(address, period("3", "30"))
    assert "始まる日は変えられません" in fixed.text
    hold_clock(CLOSED)
    assert client.get("/specifications/YOYAKU/2.0").status_code == 404
    assert "処理中" in text_of(client.page(PAGE))
    earlier = scene.browser("reviewer").submit(address, period("1", "29"))
    assert "今日以後の日付" in earlier.text


def test_who_may_comment(opened, client):
    asked = client.get(new_comment(opened))
    assert (asked.status_code, asked.location[:9]) == (303, "/sign-in?")
    for who in ("reviewer", "lead", "operator", "auditor"):
        assert opened.browser(who).get(new_comment(opened)).status_code in {403, 404}
    for number, who in enumerate(("clerk", "approver", "coordinator", "admin", "member"), 1):
        browser = opened.browser(who)
        done = browser.submit(new_comment(opened), {**COMMENT, "text": f"{who}の意見"})
        assert (done.status_code, done.location) == (303, PAGE)
        assert f"意見{number}を受け付けました" in browser.get(PAGE).text
    assert opened.comment(1).organisation_name == "見本町（群馬県）"
    assert opened.comment(1).requirement_text == "機能2を利用できること。"
    # One organisation sees its own comments only, until the results are out.
    town, company = opened.browser("approver"), opened.browser("admin")
    assert "clerkの意見" in town.get(PAGE).text
    assert "memberの意見" not in town.get(PAGE).text
    assert "clerkの意見" not in company.get(PAGE).text
    assert "clerkの意見" not in client.get(PAGE).text
    ours = text_of(company.page("/consultations/ours"))
    assert "意見を2件出しています" in ours
    assert "R-002 機能2" in ours
    stranger = f"/consultations/{opened.id}/comments/1"
    assert company.get(stranger).status_code == 404
    assert company.get(f"{stranger}/withdraw").status_code == 404
    assert town.get(f"/consultations/{opened.id}/comments/99999999999").status_code == 404


def test_wrong_comments_are_refused_and_nothing_typed_is_lost(opened):
    browser = opened.browser("clerk")
    start = f"{new_comment(opened)}?requirement=R-003"
    assert "機能3を利用できること。" in text_of(browser.page(start))
    unknown = browser.submit(start, {**COMMENT, "requirement_id": "R-999"})
    assert unknown.status_code == 422
    assert "「R-999」という要件はこの版にありません" in unknown.text
    assert "曜日ごとの受付時間" in unknown.text
    empty = browser.submit(start, {"text": ""})
    for words in ("意見と理由を入力", "提案の種類を選択"):
        assert words in empty.text
    send = browser.prepare(start, COMMENT)
    assert send().location == send().location
    assert "意見1としてすでに" in browser.submit(start, COMMENT).text
    whole = browser.submit(new_comment(opened), {**COMMENT, "requirement_id": ""})
    assert whole.status_code == 303
    assert opened.comment(2).subject == "全体"


def test_the_organisation_changes_and_withdraws_while_the_period_is_open(opened, hold_clock):
    opened.say("clerk", "初めの意見")
    opened.say("clerk", "取り下げる意見", "")
    address = f"/consultations/{opened.id}/comments/1"
    first, second = opened.browser("clerk"), opened.browser("approver")
    send = first.prepare(address, {"text": "担当者の直し"})
    opened.dispose(1)
    assert "審査員がこの意見を処理しています" in second.get(address).text
    assert second.submit(address, {"text": "決裁者の直し"}).status_code == 303
    assert opened.comment(1).state is CommentState.OPEN
    late = send()
    assert late.status_code == 412
    assert "担当者の直し" in late.text
    assert "決裁者の直し" in late.text
    gone = second.submit(f"/consultations/{opened.id}/comments/2/withdraw", {"confirmed": "yes"})
    assert gone.status_code == 303
    assert opened.comment(2).state is CommentState.WITHDRAWN
    again = second.submit(f"/consultations/{opened.id}/comments/2/withdraw", {"confirmed": "yes"})
    assert again.status_code == 409
    assert "取下げ" in again.text
    hold_clock(LAST_SECOND)
    in_time = opened.browser("clerk").prepare(new_comment(opened), COMMENT)
    too_late = opened.browser("clerk").prepare(address, {"text": "遅い変更"})
    comes_late = opened.browser("clerk").prepare(new_comment(opened), {**COMMENT, "text": "遅い"})
    assert in_time().status_code == 303
    hold_clock(CLOSED)
    for send, typed in ((too_late, "遅い変更"), (comes_late, "遅い")):
        refused = send()
        assert refused.status_code == 422
        assert "10月30日の24時に締め切りました" in refused.text
        assert typed in refused.text
    shut = opened.browser("clerk").get(address, follow_redirects=True)
    assert "24時に締め切りました" in shut.text
    assert opened.comment(1).text == "決裁者の直し"


def test_the_text_stays_as_people_read_it(opened, hold_clock):
    from catalog.specifications import services
    from catalog.specifications.importing import read_requirements
    from core.errors import Conflict
    from tests.catalog.specifications.conftest import csv_bytes, sample_rows

    drafts = read_requirements(csv_bytes(sample_rows()), "a.csv").require_clear()

    def import_again():
        with db.transaction() as session:
            services.import_requirements(
                session,
                opened.actor("reviewer"),
                services.ImportFacts("YOYAKU", "2.0"),
                drafts=drafts,
                source=services.ImportedFile("a.csv", "0" * 64),
            )

    opened.say("clerk", "意見")
    with pytest.raises(Conflict, match="意見の募集中"):
        import_again()
    hold_clock(CLOSED)
    import_again()
    assert opened.comment(1).requirement_text == "機能2を利用できること。"


def test_reviewers_dispose_by_the_flowchart(opened, hold_clock):
    for text in ("同じ 意見", "別の意見"):
        opened.say("clerk", text)
    opened.say("admin", "同じ意見")
    hold_clock(CLOSED)
    reviewer = opened.browser("reviewer")
    desk = text_of(reviewer.page(opened.desk))
    assert "未処理の意見が3件あります" in desk
    assert "3件のうち0件が処理済み" in text_of(reviewer.page("/manage/consultations"))
    address = f"{opened.desk}/dispose?c=1"
    for values, words in (
        ({"outcome": "modify"}, ("どこを修正するか", "修正の内容を入力")),
        ({"outcome": "keep"}, ("(a)から(f)のどれか一つ", "理由を入力")),
        ({**KEEP, "outcome": "sufficient"}, ("「修正しない」ときだけ選択",)),
        ({"outcome": "modify", "place": "2章", "text": "直す", "requirement_id": "X"}, ("「X」",)),
        ({}, ("処理を選択",)),
    ):
        refused = reviewer.submit(address, values)
        assert refused.status_code == 422
        for sentence in words:
            assert sentence in refused.text
    page = reviewer.page(address)
    assert "同じ文面の未処理の意見が1件あります" in text_of(page)
    both = next(a.get("href") for a in page.iter("a") if "c=3" in (a.get("href") or ""))
    done = reviewer.submit(both, KEEP)
    assert (done.status_code, done.location) == (303, opened.desk)
    after = reviewer.get(done.location).text
    assert "意見1、3の処理を保存しました" in after
    assert "次の未処理の意見（意見2）を処理する" in after
    assert opened.comment(1).disposition_id == opened.comment(3).disposition_id
    assert "意見3の処理もまとめて変える" in text_of(reviewer.page(address))
    modify = {"outcome": "modify", "place": "R-002の本文", "text": "曜日ごとに", "category": ""}
    link = {"requirement_id": "R-002", "reasoning": ""}
    assert reviewer.submit(address, {**modify, **link}).status_code == 303
    assert opened.comment(1).disposition.label == "修正する"
    assert opened.comment(3).disposition.label == "修正しない：(d) 団体に固有の事情による"
    # Filters, and the counts beside them.
    found = text_of(reviewer.page(f"{opened.desk}?state=open").find(".//main"))
    assert "別の意見" in found
    assert "1件見つかりました" in found
    for query, sentence in (
        ("outcome=d", "意見3"),
        ("kind=vendor", "意見3"),
        ("requirement=R-002", "3件見つかりました"),
        ("requirement=", "0件見つかりました"),
    ):
        assert sentence in text_of(reviewer.page(f"{opened.desk}?{query}").find(".//main"))
    assert reviewer.get(f"{opened.desk}?state=x").status_code == 400
    assert reviewer.get(f"{opened.desk}?page=2").status_code == 404
    assert reviewer.get(f"{opened.desk}/dispose").status_code == 400
    assert reviewer.get(f"{opened.desk}/dispose?c=77").status_code == 404
    assert reviewer.get(f"{opened.desk}/dispose?c=99999999999999").status_code == 404
    assert opened.browser("auditor").get(opened.desk).status_code == 200
    for who in ("clerk", "admin", "operator"):
        assert opened.browser(who).get(opened.desk).status_code == 404
    assert opened.browser("auditor").get(address).status_code == 403


def test_two_reviewers_at_one_comment_both_keep_their_words(opened):
    opened.say("clerk", "意見")
    opened.say("clerk", "別の意見")
    address = f"{opened.desk}/dispose?c=1&c=2"
    first, second = opened.browser("reviewer"), opened.browser("other_reviewer")
    send = first.prepare(address, KEEP)
    other = {"outcome": "sufficient", "reasoning": "R-001に書いています。"}
    assert second.submit(f"{opened.desk}/dispose?c=2", other).status_code == 303
    late = send()
    assert late.status_code == 412
    for words in (
        KEEP["reasoning"],
        other["reasoning"],
        "既に十分に記載している",
        "(d) 団体に固有",
    ):
        assert words in late.text
    assert opened.comment(1).state is CommentState.OPEN


@pytest.mark.query_budget(40)  # publishing tells everyone whom it concerns, once in a year
def test_results_are_published_to_everyone_and_told(opened, client, hold_clock, settings):
    opened.say("clerk", "=SUM(A1)の形の意見")
    opened.say("member", "事業者の意見", "")
    opened.say("admin", "取り下げる意見")
    with db.transaction() as session:
        from catalog.specifications.consultation import services

        services.withdraw_comment(session, opened.actor("member"), opened.id, 3, version=1)
    opened.dispose(1)
    publish = f"{opened.desk}/publish"
    assert opened.browser("reviewer").get(publish).status_code == 403
    early = opened.browser("lead").submit(publish, {"confirmed": "yes"})
    assert early.status_code == 422
    assert "10月30日の締切りを過ぎてから" in early.text
    hold_clock(CLOSED)
    lead = opened.browser("lead")
    # Neither the results nor the version: one comment has no disposition, and it is linked.
    version_page = f"/manage/specifications/versions/{opened.version.id}/publish"
    for address in (publish, version_page):
        refused = lead.submit(address, {"confirmed": "yes"})
        assert refused.status_code == 422
        assert "意見2（=見本ソフト株式会社、全体）が未処理です" in refused.text
        assert f"{opened.desk}/dispose?c=2" in refused.text
        assert "意見1（" not in refused.text
    assert client.get(f"{PAGE}?format=csv").status_code == 200
    assert "=SUM" not in client.get(f"{PAGE}?format=csv").text
    opened.browser("reviewer").submit(f"{opened.desk}/dispose?c=2", KEEP)
    assert lead.submit(publish, {"confirmed": "yes"}).location == PAGE
    page = text_of(client.page(PAGE).find(".//main"))
    for words in ("結果公表済み", "見本町（群馬県）", "=SUM(A1)の形の意見", KEEP["reasoning"]):
        assert words in page
    assert "取り下げる意見" not in page
    _check_exports(opened, client)
    outbox.drain(outbox_handlers(settings))
    with db.reading() as session:
        told = session.exec(select(OrganisationNotice)).all()
    assert {each.organisation_id for each in told} == {
        opened.people[who][2].id for who in ("clerk", "admin")
    }
    assert {each.path for each in told} == {PAGE}
    assert lead.submit(publish, {"confirmed": "yes"}).status_code == 409
    assert opened.browser("reviewer").get(f"{opened.desk}/dispose?c=1").status_code == 409
    # The way leads on: approved and published, the text is read again, the answers stay.
    done = lead.submit(version_page, {"confirmed": "yes"}, button="公表する")
    assert done.status_code == 303
    assert "この版への意見と国の扱い" in text_of(client.page("/specifications/YOYAKU/2.0"))
    assert "意見はもう" not in client.get(PAGE).text
    assert (
        "締め切りました"
        in opened.browser("clerk").get(new_comment(opened), follow_redirects=True).text
    )


def _check_exports(opened, client):
    rows = list(csv.DictReader(io.StringIO(client.get(f"{PAGE}?format=csv").text[1:])))
    assert [row["意見番号"] for row in rows] == ["1", "2"]
    assert rows[0]["意見と理由"] == "'=SUM(A1)の形の意見"
    assert rows[1]["組織"] == "'=見本ソフト株式会社"
    assert rows[0]["意見のID"] == str(opened.comment(1).id)
    assert rows[0]["要件ID"] == "R-002"
    assert rows[0]["処理"] == "既に十分に記載している"
    assert (rows[1]["処理"], rows[1]["分類"]) == ("修正しない", "(d) 団体に固有の事情による")
    assert rows[1]["理由の説明"] == KEEP["reasoning"]
    assert "処理した人" not in rows[0]
    book = openpyxl.load_workbook(
        io.BytesIO(opened.browser("reviewer").get(f"{opened.desk}?format=xlsx").data)
    )
    header, *cells = book["意見"].iter_rows(values_only=True)
    by_name = [dict(zip(header, row, strict=True)) for row in cells]
    assert {row["意見番号"]: row["状態"] for row in by_name} == {
        1: "処理済み",
        2: "処理済み",
        3: "取下げ",
    }
    assert by_name[0]["意見と理由"] == "=SUM(A1)の形の意見"
    assert by_name[0]["処理した人"] == opened.people["reviewer"][0].name
    assert all(cell.data_type != "f" for row in book["意見"].iter_rows() for cell in row)
    counts = {(row[0], row[1]): row[2] for row in book["件数"].iter_rows(values_only=True)}
    assert counts["処理と分類", "修正しない：(d) 団体に固有の事情による"] == 1
    assert counts["組織の種別", "事業者"] == 1
    assert counts["要件", "全体"] == 1


def test_a_draft_that_is_withdrawn_ends_its_consultation(opened, client, settings):
    opened.say("clerk", "意見")
    lead = opened.browser("lead")
    end = f"/manage/specifications/versions/{opened.version.id}/end"
    gone = lead.submit(end, {"reason": "府省が案を作り直すため。", "confirmed": "yes"})
    assert gone.status_code == 303
    assert client.get(PAGE).status_code == 404
    assert client.get("/specifications/YOYAKU/2.0").status_code == 404
    browser = opened.browser("clerk")
    ours = text_of(browser.page("/consultations/ours"))
    assert "版の案が取り下げられたため、処理されません" in ours
    for words in ("に、案が取り下げられました", "理由：府省が案を作り直すため。"):
        assert words in ours
    outbox.drain(outbox_handlers(settings))
    assert "意見募集を取りやめました" in text_of(browser.page("/"))
    assert lead.get(f"{opened.desk}/dispose?c=1").status_code == 409
    assert "取下げ" in text_of(lead.page(opened.desk))
