"""Editing, publishing, taking effect and opening to SaaS.

What pages and rules in Python refuse is asked on SQLite alone; rows, guards and times on both.
"""

import io
import uuid
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from accounts.models import Role
from catalog.specifications import outline, queries, services
from catalog.specifications.importing import read_requirements
from catalog.specifications.models import Pattern, SpecificationState
from core import audit, changes, clock, db, outbox
from tests import factories
from tests.catalog.specifications.conftest import SAMPLE
from tests.page_checks import text_of

S = SpecificationState


@pytest.fixture
def draft(agency):
    with db.transaction() as session:
        return factories.specification(
            session,
            code="JYUKI",
            label="2.0",
            pattern=Pattern.STANDARDISED,
            state=S.DRAFT,
            applies_from=date(2099, 4, 1),
            source_name="見本標準仕様書 第2.0版（見本府省）",
            source_url="https://www.example.jp/mihon.pdf",
            last_editor_id=agency.reviewer.id,
        )


def publish_page(version):
    return f"/manage/specifications/versions/{version.id}/publish"


def edit_page(version):
    return f"/manage/specifications/versions/{version.id}/edit"


def current(version):
    with db.reading() as session:
        found = queries.get_version(session, version.id)
    assert found is not None
    return found


def changed(kind="specification_version"):
    with db.reading() as session:
        return [c.subject_id for c in changes.list_changes(session, 0, 100) if c.kind == kind]


def test_a_lead_publishes_what_a_reviewer_edited(as_person, agency, draft, client):
    assert client.get("/specifications/JYUKI/2.0").status_code == 404
    browser = as_person("lead")
    page = text_of(browser.page(publish_page(draft)))
    assert "この版を公表しますか" in page
    assert "見本標準仕様書 第2.0版" in page
    assert "https://www.example.jp/mihon.pdf" in page
    done = browser.submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    assert (done.status_code, done.location) == (303, "/specifications/JYUKI/2.0")
    assert "公表しました" in browser.get(done.location).text
    found = current(draft)
    assert found.state is S.SCHEDULED
    assert (found.publisher_id, found.last_editor_id) == (agency.lead.id, agency.reviewer.id)
    assert found.published_on == clock.today_jst()
    assert changed() == [draft.id]
    page = text_of(client.page("/specifications/JYUKI/2.0"))
    assert "公表済み（適用前）" in page
    assert "令和81年4月1日" in page


def test_publishing_twice_is_a_conflict(as_person, draft):
    browser, other = as_person("lead"), as_person("other_lead")
    token = {
        e.get("name"): e.get("value")
        for e in other.page(publish_page(draft)).iter("input")
        if e.get("name") in {"csrf_token", "version"}
    }
    browser.submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    again = other.post(publish_page(draft), data={**token, "confirmed": "yes"})
    assert again.status_code == 409
    assert "公表済み（適用前）" in again.text
    assert browser.get(publish_page(draft)).status_code == 409


@pytest.mark.sqlite_only
def test_the_last_editor_cannot_publish(as_person, agency, draft):
    browser = as_person("lead")
    browser.submit(edit_page(draft), {"attribution": "出典：見本府省"})
    assert current(draft).last_editor_id == agency.lead.id
    refused = browser.submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    assert refused.status_code == 422
    assert "別の主任審査員に頼んでください" in refused.text
    assert current(draft).state is S.DRAFT
    done = as_person("other_lead").submit(publish_page(draft), {"confirmed": "yes"}, button="公表")
    assert done.status_code == 303


@pytest.mark.parametrize("editor", ["lead.id", "NULL"])
def test_the_database_keeps_four_eyes(agency, draft, editor):
    values = {"id": draft.id, "lead": agency.lead.id}
    with pytest.raises(IntegrityError), db.open_session(writes=True) as session:
        dialect = session.get_bind().dialect.name
        plain = {k: v.hex if dialect == "sqlite" else v for k, v in values.items()}
        who = ":lead" if editor == "lead.id" else "NULL"
        session.execute(
            text(
                "UPDATE specification_versions SET publisher_id = :lead,"
                f" last_editor_id = {who} WHERE id = :id"
            ),
            plain,
        )


