"""Acts on equal words: propose, apply by a second lead, drop."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from core import audit
from core.db import now
from core.errors import Conflict, Forbidden, Invalid, NotFound
from search.spelling import normalise
from search.synonyms import queries
from search.synonyms.models import SynonymAction, SynonymChange


def propose(
    session: Session, actor: Actor, *, before: Sequence[str], after: Sequence[str], reason: str
) -> SynonymChange:
    """Propose that one group of equal words becomes another; nothing before: new, nothing after: ended.

    Raises Invalid for words that change nothing or favour one maker, Conflict when the group is no longer so.
    """
    actor = require(session, actor, Permission.SYNONYM_EDIT)
    if actor.person_id is None:
        raise Forbidden("提案できるのは、主任審査員だけです。")
    groups = queries.current_groups(session)
    if before and tuple(before) not in groups:
        raise _gone(before)
    if tuple(after) == tuple(before):
        raise Invalid({"words": "ことばが変わっていません。直してから提案してください。"})
    if set(map(_fold, groups)) & {_fold(after)} - {_fold(before)}:
        raise Invalid({"words": "同じことばの組がもうあります。"})
    if sentence := queries.judge_neutrality(session, _added(before, after)):
        raise Invalid({"words": sentence})
    change = SynonymChange(
        before=list(before), after=list(after), reason=reason, proposed_by_id=actor.person_id
    )
    session.add(change)
    session.flush()
    _record(session, actor, change, "synonym.propose")
    return change


def apply(session: Session, actor: Actor, change_id: uuid.UUID, *, version: int) -> SynonymChange:
    """Let a proposed change count, as the second lead; searches follow at once.

    Raises Conflict when the group was changed in between, or a word has become a listed name.
    """
    actor = require(session, actor, Permission.SYNONYM_EDIT)
    queries.lock_changes(session)
    change = _locked(session, change_id)
    if actor.person_id == change.proposed_by_id:
        raise Forbidden("提案した人は確認できません。別の主任審査員に頼んでください。")
    change.expect(SynonymAction.APPLY)
    if change.before and tuple(change.before) not in queries.current_groups(session):
        raise _gone(change.before)
    if sentence := queries.judge_neutrality(session, _added(change.before, change.after)):
        raise Conflict(f"{sentence}この変更は取りやめて、提案し直してください。")
    values = {"confirmed_by_id": actor.person_id, "confirmed_at": now(session)}
    number = queries.last_number(session) + 1
    change.apply(SynonymAction.APPLY, version, number=number, **values)
    _record(session, actor, change, "synonym.apply", number=number)
    return change


def drop(session: Session, actor: Actor, change_id: uuid.UUID, *, version: int) -> None:
    """Give a proposed change up."""
    actor = require(session, actor, Permission.SYNONYM_EDIT)
    change = _locked(session, change_id)
    change.apply(SynonymAction.DROP, version)
    _record(session, actor, change, "synonym.drop")


def _locked(session: Session, change_id: uuid.UUID) -> SynonymChange:
    change = session.get(SynonymChange, change_id, with_for_update=True)
    if change is None:
        raise NotFound
    return change


def _fold(words: Sequence[str]) -> frozenset[str]:
    return frozenset(normalise(word) for word in words)


def _added(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Return the words that come in: those that stood before are judged no more."""
    return [word for word in after if not _fold([word]) & _fold(before)]


def _gone(words: Sequence[str]) -> Conflict:
    return Conflict(
        f"「{'、'.join(words)}」の組は、ほかの変更で変わりました。一覧を開き直して確かめてください。"
    )


def _record(
    session: Session, actor: Actor, change: SynonymChange, action: str, **details: Any
) -> None:
    audit.record(
        session,
        actor,
        action,
        "SynonymChange",
        change.id,
        before=change.before,
        after=change.after,
        reason=change.reason,
        **details,
    )
