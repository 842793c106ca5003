"""Programs of a body read its own projects as its clerks do, and never what is shut to clerks."""

import hashlib
import uuid

import pytest

from accounts.identity import Scope
from accounts.models import Organisation
from core import db
from tests import factories
from tests.api.programs import READER, Program

PAGES = ("/projects", "/requests", "/contracts")


@pytest.fixture
def program(market, new_client):
    return Program(new_client(), market.body.id, READER)


def test_a_program_reads_the_whole_case_of_its_body(market, program):
    market.reach_locked()
    market.leave_out(market.dear, reason="夜間の受付に合わないため。")
    project = market.project()
    (row,) = program.get("/projects").json["items"]
    assert (row["id"], row["number"]) == (str(project.id), project.number)
    whole = program.get(f"/projects/{project.id}").json
    assert (whole["need"], whole["burden_limit"]) == (project.need, 3_000_000)
    (pack,) = whole["evidence"]
    evidence = program.get(f"/projects/{project.id}/evidence/{pack['revision']}")
    assert hashlib.sha256(evidence.data).hexdigest() == pack["sha256"]
    candidates = program.get(f"/projects/{project.id}/candidates").json
    assert candidates["evidence_sha256"] == pack["sha256"]
    excluded = {each["name"]: each["exclusion"] for each in candidates["items"]}
    assert set(excluded) == {"まちの予約帳", "とびらの予約", "おおきな予約"}
    assert excluded["まちの予約帳"] is None
    assert excluded["おおきな予約"]["reason"] == "夜間の受付に合わないため。"
    same = program.get(f"/projects/{project.id}/candidates?revision=1").json
    assert same == candidates
    program.get(f"/projects/{project.id}/candidates?revision=2", 404)
    program.get(f"/projects/{project.id}/evidence/9", 404)
    program.get(f"/projects/{project.id}?colour=red", 400)


def test_a_program_reads_requests_and_contracts_of_its_body_alone(market, program, new_client):
    market.reach_sent()
    found = market.request()
    (row,) = program.get("/requests").json["items"]
    assert (row["number"], row["state"]) == (found.number, "sent")
    whole = program.get(f"/requests/{found.id}").json
    assert whole["payload_sha256"] == found.payload_sha256
    assert whole["choice"]["listing_version_id"] == str(market.cheap.id)
    assert whole["choice"]["total_with_tax"] == market.selection().total_with_tax
    assert program.get("/contracts").json["items"] == []

    project = market.project().id
    with db.transaction() as session:
        town = factories.body(session)
        rival = session.get_one(Organisation, market.rival.owner_id)
        _, seller = factories.api_client(session, rival)
    stranger = Program(new_client(), town.id, READER)
    addresses = (
        f"/projects/{project}",
        f"/projects/{project}/candidates",
        f"/projects/{project}/evidence/1",
        f"/requests/{found.id}",
    )
    nothing = stranger.get(f"/projects/{uuid.uuid4()}", 404).json
    for address in addresses:
        hidden = stranger.get(address, 404).json
        assert (hidden["title"], hidden["type"]) == (nothing["title"], nothing["type"])
        program.get(address)
    for address in PAGES:
        assert stranger.get(address).json["items"] == []
    stranger.token = seller
    for address in (*PAGES, *addresses):
        assert Scope.PROJECT_READ in stranger.get(address, 403).json["detail"]


def test_nothing_of_a_project_can_be_changed_by_a_program(market, program):
    market.reach_searching()
    project = market.project()
    for address in (*PAGES, f"/projects/{project.id}", f"/projects/{project.id}/candidates"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = program.client.open(
                f"/api/v1{address}",
                method=method,
                json={},
                headers={"Authorization": f"Bearer {program.token}"},
            )
            assert answer.status_code == 405, (method, address)
    assert market.project().version == project.version
