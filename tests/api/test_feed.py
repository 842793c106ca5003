"""The change feed and the snapshot over HTTP: what a mirror holds, number for number.

What is written under the feed lock runs on both databases; headers and paging on SQLite alone.
"""

import json
import re
import threading
import time
import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from sqlalchemy import text, update
from sqlmodel import col

from app import cli, outbox_handlers
from catalog import feed, feed_upkeep, feed_wait
from catalog.api_schemas import RECORDS
from catalog.certification.models import Certification, ReviewAction
from catalog.offerings.queries import load_listing_versions
from catalog.records import SHAPE
from catalog.specifications.models import SpecificationVersion
from core import changes, clock, db, outbox
from core.documents import canonical_json, sha256_hex
from tests import factories
from tests.api.world import START, component, hash_of, replay, withdraw
from vendors.models import Vendor, VendorAction

# Key paths of all records at each shape: whoever changes one raises SHAPE in catalog/records.py,
# for else mirrors would keep the old form.
SHAPES = {1: "ac1d08e18d3ab7b9"}


def test_changes_come_in_order_with_the_records_of_now(api, market):
    page = api.json("/changes?since=0")
    assert [each["sequence"] for each in page["changes"]] == list(range(1, page["head"] + 1))
    assert page["next_since"] == page["head"]
    assert {each["operation"] for each in page["changes"]} == {"upsert"}
    for change in page["changes"]:
        api.hold(change["data"], {"$ref": f"#/components/schemas/{component(change['kind'])}"})
    assert api.json(f"/changes?since={page['head']}")["changes"] == []
    seen: list[int] = []
    path: str | None = "/changes?since=0&limit=2"
    while path:
        response = api.get(path)
        seen += [each["sequence"] for each in response.json["changes"]]
        link = re.search(r"/api/v1([^>]+)>", response.headers.get("Link", ""))
        path = link.group(1) if link else None
    assert seen == list(range(1, page["head"] + 1))
    assert len(api.client.statements) <= 3, api.client.statements


@pytest.mark.acceptance(32)
def test_a_number_from_the_future_is_400_and_a_lost_one_410_with_the_way_out(
    api, market, settings, hold_clock
):
    hold_clock(START + timedelta(days=300))
    with db.transaction() as session:
        session.get_one(Vendor, market.makers[0].id).revise(kana="ミホン")
        changes.append(session, "vendor", market.makers[0].id)
    held = api.json("/changes?since=0")
    head, epoch = held["head"], held["epoch"]
    assert str(head) in api.json(f"/changes?since={head + 1}", 400)["detail"]
    way_out = "/api/v1/snapshot"
    assert way_out in api.json("/changes?since=1&epoch=another", 410)["detail"]
    # In another epoch a number that is too high was simply given by another server.
    assert way_out in api.json(f"/changes?since={head + 1}&epoch=another", 410)["detail"]
    hold_clock(START + timedelta(days=settings.feed_keep_days, seconds=1))
    with db.transaction() as session:
        outbox.publish(session, feed_upkeep.PRUNE, {})
    assert outbox.drain(outbox_handlers(settings)) == 1
    for since in (0, head - 2):
        told = api.json(f"/changes?since={since}", 410)
        assert (told["type"], way_out in told["detail"]) == ("/docs/problems#cursor_too_old", True)
    (last,) = api.json(f"/changes?since={head - 1}&epoch={epoch}")["changes"]
    assert (last["sequence"], last["data"]["name_kana"]) == (head, "ミホン")
    assert api.json(f"/changes?since={head}")["changes"] == []
    with db.reading() as session:
        (due_at,) = session.execute(
            text("SELECT due_at FROM outbox_messages WHERE done_at IS NULL")
        ).one()
    assert "15:00" in str(due_at)  # the next night, in Japan


