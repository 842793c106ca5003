"""A specification of many requirements: pages, filters and chapters instead of one endless table.

Pages and their addresses are the same on both databases, so they are asked once.
"""

import csv
import io
import re

import pytest

from catalog.certification.models import ReviewState
from catalog.offerings.models import OfferingVersion
from catalog.offerings.queries import list_answers
from catalog.specifications.models import SpecificationVersion
from catalog.terms import Answer
from core import db
from tests import factories
from tests.catalog.certification.conftest import (
    Stage,
    assign,
    decide,
    load,
    publish,
    recommend,
    set_stage,
    submit,
)
from tests.page_checks import text_of
from vendors.models import Vendor

pytestmark = [pytest.mark.query_budget(40), pytest.mark.sqlite_only]
COUNT = 60  # every third may, the last must not be implemented; four to a chapter


@pytest.fixture
def long_stage(database) -> Stage:
    """A draft with alternatives at every tenth requirement and something unmet at the 58th."""
    with db.transaction() as session:
        stage = set_stage(session, requirements=COUNT)
    with db.transaction() as session:
        for row in list_answers(session, [stage.version_id])[stage.version_id].values():
            place = row.requirement.position
            if place % 10 == 0 and place < COUNT:
                row.revise(answer=Answer.ALTERNATIVE, note="別の画面で行えます。")
            if place == 58:
                row.revise(answer=Answer.NOT_CONFORMING)
    return stage


def rows(page) -> list[str]:
    """Return the requirements of the table on a page, or nothing."""
    tables = [each for each in page.iter("table") if each.get("id") == "requirements"]
    heads = [each for table in tables for each in table.iter("th") if each.get("scope") == "row"]
    return [text_of(each).split()[0][:5] for each in heads]


def links(page, label: str) -> list[str]:
    """Return where the links with this label lead."""
    return [each.get("href") for each in page.iter("a") if text_of(each).startswith(label)]


def test_reviewer_reads_a_long_review_by_page_filter_chapter_and_words(
    long_stage: Stage, new_client
) -> None:
    certification_id = submit(long_stage)
    assign(long_stage, certification_id)
    reviewer = new_client()
    factories.sign_in_client(reviewer, long_stage.reviewers[0], long_stage.agency)
    path = f"/reviews/{certification_id}"
    first = reviewer.page(path)
    assert rows(first) == [f"R-{n:03d}" for n in range(1, 51)]
    assert "要件ごとの回答（60件）" in text_of(first)
    [following] = links(first, "次のページ")
    assert following == f"{path}?page=2#filters"
    assert rows(reviewer.page(f"{path}?page=2")) == [f"R-{n:03d}" for n in range(51, 61)]
    for query, found in (
        ("show=must", [f"R-{n:03d}" for n in range(1, 61) if n % 3 or n == 60][:50]),
        ("show=fail", ["R-058"]),
        ("show=blocking", ["R-058"]),
        ("show=for_review", ["R-010", "R-020", "R-030", "R-040", "R-050"]),
        ("show=unanswered", []),
        ("show=findings", []),
        ("chapter=15", ["R-057", "R-058", "R-059", "R-060"]),
        ("chapter=15&show=must", ["R-058", "R-059", "R-060"]),
        ("q=機能７", ["R-007"]),
        ("q=R-05&show=person&chapter=13", ["R-050", "R-052"]),
    ):
        assert rows(reviewer.page(f"{path}?{query}")) == found, query
    assert links(reviewer.page(f"{path}?chapter=15"), "人の確認が要る")[0].startswith(
        f"{path}?chapter=15&show=person"
    )
    for wrong in ("page=3", "page=0", "page=x", "show=best", "chapter=16", "chapter=-1", "show=fail&page=2"):  # fmt: skip
        assert reviewer.get(f"{path}?{wrong}").status_code == 404, wrong
    assert "2ページ目" in text_of(next(reviewer.page(f"{path}?page=2").iter("title")))
    earlier = reviewer.page(f"{path}/submissions/1?page=2")
    assert "R-060" in text_of(earlier)
    assert "R-001" not in text_of(earlier)
    assert reviewer.get(f"{path}/submissions/1?page=3").status_code == 404


def test_certificate_is_read_by_chapter_and_its_data_hold_every_result(
    long_stage: Stage, client
) -> None:
    with db.transaction() as session:
        answers = list_answers(session, [long_stage.version_id])[long_stage.version_id]
        [unmet] = [each for each in answers.values() if each.requirement.position == 58]
        unmet.revise(answer=Answer.CONFORMS)
    certification_id = submit(long_stage)
    assign(long_stage, certification_id)
    for number in range(2):
        recommend(long_stage, certification_id, number)
    decide(long_stage.lead(), certification_id)
    publish(long_stage)
    with db.reading() as session:
        path = f"/certificates/{load(session, certification_id).number}"
    whole = client.page(path)
    assert len(rows(whole)) == 50
    [chapter] = links(whole, "15 章")
    assert chapter == f"{path}?chapter=15#filters"
    assert rows(client.page(chapter)) == ["R-057", "R-058", "R-059", "R-060"]
    assert rows(client.page(f"{path}?show=alternative&chapter=3")) == ["R-010"]
    assert rows(client.page(f"{path}?page=2")) == [f"R-{n:03d}" for n in range(51, 61)]
    for wrong in ("page=3", "chapter=16", "show=must"):
        assert client.get(f"{path}?{wrong}").status_code == 404, wrong
    data = client.get(path, headers={"Accept": "application/json"})
    assert "Accept" in data.headers["Vary"]
    assert data.json["state"] == "certified"
    assert [each["id"] for each in data.json["requirements"]] == [f"R-{n:03d}" for n in range(1, 61)]  # fmt: skip
    assert data.json["requirements"][9]["answer"] == "alternative"
    assert sum(each["total"] for each in data.json["chapters"]) == COUNT
    assert client.get(f"{path}?format=json&chapter=2").json == data.json
    table = list(csv.reader(io.StringIO(client.get(f"{path}?format=csv").data.decode("utf-8-sig"))))
    assert len(table) == COUNT + 1
    assert (table[10][1], table[10][5]) == ("R-010", "代替手段")
    assert {each[0] for each in table[1:]} == {path.rpartition("/")[2]}
    assert client.get(f"{path}?format=pdf").status_code == 400


