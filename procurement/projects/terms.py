"""Whether term and budget of a purchase keep to the law and to the body's rules (pure).

地方自治法 208条 (会計年度独立), 214条 (債務負担行為), 234条の3 (長期継続契約).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog.price_plan import Term
from catalog.pricing import CostStatement
from core.japanese import fiscal_year, format_date, format_fiscal_year, format_yen
from procurement.bodies.rules import BodyRules
from procurement.projects.models import ContractTermBasis, Project

BUDGET_FIELDS = (
    "budget_fiscal_year", "budget_amount", "burden_limit", "burden_voted_on", "burden_until"
)  # fmt: skip
_MEND = "「必要と予算」を直してください。"


@dataclass(frozen=True, slots=True)
class Burden:
    """The voted 債務負担行為: yen with tax over its whole term, day of the vote, last day."""

    limit: int | None = None
    voted_on: date | None = None
    until: date | None = None


def months_between(start: date, last: date) -> int:
    """Return how many months a contract takes from its first to its last day, a begun one whole."""
    months = (last.year - start.year) * 12 + last.month - start.month
    return months + 1 if Term(start, max(months, 1)).end < last or not months else months


def burden_of(project: Project) -> Burden:
    """Return the burden that stands with a project."""
    return Burden(project.burden_limit, project.burden_voted_on, project.burden_until)


def with_rounding(conditions: Mapping[str, Any], rules: BodyRules) -> dict[str, Any]:
    """Return cost conditions with the body's rounding, which goes before every other."""
    own = rules.own_rounding
    return {**conditions, **({"rounding": own.value} if own else {})}


def settle_budget(values: dict[str, Any]) -> dict[str, Any]:
    """Return typed values with the fiscal year of the start where none was chosen."""
    year = values.get("budget_fiscal_year") or fiscal_year(values["starts_on"])
    kept = {name: values.get(name) for name in BUDGET_FIELDS}
    if values["term_basis"] is not ContractTermBasis.DEBT_BURDEN:
        kept |= dict.fromkeys(name for name in BUDGET_FIELDS if name.startswith("burden"))
    return {**values, **kept, "budget_fiscal_year": year}


def term_refusals(
    rules: BodyRules,
    basis: ContractTermBasis,
    months: int,
    start: date,
    burden: Burden | None = None,
) -> dict[str, str]:
    """Return what a term may not be, by field; empty when it keeps to law and rules."""
    last = Term(start, months).end
    if basis is ContractTermBasis.SINGLE_YEAR and fiscal_year(last) != fiscal_year(start):
        return {
            "term_basis": (
                f"利用の終わりが{format_date(last)}で、{format_fiscal_year(fiscal_year(start))}を"
                "こえます。債務負担行為か長期継続契約（条例）を選ぶか、期間を短くしてください。"
            )
        }
    if basis is ContractTermBasis.LONG_TERM and not rules.long_term_allowed:
        return {
            "term_basis": (
                "この団体の規則には、長期継続契約を認める条例が登録されていません。"
                "「団体の契約の規則」に登録して確定するか、ほかの根拠を選んでください。"
            )
        }
    cap = rules.long_term_max_months
    if basis is ContractTermBasis.LONG_TERM and cap is not None and months > cap:
        return {
            "term_months": (
                f"長期継続契約は、{rules.long_term_source}により{cap}か月までです。"
                f"利用する月数を{cap}以下にしてください。"
            )
        }
    until = burden.until if burden else None
    if basis is ContractTermBasis.DEBT_BURDEN and until is not None and last > until:
        return {
            "burden_until": (
                f"利用の終わり（{format_date(last)}）が、債務負担行為の期間の終わり"
                f"（{format_date(until)}）をこえます。期間を短くするか、議決の内容を確かめてください。"
            )
        }
    return {}


def list_bars(
    rules: BodyRules, project: Project, statement: CostStatement, today: date
) -> tuple[str, ...]:
    """Say what of term and budget bars a choice of this cost today."""
    return tuple(_find_bars(rules, project, statement, today))


def _find_bars(
    rules: BodyRules, project: Project, statement: CostStatement, today: date
) -> Iterator[str]:
    burden = burden_of(project)
    term = (project.term_basis, project.term_months, project.starts_on)
    for sentence in term_refusals(rules, *term, burden).values():
        yield sentence + _MEND
    if project.term_basis is ContractTermBasis.DEBT_BURDEN:
        yield from _find_burden_bars(burden, statement.total, today)
    year, amount = project.budget_fiscal_year, project.budget_amount
    for line in statement.lines:
        over = amount is not None and line.total is not None and line.total > amount
        if over and line.fiscal_year == year:
            yield (
                f"{format_fiscal_year(line.fiscal_year)}の費用{format_yen(line.total or 0)}（税込）が、"
                f"予算の額{format_yen(amount or 0)}をこえます。{_MEND}"
            )


def _find_burden_bars(burden: Burden, total: int | None, today: date) -> Iterator[str]:
    if burden.limit is None or burden.voted_on is None:
        yield f"債務負担行為の限度額と議決の日が入力されていません。{_MEND}"
        return
    if burden.voted_on > today:
        yield (
            f"債務負担行為の議決は{format_date(burden.voted_on)}の予定です。議決の前には選定できません。"
        )
    if total is not None and total > burden.limit:
        yield (
            f"利用期間の合計{format_yen(total)}（税込）が、債務負担行為の限度額"
            f"{format_yen(burden.limit)}をこえます。{_MEND}"
        )
