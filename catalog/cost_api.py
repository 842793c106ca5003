"""Costs and comparisons as data: for the same address the same yen as on the page."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from flask import Response
from sqlmodel import Session

from accounts.auth import access
from accounts.permissions import Permission
from catalog.api import blueprint
from catalog.api_filters import ServerFilter
from catalog.api_pages import answer_page, cut_page
from catalog.bodies import find_body
from catalog.columns import (
    Column,
    Comparison,
    load_columns,
    load_comparison,
    refusal_of_number,
)
from catalog.comparison import Row, build_terms_table
from catalog.comparison_tables import label_terms
from catalog.conditions import Conditions, make_conditions
from catalog.cost_api_schemas import (
    ComparisonQuerySchema,
    ComparisonSchema,
    CostQuerySchema,
    CostSchema,
)
from catalog.price_plan import QuoteNeed
from catalog.pricing import Amounts, CostItem, CostStatement, YearCost
from catalog.term_values import term_values, yardstick_values
from core import api, web
from core.clock import day_in_japan
from core.db import now
from core.errors import Invalid

T = TypeVar("T")


@blueprint.get("/cost")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "一つのサービスの、団体が払う費用",
    query=CostQuerySchema,
    answer=CostSchema,
    adds=(ServerFilter.PRICES_ON_DAY,),
    problems=(404,),
)
def compute_cost(query: dict[str, Any]) -> dict[str, Any]:
    """Answer what one listing version costs a body by fiscal year, and what it is made of."""
    session = web.read_session()
    if len(query["l"]) != 1:
        raise api.BadParameters([("l", "費用を計算する販売条件の版（l）を1つ指定してください。")])
    conditions = _read_conditions(session, query)
    (column,) = _reading(lambda: load_columns(session, query["l"], conditions))
    return {
        "conditions": _conditions_record(session, conditions),
        **_column_record(column),
        **_cost_record(column.cost),
        "items": [_item_record(each) for each in column.cost.items],
        "exit_items": [_item_record(each) for each in column.cost.exit_items],
    }


@blueprint.get("/comparison")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "2件から5件のサービスの比較",
    query=ComparisonQuerySchema,
    answer=ComparisonSchema,
    adds=(ServerFilter.PRICES_ON_DAY, ServerFilter.STANDING_NOW),
    problems=(404,),
)
def compare(query: dict[str, Any]) -> Response:
    """Answer listing versions side by side: terms, costs, and a page of the requirements."""
    session = web.read_session()
    chosen: list[UUID] = list(dict.fromkeys(query["l"]))
    if refusal := refusal_of_number(len(chosen)):
        raise api.BadParameters([("l", refusal)])
    conditions = _read_conditions(session, query)
    found = _reading(lambda: load_comparison(session, chosen, conditions))
    rows = found.matrix.rows if found.matrix else ()
    shown, following = cut_page(rows, query, _place)
    return answer_page(
        [_row_record(row) for row in shown],
        following,
        conditions=_conditions_record(session, conditions),
        sha256=found.sha256,
        services=[
            {**_column_record(each), "cost": _cost_record(each.cost)} for each in found.columns
        ],
        terms=_term_records(found),
        requirements=_matrix_record(found),
    )


def _reading(load: Callable[[], T]) -> T:
    """Name the parameter that cannot be used, as every other wrong one is named."""
    try:
        return load()
    except Invalid as error:
        raise api.BadParameters(list(error.errors.items())) from error


def _read_conditions(session: Session, query: dict[str, Any]) -> Conditions:
    """Return the conditions of an address alone: nothing that anybody keeps goes into them."""
    today = day_in_japan(now(session))
    return _reading(lambda: make_conditions(query, find_body(session, query["body"]), today))


def _conditions_record(session: Session, conditions: Conditions) -> dict[str, Any]:
    basis = conditions.basis(day_in_japan(now(session)))
    return {
        "body_code": conditions.body.code if conditions.body else None,
        "body_name": conditions.body_label,
        "body_class": conditions.body_class.value,
        "population": basis["population"],
        "population_on": basis["population_on"],
        "population_source": basis["population_from"] or None,
        "starts_on": conditions.term.start.isoformat(),
        "ends_on": conditions.term.end.isoformat(),
        "months": conditions.term.months,
        "priced_on": basis["on"],
        "includes_exit": conditions.include_exit,
        "options": sorted(conditions.options),
    }


def _column_record(column: Column) -> dict[str, Any]:
    version = column.version
    specification = column.specification_version
    return {
        "listing_id": str(version.listing_id),
        "listing_version_id": column.id,
        "offering_id": str(version.listing.offering_id),
        "offering_version_id": str(version.offering_version_id),
        "name": column.name,
        "seller": version.listing.seller.name,
        "is_listed": column.is_listed,
        "specification": specification.specification.code,
        "specification_version": specification.label,
        "certification": column.standing.state.value,
    }


def _cost_record(cost: CostStatement) -> dict[str, Any]:
    return {
        "currency": "JPY",
        "tax_basis_points": cost.tax_basis_points,
        "tax_rounding": cost.rounding.value,
        "subtotal": cost.subtotal,
        "tax": cost.tax,
        "total": cost.total,
        "monthly": cost.monthly,
        "monthly_with_tax": cost.monthly_with_tax,
        "yearly": cost.yearly,
        "exit_charge": cost.exit_charge,
        "fiscal_years": [_year_record(each) for each in cost.lines],
        "needs_quote": [_need_record(each) for each in cost.needs_quote],
        "options_left_out": list(cost.options_left_out),
        "options_absent": list(cost.options_absent),
        "exchange_rates": [
            {
                "currency": each.currency.value,
                "yen": each.per_unit,
                "as_of": each.as_of.isoformat(),
                "source": each.source,
            }
            for each in cost.rates_used
        ],
    }


def _year_record(line: YearCost) -> dict[str, Any]:
    return {
        "fiscal_year": line.fiscal_year,
        "months": line.months,
        "days": line.days,
        "amounts": _amount_records(line.amounts),
        "subtotal": line.subtotal,
        "tax": line.tax,
        "total": line.total,
    }


def _amount_records(amounts: Amounts) -> list[dict[str, Any]]:
    return [{"kind": kind.value, "amount": amount} for kind, amount in amounts.items()]


def _need_record(need: QuoteNeed) -> dict[str, Any]:
    return {
        "reason": need.reason.value,
        "name": need.name,
        "kind": need.kind and need.kind.value,
    }


def _item_record(item: CostItem) -> dict[str, Any]:
    component = item.component
    return {
        "kind": component.kind.value,
        "name": component.name or None,
        "unit": component.unit.value,
        "interval": component.interval.value,
        "quantity": item.quantity,
        "charge": item.charge,
        "times": item.times,
        "amount": item.amount,
        "by_year": [
            {"fiscal_year": year, "amount": amount} for year, amount in item.by_year.items()
        ],
        "needs_quote": _need_record(item.need) if item.need else None,
    }


def _term_records(found: Comparison) -> list[dict[str, Any]]:
    leaving = found.conditions.term.end
    columns = [
        (each.id, {**term_values(each), **yardstick_values(each, leaving)})
        for each in found.columns
    ]
    return [
        {
            "key": row.key,
            "label": row.label,
            "differs": row.differs,
            "values": [cell.value for cell in row.cells],
        }
        for row in build_terms_table(label_terms(), columns)
        if row.differs or not found.conditions.only_differences
    ]


def _matrix_record(found: Comparison) -> dict[str, Any] | None:
    matrix = found.matrix
    if matrix is None:
        return None
    return {
        "total": matrix.total,
        "differing": matrix.differing,
        "with_gaps": matrix.with_gaps,
        "shown": matrix.shown,
    }


def _place(row: Row) -> str:
    return f"{row.requirement.position:08d} {row.requirement.id}"


def _row_record(row: Row) -> dict[str, Any]:
    return {
        "requirement_id": row.requirement.id,
        "class": row.requirement_class.value if row.requirement_class else None,
        "differs": row.differs,
        "has_gap": row.has_gap,
        "answers": _entry_records(row),
    }


def _entry_records(row: Row) -> Sequence[dict[str, Any] | None]:
    return [
        {
            "answer": each.answer.value,
            "note": each.note or None,
            "due_on": each.due.isoformat() if each.due else None,
        }
        if each
        else None
        for each in row.entries
    ]
