"""Two to five services side by side, and what one service costs a body; every state is an address."""

from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from accounts import queries as people
from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog import pages
from catalog.comparison import cut_rows
from catalog.comparison_tables import Links, absence_words, cost_table, function_table, terms_table
from catalog.cost_page import cost_context
from catalog.cost_words import length_words, term_words
from catalog.offerings import queries as offers
from catalog.offerings.models import ListingVersion
from catalog.pages import Column, Comparison, Conditions
from catalog.price_plan import MAXIMUM_TERM_MONTHS, Term
from catalog.schemas import ComparisonQuerySchema, CostQuerySchema, Month
from core import paging, web
from core.clock import day_in_japan
from core.db import now
from core.errors import Invalid
from core.forms import Form
from core.japanese import format_date

blueprint = Blueprint("comparison", __name__)
_ROWS_SHOWN = 300

_INVALID = 422
_LENGTHS = (12, 24, 36, 48, 60, 72, 84, 96, 108, 120)
_SELECTABLE_MONTHS = 30
_ASKED = frozenset({"body", "start", "months"})
_NAMED = 20


@blueprint.get("/compare")
@access(Permission.CATALOG_READ)
def show() -> ResponseReturnValue:
    """Show two to five listings side by side: functions, terms, cost."""
    form = Form(ComparisonQuerySchema(), request.args)
    valid = form.validate()
    chosen: list[UUID] = list(dict.fromkeys(form.data.get("l", ())))
    refusal = pages.refusal_of_number(len(chosen)) if valid else None
    if "l" in form.errors:
        refusal = "比較するサービスの番号を読み取れません。検索からもう一度選んでください。"
    if refusal:
        return _refuse_number(chosen, refusal)
    return _answer(form, "show", chosen, valid=valid)


@blueprint.get("/cost")
@access(Permission.CATALOG_READ)
def show_cost() -> ResponseReturnValue:
    """Show what one listing costs a body by fiscal year."""
    form = Form(CostQuerySchema(), request.args)
    valid = form.validate()
    chosen: list[UUID] = list(dict.fromkeys(form.data.get("l", ())))
    if "l" in form.errors or (valid and len(chosen) != 1):
        return _refuse_number([], "費用を計算するサービスを1件選んでください。")
    return _answer(form, "show_cost", chosen, valid=valid)


@blueprint.get("/compare/conditions")
@access(Permission.CATALOG_READ)
def edit_conditions() -> ResponseReturnValue:
    """Ask for whom and for how long the comparison computes."""
    return _ask_conditions(Form(ComparisonQuerySchema(), request.args), "show")


@blueprint.get("/cost/conditions")
@access(Permission.CATALOG_READ)
def edit_cost_conditions() -> ResponseReturnValue:
    """Ask for whom and for how long the cost is computed."""
    return _ask_conditions(Form(CostQuerySchema(), request.args), "show_cost")


def _ask_conditions(form: Form, target: str) -> ResponseReturnValue:
    if not form.validate():
        return _show_conditions(form, target)
    try:
        conditions = _read(form)
    except Invalid as error:
        form.refuse(error)
        return _show_conditions(form, target)
    typed = {
        "body": conditions.body.label if conditions.body else "",
        "start": f"{conditions.term.start:%Y-%m}",
        "months": conditions.term.months,
    }
    return _show_conditions(Form(form.schema, None, typed), target)


def _read(form: Form) -> Conditions:
    return pages.read_conditions(
        web.read_session(), actor(), form.data, names_body="body" in request.args
    )


def _answer(form: Form, target: str, chosen: list[UUID], *, valid: bool) -> ResponseReturnValue:
    """Answer with the page, or with the conditions and what to mend in them."""
    session = web.read_session()
    if not valid:
        return _show_conditions(form, target)
    try:
        conditions = _read(form)
        if request.args.get("body", conditions.body_code) != conditions.body_code:
            return web.see_other(_address(target, chosen, conditions))
        if target == "show":
            return _show_comparison(pages.load_comparison(session, chosen, conditions))
        return _show_cost(pages.load_columns(session, chosen, conditions)[0], conditions)
    except Invalid as error:
        form.refuse(error)
        return _show_conditions(form, target)


def _address(target: str, chosen: list[UUID], conditions: Conditions, **changes: Any) -> str:
    """Return the address that shows the same to anyone; None leaves a part out."""
    parts: dict[str, Any] = {
        "l": chosen,
        "body": conditions.body_code,
        "start": f"{conditions.term.start:%Y-%m}",
        "months": conditions.term.months,
    }
    if target in {"show", "edit_conditions"}:
        parts["diff"] = "1" if conditions.only_differences else None
        parts["must"] = "1" if conditions.only_must else None
        parts["show"] = ",".join(map(str, conditions.shown)) or None
    return url_for(f"comparison.{target}", **{**parts, **changes})


def _listing_address(version: ListingVersion) -> str:
    return url_for("offerings.show_listing", listing_id=version.listing_id)


def _links() -> Links:
    return Links(
        listing=_listing_address,
        requirement=lambda version, requirement_id: url_for(
            "specifications.show_requirement",
            code=version.specification.code,
            label=version.label,
            requirement_id=requirement_id,
        ),
    )


