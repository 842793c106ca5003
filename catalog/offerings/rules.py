"""What an offering must have before it is submitted, and which standards take offerings. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from catalog.offerings.answer_rules import find_gap
from catalog.offerings.models import (
    ConformanceAnswer,
    ListingVersion,
    OfferingVersion,
    OfferState,
    PriceComponentRow,
)
from catalog.offerings.price_variants import Variant, find_open_ends, find_unpriced
from catalog.price_plan import Term
from catalog.specifications.models import (
    Pattern,
    Requirement,
    SpecificationState,
    SpecificationVersion,
)
from catalog.terms import SizeClass
from core.japanese import format_date
from core.state_machine import LabelledCode


class Group(LabelledCode):
    """The question groups of a registration, in the order in which they are asked."""

    OVERVIEW = "overview", "概要"
    HOSTING = "hosting", "設置場所とデータの出入り"
    ANSWERS = "answers", "適合状況"
    PRICES = "prices", "料金"
    OPERATION = "operation", "運用"
    EXIT = "exit", "やめるとき"
    USERS = "users", "使う団体と使い方"
    DATA = "data", "データの種類ごとの形式"
    ACCREDITATIONS = "accreditations", "第三者の認証・登録"
    DISCOUNTS = "discounts", "割引と国の支援"

    @property
    def is_optional(self) -> bool:
        """Tell whether an offering can be submitted without this group."""
        return self in OPTIONAL_GROUPS


class TermsChoice(LabelledCode):
    """Which terms become public with a new version when newer ones were published meanwhile."""

    PREPARED = "prepared", "この版と一緒に承認された条件を公開する"
    CURRENT = "current", "いま公開中の条件を引き継ぐ"


# What an offering can be submitted without: asked apart, so that the way to a submission stays short.
OPTIONAL_GROUPS = (Group.USERS, Group.DATA, Group.ACCREDITATIONS, Group.DISCOUNTS)
OFFERING_GROUPS = (
    Group.OVERVIEW,
    Group.HOSTING,
    Group.ANSWERS,
    Group.USERS,
    Group.DATA,
    Group.ACCREDITATIONS,
)
LISTING_GROUPS = (Group.PRICES, Group.OPERATION, Group.EXIT)


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing to fill in before submission: where it is asked and a sentence that says how."""

    group: Group
    field: str
    sentence: str
    chapter: str = ""


_OFFERING_NEEDS: tuple[tuple[Group, str, str], ...] = (
    (Group.OVERVIEW, "name", "サービスの名称を入力してください。"),
    (Group.OVERVIEW, "summary", "一行の説明を入力してください。"),
    (Group.OVERVIEW, "description", "サービスの説明を入力してください。"),
    (Group.OVERVIEW, "features", "主な機能を一つ以上入力してください。"),
    (Group.HOSTING, "hosting_provider", "設置場所の事業者を選択してください。"),
    (Group.HOSTING, "hosting_region", "設置する地域を入力してください。"),
    (Group.HOSTING, "networks", "使える回線を選択してください。"),
    (Group.HOSTING, "size_classes", "対応する団体の人口を選択してください。"),
    (Group.HOSTING, "import_formats", "取り込めるデータの形式を入力してください。"),
    (Group.HOSTING, "export_formats", "取り出せるデータの形式を入力してください。"),
)
_LISTING_NEEDS: tuple[tuple[Group, str, str], ...] = (
    (Group.OPERATION, "support_hours", "問い合わせを受ける時間を入力してください。"),
    (Group.OPERATION, "planned_service_hours", "サービスを提供する予定の時間を入力してください。"),
    (Group.OPERATION, "availability_basis_points", "稼働率の目標を入力してください。"),
    (Group.EXIT, "notice_months", "終了を知らせる時期を入力してください。"),
    (Group.EXIT, "transition_days", "移行を助ける日数を入力してください。"),
    (Group.EXIT, "retrieval_days", "データを取り出せる日数を入力してください。"),
    (Group.EXIT, "deletion_certificate", "データ消去の証明書を出すかどうかを選択してください。"),
)
_OPEN_STATES = (SpecificationState.SCHEDULED, SpecificationState.EFFECTIVE)
_PATTERN_REASONS = {
    Pattern.COMMON_A: "国が一つのシステムを用意する業務（共通化A）なので、サービスは登録できません。",
    Pattern.INDIVIDUAL: "団体ごとに開発する業務（個別開発）なので、サービスは登録できません。",
    Pattern.STANDARDISED: "標準化の業務で、SaaSの受け付けがまだ始まっていません。"
    "審査の責任者が理由を付けて受け付けを始めると登録できます。",
}


