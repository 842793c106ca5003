"""Answers by spreadsheet: written, read back, checked as a whole, compared from three sides.

Pages and files are the same on both databases, so the way over HTTP is walked on one of them.
"""

import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from accounts.identity import Actor
from accounts.models import Role
from catalog.offerings import services
from catalog.offerings.answer_plan import SheetRow, mark_of, plan_changes
from catalog.offerings.answer_rules import AnswerValues
from catalog.offerings.answer_sheet import read_sheet, sheet_of
from catalog.offerings.models import AnswerEvidence, EvidenceFile
from catalog.offerings.queries.answers import list_answers, list_drafts
from catalog.specifications.queries import list_requirements
from catalog.terms import Answer, EvidenceKind
from core import db
from core.documents import write_csv, write_xlsx
from core.tables import TableErrors, read_table
from tests import factories
from tests.catalog.offerings.conftest import Company, load, make_company, make_draft
from tests.client import CheckedClient
from tests.page_checks import parse_page, text_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def company(database) -> Company:
    """A vendor that may sell."""
    with db.transaction() as session:
        return make_company(session)


def make_whole(company: Company, requirements: int = 7) -> UUID:
    """Prepare an offering that has everything."""
    with db.transaction() as session:
        specification_id = factories.specification(session, requirements=requirements).id
        return make_draft(session, company, specification_id)


def change(version_id: UUID, company: Company, **answers: AnswerValues) -> None:
    """Save answers by the ministry's id, with _ for -."""
    with db.transaction() as session:
        row = load(session, version_id)[0]
        requirements = list_requirements(session, row.specification_version_id)
        ids = {each.requirement_id.replace("-", "_"): each.id for each in requirements}
        values = {ids[name]: value for name, value in answers.items()}
        services.save_answers(session, company.acts(), row, version=row.version, answers=values)


def stored(version_id: UUID) -> dict[str, tuple[str, str]]:
    """Return answers and notes by the ministry's id."""
    with db.reading() as session:
        found = list_answers(session, [version_id])[version_id].values()
        return {each.requirement.requirement_id: (each.answer.value, each.note) for each in found}


def add_file(version_id: UUID, company: Company, number: str) -> None:
    """Put an evidence file to an answer."""
    with db.transaction() as session:
        found = list_answers(session, [version_id])[version_id].values()
        [answer] = [each for each in found if each.requirement.requirement_id == number]
        file = EvidenceFile(
            owner_id=company.home.id,
            sha256="0" * 64,
            kind=EvidenceKind.PDF,
            size=1,
            uploaded_by_id=company.admin.id,
        )
        session.add(file)
        session.flush()
        session.add(AnswerEvidence(answer_id=answer.id, file_id=file.id, name="証拠.pdf"))


