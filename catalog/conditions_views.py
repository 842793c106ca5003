"""The form in which a reader says for whom and for how long costs are computed."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from uuid import UUID

from flask import request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from accounts import queries as people
from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.bodies import acting_body
from catalog.comparison_frame import address, blueprint, read
from catalog.conditions import DEFAULT_MONTHS, Conditions, default_start
from catalog.cost_words import length_words
from catalog.price_plan import MAXIMUM_TERM_MONTHS, Term
from catalog.schemas import ComparisonQuerySchema, CostQuerySchema, Start
from core import web
from core.clock import day_in_japan
from core.db import now
from core.errors import Invalid
from core.forms import Form
from core.japanese import format_date

_LENGTHS = (12, 24, 36, 48, 60, 72, 84, 96, 108, 120)
_SELECTABLE_MONTHS = 30
_ASKED = frozenset({"body", "start", "months"})


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
        return show_conditions(form, target)
    try:
        conditions = read(form)
    except Invalid as error:
        form.refuse(error)
        return show_conditions(form, target)
    typed = {**conditions.parts(), "body": conditions.body.label if conditions.body else ""}
    return show_conditions(Form(form.schema, None, typed), target)


def answer(
    form: Form,
    target: str,
    chosen: list[UUID],
    show: Callable[[Conditions], ResponseReturnValue],
    *,
    valid: bool,
) -> ResponseReturnValue:
    """Answer with the page, or with the conditions and what to mend in them."""
    if not valid:
        return show_conditions(form, target)
    try:
        conditions = read(form)
        if request.args.get("body", conditions.body_code) != conditions.body_code:
            return web.see_other(address(target, chosen, conditions))
        return show(conditions)
    except Invalid as error:
        form.refuse(error)
        return show_conditions(form, target)


def show_conditions(form: Form, target: str) -> ResponseReturnValue:
    """Show the form of conditions; it leads back to the page that asked."""
    session = web.read_session()
    today = day_in_japan(now(session))
    if form.posted is not None:
        # What the address leaves out is shown as what would be computed, not as the first choice.
        unsaid = {
            "start": f"{default_start(today):%Y-%m}",
            "months": str(DEFAULT_MONTHS),
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
        has_own=acting_body(session, actor()) is not None,
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
            months[chosen] = Start().deserialize(chosen)
    ordered = sorted(months.items(), key=lambda each: each[1])
    return [(code, f"{format_date(day)[:-2]}（{day:%Y年%-m月}）") for code, day in ordered]


def _length_choices(chosen: str) -> list[tuple[str, str]]:
    lengths = {*_LENGTHS, *([int(chosen)] if chosen.isascii() and chosen.isdigit() else [])}
    known = sorted(each for each in lengths if 1 <= each <= MAXIMUM_TERM_MONTHS)
    return [
        (str(each), f"{each}か月（{length_words(each)}）" if each % 12 == 0 else f"{each}か月")
        for each in known
    ]
