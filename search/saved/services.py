"""Acts on saved searches: save, rename, delete, note what was seen.

The trail says that somebody kept, renamed or dropped one, never its name or what is sought, and it
stands in no organisation's own trail. That one was opened is written nowhere but in its own row.
"""

import unicodedata
import uuid
from collections.abc import Sequence

from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import Person
from accounts.permissions import Permission, require
from core import audit
from core.db import now
from core.errors import Invalid, NotFound
from search.saved.models import SavedSearch
from search.saved.queries import MOST_SAVED, Matches, list_own

_EDIT = Permission.SAVED_SEARCH_EDIT


def save(
    session: Session,
    actor: Actor,
    *,
    name: str,
    conditions: Sequence[Sequence[str]],
    found: Matches | None,
) -> SavedSearch:
    """Keep a search under a name; raises Invalid for a name that is taken or one search too many."""
    actor = require(session, actor, _EDIT)
    if actor.person_id is None or actor.organisation_id is None:
        raise NotFound
    kept = _lock_own(session, actor)
    if len(kept) >= MOST_SAVED:
        raise Invalid(
            {"name": f"保存できるのは{MOST_SAVED}件までです。使わないものを削除してください。"}
        )
    _refuse_taken(kept, name)
    saved = SavedSearch(
        person_id=actor.person_id,
        organisation_id=actor.organisation_id,
        name=name,
        conditions=[list(each) for each in conditions],
    )
    if found is not None:
        saved.matches, saved.match_count = found.ids, found.total
        saved.seen_at = now(session)
    session.add(saved)
    session.flush()
    _record(session, actor, saved, "saved_search.create")
    return saved


def rename(session: Session, actor: Actor, saved_search_id: uuid.UUID, *, name: str) -> SavedSearch:
    """Give a saved search another name; raises Invalid when it is taken."""
    saved, actor = _own(session, actor, saved_search_id)
    others = [each for each in _lock_own(session, actor) if each.id != saved.id]
    _refuse_taken(others, name)
    saved.revise(name=name)
    _record(session, actor, saved, "saved_search.rename")
    return saved


def delete(session: Session, actor: Actor, saved_search_id: uuid.UUID) -> None:
    """Drop a saved search for good."""
    saved, actor = _own(session, actor, saved_search_id)
    session.delete(saved)
    session.flush()
    _record(session, actor, saved, "saved_search.delete")


def note_seen(
    session: Session, actor: Actor, saved_search_id: uuid.UUID, *, found: Matches
) -> None:
    """Remember what the person sees when opening the search: the next changes are counted from it."""
    saved, _ = _own(session, actor, saved_search_id)
    saved.revise(matches=found.ids, match_count=found.total, seen_at=now(session))


def _own(session: Session, actor: Actor, saved_search_id: uuid.UUID) -> tuple[SavedSearch, Actor]:
    saved = session.get(SavedSearch, saved_search_id, with_for_update=True)
    if saved is None:
        raise NotFound
    return saved, require(session, actor, _EDIT, saved)


def _lock_own(session: Session, actor: Actor) -> list[SavedSearch]:
    """Return the searches of the person, whose other acts on them wait for the commit."""
    session.get(Person, actor.person_id, with_for_update=True)
    return list_own(session, actor)


def _refuse_taken(others: Sequence[SavedSearch], name: str) -> None:
    if _fold(name) in {_fold(each.name) for each in others}:
        raise Invalid(
            {"name": f"「{name}」という名前の検索がもうあります。別の名前を入力してください。"}
        )


def _fold(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _record(session: Session, actor: Actor, saved: SavedSearch, action: str) -> None:
    audit.record(session, actor, action, "SavedSearch", saved.id)
