"""Pages on which a vendor puts files beside an answer and takes them away."""

import uuid

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor, settings
from accounts.permissions import Permission
from catalog.offerings import services
from catalog.offerings.answer_schemas import EvidenceSchema
from catalog.offerings.evidence_check import EvidenceRefused, check_evidence, say_size
from catalog.offerings.models import EDITABLE_STATES, AnswerEvidence, OfferingVersion
from catalog.offerings.queries import answers as queries
from catalog.offerings.schemas import ConfirmSchema
from catalog.offerings.views.frame import answer_addresses, blueprint, offering_for
from catalog.specifications.models import Requirement
from catalog.specifications.queries import list_requirements
from core import web
from core.errors import Conflict, GuardFailed, NotFound
from core.forms import Form
from core.storage import get_store

_EDIT = Permission.OFFERING_EDIT
_READ = Permission.OFFERING_READ_DRAFT


@blueprint.route(
    "/offerings/<uuid:offering_version_id>/evidence/<uuid:requirement_id>",
    methods=["GET", "POST"],
)
@access(_READ, write=_EDIT)
@web.accepts_files
def show_evidence(offering_version_id: uuid.UUID, requirement_id: uuid.UUID) -> ResponseReturnValue:
    """Show the files beside an answer and take one more."""
    version = offering_for(web.read_session(), offering_version_id, _READ)
    form = Form(EvidenceSchema(), web.posted_form())
    if form.is_posted and _attach(form, offering_version_id, requirement_id):
        web.leave_notice("done", "証拠のファイルを付けました")
        return web.see_other(request.path)
    answer = queries.find_answer(web.refresh_read_session(), version.id, requirement_id)
    if answer is None:
        raise NotFound
    return web.render_page(
        "offerings/evidence.html",
        form.status,
        form=form,
        version=version,
        answer=answer,
        is_editable=version.state in EDITABLE_STATES,
        say_size=say_size,
        total=queries.weigh_evidence(web.read_session(), version.offering_id)[0],
        limit=settings().evidence_limit_bytes,
        back_href=_page_of(web.read_session(), version, answer.requirement),
    )


@blueprint.route(
    "/offerings/<uuid:offering_version_id>/evidence/<uuid:requirement_id>/<uuid:evidence_id>/remove",
    methods=["GET", "POST"],
)
@access(_EDIT, write=_EDIT)
def remove_evidence(
    offering_version_id: uuid.UUID, requirement_id: uuid.UUID, evidence_id: uuid.UUID
) -> ResponseReturnValue:
    """Ask once more, then take a file away from an answer."""
    version = offering_for(web.read_session(), offering_version_id, _EDIT)
    form = Form(ConfirmSchema(), web.posted_form())
    back = url_for(
        "vendor_offerings.show_evidence",
        offering_version_id=offering_version_id,
        requirement_id=requirement_id,
    )
    done = web.complete(
        form,
        lambda session, **_said: services.detach_evidence(
            session, actor(), offering_for(session, offering_version_id, _EDIT), evidence_id
        ),
        notice=("証拠のファイルを外しました",),
        target=back,
    )
    if done:
        return done
    found = queries.find_evidence(web.read_session(), version.id, evidence_id)
    if found is None:
        raise NotFound
    return web.render_page(
        "offerings/evidence_remove.html",
        form.status,
        form=form,
        version=version,
        evidence=found,
        say_size=say_size,
        back_href=back,
    )


def _attach(form: Form, version_id: uuid.UUID, requirement_id: uuid.UUID) -> bool:
    """Check and keep the file outside of any transaction, then name it beside the answer; a refusal stands beside the field."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        form.refuse(EvidenceRefused("証拠のファイルを選択してください。"))
        return False
    try:
        found = check_evidence(sent.stream, sent.filename)
    except EvidenceRefused as error:
        form.refuse(error)
        return False

    def attach(session: Session, _data: object) -> AnswerEvidence:
        row = offering_for(session, version_id, _EDIT)
        return services.attach_evidence(
            session, actor(), row, requirement_id, evidence=found, limit=limit
        )

    limit = settings().evidence_limit_bytes
    try:
        # Outside of the transaction: a slow store holds nobody else's row. What is refused is not kept.
        version = offering_for(web.read_session(), version_id, _EDIT)
        services.check_room(
            web.read_session(), version, requirement_id, evidence=found, limit=limit
        )
        get_store(settings()).keep(found.sha256, sent.stream)
        return form.submit(attach) is not None
    except (Conflict, EvidenceRefused, GuardFailed) as error:
        form.refuse(error)
        return False


def _page_of(session: Session, version: OfferingVersion, requirement: Requirement) -> str:
    requirements = list_requirements(session, version.specification_version_id)
    return answer_addresses(version.id, requirements, [requirement])[requirement.id]
