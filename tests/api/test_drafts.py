"""Programs of a vendor prepare drafts as its people do on pages; they never submit or publish."""

import contextlib
import hashlib
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from sqlmodel import col, select

from accounts.clients.models import ApiClient
from catalog.offerings.api import answers, groups
from catalog.offerings.models import AnswerDraft, EvidenceFile, OfferState
from catalog.offerings.queries import load_listing_versions
from catalog.specifications.queries import list_requirements
from core import db
from core.audit import AuditDetail, AuditEvent
from core.errors import Conflict
from core.storage import get_store
from tests import factories
from tests.api.draft_groups import (
    BASE,
    COMPONENT,
    EXIT,
    GROUPS,
    HOSTING,
    OPERATION,
    OVERVIEW,
    PRICES,
)
from tests.api.programs import WRITER, Program
from tests.catalog.offerings.conftest import make_company


@pytest.fixture
def company(database):
    with db.transaction() as session:
        return make_company(session)


@pytest.fixture
def specification(database):
    with db.transaction() as session:
        return factories.specification(session, requirements=3)


@pytest.fixture
def program(client, company):
    return Program(client, company.home.id, WRITER)


@pytest.fixture
def draft(program, specification):
    body = {"specification_version_id": str(specification.id), "name": "見本"}
    return program.post("/drafts", body)


def test_a_program_fills_a_draft_until_a_person_can_submit_it(
    program, draft, company, specification, new_client
):
    place = draft.headers["Location"].removeprefix("/api/v1")
    version_id = draft.json["id"]
    assert program.get("/drafts").json["items"] == [draft.json]
    assert not program.get(f"{place}/missing").json["is_complete"]
    for group, body in GROUPS.items():
        assert program.change(f"{place}/{group}", body).json == body
        assert program.get(f"{place}/{group}").json == body
    assert program.get(place).json["groups"] == GROUPS
    for each in program.get(f"{place}/answers").json["items"]:
        assert each["answer"] is None
    answers = [
        {
            "requirement_id": number,
            "answer": answer,
            "note": None,
            "due_on": None,
            "evidence_url": url,
        }
        for number, answer, url in (
            ("R-001", "conforms", "https://example.jp/proof"),
            ("R-003", "not_implemented", None),
        )
    ]
    program.change(f"{place}/answers", {"answers": answers}, method="PATCH")
    (lack,) = program.get(f"{place}/missing").json["items"]
    assert (lack["group"], lack["requirement_id"]) == ("answers", "R-002")
    with db.reading() as session:
        second = list_requirements(session, specification.id)[1].id
    body = {"answer": "conditional", "note": None, "due_on": "2027-04-01", "evidence_url": None}
    program.change(f"{place}/answers/{second}", body)
    assert program.get(f"{place}/missing").json == {"is_complete": True, "items": []}

    browser = new_client()
    browser.query_budget = 60
    factories.sign_in_client(browser, company.admin)
    page = f"/vendor/offerings/{version_id}"
    assert program.get(place).json["page"] == page
    sent = browser.submit(f"{page}/submit", {"confirmed": "yes"})
    assert sent.status_code == 303, sent.text
    tag = program.get(f"{place}/exit").headers["ETag"]
    refused = program.change(f"{place}/exit", EXIT, 409, tag=tag)
    assert "提出済み" in refused.json["detail"]


