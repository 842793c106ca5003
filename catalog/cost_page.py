"""What the cost page, its workbook and its PDF say of one listing."""

from datetime import date

from catalog.columns import Column
from catalog.conditions import Conditions
from catalog.cost_beside import (
    currency_section,
    discount_section,
    leaving_section,
    missing_section,
    sensitivity_section,
    support_section,
    today_section,
)
from catalog.cost_charts import year_chart
from catalog.cost_ledger import ledger_section, month_section, rounding_section, years_table
from catalog.cost_report import Report, Section
from catalog.cost_words import ask_words, explain_needs, export_words, length_words
from catalog.offerings.models import ListingVersion
from catalog.price_plan import ComponentKind
from catalog.pricing import CostStatement
from catalog.what_if import Baseline, StateSupport, all_roundings, vary
from core.japanese import format_date, format_yen

ANSWER_ID = "answer"


def build_report(
    column: Column,
    conditions: Conditions,
    today: date,
    baseline: Baseline | None,
    *,
    in_file: bool = False,
    for_other: bool = False,
) -> Report:
    """Return the answer and every section, in the order in which they are read."""
    version, plan, statement = column.version, column.plan, column.cost
    asked = (plan, conditions.volumes, conditions.term, statement.rules)
    totals = all_roundings(*asked)
    sections = [
        _years_section(statement),
        ledger_section(statement, plan),
        month_section(statement),
        rounding_section(statement, totals, version.tax_rounding),
        leaving_section(statement, plan, version.export_charge_yen),
        support_section(statement, plan, _support_of(version), version.state_support_note, today),
        discount_section(statement, plan, conditions.volumes, version.discounts),
        sensitivity_section(plan, vary(*asked)),
        today_section(
            statement,
            baseline,
            column.specification_version.specification.name,
            in_file=in_file,
            for_other=for_other,
        ),
        missing_section(statement, plan),
        currency_section(statement, plan),
    ]
    asks = [ask_words(need, version.minimum_term_months) for need in statement.needs_quote]
    answer = _answer(column.name, conditions, statement) + _left_outside(column)
    return Report(answer, list(dict.fromkeys(asks)), sections)


def _answer(name: str, conditions: Conditions, statement: CostStatement) -> str:
    """Return the total with tax in one sentence, or that only a quote can tell it."""
    term = statement.term
    when = f"{format_date(term.start)}から{length_words(term.months)}"
    whom = f"{conditions.body_label}が「{name}」を{when}使うと"
    if statement.total is None:
        return f"{whom}いくらになるかは、見積が必要な費用があるため、まだ計算できません。"
    return f"{whom}、合計は税込{format_yen(statement.total)}です。"


def _left_outside(column: Column) -> str:
    """Say of leaving, where the total should hold it and the price list has nothing to add."""
    if not column.cost.exit_included or ComponentKind.EXIT not in column.plan.kinds_unlisted:
        return ""
    told = export_words(column.version.export_charge_yen)
    beside = f"{told}も、合計の外です。" if told else ""
    return f"解約・データ返還の費用は料金表になく、合計に入っていません。{beside}"


def _years_section(statement: CostStatement) -> Section:
    title = "会計年度ごとに払う金額"
    if not statement.lines:
        return Section("years", title, [explain_needs(statement.needs_quote)])
    return Section("years", title, (), [years_table(statement)], year_chart(statement))


def _support_of(version: ListingVersion) -> StateSupport | None:
    amount, until = version.state_support_yen, version.state_support_until
    return None if amount is None or until is None else StateSupport(amount, until)