def test_vendor_finds_every_missing_answer_and_every_remark_on_pages(client, database) -> None:
    with db.transaction() as session:
        stage = set_stage(session, requirements=90)
    with db.transaction() as session:
        for row in list_answers(session, [stage.version_id])[stage.version_id].values():
            if row.requirement.position % 3:
                session.delete(row)
    factories.sign_in_client(client, stage.company.admin, stage.company.home)
    path = f"/vendor/offerings/{stage.version_id}"
    for page in ("", "/check", "/submit"):
        assert "足りないもの（60件）" in text_of(client.page(path + page)), page
        assert client.get(f"{path}{page}?page=3").status_code == 404
        pages = [client.page(f"{path}{page}?page={n}") for n in (1, 2)]
        found = [each for one in pages for each in links(one, "R-0") if "/answers/" in each]
        assert len(set(found)) == 60, page
        assert all(re.search(r"#f-answer_\d+$", each) for each in found)
    remarks = client.page(f"{path}/checks")
    assert "確かめるところ（60件）" in text_of(remarks)
    assert links(remarks, "R-001") == [f"{path}/answers/1#requirement-1"]
    assert len(links(client.page(f"{path}/checks?page=2"), "R-0")) == 10


def test_queue_and_what_a_version_concerns_have_pages(long_stage: Stage, new_client) -> None:
    with db.transaction() as session:
        specification = session.get_one(SpecificationVersion, long_stage.specification.id)
        maker = session.get_one(Vendor, long_stage.company.vendor.id)
        for number in range(51):
            name = f"並ぶサービス{number:02d}"
            terms = factories.offering(session, maker, specification, name=name, answers=None)
            version = session.get_one(OfferingVersion, terms.offering_version_id)
            factories.certification(session, version, ReviewState.SUBMITTED)
    lead = new_client()
    factories.sign_in_client(lead, long_stage.leads[0], long_stage.agency)
    first = lead.page("/reviews?state=submitted&order=age")
    assert "51件の審査" in text_of(first)
    assert links(first, "次のページ") == ["/reviews?state=submitted&order=age&page=2"]
    shown = [text_of(lead.page(f"/reviews?order=age&page={n}")) for n in (1, 2)]
    assert sorted(re.findall(r"並ぶサービス\d\d", "".join(shown))) == [
        f"並ぶサービス{number:02d}" for number in range(51)
    ]
    for wrong in ("page=3", "state=assigned&page=2", "page=0"):
        assert lead.get(f"/reviews?{wrong}").status_code == 404, wrong
    path = f"/manage/specifications/versions/{long_stage.specification.id}/end"
    names = re.compile(r"並ぶサービス\d\d")
    ended = [text_of(lead.page(f"{path}?services={n}")) for n in (1, 2)]
    assert [len(names.findall(each)) for each in ended] == [50, 1]
    assert "公開中のサービス51件" in ended[0]
    assert lead.get(f"{path}?services=3").status_code == 404


def test_comparison_and_listing_of_a_long_specification_have_pages(
    database, client, monkeypatch
) -> None:
    monkeypatch.setattr("catalog.comparison_views._ROWS_SHOWN", 25)
    monkeypatch.setattr("catalog.listing_views._MOST_FOLDED", 30)
    with db.transaction() as session:
        specification = factories.specification(session, requirements=COUNT)
        shown = [
            factories.offering(session, factories.vendor(session), specification) for _ in range(2)
        ]
    address = "/compare?" + "&".join(f"l={each.id}" for each in shown)
    codes: list[str] = []
    for number, count in ((1, 25), (2, 25), (3, 10)):
        page = client.page(f"{address}&page={number}")
        found = [text_of(each) for each in page.iter("code") if text_of(each).startswith("R-")]
        assert len(found) == count, number
        codes += found
    assert codes == [f"R-{number:03d}" for number in range(1, COUNT + 1)]
    assert client.whole(f"{address}&page=4").status_code == 404
    assert client.whole(f"{address}&diff=1&page=2").status_code == 404
    path = f"/listings/{shown[0].listing_id}"
    whole = client.page(path)
    assert "R-001" not in text_of(whole)
    assert links(whole, "15 章") == [f"{path}?chapter=15#answers-title"]
    opened = text_of(client.page(f"{path}?chapter=15"))
    assert [number in opened for number in ("R-056", "R-057", "R-060")] == [False, True, True]
    for wrong in ("chapter=16", "chapter=x", "chapter=1&page=2"):
        assert client.get(f"{path}?{wrong}").status_code == 404, wrong