def test_what_a_page_refuses_is_refused_by_its_place_and_changes_nothing(program, draft):
    place = f"/drafts/{draft.json['id']}"
    refused: dict[str, Any] = {
        "overview": [
            ({**OVERVIEW, "name": ""}, ["name"]),
            ({**OVERVIEW, "features": ["a" * 101, "b"]}, ["features.0"]),
            ({**OVERVIEW, "features": ["x"] * 21}, ["features"]),
            ({**OVERVIEW, "name": "a\u202eb", "summary": "x" * 201}, ["name", "summary"]),
            ({**OVERVIEW, "colour": "red"}, ["colour"]),
            ({"name": "見本"}, ["kana", "summary", "description", "features"]),
        ],
        "hosting": [({**HOSTING, "networks": ["fax"], "hosting_provider": "x"}, ["networks.0", "hosting_provider"])],
        "operation": [
            ({**OPERATION, "planned_service_hours": None}, ["planned_service_hours"]),
            ({**OPERATION, "rto_hours": 1.5}, ["rto_hours"]),
            ({**OPERATION, "availability_basis_points": 10_001}, ["availability_basis_points"]),
            ({**OPERATION, "availability_basis_points": 0}, ["availability_basis_points"]),
        ],
        "exit": [
            ({**EXIT, "escrow": 1}, ["escrow"]),
            ({**EXIT, "export_charge_yen": -1}, ["export_charge_yen"]),
            ({**EXIT, "export_charge_yen": 3 * 10**9}, ["export_charge_yen"]),
        ],
        "accreditations": [
            ({"accreditations": [{**dict.fromkeys(GROUPS["accreditations"]["accreditations"][0])}]}, ["accreditations.0"]),
            ({"accreditations": [{**GROUPS["accreditations"]["accreditations"][0], "body": None}]}, ["accreditations.0.body"]),
        ],
        "discounts": [
            ({**GROUPS["discounts"], "state_support_until": None}, ["state_support_until"]),
            ({**GROUPS["discounts"], "discounts": [{"from_bodies": 9, "basis_points": 500}, {"from_bodies": 9, "basis_points": 400}]}, ["discounts.1.from_bodies", "discounts.1.basis_points"]),
        ],
        "prices": [
            ({**PRICES, "components": [{**BASE, "interval": "usage"}, {**COMPONENT, "currency": "USD"}]}, ["components.0.interval", "components.1.currency"]),
            ({**PRICES, "components": [{**BASE, "tiers": [{"from": 5, "unit_price": 1}]}]}, ["components.0.tiers.0.from"]),
            ({**PRICES, "components": [BASE, {**COMPONENT, "tiers": [{"from": 0, "unit_price": 1}, {"from": 0, "unit_price": 2}]}]}, ["components.1.tiers.1.from"]),
            ({**PRICES, "components": [{**BASE, "tiers": [{"from": n, "unit_price": 1} for n in range(6)]}]}, ["components.0.tiers"]),
            ({**PRICES, "components": [BASE] * 41}, ["components"]),
            ({**PRICES, "components": [{**BASE, "valid_from": "2027-02-30"}]}, ["components.0.valid_from"]),
            ({**PRICES, "components": [{**BASE, "minimum": 9, "maximum": 3}]}, ["components.0.maximum"]),
        ],
    }  # fmt: skip
    for group, cases in refused.items():
        before = program.get(f"{place}/{group}")
        for body, fields in cases:
            problem = program.change(f"{place}/{group}", body, 422, tag=before.headers["ETag"]).json
            assert sorted(each["field"] for each in problem["errors"]) == sorted(fields), problem
            assert all(re.search("[ぁ-ん]", each["message"]) for each in problem["errors"]), problem
        assert program.get(f"{place}/{group}").headers["ETag"] == before.headers["ETag"]


def test_answers_come_in_bulk_with_every_refusal_named_or_not_at_all(program, draft):
    path = f"/drafts/{draft.json['id']}/answers"
    before = program.get(path).headers["ETag"]
    blank = dict.fromkeys(("answer", "note", "due_on", "evidence_url"))
    wrong = [
        ("R-001", {"answer": "conditional"}, "due_on", "due_missing"),
        ("R-001", {"answer": "conforms"}, "requirement_id", "repeated"),
        ("R-999", {"answer": "conforms"}, "requirement_id", "unknown_requirement"),
        ("R-003", {"answer": "conforms"}, "answer", "answer_not_allowed"),
        ("R-002", {"note": "説明だけ"}, "answer", "answer_missing"),
    ]
    answers = [{**blank, "requirement_id": number, **said} for number, said, *_ in wrong]
    problem = program.change(path, {"answers": answers}, 422, tag=before, method="PATCH").json
    assert problem["type"] == "/docs/problems#answers_refused"
    found = {(each["field"], each["code"]) for each in problem["errors"]}
    wanted = {(f"answers.{n}.{name}", code) for n, (*_, name, code) in enumerate(wrong)}
    assert found == wanted
    assert program.get(path).headers["ETag"] == before

    kept = {
        **blank,
        "requirement_id": "R-001",
        "answer": "conforms",
        "note": "画面で確かめられます。",
    }
    done = program.change(path, {"answers": [kept]}, method="PATCH").json
    first = done["items"][0]
    assert (first["answer"], first["note"]) == ("conforms", "画面で確かめられます。")
    one = f"{path}/{first['id']}"
    assert program.get(one).json == first
    refused = program.change(one, {**blank, "answer": "alternative"}, 422).json
    assert [each["field"] for each in refused["errors"]] == ["note"]
    assert program.change(one, blank).json["answer"] is None
    assert program.get(path).headers["ETag"] == before
    program.get(f"{path}/{uuid.uuid4()}", 404)


