"""The page on which a reader says for whom and for how long costs are computed, and keeps it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from flask import request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema

from accounts.auth import access, actor
from accounts.permissions import Permission
from accounts.resubmission import is_local_path
from catalog.bodies import find_body
from catalog.columns import load_versions
from catalog.comparison_frame import address, ask, blueprint, parts_of, read
from catalog.conditions import Conditions, read_conditions
from catalog.conditions_page import (
    OWN,
    find_work,
    load_shown_baseline,
    page_context,
    typed_of,
    work_of_services,
)
from catalog.kept import remembering
from catalog.kept.queries import load_baseline
from catalog.kept.schemas import (
    ComparisonFormSchema,
    CostFormSchema,
    ForgetSchema,
    OwnConditionsSchema,
)
from catalog.kept.services import Work
from catalog.kept.words import Words, work_words
from catalog.schemas import ComparisonQuerySchema, CostQuerySchema
from catalog.specifications.models import StandardSpecification
from catalog.specifications.queries import find_specification
from catalog.what_if import Baseline
from core import web
from core.errors import BadRequest, Invalid
from core.forms import Form

_LONGEST_ADDRESS = 7_900  # bytes; the server takes request lines of 8,190
_TOO_LONG = "条件が長すぎてアドレスに入りません。選ぶオプションを減らすか、出どころの言葉を短くしてください。"
_KEPT = "計算の条件を覚えました", "検索、サービスのページ、比較、費用を、この条件で計算します。"
_KEPT_IN_PART = (
    "計算の条件を覚えました",
    "数量とオプションは業務ごとに覚えます。業務の違うサービスを並べているため、それだけは覚えていません。",
)
_MANY_WORKS = (
    "今の契約は、業務ごとに保存します。業務の違うサービスの比較では保存できません。"
    "金額と日付を空欄にしてください。"
)
_WHICH_WORK = (
    "数量、オプション、今の契約を、どの業務の計算に使うか選んでください。"
    "使わないときは、それらを空欄にしてください。"
)
_OTHER_WORK = (
    "開いている業務と違う業務が選ばれています。入力した数量や契約がどちらのものか分からないため、"
    "何も保存していません。選んだ業務のものは、一覧の「変更する」から開いて入力してください。"
)
_NO_WORK = "選んだ業務の標準仕様書は見つかりません。一覧から選び直してください。"
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
    words = request.args.copy()
    words.poplist("next")
    work = find_work(words.pop("work", ""))
    found = remembering.complete(words, work.code if work else "")
    if work is None:
        found.update(remembering.find_untold())
    return _ask_conditions(Form(CostQuerySchema(), found), OWN, work)


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
    return _ask_conditions(ask(schema), target, work_of_services(request.args.getlist("l")))


def _ask_conditions(
    form: Form, target: str, work: StandardSpecification | None
) -> ResponseReturnValue:
    if not form.validate():
        return show_conditions(form, target)
    try:
        conditions = read(form)
    except Invalid as error:
        form.refuse(error)
        return show_conditions(form, target)
    typed = typed_of(conditions, load_shown_baseline(target, work))
    code = work.code if work else ""
    initial = {**typed, "work": code, "opened": code}
    return show_conditions(Form(_FORMS[target](), None, initial), target)


def _take(form: Form, target: str) -> ResponseReturnValue:
    """Lead on to the page that computes by what was sent, and keep it if that is wished."""
    if not form.validate():
        return show_conditions(form, target)
    try:
        conditions = read_conditions(web.read_session(), actor(), form.data, names_body=True)
        leads_to = _leads_to(form, target, conditions)
        _keep(target, form.data, remembering.keepable(conditions))
    except Invalid as error:
        form.refuse(error)
        return show_conditions(form, target)
    return web.see_other(leads_to)


def _keep(target: str, data: dict[str, Any], words: Words) -> None:
    """Keep what was sent if that is wished; today's contract is kept in no other way."""
    baseline = _read_baseline(data)
    if target == OWN:
        work = _own_work(data, words, baseline)
        remembering.keep(words, work, settles=not data["opened"])
        web.leave_notice("done", *_KEPT)
        return
    found = work_of_services([str(each) for each in data["l"]])
    if data["keep"]:
        if baseline is not None and found is None:
            raise Invalid({"baseline_yearly": _MANY_WORKS})
        work = Work(found.id, found.code, work_words(words), baseline) if found else None
        remembering.keep(words, work)
        web.leave_notice("done", *(_KEPT if found or not work_words(words) else _KEPT_IN_PART))
    elif baseline != load_shown_baseline(target, found):
        raise Invalid({"baseline_yearly": _SEALED})


def _own_work(data: dict[str, Any], words: Words, baseline: Baseline | None) -> Work | None:
    """Return what is kept for the chosen work; what the page did not show of it stays as it was."""
    typed, code, opened = work_words(words), data["work"], data["opened"]
    if opened and code != opened:
        raise Invalid({"work": _OTHER_WORK})
    if not code:
        if typed.keys() - {"use"} or baseline:  # options in use have no field on this page
            raise Invalid({"work": _WHICH_WORK})
        return None
    found = find_specification(web.read_session(), code)
    if found is None:
        raise Invalid({"work": _NO_WORK})
    if not opened:
        typed = {**work_words(remembering.find_words(code)), **typed}
        baseline = baseline or load_baseline(web.read_session(), actor(), code)
    return Work(found.id, code, typed, baseline)


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
        if whole is None:
            return show(conditions)
        load_versions(web.read_session(), chosen)  # what is not found is said before it leads on
        return web.see_other(whole)
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
    """Return the whole address, with the body's code, where it names the body otherwise or not at all.

    Who passes it on then passes on what is seen; an address too long for that is answered as it is.
    """
    if request.args.get("body") == conditions.body_code or not _can_be_named(conditions):
        return None
    said = parts_of(target, chosen, conditions)
    beside = {
        word: values
        for word, values in request.args.lists()
        if word not in said and word in form.schema.fields and any(values)
    }
    found = address(target, chosen, conditions, **beside)
    return None if len(found.encode()) > _LONGEST_ADDRESS else found


def _can_be_named(conditions: Conditions) -> bool:
    """Tell whether an address can name the body: an invented one may have no code that is one."""
    with suppress(Invalid):
        return find_body(web.read_session(), conditions.body_code) is conditions.body
    return False


def show_conditions(form: Form, target: str) -> ResponseReturnValue:
    """Show the form of conditions; it leads back to the page that asked."""
    context = page_context(web.read_session(), form, target)
    return web.render_page("comparison/conditions.html", form.status, form=form, **context)
