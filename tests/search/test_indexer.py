"""The outbox feeds the index; rebuild and check hold it to the database.

What the engine alone decides runs on SQLite; what is read, ordered and delivered, on both.
"""

import re
import threading
from datetime import timedelta

import pytest
from click.testing import CliRunner

from app import cli, outbox_handlers
from catalog.offerings.models import ListingVersion, OfferAction, OfferingVersion
from catalog.offerings.services import ACCREDITATION_EXPIRED
from core import clock, db, outbox
from core.config import Settings
from search.analysis import analysis_version, matches
from search.embedded import EmbeddedEngine
from search.engine import IndexMissing, SearchQuery
from search.indexer import check, index_listings, rebuild
from search.queries import get_engine, read_records, verify_hits
from search.queries.listings import list_offering_ids, list_stale_listing_ids
from tests import factories
from tests.search.market import index_all, open_listing, publish
from vendors.models import Vendor, VendorAction


def found_ids(engine, text="", **filters) -> set[str]:
    query = SearchQuery(text=text, filters={k: frozenset({v}) for k, v in filters.items()})
    return set(engine.search_all(query).ids)


@pytest.fixture
def engine(settings):
    return get_engine(settings)


@pytest.fixture
def deliver(settings):
    return lambda: outbox.drain(outbox_handlers(settings))


def test_published_listing_is_found_after_the_message(settings, engine, deliver):
    with db.transaction() as session:
        version = open_listing(session, name="まちのへや予約")
        outbox.publish(session, "search.listing_changed", {"listing_id": version.listing_id})
    assert deliver() == 1
    assert found_ids(engine, "へや予約") == {str(version.id)}
    with db.reading() as session:
        stored = session.get(ListingVersion, version.id)
        assert stored.search_text_version == analysis_version()
        assert matches("まちのへや", stored.search_text)


@pytest.mark.sqlite_only
def test_withdrawn_listing_leaves_the_index(settings, engine, deliver):
    with db.transaction() as session:
        version = open_listing(session)
        kept = open_listing(session)
    index_all(settings, version, kept)
    with db.transaction() as session:
        session.get(ListingVersion, version.id).apply(OfferAction.WITHDRAW)
    publish("search.listing_changed", listing_id=version.listing_id)
    deliver()
    assert found_ids(engine) == {str(kept.id)}


def test_suspended_vendor_disappears_as_seller_and_as_maker_and_comes_back(
    settings, engine, deliver
):
    with db.transaction() as session:
        maker = factories.vendor(session)
        version = open_listing(session, maker=maker)
        other = open_listing(session)
    index_all(settings, version, other)
    with db.transaction() as session:
        session.get(ListingVersion, version.id).search_text_version = "older"
        assert list_stale_listing_ids(session) == [version.listing_id]
    _change_vendor(maker.id, VendorAction.SUSPEND)
    deliver()
    assert found_ids(engine) == {str(other.id)}
    with db.reading() as session:  # nobody sees it, so nobody mends it
        assert list_stale_listing_ids(session) == []
    _change_vendor(maker.id, VendorAction.RESUME)
    deliver()
    assert found_ids(engine) == {str(version.id), str(other.id)}


def _change_vendor(vendor_id, action):
    with db.transaction() as session:
        session.get(Vendor, vendor_id).apply(action)
        outbox.publish(session, "vendor.state_changed", {"vendor_id": vendor_id})


def test_one_batch_takes_changes_of_all_kinds_and_leaves_out_the_bad_one(
    settings, engine, deliver, monkeypatch
):
    with db.transaction() as session:
        maker, other = factories.vendor(session), factories.vendor(session)
        specification = factories.specification(session)
        gone, certified, renamed = (
            open_listing(session, maker=each, specification=specification)
            for each in (maker, other, other)
        )
    index_all(settings, gone, certified, renamed)
    with db.transaction() as session:
        session.get(Vendor, maker.id).apply(VendorAction.SUSPEND)
        version = session.get(OfferingVersion, certified.offering_version_id)
        past = clock.utcnow() - timedelta(days=400)
        certificate = factories.certification(
            session, version, decided_at=past, valid_from=past, valid_until=past + timedelta(days=9)
        )
        session.get(OfferingVersion, renamed.offering_version_id).revise(name="新しい名前の台帳")
        for topic, payload in (
            ("vendor.state_changed", {"vendor_id": maker.id}),
            ("certification.expired", {"certification_id": certificate.id}),
            ("search.listing_changed", {"listing_id": renamed.listing_id}),
            ("search.listing_changed", {"listing_id": "not an id"}),
        ):
            outbox.publish(session, topic, payload)
    writes, write = [], EmbeddedEngine.upsert

    def count(self, records):
        held = list(records)
        writes.append(len(held))
        write(self, held)

    monkeypatch.setattr(EmbeddedEngine, "upsert", count)
    deliver()
    assert found_ids(engine) == {str(certified.id), str(renamed.id)}
    assert found_ids(engine, "台帳") == {str(renamed.id)}
    assert found_ids(engine, certification="expired") == {str(certified.id)}
    with db.reading() as session:
        assert outbox.count_waiting(session) == (0, 0)
    # What came with the bad one is written alone, what the other topics spread in one commit.
    assert writes == [1, 1]
    moment = clock.utcnow() + timedelta(seconds=10)
    with clock.fixed_at(moment), db.reading() as session:
        assert outbox.count_waiting(session) == (1, 0)


