"""A vendor, a draft and an agency, and the way through a review by the services."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import Organisation, OrganisationKind, Person, Role
from catalog.certification import queries, services
from catalog.certification.models import Certification, Opinion
from catalog.offerings.models import OfferingVersion
from catalog.offerings.queries import get_offering_version
from catalog.specifications.models import SpecificationVersion
from core import db
from core.clock import today_jst
from core.config import Settings
from tests import factories
from tests.catalog.offerings.conftest import Company, make_company, make_draft
from tests.databases import DatabaseUnderTest
from tests.stages import Stages, T

PASSWORD = "correct horse battery"
IN_TWO_YEARS = timedelta(days=730)
SETTINGS = Settings(env="development")


@dataclass(frozen=True, slots=True)
class Stage:
    """Everyone who takes part in one certification."""

    company: Company
    agency: Organisation
    reviewers: tuple[Person, Person]
    leads: tuple[Person, Person]
    specification: SpecificationVersion
    version_id: UUID
    stages: Stages | None = None

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """Walk a stretch of the way; under the fixture once per worker, then brought back."""
        return self.stages.build(name, make) if self.stages else make()

    def lead(self, number: int = 0) -> Actor:
        """Return a lead as an actor."""
        return factories.actor(self.leads[number], Role.LEAD_REVIEWER, self.agency)

    def reviewer(self, number: int = 0) -> Actor:
        """Return a reviewer as an actor."""
        return factories.actor(self.reviewers[number], Role.REVIEWER, self.agency)


def set_stage(session: Session, **specification: Any) -> Stage:
    """Add the people and a complete draft of an offering."""
    company = make_company(session)
    agency = factories.organisation(session, OrganisationKind.AGENCY)
    reviewers = [
        factories.person(session, Role.REVIEWER, agency, name=f"審査 {name}") for name in "一二"
    ]
    leads = [
        factories.person(session, Role.LEAD_REVIEWER, agency, name=f"主任 {name}")
        for name in "三四"
    ]
    version = factories.specification(session, **specification)
    version_id = make_draft(session, company, version.id)
    return Stage(
        company, agency, (reviewers[0], reviewers[1]), (leads[0], leads[1]), version, version_id
    )


@pytest.fixture
def stage(
    database: DatabaseUnderTest, tmp_path: Path, run_folder: Path, worker_id: str
) -> Iterator[Stage]:
    """Give the people and a complete draft; made once per worker, then brought back."""

    def make() -> Stage:
        with db.transaction() as session:
            return set_stage(session)

    folder = run_folder / f"{worker_id}-{database.kind}-stages"
    with Stages(database, tmp_path / "data", folder) as stages:
        yield replace(stages.build("draft", make), stages=stages)


def load(session: Session, certification_id: UUID) -> Certification:
    """Return a review as a page loads it."""
    review = queries.get_certification(session, certification_id)
    assert review is not None
    return review


def load_version(session: Session, version_id: UUID) -> OfferingVersion:
    """Return an offering version as a page loads it."""
    version = get_offering_version(session, version_id)
    assert version is not None
    return version


def submit(stage: Stage) -> UUID:
    """Let the vendor submit; returns the certification's id."""

    def act() -> UUID:
        with db.transaction() as session:
            version = load_version(session, stage.version_id)
            return services.submit_offering(session, stage.company.acts(), version).id

    return stage.kept("submitted", act)


def assign(stage: Stage, certification_id: UUID) -> None:
    """Let the first lead choose the two reviewers, who declare to have no conflict."""

    def act() -> None:
        with db.transaction() as session:
            ids = [person.id for person in stage.reviewers]
            services.assign(session, stage.lead(), load(session, certification_id), *ids)
        for number in range(2):
            declare(stage.reviewer(number), certification_id)

    stage.kept("assigned", act)


def declare(actor: Actor, certification_id: UUID, conflict: str = "") -> None:
    """Let a reviewer declare to have no conflict of interests, or one in these words."""
    with db.transaction() as session:
        services.declare(
            session,
            actor,
            load(session, certification_id),
            has_conflict=bool(conflict),
            words=conflict,
        )


def recommend(
    stage: Stage, certification_id: UUID, number: int, opinion: Opinion = Opinion.CERTIFY
) -> None:
    """Let one reviewer file an opinion."""
    with db.transaction() as session:
        services.recommend(
            session,
            stage.reviewer(number),
            load(session, certification_id),
            opinion=opinion,
            reason=f"意見の理由{number}",
        )


def make_recommended(stage: Stage, opinion: Opinion = Opinion.CERTIFY) -> UUID:
    """Go all the way to two equal opinions; returns the certification's id."""

    def walk() -> UUID:
        certification_id = submit(stage)
        assign(stage, certification_id)
        for number in range(2):
            recommend(stage, certification_id, number, opinion)
        return certification_id

    return stage.kept(f"recommended_{opinion}", walk)


def publish(stage: Stage) -> None:
    """Let the vendor publish what was approved."""
    with db.transaction() as session:
        version = load_version(session, stage.version_id)
        services.publish_offering(session, stage.company.acts(), version)


def decide(
    actor: Actor, certification_id: UUID, decision: Opinion = Opinion.CERTIFY, **values: Any
) -> None:
    """Let a lead decide; two years of validity unless told otherwise."""
    with db.transaction() as session:
        review = load(session, certification_id)
        given: Mapping[str, Any] = {
            "reason": "要件を満たさない。" if decision is Opinion.REFUSE else "",
            "conditions": [],
            "valid_until": None if decision is Opinion.REFUSE else today_jst() + IN_TWO_YEARS,
            "version": review.version,
            **values,
        }
        services.decide(session, actor, SETTINGS, review, decision=decision, **given)
