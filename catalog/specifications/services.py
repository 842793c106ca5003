"""Acts on standard specifications: import, edit, publish, take effect, open to SaaS."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from sqlalchemy import delete, insert
from sqlmodel import Session, col

from accounts.identity import Actor
from accounts.permissions import Permission, require
from accounts.queries import get_person
from catalog.specifications import queries
from catalog.specifications.consultation import queries as consultation_queries
from catalog.specifications.consultation import services as consultations
from catalog.specifications.models import (
    MOST_REQUIREMENTS,
    Pattern,
    Requirement,
    RequirementDraft,
    SpecificationAction,
    SpecificationState,
    SpecificationVersion,
    StandardSpecification,
)
from catalog.specifications.readiness import date_faults, days_of, missing_for_publication
from core import audit, changes, outbox
from core.clock import day_in_japan, start_of_day
from core.db import now
from core.errors import Conflict, GuardFailed, Invalid, StaleVersion, WrongState

TAKES_EFFECT = "specification.takes_effect"
PUBLISHED = "specification.published"
_EDITABLE = frozenset({SpecificationState.DRAFT, SpecificationState.CONSULTATION})


@dataclass(frozen=True, slots=True)
class ImportFacts:
    """Which specification and version an import makes; the rest describes a new specification."""

    code: str
    label: str
    name: str = ""
    field: str = ""
    ministry: str = ""
    pattern: Pattern | None = None
    applies_from: date | None = None
    is_sample: bool = False


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """The file that requirements came from."""

    name: str
    sha256: str


def import_requirements(
    session: Session,
    actor: Actor,
    facts: ImportFacts,
    *,
    drafts: Sequence[RequirementDraft],
    source: ImportedFile,
    seen: str | None = None,
) -> SpecificationVersion:
    """Make or wholly replace a draft version; raises WrongState for one that is no draft any more.

    `seen` is the mark of the draft that the person was shown, empty when there was none: another
    draft than that is not replaced without a word but raises StaleVersion, naming both.
    """
    require(session, actor, Permission.SPECIFICATION_EDIT)
    if not drafts:
        raise Invalid({"file": "要件が1件もありません。表を確かめてください。"})
    if len(drafts) > MOST_REQUIREMENTS:
        sentence = f"要件が{len(drafts):,}件あります。1つの版は{MOST_REQUIREMENTS:,}件までです。"
        raise Invalid({"file": f"{sentence}仕様書を分けて取り込んでください。"})
    specification = _find_or_create(session, facts)
    version = queries.find_version(session, facts.code, facts.label)
    is_new = version is None
    if version is None:
        version = SpecificationVersion(specification_id=specification.id, label=facts.label)
        version.specification = specification
        session.add(version)
        session.flush()
    require_editable(version)
    consultations.require_text_may_change(session, version)
    if seen is not None and not is_new:
        require_seen(
            session, actor, version, seen, coming=f"「{source.name}」（{len(drafts):,}件）"
        )
    values: dict[str, Any] = {"imported_name": source.name, "imported_sha256": source.sha256}
    if facts.applies_from is not None:
        values["applies_from"] = facts.applies_from
        require_possible_days(session, version, values)
    version.revise(last_editor_id=actor.person_id, **values)
    _replace_requirements(session, version, drafts)
    audit.record(
        session,
        actor,
        "specification.import",
        "SpecificationVersion",
        version.id,
        code=facts.code,
        label=facts.label,
        requirements=len(drafts),
        file=source.name,
        sha256=source.sha256,
    )
    return queries.get_version(session, version.id) or version


def _find_or_create(session: Session, facts: ImportFacts) -> StandardSpecification:
    found = queries.lock_specification(session, facts.code)
    if found is None:
        made = StandardSpecification(
            code=facts.code,
            name=facts.name or facts.code,
            field=facts.field,
            ministry=facts.ministry,
            pattern=facts.pattern or Pattern.STANDARDISED,
            is_sample=facts.is_sample,
        )
        session.add(made)
        session.flush()
        return made
    told = {"name": facts.name, "field": facts.field, "ministry": facts.ministry}
    told["pattern"] = facts.pattern or ""
    differing = {name for name, value in told.items() if value and value != getattr(found, name)}
    if differing:
        sentence = (
            f"「{facts.code}」は「{found.name}」（{found.pattern.label}）として登録済みです。"
            "空欄にするか同じ内容にしてください。変更は仕様書のページでできます。"
        )
        raise Invalid(dict.fromkeys(sorted(differing), sentence))
    return found


def mark_of(version: SpecificationVersion | None) -> str:
    """Return what a page sends along to say which draft it showed."""
    return f"{version.id}.{version.version}" if version else ""


def require_seen(
    session: Session, actor: Actor, version: SpecificationVersion, seen: str, *, coming: str
) -> None:
    """Raise StaleVersion when a draft is not the one that was shown, nor unseen but one's own."""
    was_shown = seen.startswith(f"{version.id}.")
    if seen == mark_of(version) or (not was_shown and version.last_editor_id == actor.person_id):
        return
    editor = get_person(session, version.last_editor_id) if version.last_editor_id else None
    count = sum(queries.count_requirements(session, [version.id])[version.id].values())
    who = f"{editor.name}さん" if editor else "ほかの人"
    raise StaleVersion(
        f"{version.title}には、{who}が先に保存した下書き"
        f"（{version.imported_name or '取り込んだ表なし'}、{count:,}件）があります。"
        f"何も置き換えていません。今の下書きと{coming}の違いを確かめ、"
        "置き換えるなら、もう一度「下書きとして取り込む」を押してください。"
    )