@pytest.mark.sqlite_only
def test_what_is_missing_is_listed_whole(as_person, agency):
    with db.transaction() as session:
        empty = factories.specification(
            session, 0, code="EMPTY", state=S.DRAFT, applies_from=None, label="1.0"
        )
    browser = as_person("lead")
    refused = browser.submit(publish_page(empty), {"confirmed": "yes"}, button="公表する")
    assert refused.status_code == 422
    for words in ("要件が1件もありません", "適用の始まる日がありません", "元の文書がありません"):
        assert words in refused.text
    assert "最後に編集した人の記録がありません" in refused.text
    unticked = browser.submit(publish_page(empty), {}, button="公表する")
    assert "チェックを入れてください" in unticked.text


def test_an_edit_after_the_page_was_opened_stops_the_publication(as_person, draft):
    lead, reviewer = as_person("lead"), as_person("reviewer")
    fields = {
        e.get("name"): e.get("value")
        for e in lead.page(publish_page(draft)).iter("input")
        if e.get("name") in {"csrf_token", "version"}
    }
    reviewer.submit(edit_page(draft), {"attribution": "変更"})
    answer = lead.post(publish_page(draft), data={**fields, "confirmed": "yes"})
    assert answer.status_code == 412
    assert current(draft).state is S.DRAFT


@pytest.mark.sqlite_only
def test_reviewers_do_not_publish(as_person, draft):
    assert as_person("reviewer").get(publish_page(draft)).status_code == 403


@pytest.mark.sqlite_only
@pytest.mark.acceptance(28)
def test_dates_are_edited_and_impossible_ones_refused(as_person, draft):
    browser = as_person("reviewer")
    done = browser.submit(
        edit_page(draft),
        {
            "applies_from-year": "9",
            "applies_from-month": "4",
            "applies_from-day": "1",
            "source_url": "https://www.example.go.jp/spec.pdf",
            "source_sha256": "A" * 64,
        },
    )
    assert done.status_code == 303
    assert current(draft).applies_from == date(2027, 4, 1)
    assert current(draft).source_sha256 == "a" * 64
    refused = browser.submit(
        edit_page(draft),
        {
            "transition_ends_on-year": "8",
            "transition_ends_on-month": "4",
            "transition_ends_on-day": "1",
            "published_on-year": "99",
            "published_on-month": "1",
            "published_on-day": "1",
            "source_url": "javascript:alert(1)",
            "source_sha256": "xyz",
        },
    )
    assert refused.status_code == 422
    for words in ("適用の始まる日以後", "https://から", "64文字"):
        assert words in refused.text
    future = browser.submit(
        edit_page(draft),
        {"published_on-year": "99", "published_on-month": "1", "published_on-day": "1"},
    )
    assert "今日までの日付" in future.text


def test_published_content_is_frozen(as_person, draft):
    as_person("lead").submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    frozen = as_person("reviewer").get(edit_page(draft))
    assert frozen.status_code == 409
    assert "新しい版として取り込んでください" in frozen.text


def test_a_version_takes_effect_on_its_day_and_supersedes(as_person, draft, hold_clock):
    with db.transaction() as session:
        old = factories.specification(session, code="OLD", label="1.0", state=S.EFFECTIVE)
        old_row = session.get_one(type(old), old.id)
        old_row.specification_id = draft.specification_id
    as_person("lead").submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    handlers = {**services.HANDLERS, services.PUBLISHED: lambda *_: None}
    assert outbox.drain(handlers) == 1
    hold_clock(datetime(2099, 3, 31, 14, 59, tzinfo=UTC))
    assert outbox.drain(handlers) == 0
    hold_clock(datetime(2099, 3, 31, 15, 0, tzinfo=UTC))
    assert current(draft).state is S.SCHEDULED
    assert current(draft).state_at(clock.utcnow()) is S.EFFECTIVE
    assert outbox.drain(handlers) == 1
    assert (current(draft).state, current(old).state) == (S.EFFECTIVE, S.SUPERSEDED)
    assert sorted(changed(), key=str) == sorted([draft.id, draft.id, old.id], key=str)
    with db.transaction() as session:
        payload = {"specification_version_id": str(draft.id)}
        services.handle_takes_effect(session, payload)
    assert len(changed()) == 3


@pytest.mark.sqlite_only
def test_before_the_message_is_delivered_pages_already_follow_the_date(
    as_person, draft, hold_clock, client
):
    with db.transaction() as session:
        old = factories.specification(session, code="OLD", label="1.0", state=S.EFFECTIVE)
        session.get_one(type(old), old.id).specification_id = draft.specification_id
    as_person("lead").submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    assert client.get("/specifications/JYUKI/1.0?format=json").json["version"]["state"] == (
        "effective"
    )
    hold_clock(datetime(2099, 3, 31, 15, 0, tzinfo=UTC))
    states = {
        label: client.get(f"/specifications/JYUKI/{label}?format=json").json["version"]["state"]
        for label in ("1.0", "2.0")
    }
    assert states == {"1.0": "superseded", "2.0": "effective"}


