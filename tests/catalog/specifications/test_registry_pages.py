"""Beside the text: registering, the way of commonalisation, the document itself, the end of a version."""

import hashlib
import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import Role
from catalog.feed_upkeep import reconcile
from catalog.specifications import queries
from catalog.specifications.models import SpecificationState
from catalog.specifications.services import edit_version
from core import changes, clock, db
from tests import factories
from tests.page_checks import text_of

S = SpecificationState
LIFECYCLE = "/manage/specifications/TOKA/lifecycle"
TODAY = {"as_of-era": "western", "as_of-month": "4", "as_of-day": "1"}


def end_page(version):
    return f"/manage/specifications/versions/{version.id}/end"


def source_page(version):
    return f"/manage/specifications/versions/{version.id}/source"


@pytest.mark.sqlite_only
def test_a_specification_without_requirements_is_listed_honestly(as_person, client, agency):
    reviewer = as_person("reviewer")
    facts = {"code": "TOKA", "name": "届出の受付", "ministry": "見本府省", "pattern": "a"}
    press = reviewer.prepare("/manage/specifications/new", facts)
    for done in (press(), press()):
        assert (done.status_code, done.location) == (303, "/specifications/TOKA")
    assert client.get("/specifications/TOKA").status_code == 404
    again = reviewer.submit("/manage/specifications/new", facts)
    assert again.status_code == 422
    assert "「TOKA」は登録済みです" in again.text
    assert reviewer.get(LIFECYCLE).status_code == 403
    lead = as_person("lead")
    told = {**TODAY, "as_of-year": "2026", "source_name": "見本の資料", "stage": "study"}
    assert lead.submit(LIFECYCLE, {**told, "outcome": "not_now"}).status_code == 303
    page = text_of(client.page("/specifications/TOKA"))
    assert "実現性の調査（調査の結果：当面は進めない）" in page
    assert "要件は、まだ取り込まれていません" in page
    assert "国が一つのシステムを用意して" in page
    index = text_of(client.page("/specifications"))
    assert "要件はまだ取り込まれていません" in index
    early = lead.submit(LIFECYCLE, {**told, "stage": "candidate", "outcome": "do"})
    assert "実現性の調査より後の段階" in early.text
    future = lead.submit(LIFECYCLE, {**told, "as_of-year": "2199"})
    assert "今日までの日付" in future.text
    lead.submit(LIFECYCLE, {**told, "stage": "", "outcome": "", "as_of-day": "2"})
    answer = client.get("/specifications/TOKA", headers={"Accept": "application/json"})
    assert answer.json["lifecycle"]["stage"] is None
    assert [each["stage"] for each in answer.json["lifecycle_history"]] == [None, "study"]
    assert answer.json["versions"] == []
    # What everyone reads, one reviewer alone does not change any more.
    path = "/manage/specifications/TOKA/edit"
    assert reviewer.submit(path, {"name": "別の名前"}).status_code == 403
    assert lead.submit(path, {"name": "別の名前"}).status_code == 303


@pytest.mark.sqlite_only
def test_the_list_is_data(client, database):
    with db.transaction() as session:
        factories.specification(session, code="SPEC", name="見本仕様書", label="1.0")
    answer = client.get("/specifications", headers={"Accept": "application/json"})
    assert len(client.business_statements("sign_ins", "people", "memberships")) <= 6
    (item,) = answer.json["items"]
    assert (item["code"], item["versions"][0]["label"]) == ("SPEC", "1.0")
    headers = {"Accept": "application/json", "If-None-Match": answer.headers["ETag"]}
    assert client.get("/specifications", headers=headers).status_code == 304
    table = client.get("/specifications?format=csv").data.decode("utf-8-sig").splitlines()
    assert table[1].startswith("SPEC,見本仕様書,")


