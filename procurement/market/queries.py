"""What can be asked about the services and contracts that stand on specification versions."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from accounts.models import Organisation
from catalog.certification.models import OPEN_STATES, Certification
from catalog.certification.queries import Standing, standings
from catalog.offerings.models import (
    Listing,
    ListingVersion,
    Offering,
    OfferingVersion,
    OfferState,
)
from catalog.specifications.models import SpecificationState, SpecificationVersion
from catalog.specifications.queries import list_versions_of
from catalog.terms import CertificationState
from core.clock import day_in_japan
from core.db import now
from procurement.contracts.models import (
    BINDING_STATES,
    RUNNING_STATES,
    Contract,
    UsageContractRequest,
)
from procurement.selection.models import Selection

PENDING_STATES = (
    OfferState.DRAFT,
    OfferState.SUBMITTED,
    OfferState.IN_REVIEW,
    OfferState.RETURNED,
    OfferState.APPROVED,
)
IN_FORCE = frozenset({CertificationState.CERTIFIED, CertificationState.CONDITIONAL})


@dataclass(frozen=True, slots=True)
class AffectedContract:
    """A contract of today with its body and the service that is used."""

    contract: Contract
    body: Organisation
    offering_version: OfferingVersion


@dataclass(frozen=True, slots=True)
class Impact:
    """What stands on specification versions today.

    Public services with their standing, contracts, services that are not public yet, reviews under
    way, and who else than the maker sells a public service.
    """

    offerings: tuple[tuple[OfferingVersion, Standing], ...]
    contracts: tuple[AffectedContract, ...]
    pending: tuple[OfferingVersion, ...] = ()
    reviews: tuple[Certification, ...] = ()
    resold: tuple[Listing, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing at all stands on the versions."""
        return not (self.offerings or self.contracts or self.pending or self.reviews)

    @property
    def pending_counts(self) -> list[tuple[OfferState, int]]:
        """How many services are in each state before publication; whose they are stays private."""
        found = Counter(each.state for each in self.pending)
        return [(state, found[state]) for state in PENDING_STATES if found[state]]

    def resellers_of(self, version: OfferingVersion) -> list[str]:
        """Return the names of those who sell a service besides its maker."""
        found = [each for each in self.resold if each.offering_id == version.offering_id]
        return [each.seller.name for each in found]

    @property
    def certificates(self) -> int:
        """How many of the services are certified, with or without conditions."""
        return sum(standing.state in IN_FORCE for _, standing in self.offerings)


def list_older_versions(
    session: Session, version: SpecificationVersion
) -> list[SpecificationVersion]:
    """Return the published versions of the same specification that come before, newest first.

    A version that is not published comes after those that apply from the same day; one without a
    day of application after all that are published.
    """
    return [
        each
        for each in list_versions_of(session, version.specification_id)
        if each.is_published and each.id != version.id and each.place < version.place
    ]


def find_overtaking(session: Session, version: SpecificationVersion) -> SpecificationVersion | None:
    """Return the version in effect behind which a version would be published, superseded at birth."""
    moment = now(session)
    return next(
        (
            each
            for each in list_versions_of(session, version.specification_id)
            if each.state_at(moment) is SpecificationState.EFFECTIVE and each.place > version.place
        ),
        None,
    )


