"""What buyers see of one seller's terms, as plain values: quick to read by thousands, tied to no session."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar, overload

from catalog.price_plan import (
    ComponentKind,
    Currency,
    Interval,
    PartMonth,
    PricePlan,
    TierMode,
    Unit,
)
from catalog.specifications.models import title_of
from catalog.undecoded import Decoders, decode, decode_row
from vendors.models import label_of

T = TypeVar("T")


class ListedPrice(NamedTuple):
    """One row of a price plan, named as the columns that it comes from."""

    name: str
    kind: ComponentKind
    unit: Unit
    interval: Interval
    tiers: list[list[int]]
    tier_mode: TierMode
    minimum: int | None
    maximum: int | None
    valid_from: date | None
    valid_to: date | None
    size_classes: list[str]
    currency: Currency


def read_plan(rows: Sequence[Sequence[Any]], decoders: Decoders) -> list[ListedPrice]:
    """Make rows of a price plan of what the database gave."""
    return [ListedPrice._make(decode_row(row, decoders)) for row in rows]


class Told(Generic[T]):
    """A column of a listing, decoded when it is looked at: of many listings few columns are."""

    __slots__ = ("_place",)

    def __set_name__(self, owner: type["Listed"], name: str) -> None:
        """Take the next place among the columns."""
        self._place = len(owner.columns)
        owner.columns.append(name)

    @overload
    def __get__(self, listed: None, owner: type["Listed"]) -> Self: ...

    @overload
    def __get__(self, listed: "Listed", owner: type["Listed"]) -> T: ...

    def __get__(self, listed: "Listed | None", owner: type["Listed"]) -> Self | T:
        """Give the value."""
        if listed is None:
            return self
        known = listed.known
        if self._place not in known:
            known[self._place] = decode(listed.values[self._place], listed.decoders[self._place])
        value: T = known[self._place]
        return value


class Listed:
    """One listing version that is listed now, with its software, its maker and its seller.

    Named as the columns they come from, in the order of `columns`.
    """

    __slots__ = (
        "_components",
        "_price_decoders",
        "_prices",
        "decoders",
        "known",
        "plans",
        "values",
    )
    columns: ClassVar[list[str]] = []

    id = Told[uuid.UUID]()
    listing_id = Told[uuid.UUID]()
    offering_id = Told[uuid.UUID]()
    offering_version_id = Told[uuid.UUID]()
    maker_id = Told[uuid.UUID]()
    seller_id = Told[uuid.UUID]()
    maker_name = Told[str]()
    maker_is_sample = Told[bool]()
    seller_name = Told[str]()
    seller_is_sample = Told[bool]()
    specification_code = Told[str]()
    specification_name = Told[str]()
    specification_field = Told[str]()
    specification_label = Told[str]()
    name = Told[str]()
    summary = Told[str]()
    description = Told[str]()
    features = Told[list[str]]()
    hosting_provider = Told[str]()
    hosting_region = Told[str]()
    networks = Told[list[str]]()
    size_classes = Told[list[str]]()
    export_formats = Told[str]()
    body_kinds = Told[list[str]]()
    languages = Told[list[str]]()
    authentication = Told[list[str]]()
    accreditations = Told[list[dict[str, Any]]]()
    data_categories = Told[list[dict[str, Any]]]()
    minimum_term_months = Told[int]()
    part_month = Told[PartMonth]()
    notice_months = Told[int | None]()
    transition_days = Told[int | None]()
    retrieval_days = Told[int | None]()
    export_charge_yen = Told[int | None]()
    deletion_certificate = Told[bool | None]()
    parallel_running = Told[bool | None]()
    escrow = Told[bool | None]()
    search_text = Told[str]()
    search_text_version = Told[str]()

    def __init__(
        self,
        values: Sequence[Any],
        decoders: Decoders,
        prices: Sequence[Sequence[Any]],
        price_decoders: Decoders,
    ) -> None:
        self.values, self.decoders = values, decoders
        self.known: dict[int, Any] = {}
        self._prices, self._price_decoders = prices, price_decoders
        self._components: list[ListedPrice] | None = None
        self.plans: dict[date, PricePlan] = {}

    @property
    def components(self) -> list[ListedPrice]:
        """The rows of the price plan in their order."""
        if self._components is None:
            self._components = read_plan(self._prices, self._price_decoders)
        return self._components

    @property
    def maker(self) -> str:
        """The maker, marked when invented."""
        return label_of(self.maker_name, is_sample=self.maker_is_sample)

    @property
    def seller(self) -> str:
        """The seller, marked when invented."""
        return label_of(self.seller_name, is_sample=self.seller_is_sample)

    @property
    def specification_title(self) -> str:
        """The version of the specification as it is read: 第1.0版."""
        return title_of(self.specification_label)
