"""What everybody reads: list, version, requirement, data."""

import csv
import io
from datetime import date

import pytest

from accounts.models import Role
from catalog.specifications.importing import read_requirements
from catalog.specifications.models import Requirement, SpecificationState
from catalog.terms import RequirementClass
from core import db
from tests import factories
from tests.page_checks import text_of

# Words and refusals of pages: the same on both databases, so asked once.
pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def published(database):
    with db.transaction() as session:
        return factories.specification(session, 60, code="SPEC", name="見本仕様書", label="1.0")


def add(session, version, **values):
    defaults = {
        "specification_version_id": version.id,
        "position": 1,
        "name": "名称",
        "text": "本文",
        "class_designated_city": RequirementClass.MUST,
        "class_core_city": RequirementClass.MUST,
        "class_other": RequirementClass.MUST,
    }
    factories.thaw(session)
    session.add(Requirement(**{**defaults, **values}))


def test_everybody_sees_the_list_and_the_version(client, published):
    page = text_of(client.page("/specifications"))
    assert "見本仕様書" in page
    assert "第1.0版" in page
    assert "60件" in page
    page = text_of(client.page("/specifications/SPEC/1.0"))
    assert "R-001" in page
    assert "R-051" not in page
    assert "1／2ページ" in page
    assert len(client.business_statements("sign_ins", "people", "memberships")) <= 6


def test_drafts_are_seen_by_reviewers_and_auditors_only(client, new_client, database):
    with db.transaction() as session:
        factories.specification(session, code="DRAFT", state=SpecificationState.DRAFT, label="1")
        people = {role: factories.person(session, role) for role in Role}
    paths = ("/specifications/DRAFT", "/specifications/DRAFT/1", "/specifications/DRAFT/1/R-001")
    assert [client.get(path).status_code for path in paths] == [404, 404, 404]
    assert "DRAFT" not in client.get("/specifications").text
    assert client.get("/specifications/DRAFT/1?format=json").status_code == 404
    readers = set()
    for role, person in people.items():
        browser = new_client()
        factories.sign_in_client(browser, person)
        codes = {browser.get(path).status_code for path in paths}
        assert len(codes) == 1
        if codes == {200}:
            readers.add(role)
    assert readers == {Role.REVIEWER, Role.LEAD_REVIEWER, Role.AUDITOR}


def test_every_promised_page_opens_and_the_one_after_is_absent(client, published):
    assert "R-051" in client.get("/specifications/SPEC/1.0?page=2").text
    for page in ("3", "0", "-1", "x", "99999999999999999999", "２"):
        assert client.get(f"/specifications/SPEC/1.0?page={page}").status_code == 404


def test_requirements_are_found_by_words_chapter_and_class(client, published):
    found = text_of(client.page("/specifications/SPEC/1.0?q=ｒ－0０７"))
    assert "1件見つかりました（全60件）" in found
    assert "R-007" in found
    both = text_of(client.page("/specifications/SPEC/1.0?class=may&chapter=1 章"))
    assert "1件見つかりました" in both
    assert "R-003" in both
    none = text_of(client.page("/specifications/SPEC/1.0?q=ありえない言葉"))
    assert "条件に合う要件は0件です" in none
    assert "条件に合う要件は0件です" in client.get("/specifications/SPEC/1.0?kind=form").text
    assert "R-007" in client.get("/specifications/SPEC/1.0?kind=form&kind=function").text
    assert client.get("/specifications/SPEC/1.0?class=nonsense").status_code == 400
    assert client.get("/specifications/SPEC/1.0?kind=nonsense").status_code == 400


def test_words_may_be_anything(client, published):
    for words in ("<b>", "%00", "' OR 1=1", "a" * 5_000, "\u202e"):
        assert client.get("/specifications/SPEC/1.0", query_string={"q": words}).status_code == 200