def test_of_two_workers_with_one_software_the_later_reader_writes_later(
    settings, engine, deliver, monkeypatch
):
    with db.transaction() as session:
        version = open_listing(session, name="初めの名前")
    index_all(settings, version)
    has_read, may_write = threading.Event(), threading.Event()
    write = EmbeddedEngine.upsert

    def dawdle(self, records):
        held = list(records)
        if held[0].name == "二番めの名前":
            has_read.set()
            assert may_write.wait(20)
        write(self, held)

    monkeypatch.setattr(EmbeddedEngine, "upsert", dawdle)

    def rename(name):
        with db.transaction() as session:
            session.get(OfferingVersion, version.offering_version_id).revise(name=name)
            outbox.publish(session, "search.listing_changed", {"listing_id": version.listing_id})

    workers = [threading.Thread(target=deliver) for _ in range(2)]
    rename("二番めの名前")
    workers[0].start()
    assert has_read.wait(20)
    rename("三番めの名前")  # nobody who writes waits for the index
    workers[1].start()
    workers[1].join(0.3)
    assert workers[1].is_alive()
    may_write.set()
    for worker in workers:
        worker.join(20)
    answer = engine.search_all(SearchQuery(text="三番めの名前"))
    assert (answer.ids, answer.relaxed) == ((str(version.id),), False)
    with db.reading() as session:
        assert outbox.count_waiting(session) == (0, 0)


def test_expiry_moves_a_listing_from_certified_to_expired(settings, engine, deliver, hold_clock):
    moment = clock.utcnow()
    hold_clock(moment)
    last_day = clock.today_jst() + timedelta(days=29)
    with db.transaction() as session:
        version = open_listing(
            session,
            accreditations=[{"kind": "ismap", "number": "見本-1", "body": "見本の機構", "scope": "全体", "expires_on": last_day.isoformat()}],
            authentication=["multi_factor"],
        )  # fmt: skip
        offering_version = session.get(OfferingVersion, version.offering_version_id)
        certificate = factories.certification(
            session, offering_version, valid_until=moment + timedelta(days=30)
        )
        for topic, payload in (
            ("certification.expired", {"certification_id": certificate.id}),
            (ACCREDITATION_EXPIRED, {"offering_id": offering_version.offering_id}),
        ):
            outbox.publish(session, topic, payload, due_at=certificate.valid_until)
    index_all(settings, version)
    assert deliver() == 0
    found = {str(version.id)}
    assert found_ids(engine, certification="certified") == found
    assert found_ids(engine, "ISMAP", accreditation="ismap") == found
    hold_clock(moment + timedelta(days=30))
    assert deliver() > 0
    assert found_ids(engine, certification="certified") == set()
    assert found_ids(engine, certification="expired") == found
    assert found_ids(engine, "ISMAP") == set()
    assert found_ids(engine, "多要素認証") == found


@pytest.mark.sqlite_only
def test_draft_is_never_indexed(settings, engine, deliver):
    with db.transaction() as session:
        version = open_listing(session, state="draft")
        listed = open_listing(session)
    publish("search.listing_changed", listing_id=version.listing_id)
    publish("search.listing_changed", listing_id=listed.listing_id)
    deliver()
    assert found_ids(engine) == {str(listed.id)}


@pytest.mark.sqlite_only
def test_missing_index_is_built_whole_by_the_first_message(settings, engine, deliver):
    with db.transaction() as session:
        versions = [open_listing(session) for _ in range(3)]
    with pytest.raises(IndexMissing):
        engine.search_all(SearchQuery())
    publish("search.listing_changed", listing_id=versions[0].listing_id)
    deliver()
    assert found_ids(engine) == {str(each.id) for each in versions}


def test_rebuild_gives_the_same_answers_and_stores_the_texts(settings, engine):
    with db.transaction() as session:
        versions = [open_listing(session, name=f"へや予約{n}号") for n in range(3)]
    assert rebuild(engine) == 3
    assert found_ids(engine, "へや予約") == {str(each.id) for each in versions}
    with db.reading() as session:
        texts = [session.get(ListingVersion, each.id).search_text for each in versions]
    assert all(texts)


