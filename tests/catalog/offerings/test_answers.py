"""Answers page by page: drafts that survive, what is missing, faults by code, two windows, the rest.

Pages and their words are the same on both databases; the drafts' own rules run on both.
"""

from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4
from xml.etree.ElementTree import Element

import pytest

from catalog.certification.models import FindingState
from catalog.offerings import services
from catalog.offerings.answer_rules import AnswersRefused, AnswerValues
from catalog.offerings.models import AnswerDraft, OfferingVersion
from catalog.offerings.queries.answers import list_answers, list_drafts
from catalog.offerings.views.statement import FINDINGS
from catalog.specifications.queries import list_requirements
from catalog.terms import Answer
from core import db
from core.errors import StaleVersion
from tests import factories
from tests.catalog.offerings.conftest import Company, load, make_draft
from tests.client import CheckedClient
from tests.page_checks import parse_page, text_of

JSON = {"Accept": "application/json"}


def make_empty(company: Company, requirements: int = 13) -> UUID:
    """Start an offering without any answer."""
    with db.transaction() as session:
        specification_id = factories.specification(session, requirements=requirements).id
        return services.create_offering(
            session, company.acts(), specification_version_id=specification_id, name="見本"
        ).offering_version_id


def make_whole(company: Company, requirements: int = 13) -> UUID:
    """Prepare an offering that has everything."""
    with db.transaction() as session:
        specification_id = factories.specification(session, requirements=requirements).id
        return make_draft(session, company, specification_id)


def fields_of(client: CheckedClient, path: str) -> dict[str, str]:
    """Return what the form of an answer page would send."""
    return sent_by(client.page(path))


def sent_by(page: Element) -> dict[str, str]:
    """Return the fields of a page as they stand, radios only where chosen."""
    found = {
        e.get("name", ""): e.get("value", "")
        for e in page.iter("input")
        if e.get("name") and (e.get("type") != "radio" or "checked" in e.attrib)
    }
    found |= {e.get("name", ""): (e.text or "").removeprefix("\n") for e in page.iter("textarea")}
    return {name: value for name, value in found.items() if name != "q"}


def answers_of(version_id: UUID) -> dict[str, AnswerValues]:
    """Return the stored answers by the ministry's id."""
    with db.reading() as session:
        stored = list_answers(session, [version_id])[version_id].values()
        return {
            each.requirement.requirement_id: AnswerValues(
                each.answer, each.note, each.due_on, each.evidence_url
            )
            for each in stored
        }


@pytest.mark.sqlite_only
@pytest.mark.acceptance(1)
def test_draft_survives_and_submission_lists_exactly_what_is_missing(
    client: CheckedClient, new_client, company: Company
) -> None:
    version_id = make_whole(company)
    home = f"/vendor/offerings/{version_id}"
    with db.transaction() as session:
        row = load(session, version_id)[0]
        gone = [each.id for each in list_requirements(session, row.specification_version_id)][:12]
        services.save_answers(
            session,
            company.acts(),
            row,
            version=row.version,
            answers=dict.fromkeys(gone, AnswerValues(None)),
        )
    factories.sign_in_client(client, company.admin, company.home)
    path = f"{home}/answers/1"
    typed = {"answer_1": "alternative", "note_2": "書きかけの説明", "due_4": "いつか"}
    refused = client.submit(path, typed, button="下書きを保存する")
    assert refused.status_code == 422
    assert "書きかけとして残しました" in refused.text
    kept = client.post(
        f"{path}/draft",
        data=fields_of(client, path) | {"note_2": "書きかけの説明の続き"},
        headers=JSON,
    )
    assert kept.status_code == 200
    token = fields_of(client, path)["csrf_token"]
    assert client.post("/sign-out", data={"csrf_token": token}).status_code == 303
    assert client.get(path).location.startswith("/sign-in")

    later = new_client()
    factories.sign_in_client(later, company.admin, company.home)
    page = later.page(path)
    assert "書きかけの内容を表示しています" in text_of(page)
    assert fields_of(later, path)["note_2"] == "書きかけの説明の続き"
    chosen = [e.get("id") for e in page.iter("input") if "checked" in e.attrib]
    assert len(chosen) == 1
    assert "書きかけ3件" in text_of(later.page(f"{home}/answers")).replace(" ", "")
    colleague = new_client()
    factories.sign_in_client(colleague, company.member, company.home)
    assert "書きかけ" not in text_of(colleague.page(path))

    links = [
        (a.get("href", ""), text_of(a))
        for a in later.page(f"{home}/submit").iter("a")
        if "/answers/" in a.get("href", "")
    ]
    must = [n for n in range(1, 13) if n % 3]
    assert [words for _, words in links] == [f"R-{n:03d}に回答してください。" for n in must]
    for (href, _), number in zip(links, must, strict=True):
        target, _, anchor = href.partition("#")
        assert anchor == f"f-answer_{number}"
        assert anchor in {e.get("id") for e in later.page(target).iter()}


