"""The list of specifications, and one of them with its versions, as data."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from catalog.specifications.documents import specification_facts, version_facts
from catalog.specifications.models import (
    LifecycleRecord,
    SpecificationState,
    SpecificationVersion,
    StandardSpecification,
)
from core.documents import Row, write_csv

States = Mapping[uuid.UUID, SpecificationState]
Group = tuple[StandardSpecification, Sequence[SpecificationVersion]]
_HEADER = (
    "仕様書コード",
    "名称",
    "業務",
    "所管府省",
    "政策上の型",
    "共通化の段階",
    "版",
    "状態",
    "府省が公表した日",
    "適用の始まる日",
    "経過措置の終わる日",
    "見本",
)


def index_json(
    groups: Sequence[Group], states: States, records: Mapping[uuid.UUID, LifecycleRecord]
) -> bytes:
    """Return all specifications with their versions."""
    items = [
        specification_content(specification, versions, states, records.get(specification.id))
        for specification, versions in groups
    ]
    return _encode({"items": items})


def specification_json(
    specification: StandardSpecification,
    versions: Sequence[SpecificationVersion],
    states: States,
    records: Sequence[LifecycleRecord],
) -> bytes:
    """Return one specification with its versions and all that was recorded of its way."""
    return _encode(whole_content(specification, versions, states, records))


def whole_content(
    specification: StandardSpecification,
    versions: Sequence[SpecificationVersion],
    states: States,
    records: Sequence[LifecycleRecord],
) -> dict[str, Any]:
    """Return the same as plain values."""
    return {
        **specification_content(specification, versions, states, next(iter(records), None)),
        "lifecycle_history": [_record(each) for each in records],
    }


def specification_content(
    specification: StandardSpecification,
    versions: Sequence[SpecificationVersion],
    states: States,
    record: LifecycleRecord | None,
) -> dict[str, Any]:
    """Return one specification of the list as plain values, with what was recorded of it last."""
    return {
        **specification_facts(specification),
        "lifecycle": _record(record) if record else None,
        "versions": [version_facts(each, states[each.id])["version"] for each in versions],
    }


def _record(record: LifecycleRecord) -> dict[str, Any]:
    return {
        "stage": record.stage.value if record.stage else None,
        "outcome": record.outcome.value if record.outcome else None,
        "as_of": record.as_of.isoformat(),
        "source": {"name": record.source_name, "url": record.source_url or None},
        "note": record.note or None,
    }


def index_csv(
    groups: Sequence[Group], states: States, records: Mapping[uuid.UUID, LifecycleRecord]
) -> bytes:
    """Return a row per version; a specification without versions is one row."""
    rows: list[Row] = []
    for specification, versions in groups:
        record = records.get(specification.id)
        facts = (
            specification.code,
            specification.name,
            specification.field,
            specification.ministry,
            specification.pattern.label,
            record.stage.label if record and record.stage else "情報なし",
        )
        sample = "見本" if specification.is_sample else ""
        rows += [
            (
                *facts,
                each.label,
                states[each.id].label,
                each.published_on,
                each.applies_from,
                each.transition_ends_on,
                sample,
            )
            for each in versions
        ] or [(*facts, "要件はまだ取り込まれていません", "", None, None, None, sample)]
    return write_csv([_HEADER, *rows])


def _encode(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1).encode()
