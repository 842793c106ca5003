"""The page on which a reader says for whom and for how long costs are computed, and keeps it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema

from accounts.auth import access, actor
from accounts.permissions import Permission
from accounts.resubmission import is_local_path
from catalog.comparison_frame import address, ask, blueprint, parts_of, read
from catalog.conditions import Conditions, read_conditions
from catalog.conditions_page import OWN, page_context, typed_of
from catalog.kept import remembering
from catalog.kept.queries import load_baseline
from catalog.kept.schemas import (
    ComparisonFormSchema,
    CostFormSchema,
    ForgetSchema,
    OwnConditionsSchema,
)
from catalog.schemas import ComparisonQuerySchema, CostQuerySchema
from catalog.what_if import Baseline
from core import web
from core.errors import BadRequest, Invalid
from core.forms import Form

_LONGEST_ADDRESS = 7_900  # bytes; the server takes request lines of 8,190
_TOO_LONG = "条件が長すぎてアドレスに入りません。選ぶオプションを減らすか、出どころの言葉を短くしてください。"
_KEPT = "計算の条件を覚えました", "検索、サービスのページ、比較、費用を、この条件で計算します。"
_SEALED = (
    "今の契約の金額は、条件といっしょにだけ保存できます。"
    "「この条件を覚える」も選ぶか、金額と日付を元に戻してください。"
)
_FORMS: dict[str, type[Schema]] = {
    "show": ComparisonFormSchema,
    "show_cost": CostFormSchema,
    OWN: OwnConditionsSchema,
}


@blueprint.route("/compare/conditions", methods=["GET", "POST"])
@access(Permission.CATALOG_READ, write=Permission.COST_COMPUTE)
def edit_conditions() -> ResponseReturnValue:
    """Ask for whom and for how long the comparison computes."""
    return _edit(ComparisonQuerySchema(), "show")


@blueprint.route("/cost/conditions", methods=["GET", "POST"])
@access(Permission.CATALOG_READ, write=Permission.COST_COMPUTE)
def edit_cost_conditions() -> ResponseReturnValue:
    """Ask for whom and for how long the cost is computed."""
    return _edit(CostQuerySchema(), "show_cost")


@blueprint.route("/conditions", methods=["GET", "POST"])
@access(Permission.CATALOG_READ, write=Permission.COST_COMPUTE)
def own_conditions() -> ResponseReturnValue:
    """Ask for whom costs are computed wherever a price is shown, and keep it."""
    if request.method == "POST":
        return _take(Form(OwnConditionsSchema(), request.form), OWN)
    return _ask_conditions(Form(CostQuerySchema(), remembering.complete(_own_words())), OWN)


@blueprint.post("/conditions/forget")
@access(Permission.CATALOG_READ, write=Permission.COST_COMPUTE)
def forget_conditions() -> ResponseReturnValue:
    """Forget what is kept."""
    form = Form(ForgetSchema(), request.form)
    if not form.validate():
        raise BadRequest(form.summary[0][1])
    remembering.forget()
    web.leave_notice(
        "done", "覚えていた計算の条件を忘れました", "条件と、今の契約の金額を消しました。"
    )
    return web.see_other(_way_back(form.data["next"]))


def _edit(schema: Schema, target: str) -> ResponseReturnValue:
    if request.method == "POST":
        return _take(Form(_FORMS[target](), request.form), target)
    return _ask_conditions(ask(schema), target)


def _own_words() -> Any:
    """Return the words of the address without the page to go back to."""
    words = request.args.copy()
    words.poplist("next")
    return words


def _ask_conditions(form: Form, target: str) -> ResponseReturnValue:
    if not form.validate():
        return show_conditions(form, target)
    try:
        conditions = read(form)
    except Invalid as error:
        form.refuse(error)
        return show_conditions(form, target)
    baseline = load_baseline(web.read_session(), actor())
    return show_conditions(Form(_FORMS[target](), None, typed_of(conditions, baseline)), target)


def _take(form: Form, target: str) -> ResponseReturnValue:
    """Lead on to the page that computes by what was sent, and keep it if that is wished."""
    if not form.validate():
        return show_conditions(form, target)
    try:
        conditions = read_conditions(web.read_session(), actor(), form.data, names_body=True)
        leads_to = _leads_to(form, target, conditions)
        _keep(target, form.data, conditions)
    except Invalid as error:
        form.refuse(error)
        return show_conditions(form, target)
    return web.see_other(leads_to)


def _keep(target: str, data: dict[str, Any], conditions: Conditions) -> None:
    """Keep what was sent if that is wished; today's contract is kept in no other way."""
    baseline = _read_baseline(data)
    if target == OWN or data["keep"]:
        remembering.keep(remembering.keepable(conditions), baseline)
        web.leave_notice("done", *_KEPT)
    elif baseline != load_baseline(web.read_session(), actor()):
        raise Invalid({"baseline_yearly": _SEALED})