FAULTS: tuple[tuple[dict[str, str], str, str, str], ...] = (
    ({"answer_1": "conditional"}, "due_1", "due_missing", "R-001に適合する日を入力してください。"),
    (
        {"answer_1": "conditional", "due_1": "2028-02-30"}, "due_1", "due_impossible", "はありません。",
    ),
    ({"answer_1": "alternative"}, "note_1", "note_missing", "R-001の代替手段を説明してください。"),
    ({"answer_2": "not_applicable"}, "note_2", "note_missing", "R-002が対象外である理由を説明してください。"),
    ({"answer_1": "violates"}, "answer_1", "answer_not_allowed", "R-001の回答は一覧から選択してください。"),
    ({"note_1": "だけ"}, "answer_1", "answer_missing", "R-001の回答を選択してください。"),
    ({"answer_1": "conforms", "note_1": "x" * 2_001}, "note_1", "unreadable", "2000文字以内"),
    ({"answer_1": "conforms", "evidence_1": "http://a.jp/"}, "evidence_1", "unreadable", "https://"),
)  # fmt: skip


@pytest.mark.sqlite_only
@pytest.mark.acceptance(2)
def test_answers_are_checked_against_the_version_by_field_code_and_sentence(
    client: CheckedClient, company: Company
) -> None:
    version_id = make_empty(company)
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/offerings/{version_id}/answers/1"
    for typed, field, code, sentence in FAULTS:
        refused = client.submit(path, typed, button="保存して次へ進む")
        assert refused.status_code == 422, typed
        page = parse_page(refused.text)
        links = {a.get("href"): text_of(a) for a in page.iter("a")}
        assert sentence in links[f"#f-{field}"], typed
        told = client.post(f"{path}/draft", data=fields_of(client, path) | typed, headers=JSON)
        faults = {each["field"]: each for each in told.get_json()["errors"]}
        assert faults[field]["code"] == code, typed
        assert sentence in faults[field]["message"]
        client.submit(path, {}, button="書きかけを取り消す")
    assert answers_of(version_id) == {}
    last = f"/vendor/offerings/{version_id}/answers/4"
    assert client.submit(last, {"answer_13": "conforms"}, button="次へ").status_code == 422
    assert client.submit(last, {"answer_13": "violates"}, button="次へ").status_code == 303
    assert answers_of(version_id)["R-013"].answer is Answer.VIOLATES


def test_services_refuse_what_pages_refuse_with_every_code(company: Company) -> None:
    version_id = make_empty(company)
    with db.reading() as session:
        row = load(session, version_id)[0]
        ids = [each.id for each in list_requirements(session, row.specification_version_id)]
    wrong = {
        ids[0]: AnswerValues(Answer.CONDITIONAL),
        ids[1]: AnswerValues(Answer.NOT_APPLICABLE, " "),
        ids[12]: AnswerValues(Answer.CONFORMS),
        ids[3]: AnswerValues(Answer.CONFORMS),
    }
    with pytest.raises(AnswersRefused) as caught, db.transaction() as session:
        row = load(session, version_id)[0]
        services.save_answers(session, company.acts(), row, version=row.version, answers=wrong)
    assert caught.value.codes == {
        "due_1": "due_missing",
        "note_2": "note_missing",
        "answer_13": "answer_not_allowed",
    }
    assert set(caught.value.errors) == set(caught.value.codes)
    assert answers_of(version_id) == {}


@pytest.mark.sqlite_only
@pytest.mark.query_budget(40)
def test_two_windows_of_one_person_lose_no_text(client: CheckedClient, company: Company) -> None:
    version_id = make_whole(company)
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/offerings/{version_id}/answers/1"
    first = second = fields_of(client, path)
    kept = client.post(f"{path}/draft", data=first | {"note_1": "窓一の文"}, headers=JSON)
    assert kept.get_json()["drafts"]
    other = client.post(f"{path}/draft", data=second | {"note_1": "窓二の文"}, headers=JSON)
    assert (other.status_code, other.get_json()["code"]) == (412, "stale_version")

    late = client.post(path, data=second | {"note_1": "窓二の文", "step": "stay"})
    assert late.status_code == 412
    assert "窓一の文" in late.text
    assert "窓二の文" in late.text
    shown = sent_by(parse_page(late.text))
    assert shown["theirs-note_1"] == "窓一の文"
    merged = {"note_1": "窓一の文と窓二の文", "keep-note_1": "mine", "step": "stay"}
    assert client.post(path, data=shown | merged).status_code == 303
    assert answers_of(version_id)["R-001"].note == "窓一の文と窓二の文"
    with db.reading() as session:
        assert not list_drafts(session, company.admin.id, version_id)


@pytest.mark.sqlite_only
@pytest.mark.query_budget(40)
def test_save_of_another_person_shows_both_and_keeps_the_words(
    client: CheckedClient, new_client, company: Company
) -> None:
    version_id = make_whole(company)
    factories.sign_in_client(client, company.admin, company.home)
    colleague = new_client()
    factories.sign_in_client(colleague, company.member, company.home)
    path = f"/vendor/offerings/{version_id}/answers/1"
    mine = fields_of(client, path)
    colleague.submit(path, {"note_2": "同僚の文"}, button="下書き")
    late = client.post(path, data=mine | {"note_2": "自分の文", "step": "stay"})
    assert late.status_code == 412
    assert "同僚の文" in late.text
    assert "自分の文" in late.text
    assert fields_of(client, path)["note_2"] == "自分の文"


