"""What one service costs a body; every state is an address."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from flask.typing import ResponseReturnValue

from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.columns import load_columns
from catalog.comparison_frame import address, ask, blueprint, common, listing_address, refuse_number
from catalog.comparison_tables import absence_words
from catalog.conditions import Conditions
from catalog.conditions_views import answer
from catalog.cost_page import build_report
from catalog.kept.queries import load_baseline
from catalog.schemas import CostQuerySchema
from core import web
from core.clock import day_in_japan
from core.db import now

_Show = Callable[[list[UUID], Conditions], ResponseReturnValue]


@blueprint.get("/cost")
@access(Permission.CATALOG_READ)
def show_cost() -> ResponseReturnValue:
    """Show what one listing costs a body by fiscal year."""
    return _answer("show_cost", _show_cost)


def _answer(target: str, show: _Show) -> ResponseReturnValue:
    form = ask(CostQuerySchema())
    valid = form.validate()
    chosen: list[UUID] = list(dict.fromkeys(form.data.get("l", ())))
    if "l" in form.errors or (valid and len(chosen) != 1):
        return refuse_number([], "費用を計算するサービスを1件選んでください。")
    return answer(form, target, chosen, partial(show, chosen), valid=valid)


def _show_cost(chosen: list[UUID], conditions: Conditions) -> ResponseReturnValue:
    session = web.read_session()
    column = load_columns(session, chosen, conditions)[0]
    baseline = load_baseline(session, actor())
    report = build_report(column, conditions, day_in_japan(now(session)), baseline)
    return web.render_page(
        "comparison/cost.html",
        column=column,
        report=report,
        listing_address=listing_address(column.version),
        absence=absence_words(column.version),
        same_address=address("show_cost", chosen, conditions),
        conditions_address=address("edit_cost_conditions", chosen, conditions),
        **common(conditions),
    )
