"""The generated listings as rows of the product's own database, inserted in bulk."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count, islice
from typing import Any, cast

from sqlalchemy import Table, insert, inspect
from sqlmodel import Session, SQLModel

from accounts.models import Organisation, OrganisationKind, Person, Role
from bench.search.market import SPECIFICATIONS, Entry, Market, Software
from bench.search.words import AFFAIRS
from catalog.certification.models import Certification, ReviewState
from catalog.offerings.models import (
    ConformanceAnswer,
    Listing,
    ListingVersion,
    Offering,
    OfferingVersion,
    OfferState,
    PriceComponentRow,
)
from catalog.price_plan import ComponentKind, Interval, Unit
from catalog.specifications.models import SpecificationVersion
from catalog.terms import Answer
from core import db
from core.db import now
from tests import factories
from vendors.models import Vendor, VendorState

_BATCH = 5_000
_CERTIFICATES = {
    "certified": ReviewState.CERTIFIED,
    "conditional": ReviewState.CONDITIONAL,
    "expired": ReviewState.CERTIFIED,
}
_TABLES: tuple[type[SQLModel], ...] = (
    Offering,
    OfferingVersion,
    ConformanceAnswer,
    Certification,
    Listing,
    ListingVersion,
    PriceComponentRow,
)


@dataclass(slots=True)
class Parties:
    """Who sells, what is answered, and the people whom the database demands of a certificate."""

    vendors: list[tuple[uuid.UUID, uuid.UUID]]
    specifications: list[tuple[uuid.UUID, uuid.UUID]]
    people: tuple[uuid.UUID, uuid.UUID, uuid.UUID]
    seen: set[uuid.UUID] = field(default_factory=set)
    serial: Iterator[int] = field(default_factory=count)


def fill(market: Market) -> None:
    """Write all listings of a market into the database that is configured, published and untouched.

    No search text is stored: the first rebuild has to analyse everything.
    """
    with db.transaction() as session:
        parties = _add_parties(session, market)
    # Certificates are put in as they stand, without the reviews that lead to them.
    with db.transaction() as session:
        factories.thaw(session)
    for entries in _batched(market.entries()):
        with db.transaction() as session:
            rows: dict[type[SQLModel], list[dict[str, Any]]] = {table: [] for table in _TABLES}
            for entry in entries:
                _add_entry(rows, entry, parties, session)
            for model, values in rows.items():
                _insert(session, model, values)


def _insert(session: Session, model: type[SQLModel], values: Sequence[dict[str, Any]]) -> None:
    """Insert rows past the toolkit, whose handling of each default takes most of the time."""
    if not values:
        return
    table = cast("Table", inspect(model, raiseerr=True).local_table)
    usual = _defaults(model)
    dialect = session.get_bind().dialect
    bind = {
        column.key: column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.c
    }
    rows = [
        tuple(
            process(value) if process else value
            for name, process in bind.items()
            for value in [row[name] if name in row else usual.get(name)]
        )
        for row in ({"id": uuid.uuid4(), **each} for each in values)
    ]
    names = ", ".join(f'"{name}"' for name in bind)
    marks = ", ".join("?" * len(bind))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 - our own names
    session.connection().exec_driver_sql(statement, rows)


def _defaults(model: type[SQLModel]) -> dict[str, Any]:
    """Return what the model itself gives a new row, the same for all of this batch."""
    fields = model.model_fields.items()
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in fields
        if not field.is_required()
    }


def _batched(entries: Iterable[Entry]) -> Iterator[Sequence[Entry]]:
    left = iter(entries)
    while batch := tuple(islice(left, _BATCH)):
        yield batch


def _add_parties(session: Session, market: Market) -> Parties:
    versions: list[SpecificationVersion] = [
        factories.specification(
            session, requirements=1, code=f"BENCH{number:02d}", name=AFFAIRS[number]
        )
        for number in range(SPECIFICATIONS)
    ]
    homes: list[dict[str, Any]] = []
    vendors: list[dict[str, Any]] = []
    for number, name in enumerate(market.company_names):
        home, vendor = uuid.uuid4(), uuid.uuid4()
        homes.append({"id": home, "kind": OrganisationKind.VENDOR, "name": name, "is_sample": True})
        vendors.append(
            {
                "id": vendor,
                "owner_id": home,
                "state": VendorState.ACTIVE,
                "name": name,
                "corporate_number": factories.corporate_number(1_000_000 + number),
                "is_sample": True,
            }
        )
    session.execute(insert(Organisation), homes)
    session.execute(insert(Vendor), vendors)
    people: list[Person] = [factories.person(session, Role.REVIEWER) for _ in range(3)]
    first, second, lead = (person.id for person in people)
    return Parties(
        vendors=[(row["id"], row["owner_id"]) for row in vendors],
        specifications=[(each.id, _requirement(session, each)) for each in versions],
        people=(first, second, lead),
    )


def _requirement(session: Session, version: SpecificationVersion) -> uuid.UUID:
    from catalog.specifications.queries import list_requirements

    return list_requirements(session, version.id)[0].id


def _add_entry(
    rows: dict[type[SQLModel], list[dict[str, Any]]], entry: Entry, parties: Parties, session: Any
) -> None:
    software = entry.software
    if software.id not in parties.seen:
        parties.seen.add(software.id)
        _add_software(rows, software, parties, session)
    seller, owner = parties.vendors[entry.seller]
    moment = now(session)
    rows[Listing].append(
        {
            "id": entry.id,
            "offering_id": software.id,
            "owner_id": owner,
            "seller_id": seller,
            "confirmed_at": moment,
        }
    )
    rows[ListingVersion].append(
        {
            "id": entry.version_id,
            "listing_id": entry.id,
            "owner_id": owner,
            "offering_version_id": software.version_id,
            "state": OfferState.PUBLISHED,
            "published_at": moment,
        }
    )
    prices = [
        (ComponentKind.INITIAL, Unit.LUMP, Interval.ONCE, entry.initial),
        (ComponentKind.BASE, Unit.LUMP, Interval.MONTH, entry.monthly),
    ]
    if entry.per_person is not None:
        prices.append((ComponentKind.USAGE, Unit.PERSON, Interval.MONTH, entry.per_person))
    rows[PriceComponentRow] += [
        {
            "listing_version_id": entry.version_id,
            "position": position,
            "kind": kind,
            "unit": unit,
            "interval": interval,
            "tiers": [[0, amount]],
        }
        for position, (kind, unit, interval, amount) in enumerate(prices)
    ]


def _add_software(
    rows: dict[type[SQLModel], list[dict[str, Any]]],
    software: Software,
    parties: Parties,
    session: Any,
) -> None:
    maker, owner = parties.vendors[software.maker]
    specification, requirement = parties.specifications[software.specification]
    rows[Offering].append({"id": software.id, "owner_id": owner, "maker_id": maker})
    rows[OfferingVersion].append(
        {
            "id": software.version_id,
            "offering_id": software.id,
            "owner_id": owner,
            "state": OfferState.PUBLISHED,
            "specification_version_id": specification,
            "name": software.name,
            "summary": software.summary,
            "description": software.description,
            "features": list(software.features),
            "hosting_provider": software.hosting,
            "hosting_region": software.region,
            "networks": list(software.networks),
            "size_classes": list(software.sizes),
            "published_at": now(session),
        }
    )
    if software.state != "unknown":
        rows[ConformanceAnswer].append(
            {
                "offering_version_id": software.version_id,
                "requirement_id": requirement,
                "answer": Answer.CONFORMS,
            }
        )
    if software.state in _CERTIFICATES:
        rows[Certification].append(_certificate(software, parties, owner, now(session)))


def _certificate(
    software: Software, parties: Parties, owner: uuid.UUID, moment: Any
) -> dict[str, Any]:
    first, second, lead = parties.people
    began = moment - timedelta(days=800 if software.state == "expired" else 100)
    return {
        "offering_version_id": software.version_id,
        "specification_version_id": parties.specifications[software.specification][0],
        "owner_id": owner,
        "state": _CERTIFICATES[software.state],
        "number": f"BENCH-{next(parties.serial)}",
        "first_reviewer_id": first,
        "second_reviewer_id": second,
        "decided_by_id": lead,
        "decided_at": began,
        "valid_from": began,
        "valid_until": began + timedelta(days=730),
    }
