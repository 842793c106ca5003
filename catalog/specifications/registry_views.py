"""Pages beside the text of a specification: register it, say where it stands, its document, its end."""

import uuid
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.specifications import queries, registering, services, sources
from catalog.specifications.management import find_specification, find_version, version_address
from catalog.specifications.models import (
    LifecycleRecord,
    LifecycleStage,
    Pattern,
    SpecificationSource,
    StudyOutcome,
)
from catalog.specifications.schemas import (
    LifecycleSchema,
    RegisterSchema,
    SourceSchema,
)
from core import web
from core.forms import Form

blueprint = Blueprint("specification_registry", __name__)


@blueprint.route("/manage/specifications/new", methods=["GET", "POST"])
@access(Permission.SPECIFICATION_EDIT, write=Permission.SPECIFICATION_EDIT)
def register() -> ResponseReturnValue:
    """Register a specification whose requirements nobody has imported yet."""
    form = Form(RegisterSchema(), web.posted_form())

    def act(session: Session, **values: Any) -> tuple[str, ...]:
        made = registering.register_specification(session, actor(), **values)
        href = url_for("specifications.show", code=made.code)
        notice = "主任審査員が共通化の状況を記録すると、一覧に載ります。"
        return href, "仕様書を登録しました", notice

    done = web.create_once(form, actor().person_id, act)
    return done or web.render_page(
        "specifications/register.html", form.status, form=form, patterns=Pattern.choices()
    )


@blueprint.route("/manage/specifications/<code>/lifecycle", methods=["GET", "POST"])
@access(Permission.SPECIFICATION_PUBLISH, write=Permission.SPECIFICATION_PUBLISH)
def record_lifecycle(code: str) -> ResponseReturnValue:
    """Record where a specification stands in the way of commonalisation."""
    session = web.read_session()
    specification = find_specification(session, code)
    latest = next(iter(queries.list_lifecycle_records(session, specification.id)), None)
    form = Form(LifecycleSchema(), web.posted_form(), _initial(latest))

    def act(session: Session, **values: Any) -> LifecycleRecord:
        specification = find_specification(session, code)
        return registering.record_lifecycle(session, actor(), specification, **values)

    done = web.complete(
        form,
        act,
        notice=("共通化の状況を記録しました",),
        target=url_for("specifications.show", code=code),
    )
    return done or web.render_page(
        "specifications/lifecycle.html",
        form.status,
        form=form,
        specification=specification,
        stages=LifecycleStage.choices(),
        outcomes=StudyOutcome.choices(),
    )


def _initial(latest: LifecycleRecord | None) -> dict[str, Any]:
    return {"stage": latest.stage, "outcome": latest.outcome} if latest else {}


@blueprint.route(
    "/manage/specifications/versions/<uuid:version_id>/source", methods=["GET", "POST"]
)
@access(Permission.SPECIFICATION_EDIT, write=Permission.SPECIFICATION_EDIT)
@web.accepts_files
def attach_source(version_id: uuid.UUID) -> ResponseReturnValue:
    """Take the ministry's document of a draft."""
    session = web.read_session()
    version = find_version(session, version_id)
    services.require_editable(version)
    form = Form(SourceSchema(), web.posted_form(), {"version": version.version})
    sent = request.files.get("file")

    def act(session: Session, *, version: int) -> SpecificationSource:
        return sources.attach_source(
            session,
            actor(),
            find_version(session, version_id),
            filename=(sent.filename or "") if sent else "",
            content=sent.read() if sent else b"",
            version=version,
        )

    if form.is_posted and (sent is None or not sent.filename):
        form.errors["file"] = "元の文書のファイルを選択してください。"
        form.status = 422
    else:
        done = web.complete(
            form, act, notice=("元の文書を保存しました",), target=version_address(version)
        )
        if done:
            return done
    return web.render_page(
        "specifications/attach_source.html",
        form.status,
        form=form,
        version=version,
        source=queries.find_source(session, version_id),
    )