def test_a_requirement_has_a_permanent_address_and_a_history(client, published):
    with db.transaction() as session:
        newer = factories.specification(
            session, 0, code="TEMP", label="2.0", applies_from=date(2026, 4, 1)
        )
        row = session.get_one(type(newer), newer.id)
        row.specification_id = published.specification_id
        add(
            session,
            newer,
            requirement_id="N-1/a",
            predecessor_requirement_id="R-002",
            name="機能2",
            text="新しい本文\n二行目",
            conformity_date=date(2027, 4, 1),
            class_core_city=RequirementClass.MAY,
        )
        add(
            session,
            newer,
            requirement_id="N-2",
            predecessor_requirement_id="R-002",
            position=2,
            name="機能2",
            text="機能2を利用できること。",
            chapter="1 章",
            class_designated_city=RequirementClass.MUST,
        )
    page = text_of(client.page("/specifications/SPEC/2.0/N-1/a"))
    assert "新しい本文" in page
    assert "中核市：標準オプション" in page
    assert "令和9年4月1日" in page
    assert "本文、要件ID、実装区分、適合基準日、位置が変わりました" in page
    assert "第2.0版 N-1/aで変わった言葉" in page
    assert "追加：新しい" in page
    old = text_of(client.page("/specifications/SPEC/1.0/R-002"))
    assert "N-1/a" in old
    # A split is compared with what it came from, not with its sibling.
    assert old.count("この版から") == 1
    assert "要件IDが変わりました" in old
    assert "前の要件：R-001" in old
    assert "次の要件：R-003" in old
    assert len(client.business_statements("sign_ins", "people", "memberships")) <= 6
    assert client.get("/specifications/SPEC/1.0/R-999").status_code == 404
    assert client.get("/specifications/SPEC/9.9/R-001").status_code == 404
    assert client.get("/specifications/NONE/1.0").status_code == 404


@pytest.mark.parametrize("how", ["format", "accept"])
def test_data_stand_under_the_same_address(client, published, how):
    def get(kind, media):
        if how == "format":
            return client.get(f"/specifications/SPEC/1.0?format={kind}")
        return client.get("/specifications/SPEC/1.0", headers={"Accept": media})

    answer = get("json", "application/json")
    assert answer.mimetype == "application/json"
    assert answer.json["specification"]["code"] == "SPEC"
    assert len(answer.json["requirements"]) == 60
    headers = {"If-None-Match": answer.headers["ETag"]}
    again = client.get("/specifications/SPEC/1.0?format=json", headers=headers)
    assert again.status_code == 304
    assert answer.json["requirements"][2]["class"] == {
        "designated_city": "may",
        "core_city": "may",
        "other": "may",
    }
    table = get("csv", "text/csv")
    assert table.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(table.data.decode("utf-8-sig"))))
    assert rows[1][0] == "R-001"
    assert len(rows) == 61
    again = read_requirements(table.data, "again.csv")
    assert again.is_clear
    assert len(again.drafts) == 60
    assert "Accept" in client.get("/specifications/SPEC/1.0").headers["Vary"]


def test_one_requirement_is_data_too(client, published):
    answer = client.get("/specifications/SPEC/1.0/R-060", headers={"Accept": "application/json"})
    assert answer.json["requirement"]["class"]["other"] == "must_not"
    table = client.get("/specifications/SPEC/1.0/R-060", headers={"Accept": "text/csv"})
    rows = list(csv.reader(io.StringIO(table.data.decode("utf-8-sig"))))
    assert (table.mimetype, [row[0] for row in rows[1:]]) == ("text/csv", ["R-060"])
    table = client.get("/specifications/SPEC", headers={"Accept": "text/csv"})
    assert table.mimetype == "text/csv"
    assert table.data.decode("utf-8-sig").splitlines()[1].startswith("SPEC,")
    assert client.get("/specifications/SPEC/1.0/R-060?format=xlsx").status_code == 400
    assert client.get("/specifications/SPEC/1.0?format=xml").status_code == 400


def test_browsers_get_the_page(client, published):
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert client.get("/specifications/SPEC/1.0", headers={"Accept": accept}).mimetype == (
        "text/html"
    )


def test_an_empty_list_says_what_comes_next(client, database):
    assert "公表された標準仕様書は、まだありません" in client.get("/specifications").text
