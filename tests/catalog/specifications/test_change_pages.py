"""The difference of two versions as page, workbook and JSON."""

import io
from datetime import date

import openpyxl
import pytest

from accounts.models import Role
from bench.difference_page import publish_two_versions
from catalog.specifications import change_rows
from catalog.specifications.models import Requirement, SpecificationState
from catalog.terms import RequirementClass
from core import db
from tests import factories
from tests.page_checks import text_of

# Words and forms of pages: the same on both databases, so asked once.
pytestmark = pytest.mark.sqlite_only
MUST, MAY = RequirementClass.MUST, RequirementClass.MAY
PATH = "/specifications/SPEC"


def version_of(session, specification_id, label, applies_from, rows, **values):
    made = factories.specification(
        session, 0, label=label, applies_from=applies_from, code=f"T-{label}", **values
    )
    factories.thaw(session)
    session.get_one(type(made), made.id).specification_id = specification_id
    for position, row in enumerate(rows, start=1):
        defaults = {
            "name": "届出の受付",
            "text": "届出を3日以内に登録できること。",
            "chapter": "1 届出",
            "class_designated_city": MUST,
            "class_core_city": MUST,
            "class_other": MUST,
        }
        session.add(
            Requirement(specification_version_id=made.id, position=position, **{**defaults, **row})
        )
    return made


@pytest.fixture
def revised(database):
    with db.transaction() as session:
        first = factories.specification(session, 0, code="SPEC", name="見本仕様書", label="0.9")
        one = {"requirement_id": "A"}
        gone = {"requirement_id": "G", "name": "=SUM(1)", "text": "廃止する機能"}
        version_of(session, first.specification_id, "1.0", date(2025, 5, 1), [one, gone])
        renamed = {"requirement_id": "B", "predecessor_requirement_id": "A"}
        version_of(session, first.specification_id, "2.0", date(2026, 4, 1), [renamed])
        last = {
            "requirement_id": "C",
            "predecessor_requirement_id": "B",
            "text": "届出を5日以内に登録できること。",
            "chapter": "2 受付",
            "class_core_city": MAY,
            "conformity_date": date(2028, 4, 1),
        }
        new = [{"requirement_id": f"N-{number}", "text": "新しい"} for number in range(60)]
        third = version_of(
            session, first.specification_id, "3.0", date(2027, 4, 1), [last, *new, one]
        )
        version_of(
            session,
            first.specification_id,
            "4.0",
            date(2029, 4, 1),
            [last],
            state=SpecificationState.DRAFT,
        )
        return third


def test_any_two_versions_are_compared_word_by_word(client, revised):
    page = text_of(client.page(f"{PATH}/3.0/changes?from=1.0"))
    assert len(client.business_statements("sign_ins", "people", "memberships")) <= 6
    assert "第1.0版と第3.0版の違い" in page
    assert "文の変更、実装区分の変更、適合基準日の変更、位置の変更、要件IDの変更" in page
    assert "届出を削除：3追加：5日以内に登録できること。" in page
    assert "要件ID：前はA → 後はC" in page
    assert "実装区分（中核市）：前は実装必須 → 後は標準オプション" in page
    assert "適合基準日：前は定めなし → 後は令和10年4月1日" in page
    assert "位置：前は1 届出 → 後は2 受付" in page
    assert "1／2ページ" in page
    later = text_of(client.page(f"{PATH}/3.0/changes?from=1.0&page=2"))
    assert "廃止する機能" in later + page
    assert client.get(f"{PATH}/3.0/changes?from=1.0&page=3").status_code == 404
    removed = text_of(client.page(f"{PATH}/3.0/changes?from=1.0&kind=removed"))
    assert "1件見つかりました" in removed
    assert "削除：廃止する機能" in removed
    back = text_of(client.page(f"{PATH}/1.0/changes?from=3.0&kind=renamed"))
    assert "要件ID：前はC → 後はA" in back


