"""What buyers see now: the one rule of being listed, in SQL and for a loaded row."""

import uuid
from collections.abc import Sequence
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    or_,
)
from sqlalchemy import select as sa_select
from sqlalchemy.orm import aliased, contains_eager, selectinload
from sqlmodel import Session, col, select

from catalog.offerings.listed import Listed, ListedPrice, read_plan
from catalog.offerings.models import (
    Listing,
    ListingVersion,
    Offering,
    OfferingVersion,
    OfferState,
    PriceComponentRow,
)
from catalog.price_plan import ComponentKind, PartMonth
from catalog.specifications.models import SpecificationVersion, StandardSpecification
from catalog.undecoded import decode, decoders_of, undecoded
from core.db import unindexed
from vendors.models import Vendor, VendorState

MAXIMUM_LISTED = 20_000
_LISTING, _OFFERING = map(Listed.columns.index, ("listing_id", "offering_id"))


def find_listed(
    session: Session,
    listing_ids: Sequence[uuid.UUID] | None = None,
    *,
    offering_id: uuid.UUID | None = None,
    offering_ids: Sequence[uuid.UUID] | None = None,
    beside_listing_id: uuid.UUID | None = None,
    specification_version_id: uuid.UUID | None = None,
) -> list[ListingVersion]:
    """Return the listing versions that buyers see now, by name (2 statements).

    `beside_listing_id` asks for all sellers of the software of that listing, itself included.
    Listed is: published, of a published offering version, of an active seller and maker, and
    confirmed by the maker when another sells it. `is_listed` is the same rule for a loaded row.
    """
    statement = (
        narrow_to_listed(select(ListingVersion))
        .options(*_joined_links())
        .order_by(col(OfferingVersion.name), col(ListingVersion.id))
        .limit(MAXIMUM_LISTED)
    )
    if beside_listing_id is not None:
        software = select(Listing.offering_id).where(Listing.id == beside_listing_id)
        statement = statement.where(col(Listing.offering_id).in_(software))
    for condition in _narrowed(listing_ids, offering_id, specification_version_id):
        statement = statement.where(condition)
    if offering_ids is not None:
        statement = statement.where(col(Listing.offering_id).in_(offering_ids))
    return list(session.exec(statement))


def read_sellers(session: Session, offering_ids: Sequence[uuid.UUID]) -> list[Listed]:
    """Return what buyers see now of all sellers of some software, as plain values (2 statements).

    The same rule as `find_listed`; by software and listing.
    """
    connection = session.connection()
    found = connection.execute(_values_statement(), {"ids": offering_ids}).all()
    if not found:
        return []
    values = decoders_of(connection.dialect, _listed_columns())
    prices = _read_price_rows(connection, [decode(row[0], values[0]) for row in found])
    price = decoders_of(connection.dialect, _price_columns())
    # Sorted here: the database would carry the long texts along.
    by_software = sorted(found, key=itemgetter(_OFFERING, _LISTING))
    return [Listed(row, values, prices.get(row[0], ()), price) for row in by_software]


def read_prices(
    session: Session, version_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[ListedPrice]]:
    """Return the rows of the price plans of listing versions, as plain values (1 statement)."""
    connection = session.connection()
    (whose,) = decoders_of(connection.dialect, (PriceComponentRow.listing_version_id,))
    decoders = decoders_of(connection.dialect, _price_columns())
    found = _read_price_rows(connection, version_ids)
    return {decode(key, whose): read_plan(rows, decoders) for key, rows in found.items()}


def _read_price_rows(
    connection: Connection, version_ids: Sequence[uuid.UUID]
) -> dict[Any, list[Sequence[Any]]]:
    """Read price plans by the ids of their listing versions; both as the database gives them."""
    found: dict[Any, list[Sequence[Any]]] = {}
    for row in connection.execute(_prices_statement(), {"ids": version_ids}).all():
        found.setdefault(row[-1], []).append(row)
    return found


@cache
def _listed_columns() -> tuple[Any, ...]:
    """Return the columns of `Listed` in its order."""
    maker, seller = _parties()
    renamed: dict[str, Any] = {
        "offering_id": Listing.offering_id,
        "maker_id": Offering.maker_id,
        "seller_id": Listing.seller_id,
        "maker_name": maker.name,
        "maker_is_sample": maker.is_sample,
        "seller_name": seller.name,
        "seller_is_sample": seller.is_sample,
        "specification_code": StandardSpecification.code,
        "specification_name": StandardSpecification.name,
        "specification_field": StandardSpecification.field,
        "specification_label": SpecificationVersion.label,
    }
    return tuple(
        renamed[name]
        if name in renamed
        else getattr(ListingVersion, name, None) or getattr(OfferingVersion, name)
        for name in Listed.columns
    )


@cache
def _price_columns() -> tuple[Any, ...]:
    return tuple(getattr(PriceComponentRow, name) for name in ListedPrice._fields)


@cache
def _values_statement() -> Any:
    """Return the columns of `Listed` in its order; the statement is built and compiled once."""
    return (
        narrow_to_listed(sa_select(*undecoded(_listed_columns())).select_from(ListingVersion))
        .join(
            SpecificationVersion,
            col(SpecificationVersion.id) == OfferingVersion.specification_version_id,
        )
        .join(
            StandardSpecification,
            col(StandardSpecification.id) == SpecificationVersion.specification_id,
        )
        .where(col(Listing.offering_id).in_(bindparam("ids", expanding=True)))
        .limit(MAXIMUM_LISTED)
    )


@cache
def _prices_statement() -> Any:
    row: Any = PriceComponentRow
    whose = row.listing_version_id
    return (
        sa_select(*undecoded([*_price_columns(), whose]))
        .where(whose.in_(bindparam("ids", expanding=True)))
        .order_by(whose, row.position)
    )