def explain_refusal(version: SpecificationVersion) -> str | None:
    """Tell why a specification version takes no new offerings, None if it does."""
    if not version.is_published:
        return "まだ公表されていない標準仕様書には登録できません。"
    if version.state not in _OPEN_STATES:
        return "次の版があるか廃止された標準仕様書なので、新しい版に登録してください。"
    specification = version.specification
    return None if specification.accepts_offerings else _PATTERN_REASONS[specification.pattern]


def list_missing_in_offering(
    version: OfferingVersion,
    requirements: Iterable[Requirement],
    answers: Mapping[UUID, ConformanceAnswer],
) -> list[Missing]:
    """Give all that the software part lacks, in the order of the questions."""
    missing = [
        Missing(group, field, sentence)
        for group, field, sentence in _OFFERING_NEEDS
        if not getattr(version, field)
    ]
    for requirement in requirements:
        gap = find_gap(requirement, answers.get(requirement.id))
        if gap is not None:
            field = f"{gap.part}_{requirement.position}"
            missing.append(Missing(Group.ANSWERS, field, gap.sentence, requirement.chapter))
    return missing


def list_missing_in_listing(version: ListingVersion, today: date) -> list[Missing]:
    """Give all that the seller's part lacks, in the order of the questions."""
    missing = []
    if not version.components:
        sentence = "料金を一行以上入力してください。"
        missing.append(Missing(Group.PRICES, "kind_1", sentence))
    ended = [each.valid_to for each in version.components if each.valid_to]
    if ended and len(ended) == len(version.components) and max(ended) < today:
        sentence = f"料金はすべて{format_date(max(ended))}までに終わっています。今日からの料金の行を足してください。"
        missing.append(Missing(Group.PRICES, "valid_to_1", sentence))
    claimed = version.offering_version.size_classes
    missing += [
        Missing(Group.PRICES, "kind_1", sentence)
        for sentence in find_unpriced(map(as_variant, version.components), claimed)
    ]
    missing += [
        Missing(group, field, sentence)
        for group, field, sentence in _LISTING_NEEDS
        if getattr(version, field) in (None, "")
    ]
    until = version.state_support_until
    if until is not None and until < today:
        sentence = f"国の支援は{format_date(until)}に終わっています。支援の額と期限を改めるか、空欄にしてください。"
        missing.append(Missing(Group.DISCOUNTS, "state_support_until", sentence))
    return missing


def list_price_notes(version: ListingVersion, today: date) -> list[str]:
    """Tell for which time there is no price, for the vendor to confirm: it may be meant so."""
    return find_open_ends([as_variant(each) for each in version.components], today)


def as_variant(row: PriceComponentRow) -> Variant:
    """Return a stored price row as one that stands for others."""
    sizes = frozenset(SizeClass(each) for each in row.size_classes or ())
    name = row.name or row.kind.label
    return Variant(row.position, row.kind, name, row.interval, sizes, row.valid_from, row.valid_to)


def earliest_end(today: date, notice_months: int | None) -> date:
    """Give the first day on which a service may end when its end is announced today."""
    return Term(today, (notice_months or 0) + 1).month_starts()[-1]


def group_by_chapter(requirements: Sequence[Requirement]) -> list[tuple[str, list[Requirement]]]:
    """Give requirements by chapter, chapters in the order of their first requirement."""
    chapters: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        chapters.setdefault(requirement.chapter, []).append(requirement)
    return list(chapters.items())


def say_state(row: OfferingVersion | ListingVersion) -> str:
    """Tell the state of a version; what was dropped before anybody saw it never ended a service."""
    if row.state is OfferState.WITHDRAWN and row.published_at is None:
        return "破棄した下書き"
    return row.state.label
