"""What one service costs a body; every state is an address."""

from functools import partial
from uuid import UUID

from flask.typing import ResponseReturnValue

from accounts.auth import access
from accounts.permissions import Permission
from catalog.columns import load_columns
from catalog.comparison_frame import address, ask, blueprint, common, listing_address, refuse_number
from catalog.comparison_tables import absence_words
from catalog.conditions import Conditions
from catalog.conditions_views import answer
from catalog.cost_page import cost_context
from catalog.schemas import CostQuerySchema
from core import web


@blueprint.get("/cost")
@access(Permission.CATALOG_READ)
def show_cost() -> ResponseReturnValue:
    """Show what one listing costs a body by fiscal year."""
    form = ask(CostQuerySchema())
    valid = form.validate()
    chosen: list[UUID] = list(dict.fromkeys(form.data.get("l", ())))
    if "l" in form.errors or (valid and len(chosen) != 1):
        return refuse_number([], "費用を計算するサービスを1件選んでください。")
    return answer(form, "show_cost", chosen, partial(_show_cost, chosen), valid=valid)


def _show_cost(chosen: list[UUID], conditions: Conditions) -> ResponseReturnValue:
    column = load_columns(web.read_session(), chosen, conditions)[0]
    return web.render_page(
        "comparison/cost.html",
        column=column,
        listing_address=listing_address(column.version),
        absence=absence_words(column.version),
        same_address=address("show_cost", chosen, conditions),
        conditions_address=address("edit_cost_conditions", chosen, conditions),
        **cost_context(column, conditions),
        **common(conditions),
    )
