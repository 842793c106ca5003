"""The difference of two versions as workbook and JSON."""

import json
from datetime import date
from typing import Any

from catalog.specifications.change_rows import changed_texts, in_words, say_path
from catalog.specifications.difference import Change, Difference
from catalog.specifications.documents import requirement_facts, version_facts
from catalog.specifications.models import Requirement, SpecificationState, SpecificationVersion
from core.documents import Row, Sheet, write_xlsx
from core.text_difference import compare_texts

_LONGEST_CELL = 30_000
_BODIES = ("指定都市", "中核市", "その他の団体")
_FACTS = ("種別", *(f"実装区分（{body}）" for body in _BODIES), "適合基準日", "位置")
_HEADER = (
    "違い",
    "要件ID（前）",
    "要件ID（後）",
    "名称（前）",
    "名称（後）",
    "本文の違い",
    "本文（前）",
    "本文（後）",
    "考え方・理由（前）",
    "考え方・理由（後）",
    *(f"{name}{side}" for name in _FACTS for side in ("（前）", "（後）")),
    "分かれた元の要件ID",
)

Version = tuple[SpecificationVersion, SpecificationState]


def changes_xlsx(before: Version, after: Version, difference: Difference[Requirement]) -> bytes:
    """Return the difference as a workbook: the changes, and what was compared with the counts."""
    facts: list[Row] = [
        ("標準仕様書", after[0].specification.name),
        ("前の版", before[0].title),
        ("前の版の状態", before[1].label),
        ("後の版", after[0].title),
        ("後の版の状態", after[1].label),
        *((f"{kind.label}（件）", count) for kind, count in difference.counts.items()),
        ("違いのない要件（件）", difference.same),
    ]
    return write_xlsx(
        [
            Sheet("違い", _HEADER, [_row(change) for change in difference.changes]),
            Sheet("比べた版と件数", ("項目", "内容"), facts),
        ]
    )


def _row(change: Change[Requirement]) -> Row:
    before, after = change.before, change.after
    words = in_words(compare_texts(_part(before, "text"), _part(after, "text")))
    both = [(_part(before, name), _part(after, name)) for name in ("name", "text", "rationale")]
    return (
        "、".join(kind.label for kind in change.kinds),
        _part(before, "requirement_id"),
        _part(after, "requirement_id"),
        *both[0],
        words if len(words) <= _LONGEST_CELL else "長いため、前と後の本文を見比べてください",
        *both[1],
        *both[2],
        *(
            value
            for pair in zip(_fact_cells(before), _fact_cells(after), strict=True)
            for value in pair
        ),
        change.split_from,
    )


def _part(requirement: Requirement | None, name: str) -> str:
    return "" if requirement is None else str(getattr(requirement, name))


def _fact_cells(requirement: Requirement | None) -> list[str | date | None]:
    if requirement is None:
        return [None] * len(_FACTS)
    return [
        requirement.kind.label,
        *(each.label for each in requirement.classes),
        requirement.conformity_date,
        say_path(requirement),
    ]


def changes_json(before: Version, after: Version, difference: Difference[Requirement]) -> bytes:
    """Return the difference as JSON; texts that differ also as marked runs of words."""
    # Indented, it would be written by the encoder in Python, which takes ten times as long.
    return json.dumps(changes_content(before, after, difference), ensure_ascii=False).encode()


def changes_content(
    before: Version, after: Version, difference: Difference[Requirement]
) -> dict[str, Any]:
    """Return the same as plain values."""
    return {
        "specification": version_facts(*after)["specification"],
        "from": version_facts(*before)["version"],
        "to": version_facts(*after)["version"],
        "counts": {kind.value: count for kind, count in difference.counts.items()},
        "same": difference.same,
        "changes": [_change_facts(change) for change in difference.changes],
    }


def nothing_json(version: SpecificationVersion, state: SpecificationState) -> bytes:
    """Return the JSON of the only version: compared with nothing, so nothing differs."""
    return json.dumps(nothing_content(version, state), ensure_ascii=False).encode()


def nothing_content(version: SpecificationVersion, state: SpecificationState) -> dict[str, Any]:
    """Return the same as plain values."""
    facts = version_facts(version, state)
    return {
        "specification": facts["specification"],
        "from": None,
        "to": facts["version"],
        "counts": {},
        "same": 0,
        "changes": [],
    }


_PARTS = {"名称": "name", "本文": "text", "考え方・理由": "rationale"}


def _change_facts(change: Change[Requirement]) -> dict[str, Any]:
    both = change.before is not None and change.after is not None
    return {
        "requirement_id": change.subject.requirement_id,
        "kinds": [kind.value for kind in change.kinds],
        "split_from": change.split_from or None,
        "before": requirement_facts(change.before) if change.before else None,
        "after": requirement_facts(change.after) if change.after else None,
        "words": {
            _PARTS[each.label]: [list(segment) for segment in each.segments]
            for each in (changed_texts(change) if both else [])
        },
    }
