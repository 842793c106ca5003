"""A version as data: the same JSON and CSV under the same address as its page."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from catalog.specifications.models import (
    Requirement,
    SpecificationState,
    SpecificationVersion,
    StandardSpecification,
)
from core.clock import day_in_japan
from core.documents import write_csv

CSV_HEADER = (
    "要件ID",
    "大項目",
    "中項目",
    "小項目",
    "機能名称",
    "機能要件",
    "種別",
    "実装区分（指定都市）",
    "実装区分（中核市）",
    "実装区分（その他の団体）",
    "考え方・理由",
    "適合基準日",
    "改定種別",
    "前版要件ID",
)


def version_csv(requirements: Sequence[Requirement]) -> bytes:
    """Return the requirements as CSV; the importer reads it back without questions."""
    rows = [
        (
            each.requirement_id,
            each.chapter,
            each.section,
            each.subsection,
            each.name,
            each.text,
            each.kind.label,
            *(one.label for one in each.classes),
            each.rationale,
            each.conformity_date,
            each.change_type,
            each.predecessor_requirement_id,
        )
        for each in requirements
    ]
    return write_csv([CSV_HEADER, *rows])


def version_json(
    version: SpecificationVersion,
    state: SpecificationState,
    requirements: Sequence[Requirement],
    moment: datetime,
) -> bytes:
    """Return a version with all its requirements as JSON; days in ISO 8601, classes as codes."""
    content = {
        **version_facts(version, state),
        "as_of": day_in_japan(moment).isoformat(),
        "requirements": [requirement_facts(each) for each in requirements],
    }
    return _encode(content)


def requirement_json(
    version: SpecificationVersion,
    states: Mapping[uuid.UUID, SpecificationState],
    requirement: Requirement,
    history: Sequence[tuple[SpecificationVersion, Requirement]],
) -> bytes:
    """Return one requirement with the version that it belongs to, and what it was in the others."""
    return _encode(requirement_content(version, states, requirement, history))


def requirement_content(
    version: SpecificationVersion,
    states: Mapping[uuid.UUID, SpecificationState],
    requirement: Requirement,
    history: Sequence[tuple[SpecificationVersion, Requirement]],
) -> dict[str, Any]:
    """Return the same as plain values."""
    return {
        **version_facts(version, states[version.id]),
        "requirement": requirement_facts(requirement),
        "history": [
            {
                "version": past.label,
                "state": states[past.id].value,
                "requirement": requirement_facts(each),
            }
            for past, each in history
        ],
    }


def specification_facts(specification: StandardSpecification) -> dict[str, Any]:
    """Return what is public about a specification; `offering_refusal` says why it takes no SaaS."""
    return {
        "code": specification.code,
        "name": specification.name,
        "field": specification.field,
        "ministry": specification.ministry,
        "pattern": specification.pattern.value,
        "accepts_offerings": specification.accepts_offerings,
        "offering_refusal": specification.offering_refusal or None,
        "is_sample": specification.is_sample,
    }


def version_facts(version: SpecificationVersion, state: SpecificationState) -> dict[str, Any]:
    """Return what is public about a version and its specification."""
    return {
        "specification": specification_facts(version.specification),
        "version": {
            "id": str(version.id),
            "label": version.label,
            "state": state.value,
            "published_on": _day(version.published_on),
            "applies_from": _day(version.applies_from),
            "transition_ends_on": _day(version.transition_ends_on),
            "source": {
                "name": version.source_name,
                "url": version.source_url,
                "sha256": version.source_sha256,
            },
            "attribution": version.attribution,
        },
    }


def requirement_facts(requirement: Requirement) -> dict[str, Any]:
    """Return one requirement as plain values."""
    return {
        "requirement_id": requirement.requirement_id,
        "chapter": requirement.chapter,
        "section": requirement.section,
        "subsection": requirement.subsection,
        "name": requirement.name,
        "text": requirement.text,
        "kind": requirement.kind.value,
        "class": {
            "designated_city": requirement.class_designated_city.value,
            "core_city": requirement.class_core_city.value,
            "other": requirement.class_other.value,
        },
        "rationale": requirement.rationale,
        "conformity_date": _day(requirement.conformity_date),
        "change_type": requirement.change_type,
        "predecessor_requirement_id": requirement.predecessor_requirement_id,
    }


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _encode(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1).encode()
