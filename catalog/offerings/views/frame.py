"""What all pages of the vendor share: loading with permission, task lists, conflicts in words."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, url_for
from sqlmodel import Session

from accounts.auth import actor
from accounts.models import BodyKind
from accounts.permissions import Permission, require
from catalog.offerings import queries
from catalog.offerings.models import (
    EDITABLE_STATES,
    ListingVersion,
    OfferingVersion,
    PriceComponentRow,
)
from catalog.offerings.rules import (
    LISTING_GROUPS,
    OFFERING_GROUPS,
    OPTIONAL_GROUPS,
    Group,
    Missing,
    group_by_chapter,
    list_missing_in_listing,
    list_missing_in_offering,
    list_price_notes,
)
from catalog.price_plan import ComponentKind, Interval, TaxRounding, TierMode, Unit
from catalog.specifications.models import Requirement
from catalog.specifications.queries import list_requirements
from catalog.terms import (
    HOSTING_PROVIDERS,
    AccessibilityLevel,
    AccreditationKind,
    Answer,
    Authentication,
    DataConformity,
    Language,
    Network,
    SizeClass,
)
from core import paging
from core.clock import today_jst
from core.errors import NotFound
from core.forms import Form

blueprint = Blueprint("vendor_offerings", __name__, url_prefix="/vendor")

ANSWERS_PER_PAGE = 10
_ENUMERATIONS = (
    AccessibilityLevel, AccreditationKind, Answer, Authentication, BodyKind, ComponentKind,
    DataConformity, Interval, Language, Network, SizeClass, TaxRounding, TierMode, Unit,
)  # fmt: skip
_WORDS = {
    **{each.value: each.label for enumeration in _ENUMERATIONS for each in enumeration},
    **{each.code: each.label for each in HOSTING_PROVIDERS},
    "true": "はい",
    "false": "いいえ",
}
_HINTS = {
    Group.OVERVIEW: "名称、説明、主な機能",
    Group.HOSTING: "設置場所、回線、対応する人口、データの形式",
    Group.ANSWERS: "標準仕様書の要件ごとの回答",
    Group.PRICES: "初期、月額、従量などの料金表",
    Group.OPERATION: "問い合わせ、稼働率、復旧",
    Group.EXIT: "終了の予告、データの返還と消去",
    Group.USERS: "団体の種類、言語、本人確認、アクセシビリティ",
    Group.DATA: "データの種類ごとに、取り込みと取り出しの形式",
    Group.DISCOUNTS: "共同で採用するときの割引、初期費用への国の支援",
    Group.ACCREDITATIONS: "ISMAP、ISO/IEC 27001、プライバシーマークなど",
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that the pages of one offering version show."""

    version: OfferingVersion
    terms: ListingVersion
    requirements: list[Requirement]
    answers: dict[uuid.UUID, Any]
    missing: list[Missing]

    @property
    def price_notes(self) -> list[str]:
        """For which time there is no price, if that may be meant so."""
        return list_price_notes(self.terms, today_jst())

    @property
    def is_editable(self) -> bool:
        """Tell whether the content may still change."""
        return self.version.state in EDITABLE_STATES


def offering_for(
    session: Session, version_id: uuid.UUID, permission: Permission
) -> OfferingVersion:
    """Return an offering version that the actor may treat so; NotFound for strangers."""
    row = queries.get_offering_version(session, version_id)
    if row is None:
        raise NotFound
    require(session, actor(), permission, row)
    return row


def terms_for(session: Session, version_id: uuid.UUID, permission: Permission) -> ListingVersion:
    """Return a listing version that the actor may treat so; NotFound for strangers."""
    row = queries.get_listing_version(session, version_id)
    if row is None:
        raise NotFound
    require(session, actor(), permission, row)
    return row