@pytest.mark.sqlite_only
def test_the_snapshot_names_its_number_and_proves_its_content(api, market, settings, monkeypatch):
    response = api.get("/snapshot")
    assert response.mimetype == "application/x-ndjson"
    assert int(response.headers["Content-Length"]) == len(response.data)
    header = json.loads(response.data.splitlines()[0])
    records = api.records(response)
    page = api.json("/changes?since=0")
    assert header["sequence"] == page["head"]
    assert header["count"] == page["count"] == len(records) == 9
    assert header["content_hash"] == page["content_hash"] == hash_of(records)
    for line in response.data.splitlines()[1:]:
        found = json.loads(line)
        assert canonical_json(found["data"]) in line  # what is hashed is what is sent
        api.hold(found["data"], {"$ref": f"#/components/schemas/{component(found['kind'])}"})
    assert [*(settings.data_dir / "tmp").iterdir()] == []
    with monkeypatch.context() as patch:
        patch.setattr(feed, "_copy", None)  # nothing is copied for those who want no content
        asked = api.client.head("/api/v1/snapshot")
        assert (asked.status_code, asked.headers["ETag"]) == (200, response.headers["ETag"])
        api.get("/snapshot", 304, headers={"If-None-Match": asked.headers["ETag"]})
    with feed._writing, feed._writing:
        busy = api.get("/snapshot", 503)
    assert (busy.headers["Retry-After"], busy.mimetype) == ("5", "application/problem+json")
    assert api.get("/snapshot").data.splitlines()[1:] == response.data.splitlines()[1:]


def test_a_reader_may_wait_for_the_next_change(api, market, monkeypatch, new_client):
    head = api.json("/changes?since=0")["head"]
    path = f"/api/v1/changes?since={head}&wait=20"
    answers = []
    readers = [
        threading.Thread(target=lambda: answers.append(new_client().get(path))) for _ in range(2)
    ]
    for reader in readers:
        reader.start()
    while feed_wait.WATCH._waiting < 2:
        time.sleep(0.01)
    begun = time.monotonic()
    assert api.get(f"/changes?since={head}&wait=20").json["changes"] == []  # two may wait, no more
    with db.transaction() as session:
        session.get_one(Vendor, market.makers[0].id).revise(kana="マチビト")
        changes.append(session, "vendor", market.makers[0].id)
    for reader in readers:
        reader.join()
    assert time.monotonic() - begun < 10
    for answer in answers:
        assert [each["data"]["name_kana"] for each in answer.json["changes"]] == ["マチビト"]
        assert answer.headers["Cache-Control"] == "no-store"
    assert api.json(f"/changes?since={head + 1}&wait=1")["changes"] == []
    monkeypatch.setattr(feed_wait.WATCH, "is_ending", lambda: True)
    assert api.json(f"/changes?since={head + 1}&wait=20")["changes"] == []
    assert time.monotonic() - begun < 15
    for wrong in ("21", "-1", "x"):
        problem = api.json(f"/changes?since=0&wait={wrong}", 400)
        assert [each["field"] for each in problem["errors"]] == ["wait"]
    while feed_wait.WATCH._is_watched:  # the thread ends when nobody waits
        time.sleep(0.01)


def add_offering(market, name):
    with db.transaction() as session:
        fresh = factories.offering(session, market.makers[0], market.version, name=name)
        row = load_listing_versions(session, [fresh.id])[fresh.id]
        changes.append(session, "offering", row.listing.offering_id)


