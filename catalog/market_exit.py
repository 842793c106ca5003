"""What sellers grant to those who leave, counted over a market; what nobody told is counted apart. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from catalog.market import ALL_DATA, SellerTerms, Service
from catalog.terms import DataConformity
from catalog.yardsticks import YARDSTICKS, ExitTerms, Meets, judge_exit
from core.state_machine import LabelledCode

# The two of the yardsticks of which sellers publish something (catalog.term_values says why).
_JUDGED = ("retrieval_days", "switching_charge")


class ExitTerm(LabelledCode):
    """What is counted of the terms for leaving."""

    RETRIEVAL_DAYS = "retrieval_days", "データを取り出せる期間が目安に合う"
    SWITCHING_CHARGE = "switching_charge", "乗り換え・データ返還の費用が目安に合う"
    DATA_CONFORMITY = "data_conformity", "データの取出しがデータ要件に適合する"
    DELETION_CERTIFICATE = "deletion_certificate", "データの削除証明書を出す"
    PARALLEL_RUNNING = "parallel_running", "新旧を並行して動かせる"
    ESCROW = "escrow", "プログラムの預託（エスクロー）がある"


_FACTS = (ExitTerm.DELETION_CERTIFICATE, ExitTerm.PARALLEL_RUNNING, ExitTerm.ESCROW)


@dataclass(frozen=True, slots=True)
class ExitTally:
    """One term for leaving: how many sellers' terms keep it, do not, and do not say."""

    key: str
    label: str
    yes: int
    no: int
    untold: int


def tally_exit(services: Iterable[Service], day: date) -> list[ExitTally]:
    """Count over all sellers' terms, as of the day on which somebody would leave."""
    pairs = [(service, terms) for service in services for terms in service.sellers]
    verdicts = [judge_terms(terms, day) for _, terms in pairs]
    conform = [_keeps_to_standard(service) for service, _ in pairs]
    return [
        *(_tally(key, [each[key] for each in verdicts], _limit(key)) for key in _JUDGED),
        _tally(ExitTerm.DATA_CONFORMITY, conform),
        *(_tally(key, [getattr(terms, key.value) for _, terms in pairs]) for key in _FACTS),
    ]


def judge_terms(terms: SellerTerms, day: date) -> dict[str, bool | None]:
    """Return by yardstick whether a seller's terms keep to it on a day; None: not known."""
    told = ExitTerms(retrieval_days=terms.retrieval_days, switching_charge=terms.leaving)
    said = {Meets.YES: True, Meets.NO: False, Meets.UNKNOWN: None}
    return {each.key: said[each.meets] for each in judge_exit(told, day) if each.key in _JUDGED}


def _limit(key: str) -> str:
    found = next(each for each in YARDSTICKS if each.key == key)
    return f"（{found.limit_words}）"


def _keeps_to_standard(service: Service) -> bool | None:
    """Tell whether all data come out as the standard's data requirement says."""
    named = [each for each in service.categories if each.name != ALL_DATA]
    return all(each.conformity is DataConformity.CONFORMS for each in named) if named else None


def _tally(key: str, told: Sequence[bool | None], more: str = "") -> ExitTally:
    label = f"{ExitTerm(key).label}{more}"
    return ExitTally(str(key), label, told.count(True), told.count(False), told.count(None))
