"""What can be asked about the services and contracts that stand on specification versions."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from accounts.models import Organisation
from catalog.certification.queries import Standing, standings
from catalog.offerings.models import ListingVersion, Offering, OfferingVersion, OfferState
from catalog.specifications.models import SpecificationVersion
from catalog.specifications.queries import list_versions_of
from catalog.terms import CertificationState
from core.clock import day_in_japan
from core.db import now
from procurement.contracts.models import Contract, ContractState

RUNNING_STATES = (ContractState.REGISTERED, ContractState.IN_USE, ContractState.EXITING)
IN_FORCE = frozenset({CertificationState.CERTIFIED, CertificationState.CONDITIONAL})


@dataclass(frozen=True, slots=True)
class AffectedContract:
    """A contract of today with its body and the service that is used."""

    contract: Contract
    body: Organisation
    offering_version: OfferingVersion


@dataclass(frozen=True, slots=True)
class Impact:
    """What stands on specification versions today: public services, their standing, contracts."""

    offerings: tuple[tuple[OfferingVersion, Standing], ...]
    contracts: tuple[AffectedContract, ...]

    @property
    def certificates(self) -> int:
        """How many of the services are certified, with or without conditions."""
        return sum(standing.state in IN_FORCE for _, standing in self.offerings)


def list_older_versions(
    session: Session, version: SpecificationVersion
) -> list[SpecificationVersion]:
    """Return the published versions of the same specification that apply earlier, newest first.

    A version without a day of application comes after all that are published.
    """
    last = version.applies_from or date.max
    return [
        each
        for each in list_versions_of(session, version.specification_id)
        if each.is_published and each.id != version.id and (each.applies_from or date.min) < last
    ]


def find_impact(session: Session, version_ids: Sequence[uuid.UUID]) -> Impact:
    """Return what stands on these specification versions today (4 statements)."""
    versions = _list_offerings(session, version_ids)
    known = standings(session, versions)
    return Impact(
        offerings=tuple((each, known[each.id]) for each in versions),
        contracts=tuple(_list_contracts(session, version_ids, day_in_japan(now(session)))),
    )


def list_users(session: Session, offering_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of the bodies with a contract of today for any version of a service."""
    statement = (
        select(Contract.owner_id)
        .join(ListingVersion, col(ListingVersion.id) == Contract.listing_version_id)
        .join(OfferingVersion, col(OfferingVersion.id) == ListingVersion.offering_version_id)
        .where(
            OfferingVersion.offering_id == offering_id,
            col(Contract.state).in_(RUNNING_STATES),
            Contract.ends_on >= day_in_japan(now(session)),
        )
        .distinct()
        .order_by(col(Contract.owner_id))
    )
    return list(session.exec(statement))


def count_contracts_by_body(session: Session, listing_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Return by body how many of its running contracts use a listing, in whichever version."""
    today = day_in_japan(now(session))
    statement = (
        select(Contract.owner_id, func.count())
        .join(ListingVersion, col(ListingVersion.id) == Contract.listing_version_id)
        .where(
            ListingVersion.listing_id == listing_id,
            col(Contract.state).in_(RUNNING_STATES),
            Contract.ends_on >= today,
        )
        .group_by(col(Contract.owner_id))
        .order_by(col(Contract.owner_id))
    )
    return dict(session.exec(statement).all())


def _list_offerings(session: Session, version_ids: Sequence[uuid.UUID]) -> list[OfferingVersion]:
    statement = (
        select(OfferingVersion)
        .where(
            col(OfferingVersion.specification_version_id).in_(version_ids),
            OfferingVersion.state == OfferState.PUBLISHED,
        )
        .options(
            joinedload(OfferingVersion.offering).joinedload(Offering.maker),  # type: ignore[arg-type]
            joinedload(OfferingVersion.specification_version),  # type: ignore[arg-type]
        )
        .order_by(OfferingVersion.name, col(OfferingVersion.id))
    )
    return list(session.exec(statement))


def _list_contracts(
    session: Session, version_ids: Sequence[uuid.UUID], today: date
) -> list[AffectedContract]:
    statement = (
        select(Contract, Organisation, OfferingVersion)
        .join(Organisation, col(Organisation.id) == Contract.owner_id)
        .join(ListingVersion, col(ListingVersion.id) == Contract.listing_version_id)
        .join(OfferingVersion, col(OfferingVersion.id) == ListingVersion.offering_version_id)
        .where(
            col(OfferingVersion.specification_version_id).in_(version_ids),
            col(Contract.state).in_(RUNNING_STATES),
            Contract.ends_on >= today,
        )
        .options(joinedload(OfferingVersion.specification_version))  # type: ignore[arg-type]
        .order_by(col(Contract.ends_on), col(Organisation.code), col(Contract.id))
    )
    return [AffectedContract(*row) for row in session.exec(statement)]