def test_a_version_of_the_past_is_in_effect_at_once(as_person, draft):
    with db.transaction() as session:
        session.get_one(type(draft), draft.id).applies_from = date(2025, 4, 1)
    unsaid = as_person("lead").submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    assert "府省が公表した日を、版の情報で入力してください" in unsaid.text
    with db.transaction() as session:
        session.get_one(type(draft), draft.id).published_on = date(2025, 3, 1)
    as_person("lead").submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    assert current(draft).state is S.EFFECTIVE


def test_a_lead_opens_a_standardised_specification_with_a_reason(as_person, draft, client):
    as_person("lead").submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    assert "SaaSの登録を認めるまで" in client.get("/specifications/JYUKI").text
    browser = as_person("lead")
    path = "/manage/specifications/JYUKI/open"
    refused = browser.submit(path, {"confirmed": "yes"}, button="認める")
    assert refused.status_code == 422
    assert "理由を入力してください" in refused.text
    done = browser.submit(
        path,
        {"confirmed": "yes", "reason": "複数の事業者が同じ要件で競えるため。"},
        button="認める",
    )
    assert done.status_code == 303
    assert "理由：複数の事業者が同じ要件で競えるため。" in client.get("/specifications/JYUKI").text
    with db.reading() as session:
        specification = queries.find_specification(session, "JYUKI")
    assert specification is not None
    assert specification.accepts_offerings
    assert changed() == [draft.id, draft.id]
    assert browser.get(path).status_code == 409


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("pattern", "words"),
    [(Pattern.COMMON_A, "国が一つのシステムを用意して"), (Pattern.INDIVIDUAL, "団体ごとに")],
)
def test_other_patterns_say_why_they_take_no_offerings(as_person, client, pattern, words):
    with db.transaction() as session:
        factories.specification(session, code="NONE", pattern=pattern)
    assert words in client.get("/specifications/NONE").text
    refused = as_person("lead").get("/manage/specifications/NONE/open")
    assert refused.status_code == 409
    assert words in refused.text


@pytest.mark.sqlite_only
def test_reviewers_do_not_open_to_saas(as_person, draft):
    assert as_person("reviewer").get("/manage/specifications/JYUKI/open").status_code == 403


@pytest.mark.sqlite_only
def test_whoever_changes_the_pattern_cannot_publish_the_draft_alone(as_person, agency, draft):
    browser = as_person("lead")
    path = "/manage/specifications/JYUKI/edit"
    assert browser.submit(path, {"pattern": "b", "name": "新しい名称"}).status_code == 303
    assert "新しい名称" in browser.get("/specifications/JYUKI").text
    assert current(draft).last_editor_id == agency.lead.id
    as_person("other_lead").submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    refused = browser.submit(path, {"pattern": "a"})
    assert refused.status_code == 409
    assert "公表した版がある" in refused.text


@pytest.mark.parametrize("swapped", [False, True])
def test_of_two_versions_from_the_same_day_the_later_published_one_counts(draft, swapped):
    low, high = uuid.UUID(int=1), uuid.UUID(int=2**128 - 1)
    with db.transaction() as session:
        made = []
        for hour, label in ((1, "9.0"), (2, "8.0")):
            row = factories.specification(
                session,
                id=high if swapped == (hour == 2) else low,
                code=f"TIE-{hour}",
                label=label,
                state=S.EFFECTIVE,
                applies_from=date(2026, 4, 1),
                published_at=datetime(2026, 3, 1, hour, tzinfo=UTC),
            )
            session.get_one(type(row), row.id).specification_id = draft.specification_id
            made.append(row.id)
    first, second = made
    with db.transaction() as session:
        versions = queries.list_versions_of(session, draft.specification_id)
        states = outline.states_on(versions, clock.utcnow())
        assert (states[first], states[second]) == (S.SUPERSEDED, S.EFFECTIVE)
        assert [each.id for each in versions if each.is_published] == [second, first]
        assert queries.recheck_days(session, made) == {first: date(2026, 4, 1)}
        services.settle_effect(session, audit.SYSTEM, draft.specification_id)
        found = queries.get_versions(session, made)
        assert (found[first].state, found[second].state) == (S.SUPERSEDED, S.EFFECTIVE)