def load_sheet(session: Session, version_id: uuid.UUID, permission: Permission) -> Sheet:
    """Return an offering version with the maker's terms, answers and what is missing."""
    version = offering_for(session, version_id, permission)
    terms = queries.find_own_listing_version(session, version)
    if terms is None:
        raise NotFound
    requirements = list_requirements(session, version.specification_version_id)
    answers = queries.list_answers(session, [version.id])[version.id]
    missing = list_missing_in_offering(version, requirements, answers)
    missing += list_missing_in_listing(terms, today_jst())
    return Sheet(version, terms, requirements, answers, missing)


def is_with_offering(terms: ListingVersion) -> bool:
    """Tell whether these terms are prepared together with a version of the software."""
    own = terms.listing.seller_id == terms.listing.offering.maker_id
    return own and terms.offering_version.state in queries.OPEN_STATES


def group_href(group: Group, version: OfferingVersion, terms: ListingVersion) -> str:
    """Return the address of a question group."""
    if group is Group.ANSWERS:
        return url_for("vendor_offerings.list_answers", offering_version_id=version.id)
    if group in OFFERING_GROUPS:
        return url_for(f"vendor_offerings.edit_{group.value}", offering_version_id=version.id)
    return url_for(f"vendor_offerings.edit_{group.value}", listing_version_id=terms.id)


def home_of(terms: ListingVersion) -> str:
    """Return the address of the task list that terms belong to."""
    if is_with_offering(terms):
        return url_for("vendor_offerings.show", offering_version_id=terms.offering_version_id)
    return url_for("vendor_offerings.show_listing_version", listing_version_id=terms.id)


def groups_of(terms: ListingVersion) -> Sequence[Group]:
    """Return the question groups that lead to a submission of these terms."""
    if not is_with_offering(terms):
        return LISTING_GROUPS
    return tuple(group for group in Group if not group.is_optional)


def optional_groups_of(terms: ListingVersion) -> Sequence[Group]:
    """Return the question groups that may stay open."""
    return tuple(
        group
        for group in OPTIONAL_GROUPS
        if is_with_offering(terms) or group not in OFFERING_GROUPS
    )


def next_href(group: Group, version: OfferingVersion, terms: ListingVersion) -> str:
    """Return the address of the group after this one, or of the check page."""
    groups = optional_groups_of(terms) if group.is_optional else groups_of(terms)
    following = groups.index(group) + 1
    if following < len(groups):
        return group_href(groups[following], version, terms)
    if group.is_optional:
        return home_of(terms)
    if is_with_offering(terms):
        return url_for("vendor_offerings.check", offering_version_id=version.id)
    return url_for("vendor_offerings.check_listing_version", listing_version_id=terms.id)


def build_tasks(
    version: OfferingVersion,
    terms: ListingVersion,
    missing: Sequence[Missing],
    *,
    answered: tuple[int, int] = (0, 0),
) -> list[dict[str, Any]]:
    """Return the task list: one task per question group with its state in words."""
    lacking = {each.group for each in missing}
    tasks = []
    for group in groups_of(terms):
        status = "done" if group not in lacking else "not_started"
        if status == "not_started" and _is_begun(group, version, terms, answered[0]):
            status = "in_progress"
        counted = group is Group.ANSWERS
        tasks.append(
            {
                "label": f"{group.label}を入力する" if not counted else "要件ごとに回答する",
                "href": group_href(group, version, terms),
                "hint": _HINTS[group],
                "status": status,
                "status_text": f"{answered[0]}／{answered[1]}件" if counted else None,
            }
        )
    return tasks


def build_optional_tasks(version: OfferingVersion, terms: ListingVersion) -> list[dict[str, Any]]:
    """Return the tasks that may stay open, each with its state in words."""
    return [
        {
            "label": f"{group.label}を入力する",
            "href": group_href(group, version, terms),
            "hint": _HINTS[group],
            "status": "done" if (begun := _is_begun(group, version, terms, 0)) else "not_started",
            "status_text": "入力済み" if begun else "任意",
        }
        for group in optional_groups_of(terms)
    ]


