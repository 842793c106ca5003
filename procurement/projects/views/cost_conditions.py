"""Page: by which quantities and options the costs of a project are computed."""

import uuid
from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.condition_words import population_words
from catalog.conditions import Conditions, make_conditions
from catalog.conditions_page import typed_of
from catalog.kept.remembering import own_conditions
from catalog.offerings.queries import list_option_names
from catalog.price_plan import TaxRounding
from catalog.schemas import CostQuerySchema
from catalog.specifications.queries import get_version
from core import web
from core.clock import day_in_japan
from core.db import now
from core.errors import Invalid
from core.forms import Form
from procurement.bodies.queries import limits_for
from procurement.projects import services
from procurement.projects.costs import conditions_of, store_conditions
from procurement.projects.models import Project
from procurement.projects.schemas import CostConditionsSchema
from procurement.projects.views.frame import blueprint, complete, explain_early, read_project

_P = Permission
_NAMED = 40


@blueprint.route("/projects/<uuid:project_id>/cost-conditions", methods=["GET", "POST"])
@access(_P.PROJECT_EDIT, write=_P.PROJECT_EDIT)
def edit_cost_conditions(project_id: uuid.UUID) -> ResponseReturnValue:
    """Say by which quantities and options costs are computed."""
    project = read_project(project_id)
    heading = "費用の計算の条件は、今は変更できません"
    if early := explain_early(project, heading, ready=project.has_open_costs):
        return early
    conditions = conditions_of(project, project.owner)
    initial = {
        **typed_of(conditions, None),
        "options": "\n".join(sorted(conditions.options)),
        "version": project.version,
    }
    form = Form(CostConditionsSchema(), web.posted_form(), initial)
    done = complete(form, project, _set_conditions, "費用の計算の条件を保存しました")
    return done or web.render_page(
        "projects/cost_conditions.html",
        form.status,
        form=form,
        project=project,
        registered=population_words(Conditions(project.owner, conditions.term)),
        roundings=[(each.value, each.label) for each in TaxRounding],
        own_rounding=_find_own_rounding(web.read_session(), project),
        known_options=_list_options(web.read_session(), project)[:_NAMED],
    )


def _find_own_rounding(session: Session, project: Project) -> TaxRounding | None:
    """Return the rounding of the body's rules, which leaves nothing to choose; None without rules."""
    return limits_for(session, project.owner, day_in_japan(now(session))).own_rounding


def _set_conditions(
    session: Session, who: Any, project: Project, *, version: int, options: str, **typed: Any
) -> Project:
    """Keep what was typed; Invalid says what is missing in it."""
    names = CostQuerySchema().load({"o": [each.strip() for each in options.splitlines()]})["o"]
    _refuse_unknown(names, _list_options(session, project), project.cost_conditions.get("o", ()))
    asked = {**CostQuerySchema().load({}), **typed, "o": names}
    conditions = make_conditions(asked, project.owner, day_in_japan(now(session)))
    kept = store_conditions(conditions)
    return services.set_cost_conditions(session, who, project, version=version, conditions=kept)


def _list_options(session: Session, project: Project) -> list[str]:
    return list_option_names(session, project.specification_version_id)


def _refuse_unknown(names: list[str], known: list[str], before: Collection[str]) -> None:
    """Raise Invalid for a name that no price list has: it would add nothing to any cost, unseen.

    One that stood there before stays: its service may have changed its price list since.
    """
    for name in names:
        if name not in known and name not in before:
            near = get_close_matches(name, known, cutoff=0.5)
            told = f"近い名前：{'、'.join(near)}" if near else "名前を料金表で確かめてください"
            raise Invalid(
                {"options": f"「{name}」というオプションは、どの料金表にもありません。{told}。"}
            )


def kept_for_project(specification_version_id: uuid.UUID | None) -> dict[str, Any]:
    """Return what a new project takes over of what its clerk keeps for the same body and work.

    Before the work is told, nothing that was kept for one counts.
    """
    session = web.read_session()
    version = specification_version_id and get_version(session, specification_version_id)
    kept = own_conditions(session, version.specification.code if version else "")
    if kept.body is None or kept.body.id != actor().organisation_id:
        return {}
    return store_conditions(kept)