@pytest.mark.acceptance(30)
def test_snapshot_and_replayed_changes_equal_the_server(api, market):
    held = api.get("/snapshot")
    mirror = api.records(held)
    since = json.loads(held.data.splitlines()[0])["sequence"]
    before = dict(mirror)
    withdraw(market, market.second)
    add_offering(market, "後から")
    since = replay(api, mirror, since)
    assert mirror == api.records(api.get("/snapshot"))
    assert len(mirror) == len(before)
    # A vendor takes all that is its own with it, in the very act that suspends it.
    with db.transaction() as session:
        session.get_one(Vendor, market.makers[0].id).apply(VendorAction.SUSPEND)
        changes.append(session, "vendor", market.makers[0].id)
        session.get_one(Certification, market.certificate.id).apply(
            ReviewAction.SUSPEND, suspended_by_id=market.certificate.decided_by_id
        )
        changes.append(session, "certificate", market.certificate.id)
    since = replay(api, mirror, since)
    assert mirror == api.records(api.get("/snapshot"))
    assert ("vendor", str(market.makers[0].id)) not in mirror
    assert not [key for key in mirror if key[0] in {"offering", "listing"}]
    with db.transaction() as session:
        session.get_one(Vendor, market.makers[0].id).apply(VendorAction.RESUME)
        changes.append(session, "vendor", market.makers[0].id)
    since = replay(api, mirror, since)
    assert mirror == api.records(api.get("/snapshot"))
    assert len([key for key in mirror if key[0] == "offering"]) == 2
    # A later version of the specification says until when the certificate has to be looked at.
    with db.transaction() as session:
        older = market.version
        later = SpecificationVersion(
            specification_id=older.specification_id,
            label="9.0",
            state=older.state,
            applies_from=clock.day_in_japan(START),
            last_editor_id=factories.person(session).id,
            publisher_id=factories.person(session).id,
        )
        session.add(later)
        changes.append(session, "specification_version", later.id)
    replay(api, mirror, since)
    assert mirror["certificate", str(market.certificate.id)]["recheck_by"] is not None
    assert mirror == api.records(api.get("/snapshot"))


def test_an_expired_certificate_reaches_the_feed(api, market, settings, hold_clock):
    with db.transaction() as session:
        outbox.publish(
            session,
            "certification.expired",
            {"certification_id": market.certificate.id},
            due_at=market.certificate.valid_until,
        )
    mirror = api.records(api.get("/snapshot"))
    since = api.json("/changes?since=0")["head"]
    hold_clock(market.certificate.valid_until + timedelta(seconds=1))
    assert api.json(f"/offerings/{market.offering_id}")["certification"]["state"] == "expired"
    outbox.run_due(outbox_handlers(settings))
    replay(api, mirror, since)
    assert mirror["certificate", str(market.certificate.id)]["state"] == "expired"
    assert mirror == api.records(api.get("/snapshot"))


def test_what_reads_the_same_or_never_was_public_is_not_announced(api, market):
    before = api.json("/changes?since=0")
    with db.transaction() as session:
        changes.append(session, "vendor", market.makers[0].id)
        changes.append(session, "listing", market.secret.listing_id)
        changes.append(session, "vendor", market.hidden.id, changes.Operation.DELETE)
        changes.append(session, "certificate", uuid.uuid4(), changes.Operation.DELETE)
    assert api.json("/changes?since=0") == before
    # An act begun before midnight ends after it: the day is read when its turn in the feed comes.
    with db.transaction() as session:
        session.info["now"] -= timedelta(days=1)
        session.get_one(Vendor, market.makers[1].id).revise(kana="アト")
        changes.append(session, "vendor", market.makers[1].id)
    (change,) = api.json(f"/changes?since={before['head']}")["changes"]
    assert change["occurred_at"].startswith("2026-11-21T03:00:00")


def run(settings, *arguments):
    environment = {
        "NARABI_ENV": "development",
        "NARABI_DATABASE_URL": settings.database_url,
        "NARABI_DATA_DIR": str(settings.data_dir),
    }
    return CliRunner().invoke(cli, arguments, env=environment)


def test_drift_is_found_named_and_repaired_by_way_of_the_feed(api, market, settings):
    mirror = api.records(api.get("/snapshot"))
    since = api.json("/changes?since=0")["head"]
    sound = run(settings, "feed", "check")
    assert (sound.exit_code, "データベースの内容と同じです" in sound.output) == (0, True)
    gone, other = uuid.uuid4(), market.makers[1].id
    with db.transaction() as session:  # past the program, as no act does
        session.execute(text("UPDATE vendors SET kana = 'ズレ' WHERE kana = ''"))
        session.execute(text("DELETE FROM public_records WHERE kind = 'specification_version'"))
        session.add(
            changes.PublicRecord(
                kind="listing", subject_id=gone, content="{}", sha256="0" * 64, sequence=1
            )
        )
    found = run(settings, "feed", "check")
    assert (found.exit_code, "不足1件、違い2件、余分1件" in found.output) == (1, True)
    assert "narabi feed check --repair" in found.output
    repaired = run(settings, "feed", "check", "--repair")
    assert (repaired.exit_code, "直しました" in repaired.output) == (0, True)
    assert "不足0件、違い0件、余分0件" in run(settings, "feed", "check").output
    found = api.json(f"/changes?since={since}")["changes"]
    assert {(each["kind"], each["operation"]) for each in found} == {
        ("vendor", "upsert"),
        ("specification_version", "upsert"),
        ("listing", "delete"),
    }
    for each in found:
        key = (each["kind"], each["id"])
        mirror.pop(key, None)
        if each["data"]:
            mirror[key] = each["data"]
    assert mirror == api.records(api.get("/snapshot"))
    assert mirror["vendor", str(other)]["name_kana"] == "ズレ"


