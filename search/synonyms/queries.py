"""What can be asked about equal words and their changes; the search reads them here."""

import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import func, text
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from catalog.offerings.queries.names import list_names_by_maker, list_parties
from catalog.specifications.queries import list_versions
from search.equal_words import Groups, applied_changes, read_groups, use_synonyms
from search.synonyms.favours import ListedName, judge_words
from search.synonyms.models import SynonymChange, SynonymState

MOST_CHANGES = 1_000


def get_change(session: Session, change_id: uuid.UUID) -> SynonymChange | None:
    """Return a change by its id."""
    return session.get(SynonymChange, change_id)


def list_waiting(session: Session) -> list[SynonymChange]:
    """Return the changes that wait for a second lead, the oldest first."""
    return _list(session, SynonymState.PROPOSED)


def list_applied(session: Session) -> list[SynonymChange]:
    """Return the changes that count, in the order in which they were applied."""
    return _list(session, SynonymState.APPLIED)


def _list(session: Session, state: SynonymState) -> list[SynonymChange]:
    return list(session.exec(_in_order(state).limit(MOST_CHANGES)))


def _in_order(state: SynonymState) -> Any:
    return (
        select(SynonymChange)
        .where(SynonymChange.state == state)
        .order_by(col(SynonymChange.number), col(SynonymChange.created_at), col(SynonymChange.id))
    )


def last_number(session: Session) -> int:
    """Return the number of the change applied last, 0 without any."""
    return session.connection().execute(_last_number()).scalar_one() or 0


@cache
def _last_number() -> Any:
    """Return the statement that every search asks; built and compiled once."""
    return sa_select(func.max(SynonymChange.number))


def lock_changes(session: Session) -> None:
    """Keep every other lead from applying a change before the commit; SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE synonym_changes IN SHARE ROW EXCLUSIVE MODE"))


def current_groups(session: Session) -> Groups:
    """Return the groups of equal words that count now: those of the program with every change."""
    groups = dict.fromkeys(read_groups())
    for change in session.exec(_in_order(SynonymState.APPLIED)):
        groups = replace_group(groups, tuple(change.before), tuple(change.after))
    return tuple(groups)


def replace_group(
    groups: dict[tuple[str, ...], None], before: tuple[str, ...], after: tuple[str, ...]
) -> dict[tuple[str, ...], None]:
    """Return the groups with one changed in its place; a new one comes last."""
    if before not in groups:
        return {**groups, after: None} if after else groups
    return dict.fromkeys(
        after if each == before else each for each in groups if each != before or after
    )


def refresh(session: Session) -> None:
    """Let this process search by the words that count now: one statement, more after a change."""
    number = last_number(session)
    if number != applied_changes():
        use_synonyms(current_groups(session), number)


def judge_neutrality(session: Session, words: Sequence[str]) -> str:
    """Say which of these words would favour one maker now; empty for words of everybody."""
    if not words:
        return ""
    names = [
        ListedName(text, kind, str(owner))
        for kind, found in (
            ("製品", list_names_by_maker(session)),
            ("事業者", list_parties(session)),
        )
        for text, owner in found
    ]
    specifications = [version.specification for version in list_versions(session)]
    common = [text for each in specifications for text in (each.name, each.field)]
    return judge_words(words, names, common)