@pytest.mark.acceptance(33)
def test_a_program_and_a_person_at_one_draft_lose_nothing(program, draft, company, new_client):
    place = f"/drafts/{draft.json['id']}/overview"
    page = f"/vendor/offerings/{draft.json['id']}/overview"
    program.change(place, OVERVIEW)
    browser = new_client()
    factories.sign_in_client(browser, company.member)

    read = program.get(place)
    assert browser.submit(page, {"summary": "人が書いた説明"}).status_code == 303
    sent = {**read.json, "summary": "プログラムの説明"}
    stale = program.change(place, sent, 412, tag=read.headers["ETag"]).json
    assert stale["type"] == "/docs/problems#stale_version"
    assert stale["current"] == {**OVERVIEW, "summary": "人が書いた説明"}
    assert program.get(place).json == stale["current"]
    program.send("PUT", place, 428, sent)

    press = browser.prepare(page, {"summary": "人の次の説明"})
    program.edit(place, summary="プログラムの次の説明")
    answer = press()
    assert answer.status_code == 412
    assert "人の次の説明" in answer.text
    assert "プログラムの次の説明" in answer.text
    assert program.get(place).json["summary"] == "プログラムの次の説明"


@pytest.mark.query_budget(90)  # two requests in one
@pytest.mark.postgres_only  # SQLite lets one writer in at a time: nobody comes between
@pytest.mark.parametrize(
    ("group", "method", "module", "name"),
    [
        ("overview", "PUT", groups, "_save"),
        ("prices", "PUT", groups, "_save"),
        ("answers", "PATCH", answers, "_store"),
    ],
)
def test_the_loser_of_a_race_is_told_what_stands_there_now(
    program, draft, company, new_client, monkeypatch, group, method, module, name
):
    place = f"/drafts/{draft.json['id']}/{group}"
    given = {"note": None, "due_on": None, "evidence_url": None, "requirement_id": "R-001"}
    bodies: dict[str, list[Any]] = {
        "overview": [OVERVIEW, {**OVERVIEW, "summary": "遅い説明"}],
        "prices": [PRICES, {**PRICES, "minimum_term_months": 7}],
        "answers": [
            {"answers": [{**given, "answer": each}]} for each in ("conforms", "not_conforming")
        ],
    }
    faster, slower = bodies[group]
    store, rival = getattr(module, name), Program(new_client(), company.home.id, WRITER)

    def store_late(*arguments, **named):
        """Let the other program in after the check, before the writing."""
        monkeypatch.setattr(module, name, store)
        with ThreadPoolExecutor(1) as beside:
            beside.submit(rival.change, place, faster, method=method).result()
        return store(*arguments, **named)

    monkeypatch.setattr(module, name, store_late)
    lost = program.change(place, slower, 412, method=method).json
    assert lost["type"] == "/docs/problems#stale_version"
    assert lost["current"] == program.get(place).json == rival.get(place).json
    assert "currentの今の内容" in lost["detail"]
    assert lost["current"] != slower


def test_what_a_person_typed_and_not_saved_outlives_a_program(program, draft, company, new_client):
    path = f"/drafts/{draft.json['id']}/answers"
    page = f"/vendor/offerings/{draft.json['id']}/answers/1"
    browser = new_client()
    factories.sign_in_client(browser, company.member)
    refused = browser.submit(page, {"answer_1": "alternative"})
    assert refused.status_code == 422
    answer = {"answer": "conforms", "note": None, "due_on": None, "evidence_url": None}
    one = {**answer, "requirement_id": "R-001"}
    program.change(path, {"answers": [one]}, method="PATCH")
    with db.reading() as session:
        (kept,) = session.exec(select(AnswerDraft)).all()
    assert kept.typed["answer"] == "alternative"


def test_one_key_makes_one_draft(program, specification):
    body = {"specification_version_id": str(specification.id), "name": "見本"}
    first = program.post("/drafts", body, key="one-draft-only")
    again = program.post("/drafts", body, key="one-draft-only")
    assert again.json == first.json
    assert len(program.get("/drafts").json["items"]) == 1
    program.send("POST", "/drafts", 400, body)
    program.post("/drafts", {**body, "name": "別"}, 422, key="one-draft-only")
    wrong = {"specification_version_id": "x", "name": ""}
    problem = program.post("/drafts", wrong, 422).json
    assert {each["field"] for each in problem["errors"]} == set(wrong)