def link_missing(
    missing: Sequence[Missing],
    version: OfferingVersion,
    terms: ListingVersion,
    requirements: Sequence[Requirement],
) -> paging.Page[tuple[str, str]]:
    """Return one page of what is missing as (address of its field, sentence), answers last."""
    answers = [each for each in missing if each.group is Group.ANSWERS]
    links = [
        (f"{group_href(each.group, version, terms)}#f-{each.field}", each.sentence)
        for each in missing
        if each.group is not Group.ANSWERS
    ]
    by_position = {each.position: each for each in requirements}
    lacking = [by_position[int(each.field.rpartition("_")[2])] for each in answers]
    addresses = answer_addresses(version.id, requirements, lacking, show="missing")
    for each, requirement in zip(answers, lacking, strict=True):
        links.append((f"{addresses[requirement.id]}#f-{each.field}", each.sentence))
    return paging.cut(links, anchor="missing")


def answer_addresses(
    version_id: uuid.UUID,
    requirements: Sequence[Requirement],
    wanted: Sequence[Requirement],
    *,
    show: str | None = None,
) -> dict[uuid.UUID, str]:
    """Return by requirement row the answer page that holds it.

    With `show` the wanted ones are all that this filter shows; else pages hold all of a chapter.
    """
    numbers = {
        chapter: number for number, (chapter, _) in enumerate(group_by_chapter(requirements), 1)
    }
    pages: dict[uuid.UUID, str] = {}
    for chapter, members in group_by_chapter(wanted if show else requirements):
        for place, each in enumerate(members):
            page = place // ANSWERS_PER_PAGE + 1
            pages[each.id] = url_for(
                "vendor_offerings.edit_answers",
                offering_version_id=version_id,
                chapter=numbers[chapter],
                show=show,
                page=page if page > 1 else None,
            )
    return {each.id: pages[each.id] for each in wanted}


def put_conflict_in_words(form: Form) -> None:
    """Show the codes of a conflict by their labels; what is posted stays the code."""
    for row in form.conflict["rows"] if form.conflict else ():
        for side in ("mine", "theirs"):
            row[side] = "、".join(_WORDS.get(each, each) for each in row[side].split("、"))


def show_tiers(row: PriceComponentRow) -> list[str]:
    """Return a component's prices in words, one line per tier."""
    if not row.tiers:
        return ["見積が必要"]
    if len(row.tiers) == 1:
        return [row.currency.show(row.tiers[0][1])]
    lines = []
    for index, (lower, price) in enumerate(row.tiers):
        upper = row.tiers[index + 1][0] if index + 1 < len(row.tiers) else None
        reach = f"{lower:,}以上" + (f"{upper:,}未満" if upper is not None else "")
        lines.append(f"{reach}：{row.currency.show(price)}")
    return [*lines, row.tier_mode.label]


def _is_begun(group: Group, version: OfferingVersion, terms: ListingVersion, answered: int) -> bool:
    if group is Group.ANSWERS:
        return answered > 0
    if group is Group.PRICES:
        return bool(terms.components)
    values: dict[Group, tuple[Any, ...]] = {
        Group.OVERVIEW: (version.name,),
        Group.HOSTING: (
            version.hosting_provider,
            version.hosting_region,
            version.networks,
            version.size_classes,
            version.import_formats,
            version.export_formats,
        ),
        Group.OPERATION: (terms.support_hours, terms.planned_service_hours),
        Group.EXIT: (terms.notice_months, terms.transition_days, terms.retrieval_days),
        Group.USERS: (
            version.body_kinds,
            version.languages,
            version.authentication,
            version.accessibility_level,
        ),
        Group.DATA: (version.data_categories,),
        Group.ACCREDITATIONS: (version.accreditations,),
        Group.DISCOUNTS: (terms.discounts, terms.state_support_yen),
    }
    return any(value not in (None, "", []) for value in values[group])
