"""How the queue of reviews is narrowed and ordered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.certification.checks import CheckOutcome
from catalog.certification.models import OPEN_STATES, Certification, ReviewState
from core.errors import NotFound
from core.state_machine import LabelledCode


class Place(LabelledCode):
    """Whose turn or charge a review is."""

    MINE = "mine", "自分が担当"
    UNASSIGNED = "unassigned", "担当が未定"
    ASSIGNED = "assigned", "担当が決まっている"


class Order(LabelledCode):
    """How the rows stand."""

    CHECK = "check", "自動チェックの結果の順"
    AGE = "age", "提出の早い順"


Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What was chosen above the queue; None leaves everything."""

    check: CheckOutcome | None = None
    place: Place | None = None
    state: ReviewState | None = None
    specification: str | None = None
    order: Order = Order.CHECK

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "QueueFilter":
        """Read the filter from a query; raises NotFound for a value that does not exist."""
        try:
            return cls(
                CheckOutcome(given["check"]) if given.get("check") else None,
                Place(given["place"]) if given.get("place") else None,
                ReviewState(given["state"]) if given.get("state") else None,
                given.get("specification") or None,
                Order(given.get("order") or Order.CHECK),
            )
        except ValueError:
            raise NotFound from None

    @property
    def is_narrow(self) -> bool:
        """Tell whether anything is left out."""
        return any((self.check, self.place, self.state, self.specification))

    def choices(self, specifications: Sequence[tuple[str, str]]) -> dict[str, Options]:
        """Give the options of each filter; specifications are those that have a review."""
        return {
            "check": CheckOutcome.choices(),
            "place": Place.choices(),
            "state": tuple((each.value, each.label) for each in ReviewState if each in OPEN_STATES),
            "specification": tuple(specifications),
            "order": Order.choices(),
        }


def pending_words(review: Certification, has_appeal: bool, has_report: bool) -> str:  # noqa: FBT001 - two facts of a row
    """Say what a certificate waits for."""
    is_proposed = review.revocation_proposed_by_id and review.state is not ReviewState.REVOKED
    kinds = {
        "取消しの確認": bool(is_proposed),
        "不服申立ての決定": has_appeal,
        "条件の報告の確認": has_report,
    }
    return "、".join(label for label, waits in kinds.items() if waits)
