"""Public records: what a mirror holds of each thing, and the offering with its listings.

A record says only what its own thing says, so that one change of one thing makes one record stale.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from catalog.certification.models import Certification
from catalog.certification.queries import Standing, standing_of, standings
from catalog.offerings.models import ListingVersion, OfferingVersion, PriceComponentRow
from catalog.offerings.prices import list_public
from catalog.offerings.queries import find_listed
from catalog.offerings.rows import list_held
from catalog.queries import (
    answered_version_ids,
    list_active_vendors,
    list_certificates,
    list_public_offerings,
    list_public_specification_versions,
)
from catalog.specifications.models import SpecificationVersion
from catalog.specifications.queries import recheck_days
from catalog.terms import CertificationState
from core.clock import day_in_japan
from core.db import now
from vendors.models import Vendor

Record = dict[str, Any]
CURRENCY = "JPY"
# The form of all records: raise it with every change of what one says. `narabi db upgrade` then
# writes all of them anew, and mirrors hear of each that differs.
SHAPE = 1


def load_records(session: Session, kind: str, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Record]:
    """Return the public records of these things of a kind; what is not public is left out."""
    return _LOADERS[kind](session, ids) if ids else {}


def load_offerings(session: Session, versions: Sequence[OfferingVersion]) -> list[Record]:
    """Return offerings with their standing and what every seller asks (4 statements)."""
    known, day = standings(session, versions), day_in_japan(now(session))
    listings: dict[uuid.UUID, list[ListingVersion]] = {}
    listed = find_listed(session, offering_ids=[version.offering_id for version in versions])
    for each in sorted(listed, key=lambda row: row.listing_id):
        listings.setdefault(each.listing.offering_id, []).append(each)
    return [
        {
            "id": str(version.offering_id),
            "maker": vendor_summary(version.offering.maker),
            "version": version_record(version, day),
            "certification": standing_record(known[version.id]),
            "listings": [
                {
                    **listing_record(each, day),
                    "seller": vendor_summary(each.listing.seller),
                }
                for each in listings.get(version.offering_id, [])
            ],
        }
        for version in versions
    ]


def specification_record(version: SpecificationVersion, moment: datetime) -> Record:
    """Return a version of a standard specification."""
    specification = version.specification
    return {
        "id": str(version.id),
        "code": specification.code,
        "name": specification.name,
        "field": specification.field or None,
        "version": version.label,
        "pattern": specification.pattern.value,
        "ministry": specification.ministry,
        "state": version.state_at(moment).value,
        "published_on": _day(version.published_on),
        "applies_from": _day(version.applies_from),
        "transition_ends_on": _day(version.transition_ends_on),
        "accepts_offerings": specification.accepts_offerings,
        "source_sha256": version.source_sha256 or None,
        "is_sample": specification.is_sample,
    }


def vendor_record(vendor: Vendor) -> Record:
    """Return the public part of a vendor."""
    return {
        **vendor_summary(vendor),
        "name_kana": vendor.kana or None,
        "roles": list(vendor.roles),
        "is_small_or_medium": vendor.is_small_or_medium,
    }


def vendor_summary(vendor: Vendor) -> Record:
    """Return what stands beside an offering or listing."""
    return {
        "id": str(vendor.id),
        "name": vendor.name,
        "corporate_number": vendor.corporate_number,
        "is_sample": vendor.is_sample,
    }


def offering_record(version: OfferingVersion, day: date, *, has_answers: bool) -> Record:
    """Return an offering as a mirror holds it; `claim` counts while no certificate says more."""
    claimed = CertificationState.CLAIMED if has_answers else CertificationState.UNKNOWN
    return {
        "id": str(version.offering_id),
        "maker_id": str(version.offering.maker_id),
        "version": version_record(version, day),
        "claim": claimed.value,
    }


def version_record(version: OfferingVersion, day: date) -> Record:
    """Return the published facts of an offering version; accreditations only while they are held."""
    specification = version.specification_version
    return {
        "id": str(version.id),
        "number": version.number,
        "name": version.name,
        "summary": version.summary,
        "description": version.description,
        "features": list(version.features),
        "specification_version": {
            "id": str(specification.id),
            "code": specification.specification.code,
            "name": specification.specification.name,
            "version": specification.label,
        },
        "hosting_provider": version.hosting_provider or None,
        "hosting_region": version.hosting_region or None,
        "networks": list(version.networks),
        "size_classes": list(version.size_classes),
        "import_formats": version.import_formats or None,
        "export_formats": version.export_formats or None,
        "api_specification": version.api_specification or None,
        **_facts(version, day),
        "content_sha256": version.content_sha256 or None,
        "published_at": _moment(version.published_at),
    }


def _facts(version: OfferingVersion, day: date) -> Record:
    return {
        "data_location": version.data_location or None,
        "body_kinds": list(version.body_kinds),
        "languages": list(version.languages),
        "authentication": list(version.authentication),
        "accessibility": {
            "level": version.accessibility_level or None,
            "statement": version.accessibility_statement or None,
        },
        "accreditations": [
            {
                "kind": each.kind.value,
                "number": each.number,
                "body": each.body,
                "scope": each.scope,
                "expires_on": each.expires_on.isoformat(),
            }
            for each in list_held(version.accreditations, day)
        ],
        "data_categories": [
            {**row, "imports": row["imports"] or None} for row in version.data_categories
        ],
    }


def listing_record(version: ListingVersion, day: date) -> Record:
    """Return one seller's terms: prices in yen without tax, service level, exit.

    A price that begins later than this day is not public yet.
    """
    return {
        "id": str(version.listing_id),
        "offering_id": str(version.listing.offering_id),
        "offering_version_id": str(version.offering_version_id),
        "seller_id": str(version.listing.seller_id),
        "version_id": str(version.id),
        "number": version.number,
        "currency": CURRENCY,
        "tax_included": False,
        "tax_rounding": version.tax_rounding.value,
        "part_month": version.part_month.value,
        "minimum_term_months": version.minimum_term_months,
        "price_components": [component_record(row) for row in list_public(version.components, day)],
        "volume_discounts": [
            {"from_bodies": bodies, "basis_points": points} for bodies, points in version.discounts
        ],
        "references": [
            {
                "body_code": each["code"],
                "body_name": each["name"],
                "used_since": each["used_since"] or None,
                "note": each["note"] or None,
            }
            for each in version.listing.references
        ],
        "state_support": {
            "amount": version.state_support_yen,
            "until": _day(version.state_support_until),
            "note": version.state_support_note or None,
        },
        **_promises(version),
        "content_sha256": version.content_sha256 or None,
        "published_at": _moment(version.published_at),
    }


def _promises(version: ListingVersion) -> Record:
    return {
        "service_level": {
            "planned_service_hours": version.planned_service_hours or None,
            "availability_basis_points": version.availability_basis_points,
            "rto_hours": version.rto_hours,
            "rpo_hours": version.rpo_hours,
            "support_hours": version.support_hours or None,
            "responsibility_boundary": version.responsibility_boundary or None,
            "onboarding_weeks": version.onboarding_weeks,
            "maintenance_notice_days": version.maintenance_notice_days,
            "training": version.training or None,
        },
        "exit_terms": {
            "notice_months": version.notice_months,
            "transition_days": version.transition_days,
            "retrieval_days": version.retrieval_days,
            "export_charge": version.export_charge_yen,
            "deletion_certificate": version.deletion_certificate,
            "parallel_running": version.parallel_running,
            "escrow": version.escrow,
            "note": version.exit_note or None,
        },
    }


def component_record(row: PriceComponentRow) -> Record:
    """Return one line of a price list; without tiers no price is published.

    Amounts count the smallest unit of its currency.
    """
    return {
        "name": row.name,
        "kind": row.kind.value,
        "unit": row.unit.value,
        "interval": row.interval.value,
        "tier_mode": row.tier_mode.value,
        "tiers": [{"from": lower, "unit_price": price} for lower, price in row.tiers],
        "minimum": row.minimum,
        "maximum": row.maximum,
        "valid_from": _day(row.valid_from),
        "valid_to": _day(row.valid_to),
        "size_classes": list(row.size_classes),
        "currency": row.currency.value,
    }


def standing_record(standing: Standing) -> Record:
    """Return what is known about conformity now."""
    return {
        "state": standing.state.value,
        "certificate_id": _text(standing.certification_id),
        "number": standing.number,
        "valid_until": _moment(standing.valid_until),
        "conditions_due_on": _day(standing.due_on),
        "lapsed_on": _day(standing.lapsed_on),
        "refused_on": _day(standing.refused_on),
    }


def certificate_record(row: Certification, moment: datetime, recheck_by: date | None) -> Record:
    """Return a certificate; one that a newer one replaced says so.

    `recheck_by`: a newer version of the specification is published, which this one says nothing of.
    """
    standing = standing_of(row, moment, has_answers=True)
    return {
        "id": str(row.id),
        "number": row.number,
        "offering_id": str(row.offering_version.offering_id),
        "offering_version_id": str(row.offering_version_id),
        "specification_version_id": str(row.specification_version_id),
        "state": row.public_code(moment).value,
        "evaluated_sha256": row.evaluated_sha256 or None,
        "decided_at": _moment(row.decided_at),
        "valid_from": _moment(row.valid_from),
        "valid_until": _moment(row.valid_until),
        "conditions_due_on": _day(standing.due_on),
        "lapsed_on": _day(standing.lapsed_on),
        "ended_on": _day(row.ended_on),
        "recheck_by": _day(recheck_by),
    }


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _moment(moment: datetime | None) -> str | None:
    """Return RFC 3339 in UTC, the same on both databases."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


