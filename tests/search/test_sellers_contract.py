"""What both engines promise where several sell one software: one row, one count, one rank."""

import pytest

from search.analysis import matches
from search.engine import SEEDS, PriceCap, SearchQuery
from tests.search.corpus import make_record, make_sold


def find(engine, text, **values):
    return engine.search(SearchQuery(text=text, per_page=200, **values))


SOLD = make_sold(110)
SOLD_FACETS = ("hosting", "maker", "price_band", "seller_kind", "exit_charge")


@pytest.fixture
def sold(engine):
    engine.rebuild(SOLD)
    return engine


def offerings_of(text, filters, cap):
    """Say which software has one seller that meets every condition."""
    return {
        record.offering_id
        for record in SOLD
        if matches(text, record.analysed)
        and all(record.facets[name] & values for name, values in filters.items())
        and (cap is None or cap.allows(record.listing_id, record.yearly_costs))
    }


def some_judged():
    judged = [record.listing_id for record in SOLD[::3]]
    return PriceCap(10_000, 2_000_000, frozenset(judged), frozenset(judged[::2]))


CONDITIONS = [
    ({}, None),
    ({"hosting": {"AWS"}}, None),
    ({"seller_kind": {"reseller"}}, None),
    ({"seller_kind": {"reseller"}, "exit_charge": {"free"}}, None),
    ({"price_band": {"1", "2"}, "exit_charge": {"free"}, "hosting": {"AWS"}}, None),
    ({}, PriceCap(10_000, 1_000_000)),
    ({"seller_kind": {"direct"}, "maker": {"m1", "m2"}}, PriceCap(10_000, 2_000_000)),
    ({"exit_charge": {"free", "charged"}}, some_judged()),
]


def test_sellers_of_one_software_share_a_row_and_a_count(sold):
    for filters, cap in CONDITIONS:
        chosen = {name: frozenset(values) for name, values in filters.items()}
        for text in ("", "防災", "販売の六"):
            asked = {"filters": chosen, "price_cap": cap, "seed": 3}
            found = find(sold, text, **asked)
            wanted = offerings_of(text, chosen, cap)
            case = (filters, cap, text)
            assert [hit.offering_id for hit in found.hits[len(wanted) :]] == [], case
            assert {hit.offering_id for hit in found.hits} == wanted, case
            assert found.total == len(found.hits) == len(wanted), case
            every = sold.search_all(SearchQuery(text=text, **asked))
            assert {hit.offering_id for hit in every.hits} == wanted, case
            for facet in SOLD_FACETS:
                for value in {each for record in SOLD for each in record.facets[facet]}:
                    narrowed = {**chosen, facet: frozenset({value})}
                    reachable = len(offerings_of(text, narrowed, cap))
                    assert found.facets[facet].get(value, 0) == reachable, (*case, facet, value)


def test_software_stands_where_its_cheapest_seller_that_fits_would(sold):
    for filters in ({}, {"seller_kind": frozenset({"reseller"})}):
        found = find(sold, "", sort="cost_10000", filters=filters, seed=2)
        fitting = [
            r for r in SOLD if all(r.facets[name] & values for name, values in filters.items())
        ]
        cheapest = {
            each: min(r.yearly_costs.get(10_000, 10**12) for r in fitting if r.offering_id == each)
            for each in {r.offering_id for r in fitting}
        }
        costs = [cheapest[hit.offering_id] for hit in found.hits]
        assert costs == sorted(cheapest.values())


def test_more_sellers_move_no_rank(engine):
    records = [make_record(number, hi="戸籍 防災") for number in range(20)]
    engine.rebuild(records)
    orders = [[hit.offering_id for hit in find(engine, "戸籍", seed=s).hits] for s in range(SEEDS)]
    engine.upsert(
        [records[7], *(make_record(100 + n, hi="戸籍 防災", offering=7) for n in range(9))]
    )
    for seed, order in enumerate(orders):
        assert [hit.offering_id for hit in find(engine, "戸籍", seed=seed).hits] == order
    assert engine.health().documents == 29
    engine.upsert([records[7]])
    assert engine.health().documents == 20
    assert find(engine, "戸籍").total == 20
