"""What a version says, as plain values: the canonical content that is hashed at submission."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from catalog.conformance import AnswerEntry, RequirementEntry
from catalog.offerings.models import (
    ConformanceAnswer,
    ListingVersion,
    OfferingVersion,
    PriceComponentRow,
)
from catalog.price_plan import Currency, PartMonth
from catalog.specifications.models import Requirement
from catalog.terms import BodyClass
from core.documents import canonical_json, sha256_hex

OFFERING_FIELDS = (
    "name",
    "kana",
    "summary",
    "description",
    "features",
    "hosting_provider",
    "hosting_region",
    "networks",
    "size_classes",
    "import_formats",
    "export_formats",
    "api_specification",
    "data_location",
    "body_kinds",
    "languages",
    "authentication",
    "accessibility_level",
    "accessibility_statement",
    "accreditations",
    "data_categories",
)
LISTING_FIELDS = (
    "minimum_term_months",
    "tax_rounding",
    "part_month",
    "support_hours",
    "onboarding_weeks",
    "planned_service_hours",
    "availability_basis_points",
    "rto_hours",
    "rpo_hours",
    "responsibility_boundary",
    "notice_months",
    "transition_days",
    "retrieval_days",
    "export_charge_yen",
    "deletion_certificate",
    "parallel_running",
    "escrow",
    "exit_note",
    "maintenance_notice_days",
    "training",
    "discounts",
    "state_support_yen",
    "state_support_until",
    "state_support_note",
)
# Asked for only later: they are part of a content where something is told, so that what was hashed
# before they existed keeps its hash.
LATER_FIELDS = frozenset(
    {
        "data_location",
        "body_kinds",
        "languages",
        "authentication",
        "accessibility_level",
        "accessibility_statement",
        "accreditations",
        "data_categories",
        "maintenance_notice_days",
        "training",
        "discounts",
        "state_support_yen",
        "state_support_until",
        "state_support_note",
        "valid_from",
        "valid_to",
        "part_month",
        "currency",
    }
)
# What a later field meant before it was asked for: it is not told, for the same reason.
_AS_BEFORE: Mapping[str, Any] = {"part_month": PartMonth.WHOLE, "currency": Currency.JPY}
COMPONENT_FIELDS = (
    "kind",
    "name",
    "unit",
    "interval",
    "tier_mode",
    "tiers",
    "minimum",
    "maximum",
    "valid_from",
    "valid_to",
    "size_classes",
    "currency",
)


def offering_content(
    version: OfferingVersion,
    answers: Mapping[uuid.UUID, ConformanceAnswer],
    *,
    with_files: bool = True,
) -> dict[str, Any]:
    """Return all that a certificate covers; `answers` as from `queries.list_answers`.

    The specification of the version must be loaded. Answers are keyed by the ministry's id. Without
    `with_files` it is what everybody may read: the names of evidence files are for the review only.
    """
    specification = version.specification_version
    return {
        "offering_id": str(version.offering_id),
        "number": version.number,
        "specification": {
            "code": specification.specification.code,
            "label": specification.label,
        },
        **_told(version, OFFERING_FIELDS),
        "answers": {
            row.requirement.requirement_id: {
                "answer": row.answer.value,
                "note": row.note,
                "due_on": row.due_on.isoformat() if row.due_on else None,
                "evidence_url": row.evidence_url,
                **(_files(row) if with_files else {}),
            }
            for row in answers.values()
        },
    }


def _files(row: ConformanceAnswer) -> dict[str, Any]:
    # Only where there are any: what was hashed before files could be attached keeps its hash.
    if not row.evidence:
        return {}
    files = sorted((each.name, each.file.sha256) for each in row.evidence)
    return {"evidence_files": [{"name": name, "sha256": digest} for name, digest in files]}


def listing_content(version: ListingVersion) -> dict[str, Any]:
    """Return all that a seller offers: prices in yen without tax, service level, exit terms.

    From submission on it names who submitted it, whoever took the listing over since.
    """
    return {
        "listing_id": str(version.listing_id),
        "number": version.number,
        "offering_version_id": str(version.offering_version_id),
        "seller_corporate_number": version.submitted_seller or number_of_seller(version),
        **_told(version, LISTING_FIELDS),
        "components": [
            _told(row, COMPONENT_FIELDS, later=LATER_FIELDS | {"size_classes"})
            for row in sorted(version.components, key=lambda each: each.position)
        ],
    }


def number_of_seller(version: ListingVersion) -> str:
    """Return the corporate number of who sells a listing now."""
    return version.listing.seller.corporate_number


def _told(
    row: OfferingVersion | ListingVersion | PriceComponentRow,
    names: Iterable[str],
    *,
    later: frozenset[str] = LATER_FIELDS,
) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
        if name not in later or value not in (None, "", [], _AS_BEFORE.get(name))
    }


def hash_content(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON of a content."""
    return sha256_hex(canonical_json(content))


def requirement_entries(requirements: Iterable[Requirement]) -> list[RequirementEntry]:
    """Return requirements as the values that roll-up and comparison work on."""
    return [
        RequirementEntry(
            id=row.requirement_id,
            position=row.position,
            chapter=row.chapter,
            subchapter=row.section,
            name=row.name,
            text=row.text,
            classes={each: row.class_for(each) for each in BodyClass},
            conformity_date=row.conformity_date,
        )
        for row in requirements
    ]


def answer_entries(answers: Mapping[uuid.UUID, ConformanceAnswer]) -> dict[str, AnswerEntry]:
    """Return answers by the ministry's requirement id, for roll-up and comparison."""
    return {
        row.requirement.requirement_id: AnswerEntry(row.answer, row.note, row.due_on)
        for row in answers.values()
    }