# --- by kind -------------------------------------------------------------------------------------


def _load_specifications(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Record]:
    moment = now(session)
    found = list_public_specification_versions(session, ids)
    return {row.id: specification_record(row, moment) for row in found}


def _load_vendors(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Record]:
    return {row.id: vendor_record(row) for row in list_active_vendors(session, ids)}


def _load_offerings(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Record]:
    found = list_public_offerings(session, ids)
    answered = answered_version_ids(session, [row.id for row in found])
    day = day_in_japan(now(session))
    return {
        row.offering_id: offering_record(row, day, has_answers=row.id in answered) for row in found
    }


def _load_listings(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Record]:
    day = day_in_japan(now(session))
    found = {row.listing_id: listing_record(row, day) for row in find_listed(session, ids)}
    return dict(sorted(found.items()))


def _load_certificates(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Record]:
    moment = now(session)
    found = list_certificates(session, ids)
    days = recheck_days(session, list({row.specification_version_id for row in found}))
    return {
        row.id: certificate_record(row, moment, days.get(row.specification_version_id))
        for row in found
    }


_Loader = Callable[[Session, Sequence[uuid.UUID]], dict[uuid.UUID, Record]]
_LOADERS: Mapping[str, _Loader] = {
    "specification_version": _load_specifications,
    "vendor": _load_vendors,
    "offering": _load_offerings,
    "listing": _load_listings,
    "certificate": _load_certificates,
}