@pytest.mark.sqlite_only
@pytest.mark.acceptance(28)
def test_days_that_cannot_be_true_together_are_refused_everywhere(as_person, draft):
    browser = as_person("reviewer")

    def told(**days):
        return {
            f"{name}-{part}": str(getattr(day, part))
            for name, day in days.items() for part in ("year", "month", "day")
        } | {f"{name}-era": "western" for name in days}  # fmt: skip

    refused = browser.submit(
        edit_page(draft),
        told(applies_from=date(1901, 4, 1), published_on=date(2026, 4, 1)),
    )
    assert refused.status_code == 422
    assert "古すぎます" in refused.text
    refused = browser.submit(
        edit_page(draft),
        told(applies_from=date(2024, 4, 1), published_on=date(2026, 4, 1)),
    )
    assert "府省が公表した日（令和8年4月1日）以後" in refused.text
    refused = browser.submit(
        edit_page(draft),
        told(applies_from=date(2024, 4, 1), transition_ends_on=date(2025, 4, 1)),
    )
    assert "は過ぎています" in refused.text
    assert current(draft).applies_from == date(2099, 4, 1)
    with db.transaction() as session:
        row = session.get_one(type(draft), draft.id)
        row.applies_from, row.transition_ends_on = date(2024, 4, 1), date(2025, 4, 1)
        row.published_on = date(2026, 4, 1)
    kept = as_person("lead").submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    assert kept.status_code == 422
    for words in ("は過ぎています", "府省が公表した日（令和8年4月1日）以後"):
        assert words in kept.text


@pytest.mark.sqlite_only
def test_a_version_that_would_be_superseded_at_birth_is_warned_of(as_person, draft):
    with db.transaction() as session:
        newer = factories.specification(
            session, code="NEWER", label="3.0", state=S.EFFECTIVE, applies_from=date(2026, 4, 1)
        )
        session.get_one(type(newer), newer.id).specification_id = draft.specification_id
    lead = as_person("lead")
    assert "第3.0版が適用中です" not in lead.get(publish_page(draft)).text
    with db.transaction() as session:
        row = session.get_one(type(draft), draft.id)
        row.applies_from, row.published_on = date(2025, 4, 1), date(2025, 3, 1)
    assert "第3.0版が適用中です" in lead.get(publish_page(draft)).text


@pytest.mark.sqlite_only
def test_a_name_alone_is_no_source(as_person, draft):
    with db.transaction() as session:
        row = session.get_one(type(draft), draft.id)
        row.source_name, row.source_url = "あ", ""
    lead = as_person("lead")
    refused = lead.submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    assert refused.status_code == 422
    assert "文書のファイルを付けるか、版の情報でURLを入力してください" in refused.text
    assert current(draft).state is S.DRAFT
    file = (io.BytesIO(b"%PDF-1.7 mihon"), "mihon.pdf")
    path = f"/manage/specifications/versions/{draft.id}/source"
    assert as_person("reviewer").submit(path, {"file": file}).status_code == 303
    done = lead.submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    assert done.status_code == 303


def test_an_unchanged_save_takes_nobodys_place_and_the_importer_does_not_publish(
    as_person, agency, draft
):
    with db.transaction() as session:
        services.import_requirements(
            session,
            factories.actor(agency.lead, Role.LEAD_REVIEWER, agency.organisation),
            services.ImportFacts(code="JYUKI", label="2.0"),
            drafts=read_requirements(SAMPLE.read_bytes(), SAMPLE.name).require_clear(),
            source=services.ImportedFile(SAMPLE.name, "0" * 64),
        )
    reviewer, lead = as_person("reviewer"), as_person("lead")
    assert reviewer.submit(edit_page(draft), {}).status_code == 303
    assert reviewer.submit("/manage/specifications/JYUKI/edit", {}).status_code == 303
    assert current(draft).last_editor_id == agency.lead.id
    assert reviewer.submit(edit_page(draft), {"attribution": "出典"}).status_code == 303
    assert current(draft).last_editor_id == agency.reviewer.id
    refused = lead.submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    assert refused.status_code == 422
    assert "取り込んだ人は公表できません" in refused.text
    other = as_person("other_lead")
    done = other.submit(publish_page(draft), {"confirmed": "yes"}, button="公表する")
    assert done.status_code == 303