CSV = "番号,結果\r\n1,合格\r\n".encode()


@pytest.mark.query_budget(45)
def test_a_program_puts_evidence_beside_an_answer_once_and_takes_it_away(
    program, draft, company, client, settings
):
    answers = f"/drafts/{draft.json['id']}/answers"
    first = program.get(answers).json["items"][0]
    place = f"{answers}/{first['id']}/evidence"
    send = f"{place}?name={quote('試験結果.csv')}"
    refused = program.upload(send, CSV, "text/csv", 422).json
    assert [each["field"] for each in refused["errors"]] == ["file"]
    answer = {"answer": "conforms", "note": None, "due_on": None, "evidence_url": None}
    program.change(f"{answers}/{first['id']}", answer)
    check_refusals(program, place)
    assert program.get(place).json == {"items": []}
    assert list(get_store(settings).list()) == []

    done = program.upload(send, CSV, "text/csv", **{"Idempotency-Key": "evidence-once"})
    sha256 = hashlib.sha256(CSV).hexdigest()
    told = {"name": "試験結果.csv", "kind": "csv", "size": len(CSV), "sha256": sha256}
    assert done.json == {"id": done.json["id"], **told}
    one = f"{place}/{done.json['id']}"
    assert done.headers["Location"] == f"/api/v1{one}"
    with contextlib.closing(get_store(settings).open(sha256)) as kept:
        assert kept.read() == CSV
    again = program.upload(send, CSV, "text/csv", **{"Idempotency-Key": "evidence-once"})
    assert (again.json, again.headers["Idempotency-Replayed"]) == (done.json, "true")
    other = f"{place}?name=other.csv"
    program.upload(other, CSV, "text/csv", 422, **{"Idempotency-Key": "evidence-once"})
    program.upload(other, CSV, "application/octet-stream", 409)
    assert program.get(place).json["items"] == [done.json] == [program.get(one).json]
    assert program.get(f"{answers}/{first['id']}").json["evidence"] == [done.json]
    check_trail(sha256)

    with db.transaction() as session:
        home_id = make_company(session).home.id
    stranger = Program(client, home_id, WRITER)
    stranger.get(place, 404)
    stranger.upload(send, CSV, "text/csv", 404)
    stranger.send("DELETE", one, 404, **{"If-Match": done.headers["ETag"]})
    program.send("DELETE", one, 428)
    program.send("DELETE", one, 412, **{"If-Match": '"x"'})
    program.send("DELETE", one, 204, **{"If-Match": program.get(one).headers["ETag"]})
    program.get(one, 404)
    assert program.get(place).json == {"items": []}


def check_refusals(program, place):
    """Whatever cannot be evidence is refused in the way that says what to mend."""
    for media_type, name, content, status in (
        ("text/html", "a.csv", CSV, 415),
        ("application/json", "a.csv", b"{}", 415),
        ("image/png", "a.csv", CSV, 422),
        ("application/pdf", "a.pdf", CSV, 422),
        ("text/csv", "a.html", CSV, 422),
        ("text/csv", "", CSV, 400),
    ):
        answered = program.upload(f"{place}?name={name}", content, media_type, status)
        assert answered.content_type == "application/problem+json"
    told = {"Authorization": f"Bearer {program.token}", "Idempotency-Key": "a-large-file"}
    told |= {"Content-Type": "text/csv"}
    for length, status in ("20000001", 413), ("21000001", 413), ("", 411):
        large = program.client.open(
            f"/api/v1{place}?name=a.csv",
            method="POST",
            headers=told,
            environ_overrides={"CONTENT_LENGTH": length} if length else {},
        )
        assert (large.status_code, large.mimetype) == (status, "application/problem+json")


