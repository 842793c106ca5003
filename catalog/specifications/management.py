"""Pages on which reviewers import and edit specifications and a lead publishes and opens them."""

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission, require
from catalog.specifications import outline, queries, services, uploads
from catalog.specifications.effect import compare_import
from catalog.specifications.import_form import ImportForm, UploadForm
from catalog.specifications.models import (
    Pattern,
    SpecificationUpload,
    SpecificationVersion,
    StandardSpecification,
)
from catalog.specifications.rows import describe
from catalog.specifications.schemas import (
    OpenToSaasSchema,
    SpecificationFactsSchema,
    VersionFactsSchema,
)
from core import paging, web
from core.errors import NotFound, WrongState
from core.forms import Form

blueprint = Blueprint("specification_management", __name__)

_ERRORS_SHOWN = 200
_SPECIFICATION_FACTS = ("name", "field", "ministry", "pattern", "version")
_VERSION_FACTS = (
    "published_on",
    "applies_from",
    "transition_ends_on",
    "source_name",
    "source_url",
    "source_sha256",
    "attribution",
    "version",
)


@blueprint.route("/manage/specifications/import", methods=["GET", "POST"])
@access(Permission.SPECIFICATION_EDIT, write=Permission.SPECIFICATION_EDIT)
@web.accepts_files
def start_import() -> ResponseReturnValue:
    """Take the file of a specification; what it means is asked on the next page."""
    form = UploadForm(web.posted_form(), request.args)
    if form.is_posted:
        sent = form.read_file(request.files)
        upload = form.submit(lambda session, _data: uploads.keep_upload(session, actor(), **sent))
        if upload is not None:
            return web.see_other(_review_address(upload))
    return web.render_page("specifications/import_start.html", form.status, form=form)


@blueprint.route("/manage/specifications/import/<uuid:upload_id>", methods=["GET", "POST"])
@access(Permission.SPECIFICATION_EDIT, write=Permission.SPECIFICATION_EDIT)
def review_import(upload_id: uuid.UUID) -> ResponseReturnValue:
    """Show how the file is read, with every error; read it again as told, or import it."""
    upload = _find_upload(web.read_session(), upload_id)
    if upload.imported_version_id is not None:
        return _show_imported(web.read_session(), upload.imported_version_id)
    form = ImportForm(upload, web.posted_form())
    if form.wants_import:
        version = form.submit_import(
            lambda session, facts, drafts, saved: uploads.import_upload(
                session,
                actor(),
                _find_upload(session, upload_id),
                facts=facts,
                drafts=drafts,
                saved=saved,
                seen=form.seen,
            )
        )
        if version is not None:
            web.leave_notice("done", f"{len(form.table.drafts)}件の要件を下書きに取り込みました")
            return _show_imported(web.refresh_read_session(), version.id)
    elif form.is_posted and form.submit_mapping(
        lambda session, facts, mapping: uploads.map_upload(
            session, actor(), _find_upload(session, upload_id), facts=facts, mapping=mapping
        )
    ):
        return web.see_other(_review_address(upload))
    return _render_review(upload, form)


def _render_review(upload: SpecificationUpload, form: ImportForm) -> ResponseReturnValue:
    replaced = queries.find_replaced(
        web.read_session(), form.value("code"), form.value("label"), form.against
    )
    effect = compare_import(form.table.drafts, replaced.requirements)
    standing = next((v for v in replaced.versions if v.label == form.value("label")), None)
    return web.render_page(
        "specifications/import_review.html",
        form.status,
        form=form,
        upload=upload,
        table=form.table,
        patterns=Pattern.choices(),
        by_class=Counter(outline.class_words(each) for each in form.table.drafts),
        by_kind=Counter(each.kind.label for each in form.table.drafts),
        effect=effect,
        errors=paging.cut(form.table.errors, _ERRORS_SHOWN, name="errors", anchor="errors-title"),
        effects=paging.cut(
            [(each, f"変更（{'、'.join(each.parts)}）") for each in effect.changed]
            + [(each, "なくなる") for each in effect.removed]
            + [(each, "追加") for each in effect.added],
            _ERRORS_SHOWN,
            name="effects",
            anchor="effect-title",
        ),
        left=describe(form.table.left),
        version_choices=[(each.label, each.title) for each in replaced.versions],
        replaced=replaced,
        seen=services.mark_of(standing),
        offered=uploads.offer_mappings(
            web.read_session(), form.table.fingerprint, form.recalled_from
        ),
        excerpt=outline.excerpt,
        class_words=outline.class_words,
    )


