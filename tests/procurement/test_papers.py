"""The papers of a purchase: made inside the act, read back word for word, never changed unseen.

Pages and files, so SQLite does; the frozen tables are tried on both in test_append_only.
"""

import json
import random

import pytest
from sqlalchemy import text

from core import db
from procurement.projects import queries
from procurement.projects.paper_models import PaperKind
from procurement.projects.papers import list_changed_papers, paper_is_intact
from tests.drills.both import build_town
from tests.drills.generated_purchase import generate
from tests.drills.paper_reading import Made, differences, read_pdf, read_xlsx
from tests.drills.read_back import judge, make_paper, render

pytestmark = pytest.mark.sqlite_only


@pytest.mark.parametrize("seed", range(10))
def test_what_is_read_back_from_pdf_docx_and_xlsx_is_the_record(seed):
    made = render(make_paper(seed))
    assert differences(made) == []
    assert made == render(make_paper(seed))  # equal papers are equal bytes


def test_the_reader_finds_a_word_that_differs():
    made = render(make_paper(1))
    record = json.loads(made.payload)
    record["blocks"][0]["rows"][0][1] += "違"
    lying = Made(json.dumps(record).encode(), made.files)
    assert {said.split("：")[0] for said in differences(lying)} == set(made.files)


@pytest.mark.usefixtures("app")
def test_every_paper_of_a_purchase_by_quotes_says_what_was_typed(database, settings):
    """The short version of the drill that reads 100 purchases back."""
    made = generate(build_town(database, settings), random.Random(1), is_quoted=True)
    assert judge(made, is_quoted=True) == []


@pytest.mark.acceptance(19)
def test_papers_are_made_by_the_comparison_and_hold_ids_versions_price_basis_and_time(market):
    market.reach_locked()
    market.exclude(market.dear, reason="＝夜間の受付に合わないため。")
    address = f"/projects/{market.project().id}/papers"
    clerk = market.as_(market.clerk)
    assert "書類はまだありません" in clerk.get(address).text
    assert market.compare().status_code == 303
    page = clerk.get(address).text
    with db.reading() as session:
        papers = queries.list_papers(session, market.project().id)
    assert [paper.kind for paper in papers] == [
        PaperKind.COMPARISON_TABLE,
        PaperKind.SEARCH_RECORD,
    ]
    texts = {}
    for paper in papers:
        record = json.loads(paper.payload)
        assert record["evidence"]["hash"] == market.pack().sha256
        for suffix, read in (("pdf", read_pdf), ("xlsx", read_xlsx)):
            file = f"{address}/{paper.id}.{suffix}"
            assert f'href="{file}"' in page
            texts[paper.kind, suffix] = "".join(read(clerk.get(file).data, record))
            assert market.as_(market.seller_admin).get(file).status_code == 404
        assert clerk.get(f"{address}/{paper.id}.docx").status_code == 404
    record = texts[PaperKind.SEARCH_RECORD, "pdf"]
    # As on the screen, in the same order: every hit with versions and hashes, the reason, who.
    for hit in json.loads(market.pack().content)["hits"]:
        for word in (hit["name"], hit["listing_sha256"], hit["offering_sha256"]):
            assert word in texts[PaperKind.SEARCH_RECORD, "xlsx"]
            assert word in record
    assert "＝夜間の受付に合わないため。" in record
    assert "見本花子" in record
    compared = texts[PaperKind.COMPARISON_TABLE, "pdf"]
    assert "971,982" in compared
    assert "全期間の合計で計算し、1円未満を切り捨て" in compared
    assert market.dear.content_sha256 not in compared
    history = clerk.get(f"/projects/{market.project().id}/history").text
    assert "書類を作りました（比較表　第1版）" in history


def test_one_byte_of_any_paper_changed_after_approval_makes_sending_impossible(market):
    market.reach_approved()
    project_id = market.project().id
    with db.reading() as session:
        papers = queries.list_papers(session, project_id)
        assert all(paper_is_intact(session, paper) for paper in papers)
    for paper in papers:
        for table, column, key in (
            ("paper_files", "content", "paper_id"),
            ("project_papers", "payload", "id"),
        ):
            with db.current().engine.begin() as connection:
                connection.execute(text(f"DROP TRIGGER {table}_no_update"))
                kept = connection.execute(
                    text(f"SELECT id, {column} FROM {table} WHERE {key} = :key"),
                    {"key": paper.id.hex},
                ).first()
                assert kept is not None
                forged = kept[1][:-1] + (b"!" if column == "content" else "!")
                change = text(f"UPDATE {table} SET {column} = :value WHERE id = :id")
                connection.execute(change, {"value": forged, "id": kept[0]})
            with db.reading() as session:
                assert [each.id for each in list_changed_papers(session, project_id)] == [paper.id]
            refused = market.send()
            assert refused.status_code == 422
            assert paper.kind.label in refused.text
            assert (
                "作ったときの内容と違います"
                in market.as_(market.clerk).get(f"/projects/{project_id}/papers").text
            )
            with db.current().engine.begin() as connection:
                connection.execute(change, {"value": kept[1], "id": kept[0]})
                connection.execute(
                    text(
                        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
                        "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
                    )
                )
    assert market.send().status_code == 303
