"""What one service costs a body; every state is an address."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue
from marshmallow import Schema

from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.columns import Column, load_columns
from catalog.comparison_frame import (
    address,
    ask,
    blueprint,
    common,
    hidden_fields,
    listing_address,
    refuse_number,
)
from catalog.comparison_tables import absence_words, has_successor
from catalog.conditions import Conditions
from catalog.conditions_views import answer
from catalog.cost_documents import cost_workbook, print_cost
from catalog.cost_page import build_report
from catalog.cost_report import Report
from catalog.kept.queries import load_baseline
from catalog.pdf_limits import refuse_pdf
from catalog.price_plan import Currency
from catalog.reproduced import pin, population_remark
from catalog.schemas import CostFileSchema, CostQuerySchema
from catalog.term_values import misfit_words
from catalog.what_if import Baseline
from core import web
from core.clock import day_in_japan
from core.db import now
from core.documents import PDF_TYPE, XLSX_TYPE, attachment

_MEDIA_TYPES = {"pdf": PDF_TYPE, "xlsx": XLSX_TYPE}
_Send = Callable[..., ResponseReturnValue]


@blueprint.get("/cost")
@access(Permission.CATALOG_READ)
def show_cost() -> ResponseReturnValue:
    """Show what one listing costs a body by fiscal year."""
    return _answer(CostQuerySchema(), "show_cost", _show_cost)


@blueprint.get("/cost.xlsx")
@access(Permission.CATALOG_READ)
def cost_xlsx() -> ResponseReturnValue:
    """Send the same cost as a workbook."""
    return _answer(CostFileSchema(), "cost_xlsx", partial(_send_file, "xlsx"))


@blueprint.get("/cost.pdf")
@access(Permission.CATALOG_READ)
def cost_pdf() -> ResponseReturnValue:
    """Send the same cost as a PDF."""
    return _answer(CostFileSchema(), "cost_pdf", partial(_send_file, "pdf"))


def _answer(schema: Schema, target: str, send: _Send) -> ResponseReturnValue:
    form = ask(schema)
    valid = form.validate()
    chosen: list[UUID] = list(dict.fromkeys(form.data.get("l", ())))
    if "l" in form.errors or (valid and len(chosen) != 1):
        asked = "費用を計算するサービスを1件選んでください。"
        return refuse_number([], asked, "費用を計算できません")
    with_today = form.data.get("today", "1") == "1"
    return answer(form, target, chosen, partial(send, chosen, with_today=with_today), valid=valid)


def _load(
    chosen: list[UUID], conditions: Conditions, *, with_today: bool, in_file: bool = False
) -> tuple[Column, Report]:
    session = web.read_session()
    column = load_columns(session, chosen, conditions)[0]
    baseline = _load_today(column, conditions) if with_today else None
    for_other = actor().organisation_id is not None and not _is_own(conditions)
    today = day_in_japan(now(session))
    return column, build_report(
        column, conditions, today, baseline, in_file=in_file, for_other=for_other
    )


def _is_own(conditions: Conditions) -> bool:
    """Tell whether it is computed for the body that the reader acts for."""
    return conditions.body is not None and conditions.body.id == actor().organisation_id


def _load_today(column: Column, conditions: Conditions) -> Baseline | None:
    """Return today's contract for this work of the body computed for, if the reader acts for it."""
    code = column.specification_version.specification.code
    return load_baseline(web.read_session(), actor(), code) if _is_own(conditions) else None


def _same_address(chosen: list[UUID], conditions: Conditions, **extra: Any) -> str:
    """Return the address that pins population and price day: it gives the same yen later."""
    pinned = pin(conditions, day_in_japan(now(web.read_session())))
    return address("show_cost", chosen, pinned, **extra)


def _show_cost(
    chosen: list[UUID], conditions: Conditions, *, with_today: bool
) -> ResponseReturnValue:
    column, report = _load(chosen, conditions, with_today=with_today)
    return web.render_page(
        "comparison/cost.html",
        column=column,
        report=report,
        listing_address=listing_address(column.version),
        absence=absence_words(column.version),
        has_successor=has_successor(column.version),
        misfit=misfit_words(column.version.offering_version, conditions),
        same_address=_same_address(chosen, conditions),
        population_remark=population_remark(conditions),
        conditions_address=address("edit_cost_conditions", chosen, conditions),
        file_addresses={
            kind: address(f"cost_{kind}", chosen, conditions) for kind in ("xlsx", "pdf")
        },
        hidden=hidden_fields(chosen, conditions),
        has_baseline=_load_today(column, conditions) is not None,
        ways=_list_ways(column, conditions),
        **common(conditions),
    )


def _list_ways(column: Column, conditions: Conditions) -> dict[str, tuple[str, str]]:
    """Return by section where a reader changes what it depends on, in words and as an address."""
    chosen, counts = [column.version.id], conditions.include_exit
    form = address("edit_cost_conditions", chosen, conditions)
    exit_words = f"解約の費用{'を合計に入れずに' if counts else 'も合計に入れて'}計算する"
    toggled = address("show_cost", chosen, conditions, exit=None if counts else "1")
    ways = {
        "rounding": ("端数の決まりを選んで計算する", f"{form}#f-rounding"),
        "leaving": (exit_words, f"{toggled}#leaving-part"),
        "today": ("今の契約の年額と終わる日を入力する", f"{form}#f-baseline_yearly"),
    }
    components = column.plan.components
    if any(each.is_option for each in components):
        ways["missing"] = ("オプションを選んで計算する", f"{form}#many-title")
    if any(each.currency is not Currency.JPY for each in components):
        ways["currency"] = ("1米ドルの円を入力する", f"{form}#f-usd")
    return ways


def _send_file(
    kind: str, chosen: list[UUID], conditions: Conditions, *, with_today: bool
) -> ResponseReturnValue:
    column, report = _load(chosen, conditions, with_today=with_today, in_file=True)
    if kind == "pdf":
        page, today = address("show_cost", chosen, conditions), "1" if with_today else None
        workbook = address("cost_xlsx", chosen, conditions, today=today)
        if refused := refuse_pdf(0, page, workbook):
            return refused
    if not with_today:
        report = report.without("today")
    same = _same_address(chosen, conditions, _external=True)
    made_at = now(web.read_session())
    if kind == "pdf":
        content = print_cost(report, column, conditions, made_at=made_at, address=same).content
    else:
        content = cost_workbook(report, column, conditions, made_at=made_at, address=same)
    response = Response(content, content_type=_MEDIA_TYPES[kind])
    name = f"費用_{column.name}_{conditions.body_label}.{kind}"
    response.headers["Content-Disposition"] = attachment(name)
    return response