@blueprint.route("/manage/specifications/<code>/edit", methods=["GET", "POST"])
@access(Permission.SPECIFICATION_EDIT, write=Permission.SPECIFICATION_EDIT)
def edit_specification(code: str) -> ResponseReturnValue:
    """Change the name, the field, the ministry and the pattern while no version is published."""
    specification = find_specification(web.read_session(), code)
    initial = {name: getattr(specification, name) for name in _SPECIFICATION_FACTS}
    form = Form(SpecificationFactsSchema(), web.posted_form(), initial)
    if _did(
        form,
        lambda session, data: services.edit_specification(
            session, actor(), find_specification(session, code), **data
        ),
    ):
        web.leave_notice("done", "仕様書の情報を保存しました")
        return web.see_other(url_for("specifications.show", code=code))
    return web.render_page(
        "specifications/edit.html",
        form.status,
        form=form,
        specification=specification,
        patterns=Pattern.choices(),
    )


@blueprint.route("/manage/specifications/versions/<uuid:version_id>/edit", methods=["GET", "POST"])
@access(Permission.SPECIFICATION_EDIT, write=Permission.SPECIFICATION_EDIT)
def edit_version(version_id: uuid.UUID) -> ResponseReturnValue:
    """Change the dates and the source of a draft."""
    version = find_version(web.read_session(), version_id)
    services.require_editable(version)
    initial = {name: getattr(version, name) for name in _VERSION_FACTS}
    form = Form(VersionFactsSchema(), web.posted_form(), initial)
    if _did(
        form,
        lambda session, data: services.edit_version(
            session, actor(), find_version(session, version_id), **data
        ),
    ):
        web.leave_notice("done", "版の情報を保存しました")
        return web.see_other(version_address(version))
    return web.render_page(
        "specifications/edit_version.html",
        form.status,
        form=form,
        version=version,
        has_document=queries.find_source(web.read_session(), version_id) is not None,
    )


@blueprint.route("/manage/specifications/<code>/open", methods=["GET", "POST"])
@access(Permission.SPECIFICATION_OPEN, write=Permission.SPECIFICATION_OPEN)
def open_to_saas(code: str) -> ResponseReturnValue:
    """Let a 標準化 specification take SaaS, with the reason."""
    specification = find_specification(web.read_session(), code)
    form = Form(OpenToSaasSchema(), web.posted_form(), {"version": specification.version})
    if _did(
        form,
        lambda session, data: services.open_to_saas(
            session,
            actor(),
            find_specification(session, code),
            version=data["version"],
            reason=data["reason"],
        ),
    ):
        web.leave_notice("done", "SaaSの登録を認めました")
        return web.see_other(url_for("specifications.show", code=code))
    if specification.pattern is not Pattern.STANDARDISED or specification.accepts_offerings:
        sentence = specification.offering_refusal or "すでにサービスの登録を受け付けています。"
        raise WrongState(sentence, state=specification.pattern.value)
    return web.render_page(
        "specifications/open_to_saas.html", form.status, form=form, specification=specification
    )


def _did(form: Form, act: Callable[[Session, dict[str, Any]], object]) -> bool:
    return form.is_posted and form.submit(act) is not None


def _find_upload(session: Session, upload_id: uuid.UUID) -> SpecificationUpload:
    upload = queries.get_upload(session, upload_id)
    if upload is None:
        raise NotFound
    require(session, actor(), Permission.SPECIFICATION_READ_DRAFT, upload)
    return upload


def find_specification(session: Session, code: str) -> StandardSpecification:
    """Return a specification that the acting reviewer may see."""
    specification = queries.find_specification(session, code)
    if specification is None:
        raise NotFound
    require(session, actor(), Permission.SPECIFICATION_READ_DRAFT, specification)
    return specification


def find_version(session: Session, version_id: uuid.UUID) -> SpecificationVersion:
    """Return a version that the acting reviewer may see."""
    version = queries.get_version(session, version_id)
    if version is None:
        raise NotFound
    require(session, actor(), Permission.SPECIFICATION_READ_DRAFT, version)
    return version


def _show_imported(session: Session, version_id: uuid.UUID) -> ResponseReturnValue:
    return web.see_other(version_address(find_version(session, version_id)))


def version_address(version: SpecificationVersion) -> str:
    """Return the public address of a version."""
    return url_for(
        "specifications.show_version", code=version.specification.code, label=version.label
    )


def _review_address(upload: SpecificationUpload) -> str:
    return url_for("specification_management.review_import", upload_id=upload.id)