def edited(content: bytes, edit: Callable[[Worksheet], None]) -> bytes:
    """Return a workbook after somebody worked on it."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    edit(book.worksheets[0])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def put(**cells: object) -> Callable[[Worksheet], None]:
    """Return an edit that writes cells."""

    def edit(page: Any) -> None:
        for address, value in cells.items():
            page[address] = value
            page[address].data_type = "s" if isinstance(value, str) else "n"

    return edit


def send(client: CheckedClient, path: str, content: bytes, name: str = "回答.xlsx"):
    """Send a table."""
    return client.submit(path, {"file": (io.BytesIO(content), name)}, button="表を確かめる")


@pytest.mark.sqlite_only
@pytest.mark.query_budget(40)
def test_table_goes_out_is_filled_in_and_comes_back(
    client: CheckedClient, company: Company
) -> None:
    version_id = make_whole(company)
    add_file(version_id, company, "R-003")
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/offerings/{version_id}/answers/sheet"
    got = client.get(f"{path}.xlsx")
    assert got.content_type == XLSX
    page = openpyxl.load_workbook(io.BytesIO(got.data)).worksheets[0]
    lists = {str(each.sqref): each.formula1 for each in page.data_validations.dataValidation}
    assert lists == {"H2:H7": '"適合,条件付適合,代替手段,非適合,対象外"', "H8": '"非実装,抵触"'}

    filled = edited(
        got.data,
        put(H2="代替手段", I2="=帳票\nで代えます", H3="条件付適合", J3="令和10年4月1日", H4=None),
    )
    sent = send(client, path, filled)
    assert sent.status_code == 303
    plan = text_of(client.page(sent.location))
    for words in (
        "新しく回答する：0件",
        "回答を変える：2件",
        "未回答に戻す：1件",
        "外れる証拠のファイル：1件",
        "変わらない：4件",
    ):
        assert words in plan
    before = stored(version_id)
    assert before["R-001"] == ("conforms", "")
    assert client.submit(sent.location, {}, button="保存する").status_code == 303
    after = stored(version_id)
    assert after["R-001"] == ("alternative", "=帳票\nで代えます")
    assert after["R-002"][0] == "conditional"
    assert "R-003" not in after
    assert client.get(sent.location).status_code == 303

    text = client.get(f"{path}.csv").data
    assert "'=帳票" in text.decode("utf-8-sig")
    again = send(client, path, text, "回答.csv")
    assert again.status_code == 303, text_of(parse_page(again.text))
    assert "この表で変わる回答は0件です。" in text_of(client.page(again.location))


@pytest.mark.sqlite_only
def test_every_error_is_shown_by_cell_and_nothing_is_half_imported(
    client: CheckedClient, company: Company
) -> None:
    version_id = make_whole(company)
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/offerings/{version_id}/answers/sheet"
    good = client.get(f"{path}.xlsx").data
    before = stored(version_id)
    wrong = edited(
        good,
        put(
            H2="はい", A3="R-999", H4="条件付適合", H5="対象外", A6="R-001", J7="そのうち", H8="適合",
            I2="見" * 2_001, K5="http://a.jp",
        ),
    )  # fmt: skip
    refused = send(client, path, wrong)
    assert refused.status_code == 422
    page = parse_page(refused.text)
    rows = [[list(cell.itertext()) for cell in row] for row in page.iter("tr")][1:]
    assert [(cell[0], words[0]) for cell, words, _ in rows] == [
        ("H2", "回答にない言葉"),
        ("I2", "保存できない文字や長さ"),
        ("A3", "この版にない要件"),
        ("J4", "適合する日がない"),
        ("K5", "保存できない文字や長さ"),
        ("A6", "同じ要件が二度ある"),
        ("J7", "適合する日が日付でない"),
        ("H8", "実装区分に合わない回答"),
    ]
    assert rows[5][1][1].startswith("「R-001」は2行目にもあります。")
    for table, words in (
        (edited(good, put(N1="点数", O1="回答")), "「点数」という列は受け付けていません"),
        (edited(good, put(A1="番号")), "見出しがありません"),
        (b"%PDF-1.7", "壊れている"),
        (edited(good, lambda page: page.delete_rows(2, 99)), "回答の行がありません"),
    ):
        refused = send(client, path, table)
        assert refused.status_code == 422
        assert words in refused.text
    assert client.submit(path, {}, button="表を確かめる").status_code == 422
    assert stored(version_id) == before


@pytest.mark.sqlite_only
@pytest.mark.query_budget(40)
def test_table_made_before_another_change_shows_both_answers(
    client: CheckedClient, company: Company
) -> None:
    version_id = make_whole(company)
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/offerings/{version_id}/answers/sheet"
    old = client.get(f"{path}.xlsx").data
    change(
        version_id,
        company,
        R_001=AnswerValues(Answer.NOT_CONFORMING, "ここで変えた"),
        R_002=AnswerValues(Answer.NOT_CONFORMING, "ここだけ変えた"),
    )
    sent = send(client, path, edited(old, put(H2="代替手段", I2="表で変えた", H4="非適合")))
    page = text_of(client.page(sent.location))
    for words in ("回答を変える：1件", "ここでも変わった：1件", "表で変えた", "ここで変えた"):
        assert words in page
    assert "ここだけ変えた" not in page
    assert client.submit(sent.location, {}, button="保存する").status_code == 422
    change(version_id, company, R_004=AnswerValues(Answer.NOT_CONFORMING, "間に変えた"))
    kept = {"kept_1": "stored"}
    seen = client.prepare(sent.location, kept, button="保存する")
    change(version_id, company, R_005=AnswerValues(Answer.NOT_CONFORMING, "直前に変えた"))
    assert seen().status_code == 412
    assert client.submit(sent.location, kept, button="保存する").status_code == 303
    assert stored(version_id) == {
        "R-001": ("not_conforming", "ここで変えた"),
        "R-002": ("not_conforming", "ここだけ変えた"),
        "R-003": ("not_conforming", ""),
        "R-004": ("not_conforming", "間に変えた"),
        "R-005": ("not_conforming", "直前に変えた"),
        "R-006": ("conforms", ""),
        "R-007": ("not_implemented", ""),
    }


@pytest.mark.sqlite_only
@pytest.mark.query_budget(40)
def test_what_its_sender_typed_and_did_not_save_is_a_conflict_too(
    client: CheckedClient, company: Company
) -> None:
    version_id = make_whole(company)
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/offerings/{version_id}/answers/sheet"
    table = edited(client.get(f"{path}.xlsx").data, put(H2="非適合", H3="非適合", H4="条件付適合", J4="令和10年4月1日", H5="非適合"))  # fmt: skip
    with db.transaction() as session:
        colleague = factories.person(session, Role.VENDOR_MEMBER, company.home)
    other = factories.actor(colleague, Role.VENDOR_MEMBER, company.home)
    same = {"answer": "conditional", "note": "", "due": "2028-04-01", "evidence": ""}
    words = {"answer": "alternative", "note": "書きかけの説明", "due": "", "evidence": ""}
    draft(company.acts(), version_id, R_001=words, R_002=words, R_003=same, R_006=words)
    draft(other, version_id, R_004={**words, "note": "同僚の秘密"})
    sent = send(client, path, table)
    page = text_of(client.page(sent.location))
    for seen in ("あなたの書きかけが表と違う：2件", "書きかけの説明", "代替手段", "入力をしている要件が1件あります（R-004）"):  # fmt: skip
        assert seen in page, seen
    assert "同僚の秘密" not in page
    assert client.submit(sent.location, {"kept_1": "table"}, button="保存する").status_code == 422
    chosen = {"kept_1": "table", "kept_2": "stored"}
    late = client.prepare(sent.location, chosen, button="保存する")
    draft(company.acts(), version_id, R_001={**words, "note": "さらに書いた"})
    assert late().status_code == 412
    assert stored(version_id)["R-001"][0] == "conforms"
    assert client.submit(sent.location, chosen, button="保存する").status_code == 303
    assert [stored(version_id)[f"R-00{n}"][0] for n in range(1, 5)] == [
        "not_conforming", "conforms", "conditional", "not_conforming"
    ]  # fmt: skip
    with db.reading() as session:
        kept = list_drafts(session, company.admin.id, version_id).values()
        assert len(kept) == 2  # R-002, left as it is, and R-006, of which the table says nothing
        assert len(list_drafts(session, colleague.id, version_id)) == 1


def draft(actor: Actor, version_id: UUID, **typed: dict[str, str]) -> None:
    """Type about requirements without saving, by the ministry's id with _ for -."""
    with db.transaction() as session:
        row = load(session, version_id)[0]
        requirements = list_requirements(session, row.specification_version_id)
        ids = {each.requirement_id.replace("-", "_"): each.id for each in requirements}
        services.keep_drafts(
            session, actor, row, typed={ids[name]: words for name, words in typed.items()}
        )