def test_check_finds_and_mends_planted_drift(settings, engine):
    with db.transaction() as session:
        missing, changed, surplus = (open_listing(session) for _ in range(3))
    index_all(settings, missing, changed, surplus)
    engine.delete([str(missing.listing_id)])
    with db.transaction() as session:
        session.get(ListingVersion, surplus.id).apply(OfferAction.WITHDRAW)
        offering_version = session.get(OfferingVersion, changed.offering_version_id)
        factories.certification(session, offering_version)
    drift = check(engine)
    assert drift.missing == {str(missing.listing_id)}
    assert drift.surplus == {str(surplus.listing_id)}
    assert drift.different == {str(changed.listing_id)}
    assert check(engine).count == 0
    assert found_ids(engine, certification="certified") == {str(changed.id)}


def test_index_and_database_name_the_same_set(settings, engine):
    with db.transaction() as session:
        shared = factories.specification(session, name="施設予約")
        versions = [
            open_listing(session, specification=shared, name=name, hosting_provider=hosting)
            for name, hosting in (
                ("まちのへや予約", "aws"),
                ("公民館の貸出し", "sakura"),
                ("京都の窓口", "aws"),
                ("東京都の窓口", "oci"),
            )
        ]
    index_all(settings, *versions)
    for text in ("", "予約", "窓口", "京都", "へや", "ない言葉"):
        for filters in ({}, {"hosting": "aws"}, {"hosting": "azure"}):
            query = SearchQuery(text=text, filters={k: frozenset({v}) for k, v in filters.items()})
            answer = engine.search_all(query)
            with db.reading() as session:
                verified = {str(each) for each in verify_hits(session, query)}
            assert verified == (set() if answer.relaxed else set(answer.ids)), (text, filters)


@pytest.mark.sqlite_only
def test_verification_does_not_trust_the_index(settings, engine):
    with db.transaction() as session:
        version = open_listing(session, name="まちのへや")
    index_all(settings, version)
    with db.transaction() as session:
        session.get(ListingVersion, version.id).apply(OfferAction.WITHDRAW)
    with db.reading() as session:
        assert verify_hits(session, SearchQuery(text="へや")) == set()
    assert found_ids(engine, "へや") == {str(version.id)}


def test_records_are_read_in_four_statements(settings):
    from tests.client import recorded_statements

    with db.transaction() as session:
        for _ in range(4):
            open_listing(session)
    with db.reading() as session, recorded_statements() as statements:
        offering_ids = list_offering_ids(session)
        assert len(read_records(session, offering_ids)) == 4
    assert len(statements) == 4


@pytest.mark.sqlite_only
def test_commands_build_check_and_mend(settings: Settings, monkeypatch):
    with db.transaction() as session:
        version = open_listing(session)
        suspended = factories.vendor(session)
        open_listing(session, maker=suspended)
        session.get(Vendor, suspended.id).apply(VendorAction.SUSPEND)
    monkeypatch.setenv("NARABI_ENV", "development")
    monkeypatch.setenv("NARABI_DATABASE_URL", settings.effective_database_url)
    monkeypatch.setenv("NARABI_DATA_DIR", str(settings.data_dir))
    built = CliRunner().invoke(cli, ["search", "rebuild"])
    assert built.exit_code == 0
    assert re.fullmatch(
        r"100％　1／1件（毎秒\d+件）\n1件の販売条件で索引を作り直しました。\n", built.output
    )
    assert CliRunner().invoke(cli, ["search", "check"]).exit_code == 0
    get_engine(settings).delete([str(version.listing_id)])
    mended = CliRunner().invoke(cli, ["search", "check"])
    assert mended.exit_code == 1
    assert "足りないもの1件" in mended.output
    assert CliRunner().invoke(cli, ["search", "check"]).exit_code == 0


@pytest.mark.sqlite_only
def test_check_without_index_builds_it(settings, monkeypatch):
    with db.transaction() as session:
        open_listing(session)
    monkeypatch.setenv("NARABI_ENV", "development")
    monkeypatch.setenv("NARABI_DATABASE_URL", settings.effective_database_url)
    monkeypatch.setenv("NARABI_DATA_DIR", str(settings.data_dir))
    assert CliRunner().invoke(cli, ["search", "check"]).exit_code == 1
    assert CliRunner().invoke(cli, ["search", "check"]).exit_code == 0


def test_engines_of_two_folders_are_two(tmp_path):
    one = get_engine(Settings(env="development", data_dir=tmp_path / "one"))
    again = get_engine(Settings(env="development", data_dir=tmp_path / "one"))
    two = get_engine(Settings(env="development", data_dir=tmp_path / "two"))
    assert one is again
    assert one is not two
    assert isinstance(one, EmbeddedEngine)


@pytest.mark.sqlite_only
def test_broken_engine_leaves_the_message_for_later(settings, engine, monkeypatch):
    from search import engine as contract

    with db.transaction() as session:
        version = open_listing(session)
    index_all(settings, version)

    def refuse(_self, _records):
        raise contract.SearchUnavailable

    monkeypatch.setattr(EmbeddedEngine, "upsert", refuse)
    with pytest.raises(contract.SearchUnavailable):
        index_listings(engine, [version.listing_id])
