"""What the comparison and the cost page are made from: who asks for whom, and the listings compared."""

import re
import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from accounts import queries as people
from accounts.identity import Actor
from accounts.models import BodyKind, Organisation, OrganisationKind
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
from catalog.conformance import AnswerEntry
from catalog.cost_rules import CostRules
from catalog.offerings import queries as offers
from catalog.offerings.content import requirement_entries
from catalog.offerings.models import ListingVersion, OfferState
from catalog.offerings.prices import plan_of
from catalog.price_bands import REFERENCE_VOLUMES
from catalog.price_plan import PricePlan, Term, Volumes
from catalog.pricing import CostStatement, cost
from catalog.queries import list_answer_entries
from catalog.specifications.models import SpecificationVersion
from catalog.specifications.queries import list_requirements
from catalog.terms import BodyClass, RequirementClass
from core.clock import day_in_japan
from core.db import now
from core.documents import canonical_json, sha256_hex
from core.errors import Invalid, NotFound
from core.japanese import JapaneseTextError, complete_local_government_code

REFERENCE = "reference"
REFERENCE_LABEL = "人口10,000人の団体（目安）"
DEFAULT_MONTHS = 36
_CODE = re.compile(r"\d{5,6}")
_BODY_CLASSES = {
    BodyKind.DESIGNATED_CITY: BodyClass.DESIGNATED_CITY,
    BodyKind.CORE_CITY: BodyClass.CORE_CITY,
}
_SUGGESTED = 10


@dataclass(frozen=True, slots=True)
class Conditions:
    """For whom, from when and how long; without a body the reference of 10,000 people counts."""

    body: Organisation | None
    term: Term
    only_differences: bool = False
    only_must: bool = False
    shown: tuple[int, ...] = ()

    @property
    def body_code(self) -> str:
        """The word in the address that brings the same body back."""
        return REFERENCE if self.body is None else str(self.body.code)

    @property
    def body_label(self) -> str:
        """The body with its prefecture."""
        return REFERENCE_LABEL if self.body is None else self.body.label

    @property
    def body_class(self) -> BodyClass:
        """The kind of body for which requirements are classed."""
        kind = self.body.body_kind if self.body else None
        return _BODY_CLASSES.get(kind, BodyClass.OTHER) if kind else BodyClass.OTHER

    @property
    def volumes(self) -> Volumes:
        """The quantities to compute with; an unknown population stays unknown."""
        return Volumes(population=self.body.population) if self.body else REFERENCE_VOLUMES


@dataclass(frozen=True, slots=True)
class Column:
    """One listing version with all that stands in its column."""

    version: ListingVersion
    certificate: Certification | None
    standing: Standing
    answers: dict[str, AnswerEntry]
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
    """Listings in the chosen order; no matrix where they answer different specifications."""

    columns: tuple[Column, ...]
    conditions: Conditions
    matrix: RequirementMatrix | None
    sha256: str

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


def default_start(today: date) -> date:
    """Return the first day of the next fiscal year."""
    return date(today.year + (today.month >= 4), 4, 1)


def read_conditions(
    session: Session, actor: Actor, asked: dict[str, Any], *, names_body: bool
) -> Conditions:
    """Return the conditions that were asked for; Invalid names the body or columns that do not exist.

    Who names no body gets the acting one, else the reference; a body named blank is the reference.
    """
    start = asked["start"] or default_start(day_in_japan(now(session)))
    body = find_body(session, asked["body"]) if names_body else acting_body(session, actor)
    return Conditions(
        body=body,
        term=Term(start, asked["months"] or DEFAULT_MONTHS),
        only_differences=asked.get("diff") == "1",
        only_must=asked.get("must") == "1",
        shown=asked.get("show", ()),
    )


def acting_body(session: Session, actor: Actor) -> Organisation | None:
    """Return the body for which the reader acts."""
    if actor.organisation_kind is not OrganisationKind.BODY or actor.organisation_id is None:
        return None
    return people.get_organisation(session, actor.organisation_id)


