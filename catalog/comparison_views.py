"""Two to five services side by side; every state is an address."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue
from marshmallow import Schema

from accounts.auth import access
from accounts.permissions import Permission
from catalog.columns import Comparison, load_comparison
from catalog.comparison import cut_rows
from catalog.comparison_documents import comparison_pdf, comparison_workbook
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
from catalog.comparison_tables import (
    absence_words,
    cost_table,
    function_table,
    terms_table,
)
from catalog.comparison_words import filter_words
from catalog.conditions import Conditions
from catalog.conditions_views import answer
from catalog.cost_charts import total_chart
from catalog.kept_of_works import address_for_work, several_works_remark
from catalog.pdf_limits import is_too_long, refuse_pdf
from catalog.reproduced import list_changes, pin, population_remark, sign
from catalog.schemas import ComparisonQuerySchema
from catalog.term_values import misfit_words
from core import paging, web
from core.clock import day_in_japan
from core.db import now
from core.documents import PDF_TYPE, XLSX_TYPE, attachment
from core.forms import Form

_ROWS_SHOWN = 300


@blueprint.get("/compare")
@access(Permission.CATALOG_READ)
def show() -> ResponseReturnValue:
    """Show two to five listings side by side: functions, terms, cost."""
    return answer_comparison(ComparisonQuerySchema(), "show", _show_comparison)


@blueprint.get("/compare.xlsx")
@access(Permission.CATALOG_READ)
def show_xlsx() -> ResponseReturnValue:
    """Send the same comparison as a workbook."""
    return answer_comparison(ComparisonQuerySchema(), "show_xlsx", _send_workbook)


@blueprint.get("/compare.pdf")
@access(Permission.CATALOG_READ)
def show_pdf() -> ResponseReturnValue:
    """Send the same comparison as a PDF."""
    return answer_comparison(ComparisonQuerySchema(), "show_pdf", _send_pdf)


def answer_comparison(
    schema: Schema,
    target: str,
    send: Callable[[Form, list[UUID], Conditions], ResponseReturnValue],
) -> ResponseReturnValue:
    """Answer with what is made of the listings and conditions of this address, or say what to mend."""
    form = ask(schema)
    valid = form.validate()
    chosen, refusal = read_chosen(form, valid=valid)
    if refusal:
        return refuse_number(chosen, refusal)
    return answer(form, target, chosen, partial(send, form, chosen), valid=valid)


def _send_workbook(_form: Form, chosen: list[UUID], conditions: Conditions) -> ResponseReturnValue:
    found, made_at, same = _load_for_file(chosen, conditions)
    content = comparison_workbook(found, links(), made_at=made_at, address=same)
    return _send_file(content, XLSX_TYPE, f"サービスの比較-{day_in_japan(made_at)}.xlsx")


def _send_pdf(_form: Form, chosen: list[UUID], conditions: Conditions) -> ResponseReturnValue:
    found, made_at, same = _load_for_file(chosen, conditions)
    page, workbook = (address(target, chosen, conditions) for target in ("show", "show_xlsx"))
    if refused := refuse_pdf(_count_rows(found), page, workbook):
        return refused
    content = comparison_pdf(found, links(), made_at=made_at, address=same).content
    return _send_file(content, PDF_TYPE, f"サービスの比較-{day_in_japan(made_at)}.pdf")


def _load_for_file(chosen: list[UUID], conditions: Conditions) -> tuple[Comparison, datetime, str]:
    """Return what goes into a file, its time, and the address that brings it back."""
    session = web.read_session()
    made_at = now(session)
    found = load_comparison(session, chosen, pin(conditions, day_in_japan(made_at)))
    return found, made_at, _same_address(found, chosen, _external=True)


def _send_file(content: bytes, media_type: str, name: str) -> Response:
    response = Response(content, mimetype=media_type)
    response.headers["Content-Disposition"] = attachment(name)
    return response


def _same_address(found: Comparison, chosen: list[UUID], **extra: Any) -> str:
    """Return the address that pins population and price day, and knows what was shown."""
    pinned = pin(found.conditions, day_in_japan(now(web.read_session())))
    return address("show", chosen, pinned, sha=sign(found), **extra)


def _show_comparison(form: Form, chosen: list[UUID], conditions: Conditions) -> ResponseReturnValue:
    found, shared = load_comparison(web.read_session(), chosen, conditions), links()
    signature = form.data["sha"]
    changes = list_changes(signature, found) if signature else []
    return web.render_page(
        "comparison/show.html",
        found=found,
        **_functions(form, found),
        terms=terms_table(found, shared),
        costs=cost_table(found, shared),
        totals=total_chart([(each.name, each.plan, each.cost) for each in found.shown]),
        filter_words=filter_words(found),
        is_unchanged=bool(signature) and not changes,
        remarks=_remarks(found, changes),
        groups=_groups(found),
        cost_links=[
            (column, address_for_work(found, [column], "show_cost")) for column in found.columns
        ],
        same_address=_same_address(found, chosen),
        **_addresses(found, chosen),
        **common(conditions),
    )


def _functions(form: Form, found: Comparison) -> dict[str, Any]:
    """Return the matrix, one page of it unless all is asked for."""
    count = _count_rows(found)
    size = max(count, 1) if form.data["all"] == "1" else _ROWS_SHOWN
    page = paging.cut(range(count), size, anchor="functions-part")
    matrix = found.matrix and cut_rows(found.matrix, page.rows[0] if page else 0, size)
    return {
        "page": page,
        "functions": function_table(found, matrix, links()) if matrix else None,
    }


def _count_rows(found: Comparison) -> int:
    return found.matrix.shown if found.matrix else 0


def _addresses(found: Comparison, chosen: list[UUID]) -> dict[str, Any]:
    """Return where the page leads: filters, options, columns, conditions, everything, files."""
    conditions = found.conditions
    return {
        "filters": _filters(found, chosen),
        "options_address": address("choose_options", chosen, conditions),
        "columns_address": address("show", chosen, conditions, show=None),
        "column_fields": hidden_fields(chosen, conditions, "show"),
        "conditions_address": address("edit_conditions", chosen, conditions),
        "whole_address": address("show", chosen, conditions, all="1"),
        "files": [
            (words, address(target, chosen, conditions))
            for words, target in (("Excel（XLSX）", "show_xlsx"), ("PDF", "show_pdf"))
            if target != "show_pdf" or not is_too_long(_count_rows(found))
        ],
    }


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


def _remarks(found: Comparison, changes: list[str]) -> list[str]:
    """Say what a reader must know first: what has changed, is no longer listed, is the same software."""
    remarks = []
    if changes:
        remarks.append(
            f"このアドレスが作られたあとに変わったものがあります：{'、'.join(changes)}。"
            "表は今の内容なので、作られたときに見た人とは違うものが見えています。"
        )
    if words := population_remark(found.conditions):
        remarks.append(words)
    remarks += [
        f"「{column.name}」（{column.version.listing.seller.name}）：{words}"
        for column in found.columns
        for words in (
            absence_words(column.version),
            misfit_words(column.version.offering_version, found.conditions),
        )
        if words
    ]
    if words := several_works_remark(found):
        remarks.append(words)
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
    return [
        {
            "specification": group[0].specification_version,
            "names": [column.name for column in group],
            "href": address_for_work(found, group, "show") if len(group) > 1 else None,
        }
        for group in found.by_specification
    ]
