"""Carrying an offering to another version of its standard specification."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.offerings import queries
from catalog.offerings.answer_rules import allowed_answers
from catalog.offerings.content import OFFERING_FIELDS
from catalog.offerings.models import ConformanceAnswer, ListingVersion, OfferingVersion, OfferState
from catalog.offerings.queries.answers import find_copy, list_answers
from catalog.offerings.services.drafts import (
    check_none_open,
    copy_answer,
    copy_listing_version,
    lock_open_specification,
    record,
)
from catalog.specifications.difference import ChangeKind
from catalog.specifications.models import Requirement, SpecificationVersion
from catalog.specifications.queries import list_requirements, list_versions_of
from catalog.specifications.revisions import compare_requirements
from core.errors import Conflict, Invalid

# A requirement that says the same, wherever it stands and whatever its id, needs no second look;
# one whose class or date changed keeps its answer and is marked; a changed text is answered anew.
_UNMARKED = frozenset({ChangeKind.MOVED, ChangeKind.RENAMED})
_ANEW = frozenset({ChangeKind.ADDED, ChangeKind.CHANGED})


@dataclass(frozen=True, slots=True)
class Carried:
    """What a copy does with the answers: kept by requirement row, marks, and what is no more."""

    kept: Mapping[uuid.UUID, ConformanceAnswer]
    marks: Mapping[str, dict[str, object]]
    gone: int

    @property
    def added(self) -> int:
        """How many requirements are new."""
        return sum(each["kinds"] == [ChangeKind.ADDED.value] for each in self.marks.values())

    @property
    def changed(self) -> int:
        """How many requirements say something else than before."""
        return len(self.marks) - self.added


def plan_copy(session: Session, base: OfferingVersion, target: SpecificationVersion) -> Carried:
    """Give what a copy of an offering version to another version of its specification would carry."""
    versions = [
        each
        for each in reversed(list_versions_of(session, target.specification_id))
        if each.is_published or each.id == base.specification_version_id
    ]
    olds = list_requirements(session, base.specification_version_id)
    news = list_requirements(session, target.id)
    ends = (base.specification_version_id, target.id)
    difference = compare_requirements(session, olds, news, ends, versions)
    answers = list_answers(session, [base.id])[base.id]
    changed = {each.after.id: each for each in difference.changes if each.after is not None}
    before = _pair_up(olds, news, {key: each.before for key, each in changed.items()})
    kept: dict[uuid.UUID, ConformanceAnswer] = {}
    marks: dict[str, dict[str, object]] = {}
    for requirement, old in before:
        kinds = changed[requirement.id].kinds if requirement.id in changed else ()
        if set(kinds) - _UNMARKED:
            named: dict[str, object] = {"kinds": [each.value for each in kinds]}
            marks[str(requirement.id)] = {**named, "before": str(old.id) if old else None}
        if old is not None and old.id in answers and _ANEW.isdisjoint(kinds):
            answer = answers[old.id]
            if answer.answer in allowed_answers(requirement):
                kept[requirement.id] = answer
    gone = sum(each.after is None for each in difference.changes)
    return Carried(kept, marks, gone)


def _pair_up(
    olds: Sequence[Requirement],
    news: Sequence[Requirement],
    changed: Mapping[uuid.UUID, Requirement | None],
) -> list[tuple[Requirement, Requirement | None]]:
    """Pair each requirement with its older one: a changed one by the difference, the rest by id."""
    by_number = {each.requirement_id: each for each in olds}
    return [
        (each, changed[each.id] if each.id in changed else by_number.get(each.requirement_id))
        for each in news
    ]


def copy_to_specification(
    session: Session,
    actor: Actor,
    base: OfferingVersion,
    *,
    specification_version_id: uuid.UUID,
) -> OfferingVersion:
    """Make a draft of an offering for another version of its specification.

    Answers to requirements whose text stayed come along, prices do not; what differs is marked. Raises
    Conflict naming the copy that already exists, or another version on its way.
    """
    actor = require(session, actor, Permission.OFFERING_EDIT, base)
    session.refresh(base.offering, ["version"], with_for_update=True)
    target = _check_target(session, base, specification_version_id)
    terms, number = _check_base(session, base)
    carried = plan_copy(session, base, target)
    made = OfferingVersion(
        offering_id=base.offering_id,
        owner_id=base.owner_id,
        number=number,
        specification_version_id=target.id,
        copied_from_id=base.id,
        requirement_changes=dict(carried.marks),
        **{name: getattr(base, name) for name in OFFERING_FIELDS},
    )
    session.add(made)
    session.flush()
    for requirement_id, answer in carried.kept.items():
        copy_answer(session, answer, made.id, requirement_id)
    copy_listing_version(session, terms, made.id, priced=False)
    record(
        session,
        actor,
        "offering.copy_to_specification",
        made,
        number=made.number,
        copied_from=str(base.id),
        kept=len(carried.kept),
        marked=len(carried.marks),
    )
    return made


def _check_target(
    session: Session, base: OfferingVersion, specification_version_id: uuid.UUID
) -> SpecificationVersion:
    """Return the version to copy to, locked; raises Conflict naming the copy that is there already."""
    target = lock_open_specification(session, specification_version_id)
    if (
        target.specification_id != base.specification_version.specification_id
        or target.id == base.specification_version_id
    ):
        sentence = "写す先は、同じ標準仕様書の別の版から選択してください。"
        raise Invalid({"specification_version_id": sentence})
    existing = find_copy(session, base.offering_id, target.id)
    if existing is not None:
        raise Conflict(
            f"{target.title}に対するサービスは、第{existing.number}版（{existing.state.label}）が"
            "もうあります。その版を開いて続けてください。"
        )
    return target


def _check_base(session: Session, base: OfferingVersion) -> tuple[ListingVersion, int]:
    """Return the terms to copy and the next number; raises Conflict while a version is on its way."""
    terms = queries.find_own_listing_version(session, base)
    if base.published_at is None or base.state is OfferState.WITHDRAWN or terms is None:
        raise Conflict("公開した版だけを、標準仕様書の別の版へ写せます。")
    versions = queries.list_offering_versions(session, base.offering_id)
    check_none_open(versions)
    return terms, versions[0].number + 1
