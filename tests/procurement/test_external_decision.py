"""A decision on paper (庁外決裁): its paper, its record by another person, and what proves it.

Pages and their sentences are asked on SQLite alone; the act and the guards below it on both.
"""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from accounts.models import Person, Role
from catalog.offerings.file_cli import files_group
from core import db
from core.cli import Operation
from core.clock import day_in_japan, utcnow
from core.errors import Conflict, Forbidden, Invalid, StaleVersion
from procurement.contracts import services as request_services
from procurement.projects.models import ProjectState
from procurement.proof import services as proof_services
from procurement.proof import verify_evidence as verifier
from procurement.selection import queries, services
from procurement.selection.services import Scan
from tests.page_checks import text_of
from tests.procurement.conftest import request_values
from tests.procurement.test_proof import faults_of, resign, unzip

SCAN = Scan("0" * 64, "決裁.pdf", 10)


def record(market, person, role, **said):
    with db.transaction() as session:
        project = market._load(session)
        selection = queries.latest_selection(session, project.id)
        values = {
            "version": project.version,
            "document_number": "総第123号",
            "decider_title": "総務課長",
            "decider_name": "決裁 太郎",
            "decided_on": day_in_japan(utcnow()),
            "paper_sha256": selection.proposal_sha256[:16].upper(),
            "scan": SCAN,
        }
        actor = market.actor(person, role)
        return services.record_external_decision(session, actor, project, **{**values, **said})


def print_paper(market):
    with db.transaction() as session:
        clerk = market.actor(market.clerk, Role.CLERK)
        return services.print_proposal(session, clerk, market._load(session)).id


def test_another_person_records_the_decision_and_it_counts_as_approved(market, settings):
    market.reach_proposed()
    with pytest.raises(Invalid, match="決裁に回す書類を作って"):
        record(market, market.second_clerk, Role.CLERK)
    assert print_paper(market) == print_paper(market)
    with pytest.raises(Forbidden, match="庁外決裁を記録できません"):
        record(market, market.clerk, Role.CLERK)
    with db.reading() as session:
        proposer = session.get_one(Person, market.clerk.id).name
    today = day_in_japan(utcnow())
    for said, sentence in (
        ({"paper_sha256": ""}, "はじめの16文字以上"),
        ({"paper_sha256": "abc"}, "はじめの16文字以上"),
        ({"paper_sha256": "f" * 64}, "この選定の案のものと違います"),
        ({"decider_name": f" {proposer}"}, "決裁できません"),
        ({"decided_on": today + timedelta(days=1)}, "今日"),
        ({"decided_on": today - timedelta(days=1)}, "案を提出した"),
    ):
        with pytest.raises(Invalid, match=sentence):
            record(market, market.second_clerk, Role.CLERK, **said)
    with pytest.raises(StaleVersion):
        record(market, market.second_clerk, Role.CLERK, version=1)
    with db.reading() as session:
        assert queries.list_scans(session) == []  # nothing of a refused record is left
    record(market, market.second_clerk, Role.CLERK)
    selection = market.selection()
    assert (selection.is_approved, selection.decided_by_id) == (True, None)
    assert market.project().state is ProjectState.SELECTION_APPROVED
    with db.transaction() as session:  # the way goes on exactly as after an approval
        clerk = market.actor(market.clerk, Role.CLERK)
        made = request_services.create_request(
            session, clerk, market._load(session), **request_values()
        )
        request_services.submit_request(session, clerk, made, version=made.version)
    for statement in (
        "UPDATE external_decisions SET decider_name = 'y'",
        "DELETE FROM external_decisions",
    ):
        with pytest.raises((Conflict, DBAPIError)), db.transaction() as session:
            session.execute(text(statement))
    with db.reading() as session:
        assert services.selection_hash(session, selection) == selection.approved_sha256


