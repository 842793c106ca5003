"""A market for the tests of costs, and what stands in the tables of a cost page as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from xml.etree.ElementTree import Element

from sqlmodel import Session

from accounts.models import BodyKind, Role
from catalog.offerings.models import ListingVersion, PriceComponentRow
from catalog.offerings.queries import load_listing_versions
from catalog.price_plan import PricePlan
from catalog.terms import Answer
from tests import factories
from tests.page_checks import text_of

QUOTE = "見積が必要"


@dataclass(frozen=True)
class ReadTable:
    """A table of a page: rows by their name; each cell its words without the small ones, and those."""

    head: list[str]
    rows: list[tuple[str, list[str], list[str]]]
    foot: list[tuple[str, list[str], list[str]]]

    def column(self, name: str) -> list[str]:
        """The words of one column."""
        place = self.head.index(name) - 1
        return [cells[place] for _name, cells, _notes in self.rows]


def read_tables(page: Element) -> dict[str, ReadTable]:
    """Return the tables of a page by their id."""
    found = {}
    for table in page.iter("table"):
        head = [text_of(cell) for cell in next(table.iter("thead")).iter("th")]
        parts = [
            [_read_row(row) for part in table.iter(tag) for row in part.iter("tr")]
            for tag in ("tbody", "tfoot")
        ]
        found[table.get("id") or ""] = ReadTable(head, *parts)
    return found


def _read_row(row: Element) -> tuple[str, list[str], list[str]]:
    cells, notes = [], []
    for cell in row.iter("td"):
        small = [each for each in cell.iter("span") if each.get("class") == "table__note"]
        note = text_of(small[0]) if small else ""
        notes.append(note)
        cells.append(text_of(cell).removesuffix(note).strip())
    return text_of(next(row.iter("th"))), cells, notes


def to_int(words: str) -> int | None:
    """Return the number in words as 1,200, 1,200円, ＋300 or −5; none where only a quote can tell."""
    if words.startswith(QUOTE):
        return None
    if words == "差なし":
        return 0
    return int(words.replace(",", "").replace("−", "-").replace("＋", "").removesuffix("円"))


def add_listing(
    session: Session, world: SimpleNamespace, plan: PricePlan, **values: Any
) -> ListingVersion:
    """Add a published listing with the components of a plan."""
    made = factories.offering(
        session,
        world.maker,
        world.version,
        prices=[],
        name=values.pop("name", "ひかり予約"),
        answers=values.pop("answers", Answer.CONFORMS),
    )
    for position, each in enumerate(plan.components, start=1):
        session.add(
            PriceComponentRow(
                listing_version_id=made.id,
                position=position,
                kind=each.kind,
                name=each.name,
                unit=each.unit,
                interval=each.interval,
                tier_mode=each.tier_mode,
                tiers=[[tier.lower, tier.unit_price] for tier in each.tiers],
                minimum=each.minimum,
                maximum=each.maximum,
                valid_from=each.valid_from,
                valid_to=each.valid_to,
                size_classes=sorted(size.value for size in each.sizes),
                currency=each.currency,
            )
        )
    row = load_listing_versions(session, [made.id])[made.id]
    row.revise(part_month=plan.part_month, minimum_term_months=plan.minimum_term_months, **values)
    return made


def make_market(session: Session) -> SimpleNamespace:
    """Add a specification, a maker, and a clerk of a town, of a city and of a designated city."""
    version = factories.specification(session, requirements=3, name="施設予約")
    bodies = {
        "town": factories.body(
            session, name="川上町", prefecture="群馬県", code="103667", population=8_421
        ),
        "city": factories.body(
            session, name="川下市", prefecture="群馬県", code="102016", population=32_451
        ),
        "designated": factories.body(
            session,
            name="川上市",
            prefecture="東京都",
            code="131016",
            population=700_000,
            body_kind=BodyKind.DESIGNATED_CITY,
        ),
    }
    clerks = {name: factories.person(session, Role.CLERK, body) for name, body in bodies.items()}
    return SimpleNamespace(
        version=version, maker=factories.vendor(session), bodies=bodies, clerks=clerks
    )


def cost_address(listing: Any, page: str = "/cost", **asked: Any) -> str:
    """Return the address of a cost."""
    pairs = [("l", listing)]
    for name, value in asked.items():
        many = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        pairs += [(name, each) for each in many]
    return f"{page}?" + "&".join(f"{name}={value}" for name, value in pairs)
