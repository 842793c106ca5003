"""Every operation of the API has an example, and every example is what the site answers."""

import json
from urllib.parse import quote, urlencode

import pytest
from sqlmodel import select

from accounts.identity import Scope
from accounts.models import Organisation
from catalog.certification.models import Certification
from catalog.specifications.models import StandardSpecification
from core import changes, db
from procurement.contracts.models import Contract
from tests.api import examples
from tests.api.programs import READER, WRITER, Program
from tests.procurement.test_notices import TICKED
from tests.procurement.test_register import values

# The answers are the same on both.
pytestmark = pytest.mark.sqlite_only
_keys = iter(range(10_000))


def publish_notice(market):
    """Bring the case to its end, and publish the contract."""
    market.reach_accepted()
    path = f"/requests/{market.request().id}/contract"
    contract = market.as_(market.clerk).submit(path, values(market)).location
    approver = market.as_(market.approver)
    approver.submit(f"{contract}/confirm", TICKED)
    prepared = {**TICKED, "amount": "3,300,000"}
    market.as_(market.clerk).submit(f"{contract}/notice", prepared)
    assert approver.submit(f"{contract}/notice/publish", TICKED).status_code == 303


@pytest.fixture
def world(market, client):
    publish_notice(market)
    with db.transaction() as session:
        listing = market.cheap
        offering_version = listing.offering_version_id
        certificate = session.exec(
            select(Certification).where(Certification.offering_version_id == offering_version)
        ).one()
        contract = session.exec(select(Contract)).one()
        version = certificate.specification_version_id
        specification = session.exec(
            select(StandardSpecification).where(StandardSpecification.code.startswith("SPEC"))
        ).one()
        body = session.get_one(Organisation, market.body.id)
        changes.append(session, "vendor", market.seller.id)
        found = {"code": specification.code, "body": body.code}
    shown = Program(client, market.body.id)
    (row,) = shown.get("/notices").json["releases"]
    rows = shown.get(f"/listings/{listing.listing_id}").json
    return examples.World(
        {"JK": found["code"], "103021": found["body"]},
        offering_id=rows["offering_id"],
        listing_id=listing.listing_id,
        certification_id=certificate.id,
        vendor_id=market.seller.id,
        version_a=market.cheap.id,
        version_b=market.other.id,
        specification_version_id=version,
        notice_id=row["id"].removesuffix("-1"),
        project_id=market.project().id,
        request_id=market.request().id,
        contract_id=contract.id,
    )


def address_of(operation, sent):
    path = operation.partition(" ")[2]
    for name, value in sent.get("path", {}).items():
        path = path.replace(f"{{{name}}}", quote(value))
    query = urlencode(sent.get("query", {}), doseq=True)
    return path.removeprefix("/api/v1") + (f"?{query}" if query else "")


def ask(program, operation, sent):
    """Send the request of an example as a program does."""
    method, path = operation.split(" ")[0].upper(), address_of(operation, sent)
    headers = {}
    if method == "POST":
        headers["Idempotency-Key"] = f"example-{next(_keys)}"
    elif method != "GET":
        headers["If-Match"] = program.send("GET", path, 200).headers["ETag"]
    status = {"POST": (200, 201, 202), "DELETE": (204,)}.get(method, (200,))
    if "file" in sent:
        file = sent["file"]
        answer = program.upload(path, file["text"].encode(), file["media_type"], **headers)
    else:
        answer = program.try_send(method, path, sent.get("body"), **headers)
    assert answer.status_code in status, f"{operation}: {answer.text}"
    program.check(path, answer, method)
    return answer


def read(operation, answer):
    if answer.mimetype == "application/x-ndjson":
        return json.loads(answer.data.splitlines()[0])
    return None if operation in examples.SHAPELESS or not answer.data else answer.json


@pytest.mark.query_budget(40)
def test_each_example_is_sent_and_answered_as_it_says(market, world, client):
    owners = {READER: market.body.id, WRITER: market.seller.owner_id}
    owners[Scope.WEBHOOK_MANAGE] = market.seller.owner_id
    programs = {scope: Program(client, owner, scope) for scope, owner in owners.items()}
    public = Program(client, market.body.id)
    told, kept = public.description, examples.load()
    operations = {f"{m} {path}" for path, item in told["paths"].items() for m in item}
    assert operations == set(kept), "an operation without example, or the other way round"
    for operation, example in kept.items():
        method, path = operation.split(" ")
        needs = told["paths"][path][method]["security"][0].get("token", [None])[0]
        answer = ask(programs.get(needs, public), operation, world.real(example["request"]))
        found = read(operation, answer)
        world.learn(operation, found)
        if examples.is_writing():
            example |= {"status": answer.status_code, "answer": world.shown(found)}
            continue
        assert example["status"] == answer.status_code, operation
        mend = f"{operation}: write it anew (docs/testing.md)"
        assert examples.shape_of(example["answer"]) == examples.shape_of(found), mend
    if examples.is_writing():
        examples.save(kept)