def check_trail(sha256):
    """A file has one uploader, here the program, which the trail names; the database refuses none."""
    with db.reading() as session:
        file = session.exec(select(EvidenceFile)).one()
        assert (file.sha256, file.uploaded_by_id) == (sha256, None)
        sent = session.get_one(ApiClient, file.uploaded_by_client_id)
        event, detail = session.exec(
            select(AuditEvent, AuditDetail)
            .join(AuditDetail, col(AuditDetail.sequence) == AuditEvent.sequence)
            .where(AuditEvent.action == "offering.attach_evidence")
        ).one()
        assert event.person_id is None
        assert detail.detail["client_id"] == str(sent.id)
    for by in (None, file.uploaded_by_client_id):
        person = None if by is None else factories.person
        with pytest.raises(Conflict), db.transaction() as session:
            values = {"owner_id": file.owner_id, "sha256": "f" * 64, "kind": file.kind, "size": 1}
            made = person(session).id if person else None
            session.add(EvidenceFile(**values, uploaded_by_id=made, uploaded_by_client_id=by))


@pytest.mark.query_budget(32)  # a version is copied with answers, terms and prices
def test_the_next_version_of_what_is_public_begins_once_and_for_its_owner(
    program, company, specification, client
):
    with db.transaction() as session:
        other = make_company(session)
        public = factories.offering(session, company.vendor, specification, name="公開の窓口予約")
        draft = factories.offering(session, company.vendor, specification, OfferState.DRAFT)
        session.expunge_all()
        offers = load_listing_versions(session, [public.id, draft.id])
        place, unpublished = (
            f"/offerings/{offers[each.id].listing.offering_id}/drafts" for each in (public, draft)
        )
        read = f"/drafts/{offers[public.id].offering_version_id}"
    begun = program.post(place, None, key="next-version")
    assert (begun.json["number"], begun.json["state"]) == (2, "draft")
    assert begun.headers["Location"] == f"/api/v1/drafts/{begun.json['id']}"
    made = f"/drafts/{begun.json['id']}"
    assert program.get(made).json["groups"] == program.get(read).json["groups"]
    answers = [program.get(f"{each}/answers").json for each in (made, read)]
    assert answers[0] == answers[1]
    again = program.post(place, None, key="next-version")
    assert (again.json, again.headers["Idempotency-Replayed"]) == (begun.json, "true")

    refused = program.post(place, None, 409).json
    assert "第2版が「下書き」です" in refused["detail"]
    assert "まだ公開していない" in program.post(unpublished, None, 409).json["detail"]
    stranger = Program(client, other.home.id, WRITER)
    for where in (place, f"/offerings/{uuid.uuid4()}/drafts"):
        assert stranger.post(where, None, 404).json["type"] == "/docs/problems#not_found"
    assert {each["id"] for each in program.get("/drafts").json["items"]} == {
        begun.json["id"],
        str(draft.offering_version_id),
    }


def test_own_drafts_come_in_pages_and_nobody_elses(program, specification, client):
    made = set()
    with db.transaction() as session:
        other = make_company(session)
    stranger = Program(client, other.home.id, WRITER)
    for name in ("一", "二", "三"):
        body = {"specification_version_id": str(specification.id), "name": name}
        made.add(program.post("/drafts", body).json["id"])
        theirs = stranger.post("/drafts", body).json["id"]
    first = program.get("/drafts?limit=2").json
    rest = program.get(f"/drafts?limit=2&cursor={first['next']}").json
    assert rest["next"] is None
    assert {each["id"] for each in [*first["items"], *rest["items"]]} == made
    program.get("/drafts?cursor=x", 400)
    nothing = program.get(f"/drafts/{uuid.uuid4()}", 404).json
    hidden = program.get(f"/drafts/{theirs}", 404).json
    for name in ("title", "detail", "type"):
        assert hidden[name] == nothing[name]
    for group, body in GROUPS.items():
        program.get(f"/drafts/{theirs}/{group}", 404)
        program.change(f"/drafts/{theirs}/{group}", body, 404, tag='"x"')
    program.change(f"/drafts/{theirs}/answers", {"answers": [{**dict.fromkeys(("answer", "note", "due_on", "evidence_url")), "requirement_id": "R-001"}]}, 404, tag='"x"', method="PATCH")  # fmt: skip


def test_the_trail_names_the_program(program, draft):
    program.edit(f"/drafts/{draft.json['id']}/overview", summary="プログラムの説明")
    with db.reading() as session:
        events = session.exec(
            select(AuditEvent, AuditDetail)
            .join(AuditDetail, col(AuditDetail.sequence) == AuditEvent.sequence)
            .where(col(AuditEvent.action).in_(("offering.create", "offering.edit")))
        ).all()
    assert len(events) == 2
    for event, detail in events:
        assert event.person_id is None
        assert "client" in str(detail.detail), detail.detail