def test_without_another_version_the_one_before_is_taken(client, revised):
    assert "第2.0版と第3.0版の違い" in client.get(f"{PATH}/3.0/changes").text
    assert "第2.0版との違い" in client.get(f"{PATH}/3.0").text
    same = text_of(client.page(f"{PATH}/3.0/changes?from=3.0"))
    assert "違いはありません" in same
    chosen = client.get(f"{PATH}/3.0/changes?from=1.0&to=2.0")
    assert (chosen.status_code, chosen.location) == (303, f"{PATH}/2.0/changes?from=1.0")
    with db.transaction() as session:
        factories.specification(session, code="ALONE", label="1.0")
    alone = client.get("/specifications/ALONE/1.0/changes")
    assert "比べられる版は、まだありません" in alone.text
    data = client.get("/specifications/ALONE/1.0/changes?format=json")
    assert data.mimetype == "application/json"
    assert (data.json["from"], data.json["to"]["label"], data.json["changes"]) == (None, "1.0", [])
    assert client.get("/specifications/ALONE/1.0/changes?format=xlsx").status_code == 404


def test_drafts_and_wrong_wishes_are_refused(client, new_client, revised):
    assert client.get(f"{PATH}/4.0/changes").status_code == 404
    assert client.get(f"{PATH}/3.0/changes?from=4.0").status_code == 404
    assert client.get(f"{PATH}/3.0/changes?kind=nonsense").status_code == 400
    assert client.get(f"{PATH}/3.0/changes?format=csv").status_code == 400
    refused = client.get(f"{PATH}/3.0/changes", headers={"Accept": "image/png"})
    assert refused.status_code == 406
    with db.transaction() as session:
        reviewer = factories.person(session, Role.REVIEWER)
    browser = new_client()
    factories.sign_in_client(browser, reviewer)
    draft = browser.get(f"{PATH}/4.0/changes?from=3.0&format=json")
    assert draft.json["counts"]["removed"] == 61
    assert draft.headers["Cache-Control"] == "private, no-store"


def test_the_difference_is_data(client, revised):
    address = f"{PATH}/3.0/changes?from=1.0"
    answer = client.get(address, headers={"Accept": "application/json"})
    assert "Accept" in answer.headers["Vary"]
    first = answer.json["changes"][0]
    assert first["kinds"] == ["changed", "reclassified", "redated", "moved", "renamed"]
    assert (first["before"]["requirement_id"], first["after"]["requirement_id"]) == ("A", "C")
    assert ["removed", "3"] in first["words"]["text"]
    assert answer.json["counts"] == {
        "added": 61,
        "removed": 1,
        "changed": 1,
        "reclassified": 1,
        "redated": 1,
        "moved": 1,
        "renamed": 1,
    }
    tag = answer.headers["ETag"]
    headers = {"Accept": "application/json", "If-None-Match": tag}
    assert client.get(address, headers=headers).status_code == 304
    table = client.get(f"{address}&format=xlsx")
    book = openpyxl.load_workbook(io.BytesIO(table.data))
    rows = list(book["違い"].iter_rows(values_only=True))
    assert rows[1][:3] == (first_words(), "A", "C")
    assert rows[1][5] == "届出を【削除：3】【追加：5】日以内に登録できること。"
    gone = next(row for row in rows if row[1] == "G")
    assert gone[3] == "=SUM(1)"
    cell = book["違い"].cell(rows.index(gone) + 1, 4)
    assert cell.data_type == "s"
    assert ("追加（件）", 61) in set(book["比べた版と件数"].iter_rows(values_only=True))


def first_words():
    return "文の変更、実装区分の変更、適合基準日の変更、位置の変更、要件IDの変更"


def test_two_thousand_requirements_are_compared_whole_in_every_form(database, client):
    """The measures of bench/difference_page.py time the same three answers."""
    publish_two_versions(2_000)
    path = "/specifications/BENCH/2.0/changes?from=1.0"
    data = client.get(f"{path}&format=json").json
    assert data["same"] == 1_000
    assert data["counts"] == {
        "added": 200, "removed": 200, "changed": 600, "reclassified": 200, "redated": 200,
        "moved": 200, "renamed": 0,
    }  # fmt: skip
    assert len(data["changes"]) == 1_200
    changed = next(each for each in data["changes"] if each["requirement_id"] == "R-01991")
    assert ["removed", "3"] in changed["words"]["text"]
    assert ["added", "5"] in changed["words"]["text"]
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{path}&format=xlsx").data))
    assert book["違い"].max_row == 1_201
    last = -(-1_200 // change_rows.PAGE_SIZE)
    assert client.get(path).text.count('<li class="result">') == change_rows.PAGE_SIZE
    assert len(client.statements) <= 12
    rest = 1_200 - (last - 1) * change_rows.PAGE_SIZE
    assert client.get(f"{path}&page={last}").text.count('<li class="result">') == rest
    assert client.get(f"{path}&page={last + 1}").status_code == 404