def require_editable(version: SpecificationVersion) -> None:
    """Raise WrongState when the content of a version is frozen."""
    if version.state not in _EDITABLE:
        raise WrongState(
            f"{version.title}は「{version.state.label}」なので、内容を変えられません。"
            "新しい版として取り込んでください。",
            state=version.state.value,
        )


def _replace_requirements(
    session: Session, version: SpecificationVersion, drafts: Sequence[RequirementDraft]
) -> None:
    session.execute(
        delete(Requirement).where(col(Requirement.specification_version_id) == version.id)
    )
    common = {
        "specification_version_id": version.id,
        "created_at": now(session),
        "updated_at": now(session),
        "version": 1,
    }
    names = [part.name for part in fields(RequirementDraft)]
    rows = [
        {**common, "id": uuid.uuid4(), "position": position}
        | {name: getattr(draft, name) for name in names}
        for position, draft in enumerate(drafts, start=1)
    ]
    session.execute(insert(Requirement), rows)


def edit_specification(
    session: Session,
    actor: Actor,
    specification: StandardSpecification,
    *,
    version: int,
    **values: Any,
) -> StandardSpecification:
    """Change what all versions share; only while none is published. Its editor edits the drafts too.

    Otherwise one person could turn a draft into another pattern and publish it alone. Once a lead has
    listed the specification, only a lead changes what everyone reads of it.
    """
    is_listed = bool(queries.list_lifecycle_records(session, specification.id))
    right = Permission.SPECIFICATION_PUBLISH if is_listed else Permission.SPECIFICATION_EDIT
    require(session, actor, right, specification)
    versions = queries.lock_versions_of(session, specification.id)
    if any(each.is_published for each in versions):
        raise Conflict("公表した版があるため、仕様書の名称や型は変えられません。")
    if not _differs(specification, values):
        return specification
    specification.revise(version, **values)
    for each in versions:
        if each.state in _EDITABLE:
            each.revise(last_editor_id=actor.person_id)
    audit.record(
        session,
        actor,
        "specification.edit",
        "StandardSpecification",
        specification.id,
        values=_told(values),
    )
    return specification


def _told(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value or "") for name, value in values.items()}


def edit_version(
    session: Session, actor: Actor, subject: SpecificationVersion, *, version: int, **values: Any
) -> SpecificationVersion:
    """Change the dates and the source of a draft; whoever does so is its last editor.

    A save that changes nothing is no edit: it takes the place of nobody who edited before. The hash of a document that is stored here is its own, whatever is typed.
    """
    require(session, actor, Permission.SPECIFICATION_EDIT, subject)
    require_editable(subject)
    require_possible_days(session, subject, values)
    if queries.find_source(session, subject.id) is not None:
        values.pop("source_sha256", None)  # the stored document's own hash stands
    else:
        values["source_sha256"] = values.get("source_sha256", "").lower()
    if subject.last_editor_id is not None and not _differs(subject, values):
        return subject
    subject.revise(version, last_editor_id=actor.person_id, **values)
    audit.record(
        session,
        actor,
        "specification.edit_version",
        "SpecificationVersion",
        subject.id,
        values=_told(values),
    )
    return subject


def require_possible_days(
    session: Session, subject: SpecificationVersion, values: Mapping[str, Any]
) -> None:
    """Raise Invalid when the days of a version, with these new values, cannot all be true."""
    days = {name: values.get(name, day) for name, day in days_of(subject).items()}
    faults = date_faults(days, day_in_japan(now(session)))
    if faults:
        raise Invalid(faults)