def find_impact(session: Session, version_ids: Sequence[uuid.UUID]) -> Impact:
    """Return what stands on these specification versions today (6 statements)."""
    if not version_ids:
        return Impact((), ())
    versions = _list_offerings(session, version_ids)
    public = [each for each in versions if each.state is OfferState.PUBLISHED]
    known = standings(session, public)
    return Impact(
        offerings=tuple((each, known[each.id]) for each in public),
        contracts=tuple(_list_contracts(session, version_ids, day_in_japan(now(session)))),
        pending=tuple(each for each in versions if each.state is not OfferState.PUBLISHED),
        reviews=tuple(_list_reviews(session, version_ids)),
        resold=tuple(_list_resold(session, [each.id for each in public]) if public else ()),
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
    """Return by body how many of its running contracts use a listing, or one merged into it."""
    today = day_in_japan(now(session))
    statement = (
        select(Contract.owner_id, func.count())
        .join(ListingVersion, col(ListingVersion.id) == Contract.listing_version_id)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .where(
            or_(col(Listing.id) == listing_id, col(Listing.merged_into_id) == listing_id),
            col(Contract.state).in_(RUNNING_STATES),
            Contract.ends_on >= today,
        )
        .group_by(col(Contract.owner_id))
        .order_by(col(Contract.owner_id))
    )
    return dict(session.exec(statement).all())


def find_promised_months(session: Session, vendor_id: uuid.UUID) -> int | None:
    """Return the longest notice that binds a vendor: its published terms, and those bodies rely on.

    What it makes counts as what it sells: without the maker the software ends for every seller.
    None when nothing of it is published or in use.
    """
    statement = (
        select(func.max(func.coalesce(ListingVersion.notice_months, 0)))
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .join(Offering, col(Offering.id) == Listing.offering_id)
        .where(
            or_(col(Listing.seller_id) == vendor_id, col(Offering.maker_id) == vendor_id),
            or_(
                col(ListingVersion.state) == OfferState.PUBLISHED,
                _is_relied_on(session),
            ),
        )
    )
    return session.exec(statement).one()


def list_contracted_terms(session: Session, offering_id: uuid.UUID) -> Sequence[ListingVersion]:
    """Return every seller's terms of an offering that running contracts or sent requests name."""
    statement = (
        select(ListingVersion)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .where(Listing.offering_id == offering_id, _is_relied_on(session))
    )
    return session.exec(statement).all()


def _is_relied_on(session: Session) -> ColumnElement[bool]:
    """Say whether a body relies on these terms: by a running contract, or a request that was sent."""
    running = select(Contract.listing_version_id).where(
        col(Contract.state).in_(RUNNING_STATES), Contract.ends_on >= day_in_japan(now(session))
    )
    requested = (
        select(Selection.listing_version_id)
        .join(UsageContractRequest, col(UsageContractRequest.selection_id) == Selection.id)
        .where(col(UsageContractRequest.state).in_(BINDING_STATES))
    )
    return or_(col(ListingVersion.id).in_(running), col(ListingVersion.id).in_(requested))


def _list_offerings(session: Session, version_ids: Sequence[uuid.UUID]) -> list[OfferingVersion]:
    statement = (
        select(OfferingVersion)
        .where(
            col(OfferingVersion.specification_version_id).in_(version_ids),
            col(OfferingVersion.state).in_((OfferState.PUBLISHED, *PENDING_STATES)),
        )
        .options(
            joinedload(OfferingVersion.offering).joinedload(Offering.maker),  # type: ignore[arg-type]
            joinedload(OfferingVersion.specification_version),  # type: ignore[arg-type]
        )
        .order_by(OfferingVersion.name, col(OfferingVersion.id))
    )
    return list(session.exec(statement))


def _list_reviews(session: Session, version_ids: Sequence[uuid.UUID]) -> list[Certification]:
    statement = (
        select(Certification)
        .where(
            col(Certification.specification_version_id).in_(version_ids),
            col(Certification.state).in_(OPEN_STATES),
        )
        .order_by(col(Certification.submitted_at), col(Certification.id))
    )
    return list(session.exec(statement))


def _list_resold(session: Session, offering_version_ids: Sequence[uuid.UUID]) -> list[Listing]:
    statement = (
        select(Listing)
        .join(ListingVersion, col(ListingVersion.listing_id) == col(Listing.id))
        .join(Offering, col(Offering.id) == col(Listing.offering_id))
        .where(
            col(ListingVersion.offering_version_id).in_(offering_version_ids),
            ListingVersion.state == OfferState.PUBLISHED,
            col(Listing.owner_id) != col(Offering.owner_id),
        )
        .options(joinedload(Listing.seller))  # type: ignore[arg-type]
        .order_by(col(Listing.created_at), col(Listing.id))
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
