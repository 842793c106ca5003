"""Acts of a lead on a specification version, with everything that stands on it."""

import uuid
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.specifications import ending, services
from catalog.specifications import queries as specifications
from catalog.specifications.consultation import services as consultations
from catalog.specifications.management import find_version, version_address
from catalog.specifications.models import SpecificationVersion
from catalog.specifications.readiness import missing_for_publication
from catalog.specifications.revisions import compare_versions
from catalog.specifications.schemas import EndSchema, PublishSchema
from core import paging, web
from core.forms import Form
from procurement.market.queries import Impact, find_impact, find_overtaking, list_older_versions

blueprint = Blueprint("market", __name__)


@blueprint.route(
    "/manage/specifications/versions/<uuid:version_id>/publish", methods=["GET", "POST"]
)
@access(Permission.SPECIFICATION_PUBLISH, write=Permission.SPECIFICATION_PUBLISH)
def publish_version(version_id: uuid.UUID) -> ResponseReturnValue:
    """Show what a version changes and for whom, then publish it once the ministry adopted it."""
    session = web.read_session()
    version = find_version(session, version_id)
    form = Form(PublishSchema(), web.posted_form(), {"version": version.version})

    def act(session: Session, *, version: int) -> SpecificationVersion:
        subject = find_version(session, version_id)
        return services.publish_version(session, actor(), subject, version=version)

    notice = f"{version.specification.name} {version.title}を公表しました"
    done = web.complete(form, act, notice=(notice,), target=version_address(version))
    if done:
        return done
    services.require_editable(version)
    older = list_older_versions(session, version)
    newest = older[0] if older else None
    return web.render_page(
        "specifications/publish.html",
        form.status,
        form=form,
        version=version,
        counts=specifications.count_requirements(session, [version.id])[version.id],
        missing=missing_for_publication(session, version, actor().person_id),
        **consultations.waiting_for_approval(session, version),
        newest=newest,
        overtaking=find_overtaking(session, version),
        difference=compare_versions(session, newest, version, [newest, version])
        if newest
        else None,
        **_shown_impact(find_impact(session, [each.id for each in older])),
    )


def _shown_impact(impact: Impact) -> dict[str, Any]:
    return {
        "impact": impact,
        "services": paging.cut(impact.offerings, name="services", anchor="impact"),
        "contracts": paging.cut(impact.contracts, name="contracts", anchor="impact"),
    }


@blueprint.route("/manage/specifications/versions/<uuid:version_id>/end", methods=["GET", "POST"])
@access(Permission.SPECIFICATION_PUBLISH, write=Permission.SPECIFICATION_PUBLISH)
def end_version(version_id: uuid.UUID) -> ResponseReturnValue:
    """Show what stands on a version, then retire or withdraw it."""
    session = web.read_session()
    version = find_version(session, version_id)
    action = ending.find_ending(version)
    form = Form(EndSchema(), web.posted_form(), {"version": version.version})
    words = "廃止" if action.value == "retire" else "取下げ"

    def act(session: Session, *, reason: str, version: int) -> SpecificationVersion:
        subject = find_version(session, version_id)
        return ending.end_version(session, actor(), subject, reason=reason, version=version)

    notice = f"{version.specification.name} {version.title}の{words}を記録しました"
    done = web.complete(form, act, notice=(notice,), target=version_address(version))
    return done or web.render_page(
        "specifications/end.html",
        form.status,
        form=form,
        version=version,
        is_retirement=action.value == "retire",
        words=words,
        **_shown_impact(find_impact(session, [version.id])),
    )
