"""Criteria, scores and what they add up to, as plain values; nothing here reads the database."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from procurement.projects.evaluation_models import (
    MAXIMUM_CRITERIA,
    EvaluationBasis,
    EvaluationState,
)

PRICE_NAME = "価格"
PRICE_HOW = "公表された料金か見積の合計（税込）から計算します。重み×最も低い合計÷その合計、小数第3位を切捨て"
CriterionKey = tuple[uuid.UUID, uuid.UUID]  # candidate, criterion


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that is weighed; `id` is None until it is stored."""

    position: int
    name: str
    weight: int
    how: str
    is_price: bool = False
    id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """Points from 0 to 100 with a note."""

    points: int
    note: str


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """How the candidates of one pack are compared, read at one moment."""

    id: uuid.UUID
    version: int
    basis: EvaluationBasis
    state: EvaluationState
    criteria: tuple[Criterion, ...]
    scores: Mapping[CriterionKey, Score]

    @property
    def is_weighted(self) -> bool:
        """Tell whether more than the price counts."""
        return self.basis is EvaluationBasis.WEIGHTED

    @property
    def typed_criteria(self) -> tuple[Criterion, ...]:
        """The criteria for which points are typed: all but the price."""
        return tuple(each for each in self.criteria if not each.is_price)


@dataclass(frozen=True, slots=True)
class Result:
    """What one candidate reached, in hundredths of a point; None for what is not known yet."""

    candidate_id: uuid.UUID
    parts: tuple[int | None, ...]

    @property
    def total(self) -> int | None:
        """The sum, as soon as every part is known."""
        known = [part for part in self.parts if part is not None]
        return sum(known) if len(known) == len(self.parts) else None


def price_points(weight: int, own: int, lowest: int) -> int:
    """Return the points of a price in hundredths: weight × lowest ÷ own, rounded down.

    What costs nothing gets the whole weight.
    """
    return weight * 100 if own <= 0 else weight * 100 * lowest // own


def add_up(view: EvaluationView, totals: Mapping[uuid.UUID, int | None]) -> list[Result]:
    """Return the parts and the sum of each remaining candidate, in the order given.

    `totals` are the amounts with tax by candidate, None where only a quote can tell: the price
    points of all wait for it, because the lowest amount is not known before.
    """
    amounts = [total for total in totals.values() if total is not None]
    lowest = min(amounts) if amounts and len(amounts) == len(totals) else None
    found = []
    for candidate_id, own in totals.items():
        parts: list[int | None] = []
        for each in view.criteria:
            score = view.scores.get((candidate_id, each.id)) if each.id else None
            if each.is_price:
                is_known = lowest is not None and own is not None
                parts.append(price_points(each.weight, own or 0, lowest or 0) if is_known else None)
            else:
                parts.append(None if score is None else each.weight * score.points)
        found.append(Result(candidate_id, tuple(parts)))
    return found


def format_points(hundredths: int) -> str:
    """Return points as people write them: 62.50."""
    return f"{hundredths // 100}.{hundredths % 100:02d}"


# --- the names of form fields: what is typed, and what a 412 page shows of the other person's text ---


def weight_fields(view: EvaluationView | None) -> dict[str, Any]:
    """Return the fields of the weights as the form names them."""
    rows = view.typed_criteria if view else ()
    fields: dict[str, Any] = {"basis": view.basis.value if view else ""}
    fields["price_weight"] = (
        next((c.weight for c in view.criteria if c.is_price), None) if view else None
    )
    for number in range(1, MAXIMUM_CRITERIA + 1):
        each = rows[number - 1] if number <= len(rows) else None
        fields[f"name_{number}"] = each.name if each else ""
        fields[f"weight_{number}"] = each.weight if each else None
        fields[f"how_{number}"] = each.how if each else ""
    return fields


def read_weights(data: Mapping[str, Any]) -> list[Criterion]:
    """Return the criteria that the fields of the form name; the price is the last."""
    found = [
        Criterion(
            number, data[f"name_{number}"], data[f"weight_{number}"] or 0, data[f"how_{number}"]
        )
        for number in range(1, MAXIMUM_CRITERIA + 1)
        if data.get(f"name_{number}") or data.get(f"weight_{number}")
    ]
    if data.get("price_weight"):
        price = Criterion(
            MAXIMUM_CRITERIA + 1, PRICE_NAME, data["price_weight"], PRICE_HOW, is_price=True
        )
        found.append(price)
    return found


def score_field(kind: str, rank: int, criterion: Criterion) -> str:
    """Return the name of a field: points or note of the candidate of a rank for a criterion."""
    return f"{kind}_{rank}_{criterion.position}"


def score_fields(view: EvaluationView, ranks: Sequence[tuple[int, uuid.UUID]]) -> dict[str, Any]:
    """Return the fields of the scores as the form names them, for candidates (rank, id)."""
    fields: dict[str, Any] = {}
    for rank, candidate_id in ranks:
        for each in view.typed_criteria:
            score = view.scores.get((candidate_id, each.id)) if each.id else None
            fields[score_field("points", rank, each)] = score.points if score else None
            fields[score_field("note", rank, each)] = score.note if score else ""
    return fields
