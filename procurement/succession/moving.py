"""Hand rows over to another vendor: the owner changes, everything else stays as it is."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col

from accounts.identity import Actor
from catalog.certification.after_models import Appeal, ConditionReport
from catalog.certification.models import Certification
from catalog.offerings.models import Listing, ListingVersion, Offering, OfferingVersion
from catalog.offerings.reference_models import AdoptionReference
from catalog.offerings.services import end_merged
from core.db import now
from core.models import Model
from procurement.contracts.models import Contract, UsageContractRequest
from procurement.succession import queries
from vendors.models import Vendor


def move_offerings(session: Session, offering_ids: Sequence[uuid.UUID], heir: Vendor) -> None:
    """Give offerings another maker: versions, certificates and what was filed about them go along."""
    owner = {"owner_id": heir.owner_id}
    _move(session, Offering, "id", offering_ids, maker_id=heir.id, **owner)
    _move(session, OfferingVersion, "offering_id", offering_ids, **owner)
    versions = queries.list_offering_version_ids(session, list(offering_ids))
    _move(session, Certification, "offering_version_id", versions, **owner)
    certifications = queries.list_certification_ids(session, versions)
    for model in (Appeal, ConditionReport):
        _move(session, model, "certification_id", certifications, **owner)


def end_doubles(session: Session, actor: Actor, doubles: Sequence[queries.Double]) -> None:
    """End of each pair the listing that does not stay; what was agreed on it stays as it is."""
    for each in sorted(doubles, key=lambda double: double.ends.offering_id):
        reason = (
            f"{each.ends.seller.name}と{each.stays.seller.name}の承継により、"
            "同じサービスの販売条件を1つにしました。契約と送信済みの依頼は、そのまま続きます。"
        )
        end_merged(session, actor, each.ends, each.stays.id, reason=reason)


def move_listings(session: Session, listing_ids: Sequence[uuid.UUID], heir: Vendor) -> None:
    """Give listings another seller: versions, requests and contracts go along."""
    owner = {"owner_id": heir.owner_id}
    _move(session, Listing, "id", listing_ids, seller_id=heir.id, **owner)
    _move(session, ListingVersion, "listing_id", listing_ids, **owner)
    _move(session, AdoptionReference, "listing_id", listing_ids, **owner)
    versions = queries.list_listing_version_ids(session, list(listing_ids))
    addressee = {"addressee_id": heir.owner_id}
    _move(session, Contract, "listing_version_id", versions, **addressee)
    selections = queries.list_selection_ids(session, versions)
    requests = {**addressee, "seller_id": heir.id}
    _move(session, UsageContractRequest, "selection_id", selections, **requests)


def _move(
    session: Session, model: type[Model], column: str, ids: Sequence[uuid.UUID], **values: Any
) -> None:
    if not ids:
        return
    statement = (
        update(model)
        .where(col(getattr(model, column)).in_(ids))
        .values(**values, version=model.version + 1, updated_at=now(session))
        .execution_options(synchronize_session=False)
    )
    session.execute(statement)