def test_drafts_are_one_per_person_and_requirement(company: Company) -> None:
    version_id = make_empty(company)
    with db.transaction() as session:
        row = load(session, version_id)[0]
        first = list_requirements(session, row.specification_version_id)[0].id
        typed: dict[str, Any] = {"answer": "", "note": "文", "due": "", "evidence": ""}
        mark = services.keep_drafts(session, company.acts(), row, typed={first: typed}, seen="")
    with db.transaction() as session:
        row = load(session, version_id)[0]
        with pytest.raises(StaleVersion):
            changed = {first: typed | {"note": "別の文"}}
            services.keep_drafts(session, company.acts(), row, typed=changed, seen="")
        again = services.keep_drafts(session, company.acts(), row, typed={first: typed}, seen="")
        assert again == mark
        assert session.get_one(OfferingVersion, version_id).version == 1
    with db.reading() as session:
        drafts = list_drafts(session, company.admin.id, version_id)
        assert [each.typed["note"] for each in drafts.values()] == ["文"]
        assert isinstance(drafts[first], AnswerDraft)


def test_acts_on_many_answers_leave_what_was_typed(company: Company) -> None:
    version_id = make_empty(company)
    typed = {"answer": "", "note": "書きかけの文"}
    with db.transaction() as session:
        row = load(session, version_id)[0]
        requirements = list_requirements(session, row.specification_version_id)
        first = requirements[0]
        mark = services.keep_drafts(
            session, company.acts(), row, typed={first.id: typed, requirements[1].id: typed}
        )
        answered, left = services.answer_rest(
            session,
            company.acts(),
            row,
            version=row.version,
            chapter=first.chapter,
            values=AnswerValues(Answer.CONFORMS),
        )
        assert (answered, left) == (2, 2)
    assert sorted(answers_of(version_id)) == ["R-003", "R-004"]
    with db.transaction() as session:
        row = load(session, version_id)[0]
        answers = {first.id: AnswerValues(Answer.CONFORMS)}
        services.save_answers(session, company.acts(), row, version=row.version, answers=answers)
    with db.transaction() as session:
        assert len(list_drafts(session, company.admin.id, version_id)) == 2
        row = load(session, version_id)[0]
        with pytest.raises(StaleVersion):
            services.save_answers(session, company.acts(), row, version=row.version,
                                  answers=answers, drafts_seen="")  # fmt: skip
    assert mark


@pytest.mark.sqlite_only
def test_rest_of_a_chapter_gets_one_answer(client: CheckedClient, company: Company) -> None:
    version_id = make_empty(company)
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/offerings/{version_id}/answers/1"
    client.submit(path, {"answer_2": "not_conforming", "note_2": "ありません"}, button="下書き")
    assert "未回答3件に、まとめて回答する" in text_of(client.page(path))
    assert client.submit(f"{path}/rest", {}, button="まとめて").status_code == 422
    bare = client.submit(f"{path}/rest", {"answer": "not_applicable"}, button="まとめて")
    assert "説明を入力してください" in bare.text
    done = client.submit(f"{path}/rest", {"answer": "conforms"}, button="まとめて")
    assert done.status_code == 303
    assert "3件の要件に回答しました" in text_of(client.page(path))
    found = answers_of(version_id)
    assert sorted(found) == ["R-001", "R-002", "R-003", "R-004"]
    assert found["R-002"].answer is Answer.NOT_CONFORMING
    assert "0件です" in text_of(client.page(f"{path}/rest"))
    last = f"/vendor/offerings/{version_id}/answers/4/rest"
    assert "適合（" not in text_of(client.page(last))
    client.submit(last, {"answer": "not_implemented"}, button="まとめて")
    assert answers_of(version_id)["R-013"].answer is Answer.NOT_IMPLEMENTED


@pytest.mark.sqlite_only
def test_findings_are_filtered_and_a_page_takes_eight_statements(
    app, monkeypatch, client: CheckedClient, company: Company
) -> None:
    version_id = make_whole(company, requirements=45)
    with db.reading() as session:
        row = load(session, version_id)[0]
        second = list_requirements(session, row.specification_version_id)[1].id
    finding = SimpleNamespace(
        id=uuid4(),
        certification_id=uuid4(),
        number=1,
        state=FindingState.OPEN,
        messages=[SimpleNamespace(words="画面の写しが読めません。")],
    )
    monkeypatch.setitem(app.extensions, FINDINGS, lambda *_: {second: [finding]})
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/offerings/{version_id}/answers/1"
    page = text_of(client.page(f"{path}?show=finding"))
    assert "指摘1（未回答の指摘）" in page
    assert "画面の写しが読めません。" in page
    assert "R-001 機能1" not in page
    assert len(client.business_statements("people", "sessions", "memberships")) <= 8