@pytest.mark.query_budget(30)  # publishing lets a version of the past take effect in the same act
def test_the_document_is_kept_with_its_hash_until_the_version_is_approved(
    as_person, client, agency
):
    with db.transaction() as session:
        draft = factories.specification(
            session, code="SPEC", label="1.0", state=S.DRAFT, last_editor_id=agency.reviewer.id
        )
    reviewer = as_person("reviewer")
    content = b"%PDF-1.7 sample"

    def send(stream, name):
        return reviewer.submit(source_page(draft), {"file": (io.BytesIO(stream), name)})

    assert "選択してください" in reviewer.submit(source_page(draft), {}).text
    assert "どれでもありません" in send(b"MZ\x90", "shiyo.pdf").text
    assert "中身はPDFです" in send(content, "shiyo.xlsx").text
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("word/document.xml", "<w/>")
    assert send(archive.getvalue(), "shiyo.docx").status_code == 303
    assert send(content, "仕様書.pdf").status_code == 303
    digest = hashlib.sha256(content).hexdigest()
    edit = f"/manage/specifications/versions/{draft.id}/edit"
    editor = factories.actor(agency.reviewer, Role.REVIEWER, agency.organisation)
    assert "source_sha256" not in reviewer.get(edit).text
    assert reviewer.submit(edit, {"attribution": "出典：見本省"}).status_code == 303
    with db.transaction() as session:
        version = queries.get_version(session, draft.id)
        edit_version(session, editor, version, version=version.version,
                     published_on=date(2025, 3, 1), source_sha256="0" * 64)  # fmt: skip
    with db.reading() as session:
        version = queries.get_version(session, draft.id)
        assert version is not None
        assert (version.source_sha256, version.source_name) == (digest, "shiyo.docx")
    address = "/specifications/SPEC/1.0/source"
    assert client.get(address).status_code == 404
    lead = as_person("lead")
    path = f"/manage/specifications/versions/{draft.id}/publish"
    assert lead.submit(path, {"confirmed": "yes"}, button="公表する").status_code == 303
    answer = client.get(address)
    assert (answer.data, answer.mimetype) == (content, "application/pdf")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert reviewer.get(source_page(draft)).status_code == 409


def test_a_lead_retires_or_withdraws_for_a_reason(as_person, client, agency):
    with db.transaction() as session:
        old = factories.specification(session, code="OLD", label="1.0", state=S.EFFECTIVE)
        future = clock.today_jst() + timedelta(days=90)
        coming = factories.specification(
            session,
            code="NEW",
            label="2.0",
            applies_from=future,
            published_at=db.now(session),
        )
    reconcile()
    lead = as_person("lead")
    words = {"reason": "法律が変わったため。", "confirmed": "yes"}
    assert as_person("reviewer").get(end_page(old)).status_code == 403
    unsaid = lead.submit(end_page(old), {"confirmed": "yes"}, button="廃止する")
    assert "理由を入力してください" in unsaid.text
    assert lead.submit(end_page(old), words, button="廃止する").status_code == 303
    page = text_of(client.page("/specifications/OLD/1.0"))
    assert "第1.0版は廃止です" in page
    assert "法律が変わったため。" in page
    assert lead.get(end_page(old)).status_code == 409
    assert lead.submit(end_page(coming), words, button="取り下げる").status_code == 303
    gone = client.get("/specifications/NEW/2.0/R-001")
    assert gone.status_code == 410
    assert "理由：法律が変わったため。" in gone.text
    assert "取下げ" in text_of(lead.page("/specifications/NEW/2.0"))
    with db.reading() as session:
        news = {each.subject_id: each.operation for each in changes.list_changes(session, 0, 9)}
    assert news == {old.id: "upsert", coming.id: "delete"}


def test_what_took_effect_a_moment_ago_is_not_withdrawn(as_person, agency, hold_clock):
    hold_clock(datetime(2027, 3, 31, 14, 55, tzinfo=UTC))
    with db.transaction() as session:
        coming = factories.specification(
            session, code="NEW", label="2.0", applies_from=date(2027, 4, 1)
        )
    lead = as_person("lead")
    lead.page(end_page(coming))
    hold_clock(datetime(2027, 3, 31, 15, 0, tzinfo=UTC))
    words = {"reason": "取り下げる。", "confirmed": "yes"}
    assert lead.submit(end_page(coming), words, button="取り下げる").status_code == 409
