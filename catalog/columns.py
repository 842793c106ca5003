"""The listings that a comparison and a cost page are made from, one column each."""

import uuid
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from catalog.certification.models import Certification
from catalog.certification.queries import Standing, current_certifications, standing_of
from catalog.comparison import (
    FEWEST_OFFERINGS,
    MOST_OFFERINGS,
    ComparedOffering,
    RequirementMatrix,
    build_requirement_matrix,
    filter_rows,
)
from catalog.conditions import Conditions
from catalog.offerings import queries as offers
from catalog.offerings.models import ListingVersion, OfferState
from catalog.offerings.prices import plan_of
from catalog.price_plan import PricePlan
from catalog.pricing import CostStatement, cost
from catalog.queries import answered_version_ids, list_answered_requirements
from catalog.specifications.models import SpecificationVersion
from catalog.terms import RequirementClass
from catalog.used_options import read_used
from core.clock import day_in_japan
from core.db import now
from core.documents import canonical_json, sha256_hex
from core.errors import Invalid, NotFound
from core.japanese import format_date

UNREADABLE_USE = "使う標準オプションの指定を読み取れません。もう一度選んでください。"


@dataclass(frozen=True, slots=True)
class Column:
    """One listing version with all that stands in its column."""

    version: ListingVersion
    certificate: Certification | None
    standing: Standing
    plan: PricePlan
    cost: CostStatement

    @property
    def id(self) -> str:
        """The listing version's id as text."""
        return str(self.version.id)

    @property
    def name(self) -> str:
        """The name of the service."""
        return self.version.offering_version.name

    @property
    def specification_version(self) -> SpecificationVersion:
        """The version of the specification that the service answers."""
        return self.version.offering_version.specification_version

    @property
    def is_listed(self) -> bool:
        """Tell whether buyers find it in the catalog now."""
        return offers.is_listed(self.version)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Listings in the chosen order; no matrix where they answer different specifications.

    `whole` is the matrix without any filter. `used` are the standard options that the body uses;
    None: it has not chosen, or (`used_elsewhere`) it chose of another version.
    """

    columns: tuple[Column, ...]
    conditions: Conditions
    sha256: str
    whole: RequirementMatrix | None = None
    matrix: RequirementMatrix | None = None
    used: frozenset[str] | None = None
    used_elsewhere: bool = False

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns to show."""
        chosen = self.conditions.shown or range(1, len(self.columns) + 1)
        return tuple(self.columns[number - 1] for number in chosen)

    @property
    def by_specification(self) -> list[list[Column]]:
        """The columns by version of the specification, in the chosen order."""
        found: dict[uuid.UUID, list[Column]] = {}
        for column in self.columns:
            found.setdefault(column.specification_version.id, []).append(column)
        return list(found.values())

    @property
    def by_offering(self) -> list[list[Column]]:
        """The columns by software, in the chosen order."""
        found: dict[uuid.UUID, list[Column]] = {}
        for column in self.columns:
            found.setdefault(column.version.listing.offering_id, []).append(column)
        return list(found.values())


def load_columns(
    session: Session, version_ids: Sequence[uuid.UUID], conditions: Conditions
) -> tuple[Column, ...]:
    """Return the columns of listing versions in the given order (3 statements).

    Raises NotFound unless each was published once: what nobody could see is not shown.
    """
    versions = load_versions(session, version_ids)
    _refuse_earlier(versions, conditions.priced_on)
    answered = answered_version_ids(session, _offering_ids(versions))
    return _build_columns(session, versions, conditions, answered)


def load_versions(session: Session, version_ids: Sequence[uuid.UUID]) -> list[ListingVersion]:
    """Return listing versions in the given order (1 statement); NotFound as above."""
    found = offers.load_compared_versions(session, version_ids)
    if len(found) < len(version_ids) or not all(map(was_shown, found.values())):
        raise NotFound(
            "選んだサービスのうち、見つからないものがあります。検索からもう一度選んでください。"
        )
    return [found[each] for each in version_ids]


def _refuse_earlier(versions: Sequence[ListingVersion], day: date | None) -> None:
    """Raise Invalid for a day on which a price list was not public yet."""
    for version in versions:
        first = version.published_at and day_in_japan(version.published_at)
        if day and first and day < first:
            name, words = version.offering_version.name, format_date(first)
            raise Invalid(
                {
                    "on": f"「{name}」の料金表が公表されたのは{words}です。{words}からの日を入力してください。"
                }
            )


