"""Yardsticks for leaving a service: what another law grants, as a measure of published terms. Pure.

They are not Japanese law and bind nobody here. What a vendor has not told is unknown: never a no,
and never a yes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from core.japanese import format_amount, format_date, format_yen
from core.state_machine import LabelledCode

SOURCE = "EUデータ法（Data Act）"
DISCLAIMER = f"{SOURCE}の決まりを目安にしたもので、日本の法令ではありません"
NOT_PUBLISHED = "情報なし"


class Meets(LabelledCode):
    """Whether a term keeps to a yardstick."""

    YES = "yes", "目安に合う"
    NO = "no", "目安に合わない"
    UNKNOWN = "unknown", "情報なし"


@dataclass(frozen=True, slots=True)
class ExitTerms:
    """What a listing says of leaving; None is not told.

    `switching_notice_months` is how long before a switch the body must say so, which is another
    thing than the vendor's notice of the end of a service. Charges are yen without tax.
    """

    switching_notice_months: int | None = None
    transition_days: int | None = None
    retrieval_days: int | None = None
    switching_charge: int | None = None


@dataclass(frozen=True, slots=True)
class Yardstick:
    """One measure: the term it is about, its limit, since when it counts, and where it is from."""

    key: str
    label: str
    limit: int
    show: Callable[[int], str]
    is_most: bool = True
    valid_from: date | None = None
    source: str = SOURCE

    @property
    def limit_words(self) -> str:
        """Return the measure in words: 30日以内, 2027年1月12日からは無料."""
        if self.limit == 0:
            since = f"{format_date(self.valid_from)}からは" if self.valid_from else ""
            return f"{since}{self.show(0)}"
        return f"{self.show(self.limit)}{'以内' if self.is_most else '以上'}"

    def counts_on(self, day: date) -> bool:
        """Tell whether it counts on a day."""
        return self.valid_from is None or self.valid_from <= day


@dataclass(frozen=True, slots=True)
class YardstickCell:
    """One term beside its yardstick: the value in words (None: not told), the verdict, both in words."""

    key: str
    value: str | None
    meets: Meets
    words: str


def _months(number: int) -> str:
    return f"{format_amount(number)}か月"


def _days(number: int) -> str:
    return f"{format_amount(number)}日"


def _charge(amount: int) -> str:
    return format_yen(amount) if amount else "無料"


YARDSTICKS: tuple[Yardstick, ...] = (
    Yardstick("switching_notice_months", "乗り換えを申し出てからの予告", 2, _months),
    Yardstick("transition_days", "移行の期間", 30, _days),
    Yardstick("retrieval_days", "データを取り出せる期間", 30, _days, is_most=False),
    Yardstick(
        key="switching_charge",
        label="乗り換え・データ返還の費用（税抜）",
        limit=0,
        show=_charge,
        valid_from=date(2027, 1, 12),
    ),
)


def switching_charge(told: int | None, listed: int | None) -> int | None:
    """Return what leaving costs by a price list that speaks of it, beside what the seller told.

    The two may be the same charge: the larger counts; nothing known, or 0 beside an open price, is
    not known.
    """
    if told is None or listed is None:
        return listed or told or None
    return max(told, listed)


def judge_exit(terms: ExitTerms, day: date) -> tuple[YardstickCell, ...]:
    """Set each term beside its yardstick, as of the day on which the body would leave."""
    return tuple(_judge(each, getattr(terms, each.key), day) for each in YARDSTICKS)


def _judge(yardstick: Yardstick, value: int | None, day: date) -> YardstickCell:
    if value is None:
        return YardstickCell(yardstick.key, None, Meets.UNKNOWN, NOT_PUBLISHED)
    shown = yardstick.show(value)
    is_kept = value <= yardstick.limit if yardstick.is_most else value >= yardstick.limit
    if not is_kept and not yardstick.counts_on(day):
        words = f"{shown}（{format_date(day)}には、この目安はまだありません）"
        return YardstickCell(yardstick.key, shown, Meets.UNKNOWN, words)
    meets = Meets.YES if is_kept else Meets.NO
    return YardstickCell(yardstick.key, shown, meets, f"{meets.label}（{shown}）")