@pytest.mark.sqlite_only
def test_an_upgrade_writes_the_records_of_an_older_program_anew(api, market, settings):
    with db.transaction() as session:
        session.execute(text("DELETE FROM public_records"))
        session.execute(
            text("UPDATE feed_state SET shape = 0, record_count = 0, catalog_hash = :none"),
            {"none": "0" * 64},
        )
    assert "公開情報：書き方が古いままです" in run(settings, "doctor").output
    since = api.json("/changes?since=0")["head"]
    assert "新しい書き方にしました（9件）" in run(settings, "db", "upgrade").output
    assert "最新の書き方です" in run(settings, "db", "upgrade").output
    assert "公開情報：9件" in run(settings, "doctor").output
    mirror: dict = {}
    replay(api, mirror, since)
    assert mirror == api.records(api.get("/snapshot"))
    assert run(settings, "feed", "prune").output.startswith("0件を消しました。0番まで")


@pytest.mark.sqlite_only
def test_whoever_changes_what_records_say_raises_their_shape(api, market):
    def paths(value, at):
        if isinstance(value, dict):
            return [each for key in value for each in paths(value[key], f"{at}.{key}")]
        return [at]

    told = sorted(
        path for kind, (_, schema) in RECORDS.items() for path in paths(_fields(schema()), kind)
    )
    assert SHAPES[SHAPE] == sha256_hex("\n".join(told).encode())[:16]


def _fields(schema):
    """The keys of a schema, and of the schemas in it."""
    found = {}
    for name, field in schema.fields.items():
        inner = getattr(field, "inner", field)
        found[name] = _fields(inner.schema) if hasattr(inner, "schema") else {}
    return {name: value or None for name, value in found.items()}


@pytest.mark.acceptance(31)
def test_600_concurrent_changes_arrive_once_in_order_and_without_gaps(api, market):
    writers, acts, things = 6, 5, 20
    with db.transaction() as session:
        vendors = [factories.vendor(session).id for _ in range(writers * things)]
    mirror = api.records(api.get("/snapshot"))
    start = api.json("/changes?since=0")["head"]

    def write(number):
        mine = vendors[number * things : (number + 1) * things]
        for act in range(acts):
            with db.transaction() as session:
                session.execute(
                    update(Vendor).where(col(Vendor.id).in_(mine)).values(kana=f"ミホン{act}")
                )
                for vendor_id in mine:
                    changes.append(session, "vendor", vendor_id)

    api.client.query_budget = 10_000  # the writers' statements are counted as well
    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    kept = SimpleNamespace(since=start)
    while any(thread.is_alive() for thread in threads) or kept.since < start + 600:
        time.sleep(0.02)
        page = api.json(f"/changes?since={kept.since}&limit=50")
        if len(seen) % 3 == 1:  # killed with the page in hand: it goes on from what it kept
            seen.append(0)
            continue
        seen += [each["sequence"] for each in page["changes"]]
        for each in page["changes"]:
            mirror[each["kind"], each["id"]] = each["data"]
        kept.since = page["next_since"]
    for thread in threads:
        thread.join()
    assert [each for each in seen if each] == list(range(start + 1, start + 601))
    assert mirror == api.records(api.get("/snapshot"))
