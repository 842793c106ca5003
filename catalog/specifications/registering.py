"""Acts on a specification before and beside its versions: register it, record where it stands."""

from datetime import date

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.specifications import queries
from catalog.specifications.models import (
    LifecycleRecord,
    LifecycleStage,
    Pattern,
    StandardSpecification,
    StudyOutcome,
)
from core import audit
from core.clock import day_in_japan
from core.db import now
from core.errors import Invalid


def register_specification(
    session: Session,
    actor: Actor,
    *,
    code: str,
    name: str,
    pattern: Pattern,
    field: str = "",
    ministry: str = "",
    is_sample: bool = False,
) -> StandardSpecification:
    """Register a specification without requirements; raises Invalid for a code that is taken."""
    require(session, actor, Permission.SPECIFICATION_EDIT)
    if queries.lock_specification(session, code) is not None:
        raise Invalid({"code": f"「{code}」は登録済みです。別のコードにしてください。"})
    made = StandardSpecification(
        code=code, name=name, field=field, ministry=ministry, pattern=pattern, is_sample=is_sample
    )
    session.add(made)
    session.flush()
    audit.record(
        session,
        actor,
        "specification.register",
        "StandardSpecification",
        made.id,
        code=code,
        name=name,
        pattern=pattern.value,
    )
    return made


def record_lifecycle(
    session: Session,
    actor: Actor,
    specification: StandardSpecification,
    *,
    as_of: date,
    source_name: str,
    source_url: str = "",
    stage: LifecycleStage | None = None,
    outcome: StudyOutcome | None = None,
    note: str = "",
) -> LifecycleRecord:
    """Record, as a lead, where a specification stands in the way of commonalisation; public at once."""
    actor = require(session, actor, Permission.SPECIFICATION_PUBLISH, specification)
    if as_of > day_in_japan(now(session)):
        raise Invalid({"as_of": "確かめた日は、今日までの日付にしてください。"})
    if outcome is not None and stage in {None, LifecycleStage.CANDIDATE}:
        sentence = "調査の結果は、実現性の調査より後の段階で選択してください。"
        raise Invalid({"outcome": sentence})
    if actor.person_id is None:
        raise Invalid({"source_name": "記録する人が分かりません。サインインし直してください。"})
    made = LifecycleRecord(
        specification_id=specification.id,
        stage=stage,
        outcome=outcome,
        as_of=as_of,
        source_name=source_name,
        source_url=source_url,
        note=note,
        recorded_by_id=actor.person_id,
        created_at=now(session),
    )
    session.add(made)
    session.flush()
    audit.record(
        session,
        actor,
        "specification.record_lifecycle",
        "StandardSpecification",
        specification.id,
        stage=stage.value if stage else "",
        study_outcome=outcome.value if outcome else "",
        as_of=str(as_of),
        source=source_name,
    )
    return made