def _offering_ids(versions: Sequence[ListingVersion]) -> list[uuid.UUID]:
    return list(dict.fromkeys(version.offering_version_id for version in versions))


def _build_columns(
    session: Session,
    versions: Sequence[ListingVersion],
    conditions: Conditions,
    answered: AbstractSet[uuid.UUID],
) -> tuple[Column, ...]:
    """Return the columns; `answered` are the offering versions with answers (1 statement)."""
    certificates = current_certifications(session, _offering_ids(versions))
    moment = now(session)
    columns = []
    for version in versions:
        offering_id = version.offering_version_id
        certificate = certificates.get(offering_id)
        plan = plan_of(version, conditions.priced_on)
        rules = conditions.rules_for(version.tax_rounding)
        columns.append(
            Column(
                version=version,
                certificate=certificate,
                standing=standing_of(certificate, moment, has_answers=offering_id in answered),
                plan=plan,
                cost=cost(plan, conditions.volumes, conditions.term, rules),
            )
        )
    return tuple(columns)


def was_shown(version: ListingVersion) -> bool:
    """Tell whether buyers saw this listing version at some time."""
    listing = version.listing
    if listing.seller_id != listing.offering.maker_id and listing.confirmed_at is None:
        return False
    if version.state is OfferState.PUBLISHED:
        return True
    return version.state in offers.SHOWN_STATES and version.published_at is not None


def load_comparison(
    session: Session, version_ids: Sequence[uuid.UUID], conditions: Conditions
) -> Comparison:
    """Return two to five listings side by side (3 statements)."""
    if conditions.shown and max(conditions.shown) > len(version_ids):
        raise Invalid(
            {"show": f"表示するサービスは1から{len(version_ids)}までの番号で選んでください。"}
        )
    versions = load_versions(session, version_ids)
    _refuse_earlier(versions, conditions.priced_on)
    offering_ids = _offering_ids(versions)
    specifications = {version.offering_version.specification_version_id for version in versions}
    if len(specifications) > 1:
        answered = answered_version_ids(session, offering_ids)
        columns = _build_columns(session, versions, conditions, answered)
        return Comparison(columns, conditions, _hash(columns, conditions, now(session)))
    requirements, answers = list_answered_requirements(session, specifications.pop(), offering_ids)
    columns = _build_columns(
        session, versions, conditions, {each for each, mine in answers.items() if mine}
    )
    compared = [
        ComparedOffering(each.id, each.name, answers[each.version.offering_version_id])
        for each in columns
    ]
    whole = build_requirement_matrix(requirements, compared, conditions.body_class)
    used = _read_used(conditions, columns[0].specification_version, whole)
    return Comparison(
        columns,
        conditions,
        _hash(columns, conditions, now(session)),
        whole=whole,
        matrix=filter_rows(
            whole,
            only_differences=conditions.only_differences,
            only_gaps=conditions.only_gaps,
            classes=frozenset({RequirementClass.MUST}) if conditions.only_must else None,
            used=used if conditions.only_used else None,
        ),
        used=used,
        used_elsewhere=bool(conditions.used) and used is None,
    )


def _read_used(
    conditions: Conditions, version: SpecificationVersion, whole: RequirementMatrix
) -> frozenset[str] | None:
    if not conditions.used:
        return None
    ids = [row.requirement.id for row in whole.rows]
    try:
        return read_used(conditions.used, str(version.id), ids)
    except ValueError:
        raise Invalid({"use": UNREADABLE_USE}) from None


def _hash(columns: Sequence[Column], conditions: Conditions, moment: datetime) -> str:
    """Return what two prints of the same comparison have in common: contents, standings, conditions."""
    content = {
        "conditions": conditions.basis(day_in_japan(moment)),
        "columns": [
            {
                "listing_version": column.id,
                "listing_sha256": column.version.content_sha256,
                "offering_sha256": column.version.offering_version.content_sha256,
                "certification": column.standing.tag,
                "certificate": column.standing.number,
            }
            for column in columns
        ],
    }
    return sha256_hex(canonical_json(content))


def refusal_of_number(count: int) -> str | None:
    """Say what to do when too few or too many are chosen."""
    if count < FEWEST_OFFERINGS:
        return (
            f"比較するサービスを{FEWEST_OFFERINGS}件以上選んでください。今は{count}件選んでいます。"
        )
    if count > MOST_OFFERINGS:
        return (
            f"比較できるのは{MOST_OFFERINGS}件までです。今は{count}件選んでいます。"
            f"{count - MOST_OFFERINGS}件外してください。"
        )
    return None