def _leads_to(form: Form, target: str, conditions: Conditions) -> str:
    if target == OWN:
        return _way_back(form.data["next"])
    chosen: list[UUID] = list(dict.fromkeys(form.data["l"]))
    found = address(target, chosen, conditions)
    if len(found.encode()) > _LONGEST_ADDRESS:
        raise Invalid({"o": _TOO_LONG})
    return found


def _way_back(path: str) -> str:
    return path if is_local_path(path) else url_for(f"comparison.{OWN}")


def _read_baseline(data: dict[str, Any]) -> Baseline | None:
    """Return today's contract as typed; Invalid when half of it is missing, or nobody could keep it."""
    yearly, ends_on = data["baseline_yearly"], data["baseline_ends_on"]
    if yearly is None and ends_on is None:
        return None
    if not remembering.has_profile_place():
        raise Invalid(
            {"baseline_yearly": "今の契約の金額は、サインインしているときだけ保存できます。"}
        )
    if ends_on is None:
        raise Invalid({"baseline_ends_on": "今の契約の最後の日を入力してください。"})
    if yearly is None:
        raise Invalid({"baseline_yearly": "今の契約の1年の費用を入力してください。"})
    return Baseline(yearly, ends_on)


def answer(
    form: Form,
    target: str,
    chosen: list[UUID],
    show: Callable[[Conditions], ResponseReturnValue],
    *,
    valid: bool,
) -> ResponseReturnValue:
    """Answer with the page, or with the conditions and what to mend in them."""
    asked_for = _page_of(target)
    if not valid:
        return show_conditions(form, asked_for)
    try:
        conditions = read(form)
        whole = _whole_address(form, target, chosen, conditions)
        return web.see_other(whole) if whole else show(conditions)
    except Invalid as error:
        form.refuse(error)
        return show_conditions(form, asked_for)


def _page_of(target: str) -> str:
    """Return the page on which a file is asked for."""
    if target in _FORMS:
        return target
    return "show_cost" if target.startswith("cost_") else "show"


def _whole_address(
    form: Form, target: str, chosen: list[UUID], conditions: Conditions
) -> str | None:
    """Return the same address with the body's code where it names the body in another way."""
    if request.args.get("body", conditions.body_code) == conditions.body_code:
        return None
    said = parts_of(target, chosen, conditions)
    beside = {
        word: values
        for word, values in request.args.lists()
        if word not in said and word in form.schema.fields and any(values)
    }
    found = address(target, chosen, conditions, **beside)
    return None if len(found.encode()) > _LONGEST_ADDRESS else found


def show_conditions(form: Form, target: str) -> ResponseReturnValue:
    """Show the form of conditions; it leads back to the page that asked."""
    context = page_context(web.read_session(), form, target)
    return web.render_page("comparison/conditions.html", form.status, form=form, **context)