def _differs(row: SpecificationVersion | StandardSpecification, values: Mapping[str, Any]) -> bool:
    return any(getattr(row, name) != value for name, value in values.items())


def publish_version(
    session: Session, actor: Actor, subject: SpecificationVersion, *, version: int
) -> SpecificationVersion:
    """Approve and schedule a version whose source shows that the ministry adopted the text.

    Rules: publisher ≠ last editor, ≠ importer; a date of application; raises GuardFailed with all that is missing.
    """
    fresh = require(session, actor, Permission.SPECIFICATION_PUBLISH, subject)
    was_consulted = subject.state is SpecificationState.CONSULTATION
    if was_consulted:
        consultation_queries.lock_for_approval(session, subject.id)
    if subject.state in _EDITABLE:
        reasons = missing_for_publication(session, subject, fresh.person_id)
        if reasons:
            raise GuardFailed(reasons)
    moment = now(session)
    subject.apply(SpecificationAction.APPROVE, version)
    if was_consulted:
        consultations.settle_approval(session, fresh, subject)
    subject.apply(
        SpecificationAction.SCHEDULE,
        publisher_id=fresh.person_id,
        published_at=moment,
        published_on=subject.published_on or day_in_japan(moment),
    )
    audit.record(
        session,
        actor,
        "specification.publish",
        "SpecificationVersion",
        subject.id,
        applies_from=str(subject.applies_from),
        source=subject.source_name,
        source_sha256=subject.source_sha256,
    )
    changes.append(session, "specification_version", subject.id)
    outbox.publish(session, PUBLISHED, {"specification_version_id": subject.id})
    _plan_effect(session, subject)
    return subject


def _plan_effect(session: Session, subject: SpecificationVersion) -> None:
    due_at = start_of_day(subject.applies_from) if subject.applies_from else now(session)
    if due_at <= now(session):
        settle_effect(session, audit.SYSTEM, subject.specification_id)
    else:
        payload = {"specification_version_id": subject.id}
        outbox.publish(session, TAKES_EFFECT, payload, due_at=due_at)


def settle_effect(
    session: Session, actor: audit.Acting, specification_id: uuid.UUID
) -> list[SpecificationVersion]:
    """Let every version whose day has come take effect; the newest of them supersedes the others."""
    today = day_in_japan(now(session))
    moved = []
    current: list[SpecificationVersion] = []
    for each in queries.lock_versions_of(session, specification_id):
        if each.state is SpecificationState.SCHEDULED and (each.applies_from or today) <= today:
            each.apply(SpecificationAction.TAKE_EFFECT)
            moved.append(each)
        if each.state is SpecificationState.EFFECTIVE:
            current.append(each)
    for each in current[:-1]:
        each.apply(SpecificationAction.SUPERSEDE)
        moved.append(each)
    for each in {each.id: each for each in moved}.values():
        action = f"specification.{each.state.value}"
        audit.record(session, actor, action, "SpecificationVersion", each.id)
        changes.append(session, "specification_version", each.id)
    return moved


def handle_takes_effect(session: Session, payload: Mapping[str, Any]) -> None:
    """Deliver the message of the first day of a version."""
    version = queries.get_version(session, uuid.UUID(payload["specification_version_id"]))
    if version is not None:
        settle_effect(session, audit.SYSTEM, version.specification_id)


def open_to_saas(
    session: Session,
    actor: Actor,
    specification: StandardSpecification,
    *,
    version: int,
    reason: str,
) -> StandardSpecification:
    """Let a 標準化 specification take SaaS, with the lead's reason; other patterns say why not."""
    fresh = require(session, actor, Permission.SPECIFICATION_OPEN, specification)
    if specification.accepts_offerings:
        raise Conflict("この仕様書は、すでにサービスの登録を受け付けています。")
    if specification.pattern is not Pattern.STANDARDISED:
        raise GuardFailed([("main", specification.offering_refusal)])
    specification.revise(
        version,
        saas_opened_at=now(session),
        saas_opened_by_id=fresh.person_id,
        saas_opening_reason=reason,
    )
    audit.record(
        session,
        actor,
        "specification.open_to_saas",
        "StandardSpecification",
        specification.id,
        reason=reason,
    )
    for each in queries.list_versions_of(session, specification.id):
        if each.is_published:
            changes.append(session, "specification_version", each.id)
    return specification


HANDLERS: Mapping[str, outbox.Handler] = {TAKES_EFFECT: handle_takes_effect}
