"""Two to five services side by side; every state is an address."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue

from accounts.auth import access
from accounts.permissions import Permission
from catalog.columns import Comparison, load_comparison, refusal_of_number
from catalog.comparison import cut_rows
from catalog.comparison_frame import address, blueprint, common, links, refuse_number
from catalog.comparison_tables import absence_words, cost_table, function_table, terms_table
from catalog.conditions import Conditions
from catalog.conditions_views import answer
from catalog.schemas import ComparisonQuerySchema
from core import paging, web
from core.forms import Form

_ROWS_SHOWN = 300


@blueprint.get("/compare")
@access(Permission.CATALOG_READ)
def show() -> ResponseReturnValue:
    """Show two to five listings side by side: functions, terms, cost."""
    form = Form(ComparisonQuerySchema(), request.args)
    valid = form.validate()
    chosen: list[UUID] = list(dict.fromkeys(form.data.get("l", ())))
    refusal = refusal_of_number(len(chosen)) if valid else None
    if "l" in form.errors:
        refusal = "比較するサービスの番号を読み取れません。検索からもう一度選んでください。"
    if refusal:
        return refuse_number(chosen, refusal)
    return answer(form, "show", chosen, partial(_show_comparison, chosen), valid=valid)


def _show_comparison(chosen: list[UUID], conditions: Conditions) -> ResponseReturnValue:
    found, shared = load_comparison(web.read_session(), chosen, conditions), links()
    count = found.matrix.shown if found.matrix else 0
    page = paging.cut(range(count), _ROWS_SHOWN, anchor="functions-part")
    matrix = found.matrix and cut_rows(found.matrix, page.rows[0] if page else 0, _ROWS_SHOWN)
    return web.render_page(
        "comparison/show.html",
        found=found,
        page=page,
        functions=function_table(found, matrix, shared) if matrix else None,
        terms=terms_table(found, shared),
        costs=cost_table(found, shared),
        remarks=_remarks(found),
        groups=_groups(found),
        cost_links=[
            (column, address("show_cost", [column.version.id], conditions))
            for column in found.columns
        ],
        toggles={
            "diff": address(
                "show", chosen, conditions, diff=None if conditions.only_differences else "1"
            ),
            "must": address("show", chosen, conditions, must=None if conditions.only_must else "1"),
            "all": address("show", chosen, conditions, show=None),
        },
        same_address=address("show", chosen, conditions),
        conditions_address=address("edit_conditions", chosen, conditions),
        **common(conditions),
    )


def _remarks(found: Comparison) -> list[str]:
    """Say what a reader must know first: what is no longer listed, and what is the same software."""
    remarks = [
        f"「{column.name}」（{column.version.listing.seller.name}）：{words}"
        for column in found.columns
        if (words := absence_words(column.version))
    ]
    for same in found.by_offering:
        if len(same) > 1:
            sellers = "、".join(column.version.listing.seller.name for column in same)
            remarks.append(
                f"「{same[0].name}」は、同じサービスを{len(same)}つの条件で並べています（販売：{sellers}）。"
                "競争する別のサービスではありません。"
            )
    return remarks


def _groups(found: Comparison) -> list[dict[str, Any]]:
    """Return where to compare functions after all, when the specification versions differ."""
    if found.matrix is not None:
        return []
    plain = Conditions(found.conditions.body, found.conditions.term)
    return [
        {
            "specification": group[0].specification_version,
            "names": [column.name for column in group],
            "href": address("show", [column.version.id for column in group], plain)
            if len(group) > 1
            else None,
        }
        for group in found.by_specification
    ]