def test_two_thousand_answers_are_stored_at_once(company: Company) -> None:
    version_id = make_whole(company, requirements=40)
    with db.transaction() as session:
        row = load(session, version_id)[0]
        requirements = list_requirements(session, row.specification_version_id)
        answers = list_answers(session, [version_id])[version_id]
        sheet = sheet_of(requirements, answers, {})
        for name, content in (
            ("a.xlsx", write_xlsx([sheet])),
            ("a.csv", write_csv([sheet.header, *sheet.rows])),
        ):
            rows = read_sheet(
                read_table(content, name), requirements, answers, is_text=name == "a.csv"
            )
            assert plan_changes(rows, requirements, answers) == []
        rows = [
            SheetRow(each.requirement_id, AnswerValues(Answer.NOT_CONFORMING, "無し"), each.mark)
            for each in rows[:39]
        ]
        changes = plan_changes(rows, requirements, answers)
        assert [each.is_conflict for each in changes] == [False] * 39
        kept = [each.to_json() for each in rows]
        assert [SheetRow.from_json(each) for each in kept] == rows
        upload = services.keep_upload(
            session, company.acts(), row, filename="a.csv", sha256="0" * 64, rows=kept
        )
        values = {each.requirement.id: each.then for each in changes}
        services.apply_upload(
            session, company.acts(), row, upload, version=row.version, answers=values
        )
    found = stored(version_id)
    assert sum(answer == ("not_conforming", "無し") for answer in found.values()) == 39
    assert found["R-040"] == ("not_implemented", "")


def test_marks_tell_answers_apart_and_a_foreign_table_overwrites_nothing(company: Company) -> None:
    version_id = make_whole(company)
    with db.reading() as session:
        row = load(session, version_id)[0]
        requirements = list_requirements(session, row.specification_version_id)
        answers = list_answers(session, [version_id])[version_id]
    long = requirements[0].model_copy(update={"text": "文" * 4_001})
    assert sheet_of([long], {}, {}).rows[0][3] == "文" * 3_999 + "…"
    own = read_table("要件ID,回答\r\nR-001,非適合\r\nR-002,適合\r\n".encode(), "自作.csv")
    rows = read_sheet(own, requirements, answers)
    assert [each.is_conflict for each in plan_changes(rows, requirements, answers)] == [True]
    assert [each.is_conflict for each in plan_changes(rows, requirements, {})] == [False, False]
    marks = {mark_of(AnswerValues(each, note)) for each in (None, *Answer) for note in ("", "文")}
    assert len(marks) == 2 * (len(Answer) + 1)
    with pytest.raises(TableErrors) as caught:
        read_sheet(read_table("要件ID,回答,回答\r\n".encode(), "二重.csv"), requirements, answers)
    assert "C1" in caught.value.table_errors[0].message