def narrow_to_listed(statement: Any) -> Any:
    """Keep of a select over listing versions what buyers see now; joins all that decides it."""
    maker, seller = _parties()
    return (
        statement.join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .join(Offering, col(Offering.id) == Listing.offering_id)
        .join(OfferingVersion, col(OfferingVersion.id) == ListingVersion.offering_version_id)
        .join(maker, maker.id == Offering.maker_id)
        .join(seller, seller.id == Listing.seller_id)
        .where(
            unindexed(ListingVersion.state) == OfferState.PUBLISHED,
            unindexed(OfferingVersion.state) == OfferState.PUBLISHED,
            maker.state == VendorState.ACTIVE,
            seller.state == VendorState.ACTIVE,
            or_(
                col(Listing.seller_id) == Offering.maker_id,
                col(Listing.confirmed_at).is_not(None),
            ),
        )
    )


def list_option_names(
    session: Session, specification_version_id: uuid.UUID | None = None
) -> list[str]:
    """Return the names of the options in the price lists that buyers see now, for one version or all."""
    statement = narrow_to_listed(
        select(PriceComponentRow.name)
        .join(ListingVersion, col(ListingVersion.id) == PriceComponentRow.listing_version_id)
        .where(PriceComponentRow.kind == ComponentKind.OPTION)
    )
    if specification_version_id is not None:
        its = OfferingVersion.specification_version_id == specification_version_id
        statement = statement.where(its)
    names = statement.distinct().order_by(PriceComponentRow.name).limit(MAXIMUM_LISTED)
    return list(session.exec(names))


class CompetingTerms(NamedTuple):
    """What tells of competition and leaving in one seller's terms, named as the columns it comes from."""

    id: uuid.UUID
    listing_id: uuid.UUID
    offering_id: uuid.UUID
    offering_version_id: uuid.UUID
    content_sha256: str
    offering_sha256: str
    name: str
    maker_id: uuid.UUID
    maker_name: str
    maker_is_sample: bool
    seller_id: uuid.UUID
    seller_name: str
    seller_is_sample: bool
    size_classes: list[str]
    body_kinds: list[str]
    data_categories: list[dict[str, Any]]
    import_formats: str
    export_formats: str
    minimum_term_months: int
    part_month: PartMonth
    notice_months: int | None
    transition_days: int | None
    retrieval_days: int | None
    export_charge_yen: int | None
    deletion_certificate: bool | None
    parallel_running: bool | None
    escrow: bool | None


def list_competing(session: Session, specification_version_id: uuid.UUID) -> list[CompetingTerms]:
    """Return what buyers see now under a version of a specification, by software and listing (1 statement).

    The same rule as `find_listed`, in the columns that market figures need.
    """
    maker, seller = _parties()
    renamed = {
        "offering_id": Listing.offering_id,
        "offering_sha256": OfferingVersion.content_sha256,
        "maker_id": Offering.maker_id,
        "maker_name": maker.name,
        "maker_is_sample": maker.is_sample,
        "seller_id": Listing.seller_id,
        "seller_name": seller.name,
        "seller_is_sample": seller.is_sample,
    }
    columns = [
        renamed[name]
        if name in renamed
        else getattr(ListingVersion, name, None) or getattr(OfferingVersion, name)
        for name in CompetingTerms._fields
    ]
    statement = (
        narrow_to_listed(sa_select(*columns).select_from(ListingVersion))
        .where(col(OfferingVersion.specification_version_id) == specification_version_id)
        .order_by(col(Listing.offering_id), col(Listing.id))
        .limit(MAXIMUM_LISTED)
    )
    return [CompetingTerms._make(row) for row in session.execute(statement)]


@cache
def _parties() -> tuple[Any, Any]:
    return aliased(Vendor), aliased(Vendor)


def _narrowed(
    listing_ids: Sequence[uuid.UUID] | None,
    offering_id: uuid.UUID | None,
    specification_version_id: uuid.UUID | None,
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if listing_ids is not None:
        conditions.append(col(ListingVersion.listing_id).in_(listing_ids))
    if offering_id is not None:
        conditions.append(col(Listing.offering_id) == offering_id)
    if specification_version_id is not None:
        conditions.append(col(OfferingVersion.specification_version_id) == specification_version_id)
    return conditions


@cache
def _joined_links() -> list[Any]:
    """Return what a listing version is loaded with where `narrow_to_listed` has joined it already."""
    maker, seller = _parties()
    listing = contains_eager(ListingVersion.listing)  # type: ignore[arg-type]
    return [
        listing.contains_eager(Listing.seller.of_type(seller)),  # type: ignore[attr-defined]
        listing.contains_eager(Listing.offering).contains_eager(  # type: ignore[arg-type]
            Offering.maker.of_type(maker)  # type: ignore[attr-defined]
        ),
        contains_eager(ListingVersion.offering_version)  # type: ignore[arg-type]
        .joinedload(OfferingVersion.specification_version)  # type: ignore[arg-type]
        .joinedload(SpecificationVersion.specification),  # type: ignore[arg-type]
        selectinload(ListingVersion.components),  # type: ignore[arg-type]
    ]


def is_listed(version: ListingVersion) -> bool:
    """Tell whether buyers see this listing version now; the row must come from a query above."""
    listing = version.listing
    offering = listing.offering
    return (
        version.state is OfferState.PUBLISHED
        and version.offering_version.state is OfferState.PUBLISHED
        and listing.seller.state is VendorState.ACTIVE
        and offering.maker.state is VendorState.ACTIVE
        and (listing.seller_id == offering.maker_id or listing.confirmed_at is not None)
    )
