"""Every promised page opens and the next is absent; equals stand as drawn, alike for all, day by day.

Words and addresses of pages: the same on both databases, so asked once.
"""

import uuid
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from catalog.offerings import models as offers
from catalog.price_plan import ComponentKind, Interval, Unit
from core import db
from search import embedded_documents
from search.engine import REFERENCE_POPULATIONS, SEEDS, SearchRecord
from search.queries import get_engine
from tests.page_checks import text_of
from tests.search.market import index_all, open_listing
from tests.search.test_search_pages import links, names, status

pytestmark = pytest.mark.sqlite_only

MANY, PER_PAGE = 36_000, 20
YEARLY = (ComponentKind.BASE, Unit.LUMP, Interval.YEAR, 1_000)
EVERY_SEVENTH = -(-MANY // 7)
NOON = datetime(2026, 10, 1, 3, tzinfo=UTC)
# Each table with the columns that name a copied row of it or of a table above.
COPIED = (
    (offers.Offering, {"id": "offering"}),
    (offers.OfferingVersion, {"id": "offering_version", "offering_id": "offering"}),
    (offers.Listing, {"id": "listing", "offering_id": "offering"}),
    (
        offers.ListingVersion,
        {"id": "terms", "listing_id": "listing", "offering_version_id": "offering_version"},
    ),
    (offers.PriceComponentRow, {"id": "price", "listing_version_id": "terms"}),
)
KINDS = {
    kind: place * 10**9
    for place, kind in enumerate(("offering", "offering_version", "listing", "terms", "price"), 1)
}


def an_id(kind: str, number: int) -> str:
    return str(uuid.UUID(int=KINDS[kind] + number))


@pytest.fixture
def crowd(settings, monkeypatch):
    """Offer 36,000 services: rows copied from one inside the database, documents from one document.

    Their lots are cheap numbers instead of keyed hashes: what is drawn is tested elsewhere.
    """
    with db.transaction() as session:
        first = open_listing(session, name="戸籍", prices=[YEARLY])
    index_all(settings, first)
    with db.transaction() as session:
        for model, ids in COPIED:
            session.execute(sa.text(_copying(model.__table__, ids)), {"many": MANY})
        text = session.get_one(offers.ListingVersion, first.id).search_text
        session.execute(
            sa.text("UPDATE listing_versions SET state = 'draft' WHERE id = :id"),
            {"id": first.id.hex},
        )
    one = _record(0, text)
    whole = embedded_documents._values(one)
    numbers, lots = count(), [f"shuffle_{seed}" for seed in range(SEEDS)]

    def values(record):
        number = next(numbers)
        names = ("listing_version_id", "listing_id", "offering_id")
        copied = whole | {name: getattr(record, name) for name in names}
        copied |= {"row": number, "group": number, "hosting": sorted(record.facets["hosting"])}
        copied |= {f"cost_{each}": record.yearly_costs[each] for each in REFERENCE_POPULATIONS}
        return copied | dict.fromkeys(lots, number * 7919 % MANY / MANY)

    with monkeypatch.context() as quick:
        quick.setattr(embedded_documents, "_values", values)
        assert get_engine(settings).rebuild(_record(n, text) for n in range(MANY)) == MANY


def _copying(table: sa.Table, ids: dict[str, str]) -> str:
    chosen = {column.name: f'"{column.name}"' for column in table.columns}
    chosen |= {name: f"printf('%032x', {KINDS[kind]} + n)" for name, kind in ids.items()}
    if "hosting_provider" in chosen:
        chosen["hosting_provider"] = "CASE n % 7 WHEN 0 THEN 'oci' ELSE 'aws' END"
        chosen["name"] = "'戸籍' || n || '号'"
    columns = ", ".join(f'"{each}"' for each in chosen)
    return (
        "WITH RECURSIVE copies(n) AS"
        " (SELECT 0 UNION ALL SELECT n + 1 FROM copies WHERE n + 1 < :many)"
        f" INSERT INTO {table.name} ({columns})"
        f" SELECT {', '.join(chosen.values())} FROM {table.name}, copies"
    )


def _record(number: int, text: str) -> SearchRecord:
    return SearchRecord(
        an_id("terms", number),
        an_id("listing", number),
        an_id("offering", number),
        text,
        facets={"hosting": frozenset({"aws" if number % 7 else "oci"})},
        yearly_costs=dict.fromkeys(REFERENCE_POPULATIONS, 1_000 + number % 5),
    )


@pytest.mark.acceptance(12)
def test_the_last_promised_page_opens_and_one_beyond_is_absent_at_36000_services(client, crowd):
    for address, total in (
        ("/search?q=戸籍", MANY),
        ("/search?q=戸籍&hosting=oci", EVERY_SEVENTH),
        ("/search?hosting=oci&sort=cost", EVERY_SEVENTH),
    ):
        last = -(-total // PER_PAGE)
        first = client.page(address)
        assert f"{total:,}件見つかりました（1／{last}ページ）" in status(first)
        assert links(first, "前のページ") == []
        promised = links(first, f"ページ {last}")[0]
        end = client.page(promised)
        assert len(names(end)) == (total - 1) % PER_PAGE + 1
        assert f"（{last}ページ目）" in text_of(end.find(".//title"))
        assert links(end, "次のページ") == []
        before = client.page(links(end, "前のページ")[0])
        assert len(names(before)) == PER_PAGE
        assert names(client.page(links(before, "次のページ")[0])) == names(end)
        second = client.page(links(first, "次のページ")[0])
        seen = [*names(first), *names(second), *names(before), *names(end)]
        assert len(set(seen)) == len(seen)
        beyond = client.page(promised.replace(f"page={last}", f"page={last + 1}"), status=404)
        assert f"検索結果は{last}ページまでです" in text_of(beyond)


@pytest.mark.acceptance(11, 12, 13)
def test_pages_carry_the_seed_so_that_tomorrow_does_not_shuffle(
    client, new_client, market, hold_clock
):
    hold_clock(NOON)
    market(*({"name": f"第{n}号"} for n in range(23)))
    first = client.page("/search")
    assert len(names(first)) == 20
    assert names(client.page("/search")) == names(new_client().page("/search")) == names(first)
    address = links(first, "次のページ")[0]
    permanent = links(first, "この検索結果のアドレス")[0]
    assert parse_qs(urlsplit(address).query)["seed"] == parse_qs(urlsplit(permanent).query)["seed"]
    second = client.page(address)
    assert len({*names(first), *names(second)}) == 23
    assert "（2ページ目）" in text_of(second.find(".//title"))
    client.page("/search?page=3", status=404)
    orders = {tuple(names(first))}
    for day in range(1, 5):
        hold_clock(NOON + timedelta(days=day))
        orders.add(tuple(names(client.page("/search"))))
        assert names(client.page(address)) == names(second)
        assert names(client.page(permanent)) == names(first)
    assert len(orders) > 2


@pytest.mark.acceptance(13)
def test_equals_lead_in_turn_and_the_page_says_by_which_rule(client, market, hold_clock):
    hold_clock(NOON)
    market({"name": "AAA戸籍"}, {"name": "戸籍戸籍戸籍 戸籍"}, {"name": "んん戸籍"})
    leaders = []
    for seed in range(SEEDS):
        page = client.page(f"/search?q=戸籍&seed={seed}")
        assert f"抽選の番号（{seed}番）" in text_of(page.find(".//main"))
        leaders.append(names(page)[0])
    assert len(set(leaders)) == 3
    assert links(page, "並び順の決め方") == ["/about/order"]
    rules = text_of(client.page("/about/order").find(".//main"))
    assert "日付と検索語から決まります" in rules
    assert "事業者は選べません" in rules