def _common(conditions: Conditions) -> dict[str, Any]:
    body = conditions.body
    return {
        "conditions": conditions,
        "body": body,
        "term_words": term_words(conditions.term),
        "length_words": length_words(conditions.term.months),
        "computed_at": now(web.read_session()),
    }


def _show_comparison(found: Comparison) -> ResponseReturnValue:
    conditions, links = found.conditions, _links()
    chosen = [column.version.id for column in found.columns]
    count = found.matrix.shown if found.matrix else 0
    page = paging.cut(range(count), _ROWS_SHOWN, anchor="functions-part")
    matrix = found.matrix and cut_rows(found.matrix, page.rows[0] if page else 0, _ROWS_SHOWN)
    return web.render_page(
        "comparison/show.html",
        found=found,
        page=page,
        functions=function_table(found, matrix, links) if matrix else None,
        terms=terms_table(found, links),
        costs=cost_table(found, links),
        remarks=_remarks(found),
        groups=_groups(found),
        cost_links=[
            (column, _address("show_cost", [column.version.id], conditions))
            for column in found.columns
        ],
        toggles={
            "diff": _address(
                "show", chosen, conditions, diff=None if conditions.only_differences else "1"
            ),
            "must": _address(
                "show", chosen, conditions, must=None if conditions.only_must else "1"
            ),
            "all": _address("show", chosen, conditions, show=None),
        },
        same_address=_address("show", chosen, conditions),
        conditions_address=_address("edit_conditions", chosen, conditions),
        **_common(conditions),
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
            "href": _address("show", [column.version.id for column in group], plain)
            if len(group) > 1
            else None,
        }
        for group in found.by_specification
    ]


def _show_cost(column: Column, conditions: Conditions) -> ResponseReturnValue:
    chosen = [column.version.id]
    return web.render_page(
        "comparison/cost.html",
        column=column,
        listing_address=_listing_address(column.version),
        absence=absence_words(column.version),
        same_address=_address("show_cost", chosen, conditions),
        conditions_address=_address("edit_cost_conditions", chosen, conditions),
        **cost_context(column, conditions),
        **_common(conditions),
    )


def _refuse_number(chosen: list[UUID], sentence: str) -> ResponseReturnValue:
    """Answer 422 with the names of what was chosen, each with a way to leave it out."""
    found = offers.load_listing_versions(web.read_session(), chosen[:_NAMED]) if chosen else {}
    named = [found[each] for each in chosen if each in found and pages.was_shown(found[each])]
    ids = [version.id for version in named]
    rows = [
        {
            "name": version.offering_version.name,
            "seller": version.listing.seller.name,
            "href": url_for("comparison.show", l=[each for each in ids if each != version.id]),
        }
        for version in named
    ]
    return web.render_page("comparison/refused.html", _INVALID, sentence=sentence, rows=rows)


def _show_conditions(form: Form, target: str) -> ResponseReturnValue:
    """Show the form of conditions; it leads back to the page that asked."""
    session = web.read_session()
    today = day_in_japan(now(session))
    if form.posted is not None:
        # What the address leaves out is shown as what would be computed, not as the first choice.
        unsaid = {
            "start": f"{pages.default_start(today):%Y-%m}",
            "months": str(pages.DEFAULT_MONTHS),
        }
        form.posted = MultiDict(form.posted)
        for name, value in unsaid.items():
            form.posted.setdefault(name, value)
    stray = {name: form.errors.pop(name) for name in list(form.errors) if name not in _ASKED}
    form.extra_summary.extend(("main", sentence) for sentence in stray.values())
    known = [name for name in ("l", "diff", "must", "show") if name in form.schema.fields]
    return web.render_page(
        "comparison/conditions.html",
        form.status,
        form=form,
        target=url_for(f"comparison.{target}"),
        kept=[(n, v) for n in known if n not in stray for v in request.args.getlist(n)],
        has_own=pages.acting_body(session, actor()) is not None,
        starts=_start_choices(today, form.value("start")),
        lengths=_length_choices(form.value("months")),
        suggestions=[body.label for body in people.list_bodies(session)],
    )


def _start_choices(today: date, chosen: str) -> list[tuple[str, str]]:
    """Return the coming months, and the chosen one if it is another."""
    first = today.replace(day=1)
    months = {f"{day:%Y-%m}": day for day in Term(first, _SELECTABLE_MONTHS).month_starts()}
    if chosen and chosen not in months:
        with suppress(ValidationError):
            months[chosen] = Month().deserialize(chosen)
    ordered = sorted(months.items(), key=lambda each: each[1])
    return [(code, f"{format_date(day)[:-2]}（{day:%Y年%-m月}）") for code, day in ordered]


def _length_choices(chosen: str) -> list[tuple[str, str]]:
    lengths = {*_LENGTHS, *([int(chosen)] if chosen.isascii() and chosen.isdigit() else [])}
    known = sorted(each for each in lengths if 1 <= each <= MAXIMUM_TERM_MONTHS)
    return [
        (str(each), f"{each}か月（{length_words(each)}）" if each % 12 == 0 else f"{each}か月")
        for each in known
    ]
