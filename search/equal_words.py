"""The words that search treats as equal: those of the program, as reviewers changed them since.

Held by the process, so that analysis needs no database; `search.synonyms.queries.refresh` renews it.
"""

import csv
import hashlib
import io
from dataclasses import dataclass
from functools import lru_cache

from search.spelling import normalise
from search.words import DATA

Groups = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Synonyms:
    """The groups of equal terms that count, after so many applied changes."""

    groups: Groups
    changes: int
    others: dict[str, tuple[str, ...]]
    sha256: str


@lru_cache(maxsize=1)
def read_groups() -> Groups:
    """Read the groups of equal terms that the program comes with."""
    rows = csv.reader((DATA / "synonyms.csv").read_text(encoding="utf-8").splitlines())
    return tuple(tuple(filter(None, row)) for row in rows)


def use_synonyms(groups: Groups, changes: int) -> None:
    """Let this process search by these groups."""
    _known[:] = [_Synonyms(groups, changes, _others(groups), _hash(groups))]


def list_synonym_groups() -> Groups:
    """List the groups of equal terms as they are written."""
    return _current().groups


def load_synonyms() -> dict[str, tuple[str, ...]]:
    """Return each normalised term with the others of its groups."""
    return _current().others


def synonyms_hash() -> str:
    """Give the SHA-256 of the synonyms, which evidence records."""
    return _current().sha256


def applied_changes() -> int:
    """Give how many applied changes the synonyms of this process hold."""
    return _current().changes


_known: list[_Synonyms] = []


def _current() -> _Synonyms:
    if not _known:
        groups = read_groups()
        _known[:] = [_Synonyms(groups, 0, _others(groups), _hash(groups))]
    return _known[0]


def _others(groups: Groups) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for group in groups:
        members = list(dict.fromkeys(normalise(member) for member in group))
        for member in members:
            others = found.setdefault(member, {})
            others.update((other, None) for other in members if other != member)
    return {member: tuple(others) for member, others in found.items()}


def _hash(groups: Groups) -> str:
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows(groups)
    return hashlib.sha256(lines.getvalue().encode()).hexdigest()
