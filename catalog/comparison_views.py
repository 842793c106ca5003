"""Two to five services side by side; every state is an address."""

from functools import partial
from typing import Any
from uuid import UUID

from flask.typing import ResponseReturnValue

from accounts.auth import access
from accounts.permissions import Permission
from catalog.columns import Comparison, load_comparison
from catalog.comparison import cut_rows
from catalog.comparison_frame import (
    address,
    ask,
    blueprint,
    common,
    hidden_fields,
    links,
    read_chosen,
    refuse_number,
)
from catalog.comparison_tables import absence_words, cost_table, function_table, terms_table
from catalog.comparison_words import filter_words
from catalog.conditions import Conditions
from catalog.conditions_views import answer
from catalog.schemas import ComparisonQuerySchema
from core import paging, web

_ROWS_SHOWN = 300


@blueprint.get("/compare")
@access(Permission.CATALOG_READ)
def show() -> ResponseReturnValue:
    """Show two to five listings side by side: functions, terms, cost."""
    form = ask(ComparisonQuerySchema())
    valid = form.validate()
    chosen, refusal = read_chosen(form, valid=valid)
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
        filter_words=filter_words(found),
        remarks=_remarks(found),
        groups=_groups(found),
        cost_links=[
            (column, address("show_cost", [column.version.id], conditions))
            for column in found.columns
        ],
        filters=_filters(found, chosen),
        all_address=address("show", chosen, conditions, show=None),
        options_address=address("choose_options", chosen, conditions),
        column_fields=hidden_fields(chosen, conditions, "show"),
        same_address=address("show", chosen, conditions),
        conditions_address=address("edit_conditions", chosen, conditions),
        **common(conditions),
    )


def _filters(found: Comparison, chosen: list[UUID]) -> list[tuple[str, str]]:
    """Return what switches each filter of rows: its words and its address."""
    conditions = found.conditions
    switches = (
        ("diff", conditions.only_differences, "違いだけを表示する", "違いのない行も表示する"),
        ("must", conditions.only_must, "必須だけを表示する", "オプションと不可も表示する"),
        (
            "used",
            conditions.only_used,
            "使う標準オプションだけを表示する",
            "使わない標準オプションも表示する",
        ),
        ("gaps", conditions.only_gaps, "未回答のある行だけを表示する", "未回答のない行も表示する"),
    )
    return [
        (
            off if is_on else on,
            address("show", chosen, conditions, **{word: None if is_on else "1"}),
        )
        for word, is_on, on, off in switches
        if word != "used" or found.used is not None or is_on
    ]


def _remarks(found: Comparison) -> list[str]:
    """Say what a reader must know first: what is no longer listed, and what is the same software."""
    remarks = [
        f"「{column.name}」（{column.version.listing.seller.name}）：{words}"
        for column in found.columns
        if (words := absence_words(column.version))
    ]
    if found.used_elsewhere:
        remarks.append(
            "使う標準オプションの指定は、標準仕様書の別の版で選んだものです。この比較には使っていません。"
            "この版の標準オプションから選び直してください。"
        )
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