def find_body(session: Session, text: str) -> Organisation | None:
    """Return the body of a code or a name, None for the reference; Invalid tells what is near."""
    wanted = unicodedata.normalize("NFKC", text).strip()
    if wanted in {"", REFERENCE}:
        return None
    if _CODE.fullmatch(wanted):
        return _find_by_code(session, wanted)
    name = wanted.replace("(", "（").replace(")", "）").replace(" ", "")
    bodies = people.list_bodies(session)
    same = [body for body in bodies if name in {body.label, body.name, body.prefecture + body.name}]
    if len(same) == 1:
        return same[0]
    near = same or [body for body in bodies if name in body.label]
    raise Invalid({"body": _explain_bodies(wanted, near, is_same=bool(same))})


def _find_by_code(session: Session, code: str) -> Organisation:
    try:
        found = people.find_body_by_code(session, complete_local_government_code(code))
    except JapaneseTextError as error:
        raise Invalid({"body": str(error)}) from error
    if found is None:
        raise Invalid({"body": f"団体コード{code}の団体は見つかりません。数字を確かめてください。"})
    return found


def _explain_bodies(wanted: str, near: Sequence[Organisation], *, is_same: bool) -> str:
    labels = "、".join(body.label for body in near[:_SUGGESTED])
    more = "など" if len(near) > _SUGGESTED else ""
    if is_same:
        return f"「{wanted}」は{len(near)}団体あります。都道府県を付けて入力してください：{labels}{more}。"
    if near:
        return f"「{wanted}」という団体は見つかりません。近い名前：{labels}{more}。"
    return f"「{wanted}」という団体は見つかりません。名前か6桁の団体コードを確かめてください。"


def load_columns(
    session: Session, version_ids: Sequence[uuid.UUID], conditions: Conditions
) -> tuple[Column, ...]:
    """Return the columns of listing versions in the given order (4 statements).

    Raises NotFound unless each was published once: what nobody could see is not shown.
    """
    found = offers.load_listing_versions(session, version_ids)
    if len(found) < len(version_ids) or not all(map(was_shown, found.values())):
        raise NotFound(
            "選んだサービスのうち、見つからないものがあります。検索からもう一度選んでください。"
        )
    versions = [found[each] for each in version_ids]
    offering_ids = list({version.offering_version_id for version in versions})
    answers = list_answer_entries(session, offering_ids)
    certificates = current_certifications(session, offering_ids)
    moment = now(session)
    columns = []
    for version in versions:
        mine = answers[version.offering_version_id]
        certificate = certificates.get(version.offering_version_id)
        plan = plan_of(version)
        columns.append(
            Column(
                version=version,
                certificate=certificate,
                standing=standing_of(certificate, moment, has_answers=bool(mine)),
                answers=mine,
                plan=plan,
                cost=cost(
                    plan, conditions.volumes, conditions.term, CostRules(version.tax_rounding)
                ),
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
    """Return two to five listings side by side (5 statements)."""
    if conditions.shown and max(conditions.shown) > len(version_ids):
        raise Invalid(
            {"show": f"表示するサービスは1から{len(version_ids)}までの番号で選んでください。"}
        )
    columns = load_columns(session, version_ids, conditions)
    specifications = {column.specification_version.id for column in columns}
    matrix = None
    if len(specifications) == 1:
        requirements = requirement_entries(list_requirements(session, specifications.pop()))
        compared = [ComparedOffering(each.id, each.name, each.answers) for each in columns]
        matrix = filter_rows(
            build_requirement_matrix(requirements, compared, conditions.body_class),
            only_differences=conditions.only_differences,
            classes=frozenset({RequirementClass.MUST}) if conditions.only_must else None,
        )
    return Comparison(columns, conditions, matrix, _hash(columns, conditions))


def _hash(columns: Sequence[Column], conditions: Conditions) -> str:
    """Return what two prints of the same comparison have in common: contents, standings, conditions."""
    content = {
        "body": conditions.body_code,
        "population": conditions.volumes.population,
        "starts_on": conditions.term.start.isoformat(),
        "months": conditions.term.months,
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
