"""From rows to search records."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from catalog.certification.models import ReviewState
from catalog.certification.queries import Standing
from catalog.offerings.listed import Listed
from catalog.offerings.models import OfferState
from catalog.offerings.prices import plan_of
from catalog.offerings.queries import read_sellers
from catalog.price_plan import ComponentKind, Interval, Unit
from catalog.terms import CertificationState
from core import db
from core.clock import today_jst
from search.analysis import analysis_version, matches
from search.facets import keeps, read_facets
from search.projection import build_record, read_texts, text_of, yearly_costs
from search.queries.listings import list_offering_ids
from search.results import next_reference, size_words
from tests import factories

STATES = list(CertificationState)
TODAY = today_jst()


@pytest.fixture
def listed(database):
    """Publish one listing and load it as a page would."""

    def make(**values):
        with db.transaction() as session:
            maker = factories.vendor(session, name="架空の杜株式会社")
            version = factories.specification(
                session, name="施設予約", code="SHISETSU", label="1.0"
            )
            made = factories.offering(session, maker, version, **values)
        with db.reading() as session:
            return read_sellers(session, list_offering_ids(session, [made.listing_id]))[0]

    return make


def altered(version, **values):
    """Give a listing as it would be read with other values."""
    told = {name: getattr(version, name) for name in (*Listed.columns, "components")}
    return SimpleNamespace(**{**told, **values})


def test_record_carries_the_three_ids(listed):
    version = listed()
    record = build_record(version, Standing(CertificationState.CLAIMED), TODAY)
    assert record.listing_version_id == str(version.id)
    assert record.listing_id == str(version.listing_id)
    assert record.offering_id == str(version.offering_id)


def test_every_facet_has_the_value_of_the_row(listed):
    version = listed(
        hosting_provider="sakura",
        hosting_region="　石狩 ",
        size_classes=["under_10k", "10k", "moon"],
        body_kinds=["town", "village"],
        networks=["lgwan", "pigeon"],
        languages=["ja", "en"],
        authentication=["multi_factor"],
        export_formats="ＣＳＶ、Excel",
        data_categories=[
            {"name": "予約", "imports": "", "exports": "JSON／紙", "conformity": "conforms"}
        ],
        accreditations=[held("ismap", TODAY), held("lgwan_asp", TODAY - timedelta(days=1))],
    )
    version = altered(version, export_charge_yen=0, transition_days=29, notice_months=12)
    assert read_facets(version, CertificationState.CONDITIONAL, TODAY) == {
        "specification": {"SHISETSU|1.0"},
        "certification": {"conditional"},
        "size_class": {"under_10k", "10k"},
        "body_kind": {"town", "village"},
        "price_band": {"under_500k"},
        "hosting": {"sakura"},
        "region": {"石狩"},
        "network": {"lgwan"},
        "accreditation": {"ismap"},
        "authentication": {"multi_factor"},
        "language": {"ja", "en"},
        "export_format": {"csv", "excel", "json", "other"},
        "exit_charge": {"free"},
        "exit_transition": {"shorter"},
        "exit_retrieval": {"30d"},
        "exit_notice": {"12m"},
        "exit_deletion": {"yes"},
        "exit_parallel": {"unknown"},
        "exit_escrow": {"unknown"},
        "seller_kind": {"direct"},
        "maker": {str(version.maker_id)},
    }


def held(kind, until):
    return {
        "kind": kind,
        "number": "見本-1",
        "body": "見本の機構",
        "scope": "全体",
        "expires_on": until.isoformat(),
    }


@pytest.mark.parametrize("state", STATES)
def test_certification_states_are_never_merged(listed, state):
    assert read_facets(listed(), state, TODAY)["certification"] == {state.value}


def test_price_band_and_costs_leave_the_initial_charge_apart(listed):
    version = listed(
        prices=(
            (ComponentKind.INITIAL, Unit.LUMP, Interval.ONCE, 9_000_000),
            (ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 30_000),
            (ComponentKind.USAGE, Unit.PERSON, Interval.MONTH, 2),
        )
    )
    costs = yearly_costs(plan_of(version))
    assert costs[1_000] == 12 * (30_000 + 2 * 1_000)
    assert costs[1_000_000] == 12 * (30_000 + 2 * 1_000_000)
    assert read_facets(version, CertificationState.CLAIMED, TODAY)["price_band"] == {"500k"}


def test_unpublished_price_is_a_band_of_its_own_and_has_no_cost(listed):
    version = listed(prices=((ComponentKind.BASE, Unit.COUNTER, Interval.MONTH, 500),))
    assert yearly_costs(plan_of(version)) == {}
    assert read_facets(version, CertificationState.CLAIMED, TODAY)["price_band"] == {"quote"}


def test_text_holds_names_surroundings_and_features(listed):
    version = listed(
        name="まちのへや",
        features=["抽選の結果を公開します。"],
        networks=["lgwan"],
        authentication=["multi_factor", "pigeon"],
        accreditations=[held("iso_27001", TODAY), held("ismap", TODAY - timedelta(days=1))],
    )
    zones = read_texts(version, TODAY)
    assert "まちのへや" in zones.hi
    assert "施設予約" in zones.hi
    assert "架空の杜株式会社" in zones.lo
    assert "LGWAN" in zones.lo
    assert "多要素認証" in zones.lo
    assert "ISO/IEC 27001" in zones.lo
    assert "ISMAP" not in zones.lo
    assert "ISO" not in read_texts(version, TODAY + timedelta(days=1)).lo
    assert "抽選の結果" in zones.ft
    record = build_record(version, Standing(CertificationState.CLAIMED), TODAY)
    for wanted in ("ISO27001", "iso 27001", "ISO/IEC 27001", "二要素認証", "へや LGWAN"):
        assert matches(wanted, record.analysed), wanted
    assert not matches("ISMAP", record.analysed)


def test_maker_that_sells_itself_is_named_once(listed):
    assert read_texts(listed(), TODAY).lo.count("架空の杜株式会社") == 1


def test_stored_text_is_used_only_under_the_same_rules(listed):
    text = "a\tb\nc\td\ne\tf"
    version = altered(listed(name="まちのへや"), search_text=text)
    assert text_of(altered(version, search_text_version=analysis_version()), TODAY) == text
    assert matches("まちのへや", text_of(altered(version, search_text_version="older"), TODAY))


def test_filters_are_alternatives_within_and_narrow_across():
    facets = {"hosting": frozenset({"aws"}), "size_class": frozenset({"10k", "50k"})}
    assert keeps({"hosting": frozenset({"aws", "oci"})}, facets)
    assert keeps({"hosting": frozenset({"aws"}), "size_class": frozenset({"50k"})}, facets)
    assert not keeps({"hosting": frozenset({"aws"}), "size_class": frozenset({"500k"})}, facets)
    assert not keeps({"price_band": frozenset({"1m"})}, facets)


def test_reseller_is_told_apart_and_both_names_are_searched(database):
    with db.transaction() as session:
        maker = factories.vendor(session, name="開発の会社")
        reseller = factories.vendor(session, name="販売の会社")
        own = factories.offering(session, maker, factories.specification(session))
        offering, offering_version = _rows_of(session, own)
        other = factories.listing(
            session, offering, offering_version, reseller, OfferState.PUBLISHED, _PRICES
        )
    with db.reading() as session:
        found = {each.id: each for each in read_sellers(session, [offering.id])}
        assert read_facets(found[own.id], CertificationState.CLAIMED, TODAY)["seller_kind"] == {
            "direct"
        }
        facets = read_facets(found[other.id], CertificationState.CLAIMED, TODAY)
        assert facets["seller_kind"] == {"reseller"}
        assert "開発の会社" in read_texts(found[other.id], TODAY).lo
        assert "販売の会社" in read_texts(found[other.id], TODAY).lo


_PRICES = ((ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 10_000),)


def _rows_of(session, version):
    from catalog.offerings.models import Listing, Offering, OfferingVersion

    listing = session.get(Listing, version.listing_id)
    return (
        session.get(Offering, listing.offering_id),
        session.get(OfferingVersion, version.offering_version_id),
    )


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (["under_10k"], "1万人未満"),
        (["under_10k", "10k", "50k"], "20万人未満"),
        (["10k", "50k"], "1万人以上20万人未満"),
        (["200k", "500k"], "20万人以上"),
        (["under_10k", "10k", "50k", "200k", "500k"], "すべての規模"),
        (["under_10k", "500k"], "1万人未満、50万人以上"),
        ([], "情報なし"),
    ],
)
def test_size_classes_are_said_as_one_range(classes, words):
    assert size_words(classes) == words


@pytest.mark.parametrize(
    ("population", "reference"),
    [(1, 1_000), (9_007, 10_000), (10_000, 10_000), (10_001, 30_000), (3_700_000, 1_000_000)],
)
def test_reference_population_is_the_next_at_or_above(population, reference):
    assert next_reference(population) == reference


def test_review_under_way_counts_as_claimed(database):
    from catalog.certification.queries import read_standings

    with db.transaction() as session:
        version = factories.offering(
            session, factories.vendor(session), factories.specification(session)
        )
        _, offering_version = _rows_of(session, version)
        factories.certification(session, offering_version, ReviewState.UNDER_REVIEW)
    with db.reading() as session:
        loaded = read_sellers(session, list_offering_ids(session, [version.listing_id]))[0]
        standing = read_standings(session, [loaded.offering_version_id])[loaded.offering_version_id]
        assert read_facets(loaded, standing.state, TODAY)["certification"] == {"claimed"}
