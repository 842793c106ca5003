"""Every wrong pair of people, tried directly in SQL on both databases."""

import itertools
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from accounts.models import Role
from catalog.certification.after_models import Appeal, AppealState, ConditionReport, Disputed
from catalog.certification.models import Opinion, Recommendation, ReviewState
from catalog.offerings.models import OfferingVersion
from catalog.specifications.models import SpecificationState
from core import db
from core.clock import today_jst
from core.errors import Conflict
from tests import factories
from tests.databases import DatabaseUnderTest

PARTS = ("submitted_by_id", "first_reviewer_id", "second_reviewer_id", "decided_by_id")


@pytest.fixture
def people(database: DatabaseUnderTest):
    """A certificate of each kind with its people, an appeal, a report, an opinion, a published version."""
    with db.transaction() as session:
        maker = factories.vendor(session)
        published = factories.specification(session)
        version = session.get_one(
            OfferingVersion, factories.offering(session, maker, published).offering_version_id
        )
        rows: dict[Any, Any] = {
            state: factories.certification(
                session,
                session.get_one(
                    OfferingVersion,
                    factories.offering(session, maker, published).offering_version_id,
                ),
                state,
                submitted_by_id=factories.person(session).id,
                **_revokers(session, state),
            )
            for state in (ReviewState.CERTIFIED, ReviewState.SUSPENDED, ReviewState.REVOKED)
        }
        rows["whole"] = factories.certification(
            session, version, submitted_by_id=factories.person(session).id
        )
        certified, revoked = rows[ReviewState.CERTIFIED], rows[ReviewState.REVOKED]
        moment = db.now(session)
        rows["appeal"] = Appeal(
            certification_id=revoked.id,
            owner_id=revoked.owner_id,
            state=AppealState.DISMISSED,
            disputed=Disputed.REVOCATION,
            disputed_at=moment,
            first_decider_id=revoked.revocation_proposed_by_id,
            second_decider_id=revoked.revocation_confirmed_by_id,
            reason="不服です。",
            filed_by_id=revoked.submitted_by_id,
            filed_at=moment,
            decided_by_id=factories.person(session, Role.LEAD_REVIEWER).id,
            decision_reason="理由がありません。",
        )
        rows["report"] = ConditionReport(
            certification_id=certified.id,
            owner_id=certified.owner_id,
            requirement_id="R-001",
            note="満たしました。",
            met_on=today_jst(),
            reported_by_id=certified.submitted_by_id,
            reported_at=moment,
            judged_by_id=certified.first_reviewer_id,
        )
        rows["opinion"] = Recommendation(
            certification_id=certified.id,
            reviewer_id=certified.first_reviewer_id,
            opinion=Opinion.CERTIFY,
            reason="よい。",
            no_conflict_declared_at=moment,
            filed_at=moment,
        )
        rows["specification"] = factories.specification(
            session, state=SpecificationState.SCHEDULED,
            last_editor_id=factories.person(session, Role.REVIEWER).id,
            publisher_id=factories.person(session, Role.LEAD_REVIEWER).id,
        )  # fmt: skip
        for name in ("appeal", "report", "opinion"):
            session.add(rows[name])
    return rows


def _revokers(session, state) -> dict[str, uuid.UUID]:
    if state is not ReviewState.REVOKED:
        return {}
    parts = ("revocation_proposed_by_id", "revocation_confirmed_by_id")
    return {name: factories.person(session, Role.LEAD_REVIEWER).id for name in parts}


def refused(database, row, rule: str, **values) -> None:
    """Change columns of one row in SQL; the named rule must stand in the way."""
    table = type(row).__tablename__
    plain = {
        name: value.hex if isinstance(value, uuid.UUID) and database.kind == "sqlite" else value
        for name, value in {**values, "id": row.id}.items()
    }
    sets = ", ".join(f"{name} = :{name}" for name in values)
    with pytest.raises(Conflict) as caught, db.transaction() as session:
        session.execute(text(f"UPDATE {table} SET {sets} WHERE id = :id"), plain)
    assert rule in str(caught.value.__cause__), (rule, values)


@pytest.mark.acceptance(29)
def test_database_refuses_every_wrong_pair(database, people) -> None:
    whole, revoked = people["whole"], people[ReviewState.REVOKED]
    for one, other in itertools.permutations(PARTS, 2):
        refused(database, whole, "ck_certifications_four_eyes", **{other: getattr(whole, one)})
    revokers = ("submitted_by_id", "revocation_proposed_by_id", "revocation_confirmed_by_id")
    for one, other in itertools.permutations(revokers, 2):
        values = {other: getattr(revoked, one)}
        refused(database, revoked, "ck_certifications_revoked_by_two", **values)
    for name in revokers[1:]:
        refused(database, revoked, "ck_certifications_revoked_by_two", **{name: None})
    refused(database, whole, "ck_certifications_revoked_by_two", state="revoked")
    suspended = people[ReviewState.SUSPENDED]
    rule = "ck_certifications_suspended_by_another"
    refused(database, suspended, rule, suspended_by_id=suspended.submitted_by_id)
    for name in PARTS[1:3]:
        refused(database, whole, "ck_certifications_two_reviewers", **{name: None})
    refused(database, whole, "ck_certifications_decided", decided_by_id=None)
    appeal = people["appeal"]
    parts = ("filed_by_id", "first_decider_id", "second_decider_id")
    for name in parts:
        values = {"decided_by_id": getattr(appeal, name)}
        refused(database, appeal, "ck_appeals_four_eyes", **values)
    refused(database, appeal, "ck_appeals_four_eyes", filed_by_id=appeal.first_decider_id)
    refused(database, appeal, "ck_appeals_decided", decided_by_id=None)
    refused(database, appeal, "ck_appeals_decided", decision_reason="")
    report = people["report"]
    refused(database, report, "four_eyes", judged_by_id=report.reported_by_id)
    refused(database, report, "judged", state="confirmed", judged_by_id=None)
    published = people["specification"]
    refused(database, published, "four_eyes", publisher_id=published.last_editor_id)
    refused(database, published, "four_eyes", last_editor_id=None)


@pytest.mark.acceptance(29)
def test_one_reviewer_cannot_stand_for_two(database, people) -> None:
    opinion = people["opinion"]
    with pytest.raises(Conflict) as caught, db.transaction() as session:
        values = opinion.model_dump(exclude={"id"})
        session.add(Recommendation(**values))
    assert "recommendations" in str(caught.value.__cause__)
    with pytest.raises(Conflict), db.transaction() as session:
        appeal = people["appeal"].model_dump(exclude={"id"})
        session.add(Appeal(**appeal))
    refused(
        database,
        people["whole"],
        "ck_certifications_validity",
        valid_until=people["whole"].valid_from - timedelta(days=1)
        if database.kind == "postgres"
        else "2020-01-01 00:00:00.000000",
    )