@pytest.mark.sqlite_only
def test_pages_lead_from_the_paper_to_a_decision_that_a_stranger_can_check(market, settings):
    market.reach_proposed()
    base = f"/projects/{market.project().id}"
    path = f"{base}/external-decision"
    clerk, other = market.as_(market.clerk), market.as_(market.second_clerk)
    assert f'href="{path}"' in clerk.get(f"{base}/decision").text
    assert clerk.submit(path, action="/paper").status_code == 303
    assert "記録は別の人が行います" in clerk.get(path).text
    page = other.get(path).text
    assert market.selection().proposal_sha256 in page.replace("<wbr>", "")
    [pdf] = [line.split('"')[0] for line in page.split('href="') if ".pdf" in line.split('"')[0]]
    paper = other.get(pdf).data
    today = day_in_japan(utcnow())
    values: dict[str, Any] = {
        "document_number": "総第123号",
        "decider_title": "総務課長",
        "decider_name": "決裁 太郎",
        "decided_on-era": "western",
        "decided_on-year": str(today.year),
        "decided_on-month": str(today.month),
        "decided_on-day": str(today.day),
    }
    for said, sentence in (
        ({}, "写し（PDFかPNG）を選択してください"),
        ({"file": (io.BytesIO(b""), "空.pdf")}, "空です"),
        ({"file": (io.BytesIO(b"a,b"), "表.csv")}, "PDFかPNGのファイル"),
        ({"file": (io.BytesIO(paper + b" "), "別.pdf")}, "はじめの16文字以上"),
        ({"document_number": ""}, "文書番号を入力してください"),
    ):
        refused = other.submit(path, {**values, **said}, button="庁外決裁を記録する")
        assert refused.status_code == 422, sentence
        assert sentence in refused.text
        assert "決裁 太郎" in refused.text
    # The very paper, decided on in the body's own system, needs no typed hash.
    values["file"] = (io.BytesIO(paper), "決裁済み.pdf")
    assert other.submit(path, values, button="庁外決裁を記録する").status_code == 303
    shown = text_of(clerk.page(f"{base}/decision"))
    for word in ("庁外決裁", "総第123号", "総務課長", "決裁 太郎", market.second_clerk.name):
        assert word in shown
    history = clerk.get(f"{base}/history").text
    assert "庁外決裁を記録しました（総第123号）" in history
    assert other.get(path).status_code == 409
    assert market.draw_up().status_code == 303
    with db.reading() as session:
        external = queries.find_external_decision(session, market.selection().id)
    scan = clerk.get(f"{path}/{external.id}")
    assert (scan.status_code, scan.data) == (200, paper)
    assert market.as_(market.rival_admin).get(f"{path}/{external.id}").status_code == 404
    operation = Operation(settings, {}, {}, named_files=queries.list_scans)
    checked = CliRunner().invoke(files_group, ["check"], obj=operation)
    assert "1個を確かめ、0個に誤り" in checked.output
    check_records(market, settings, paper)


def check_records(market, settings, scan):
    """Take the ZIP of the case: it holds the decision and its scan; one changed byte of either is told."""
    address = f"/projects/{market.project().id}/pack"
    files = unzip(market.as_(market.clerk).submit(address, {}).data)
    assert json.loads(files["decisions/1.json"])["document_number"] == "総第123号"
    assert files["decisions/1.pdf"] == scan
    assert "決裁 太郎" in files["papers/selection_record-2.json"].decode()
    found = verifier.check_all(files)
    assert verifier.conclude(found)[0] == 0
    seed = settings.effective_audit_seed
    lying = resign({**files, "decisions/1.pdf": scan + b" "}, seed)
    said = ["decisions/1.pdf：庁外決裁の記録にある写しと違います。"]
    assert faults_of(lying) == said
    lying["decisions/1.json"] = files["decisions/1.json"].replace(
        "123号".encode(), "124号".encode()
    )
    assert any(each.startswith("decisions/1.json：") for each in faults_of(resign(lying, seed)))
    with pytest.raises(Conflict, match="もう一度"), db.transaction() as session:
        who = market.actor(market.clerk, Role.CLERK)
        proof_services.export_case(session, who, market._load(session), seed=seed, scans={})
