"""Every wrong pair of people, tried directly in SQL: the databases refuse it by themselves.

Nothing of the product stands between these statements and the tables. Each CHECK and each trigger
has to refuse at least once, by name; a trigger that nothing here has met fails the last test.
"""

import itertools
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, text, update
from sqlmodel import select

from accounts.models import OrganisationKind, Role
from catalog.certification.after_models import Appeal, AppealState, ConditionReport, Disputed
from catalog.certification.models import (
    Certification,
    ConflictDeclaration,
    Finding,
    Opinion,
    Recommendation,
    ReviewState,
    ReviewSubmission,
)
from catalog.offerings.models import ListingVersion, OfferingVersion, OfferState
from catalog.specifications.models import SpecificationState, SpecificationVersion
from core import db
from core.clock import today_jst, utcnow
from core.errors import Conflict
from core.models import Model, metadata
from tests import factories
from tests.databases import DatabaseUnderTest
from vendors.models import Vendor

PARTS = ("submitted_by_id", "first_reviewer_id", "second_reviewer_id", "decided_by_id")
REVOKERS = ("submitted_by_id", "revocation_proposed_by_id", "revocation_confirmed_by_id")
S = ReviewState
PAST_REVIEW = (S.RECOMMENDED, S.CERTIFIED, S.CONDITIONAL, S.REFUSED, S.SUSPENDED, S.REVOKED, S.SUPERSEDED)  # fmt: skip


class World:
    """Certifications in several states with their people, and people tied to them in every way."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.met: set[str] = set()
        with db.transaction() as session:
            self._add_reviews(session)
            self._add_people(session)
            self._add_proceedings(session)
            self._add_specifications(session)

    def _add_reviews(self, session: Any) -> None:
        self.maker = factories.vendor(session)
        self.specification = factories.specification(session)
        self.certified = self._review(session, self._version(session), S.CERTIFIED)
        shown = session.get_one(OfferingVersion, self.certified.offering_version_id)
        values = shown.model_dump(exclude={"id"}) | {"number": 2, "state": OfferState.IN_REVIEW}
        self.next_version = OfferingVersion(**values)
        session.add(self.next_version)
        session.flush()
        self.review = self._review(session, self.next_version, S.UNDER_REVIEW)
        never = {"first_cleared_at": None, "second_cleared_at": None}
        self.undeclared = self._review(session, self._version(session), S.ASSIGNED, **never)
        self.asked = self._review(session, self._version(session), S.INFO_REQUESTED)
        self.suspended = self._review(session, self._version(session), S.SUSPENDED)
        names = dict.fromkeys(REVOKERS[1:])
        for name in names:
            names[name] = self._person(session, Role.LEAD_REVIEWER)
        self.revoked = self._review(session, self._version(session), S.REVOKED, **names)
        self.free_version = self._version(session)

    def _version(self, session: Any) -> OfferingVersion:
        made = factories.offering(session, self.maker, self.specification)
        return session.get_one(OfferingVersion, made.offering_version_id)

    @staticmethod
    def _person(session: Any, role: Role | None = None) -> uuid.UUID:
        found: uuid.UUID = factories.person(session, role).id
        return found

    def _review(self, session: Any, version: OfferingVersion, state: S, **values: Any) -> Any:
        submitter = self._person(session)
        return factories.certification(session, version, state, submitted_by_id=submitter, **values)

    def _add_people(self, session: Any) -> None:
        """A stranger, one with a conflict, an earlier submitter, a former reviewer, an approver."""
        self.stranger = self._person(session, Role.LEAD_REVIEWER)
        self.biased = self._person(session, Role.LEAD_REVIEWER)
        self.former = self._person(session, Role.REVIEWER)
        self.earlier = self._person(session)
        moment = db.now(session)
        for person, has_conflict in ((self.biased, True), (self.former, False)):
            session.add(
                ConflictDeclaration(
                    certification_id=self.certified.id,
                    person_id=person,
                    has_conflict=has_conflict,
                    declared_at=moment,
                )
            )
        for number, review in enumerate((self.certified, self.review), start=1):
            session.add(self.submission(review, self.earlier, number))
        session.flush()
        self.approver = self._person(session, Role.LEAD_REVIEWER)
        self.next_version.approved_by_id = self.approver
        session.flush()

    def _add_proceedings(self, session: Any) -> None:
        self.appeal = self.new_appeal()
        self.overturned = self._person(session, Role.LEAD_REVIEWER)
        earlier_refusal = self.new_appeal(
            certification_id=self.review.id, first_decider_id=self.overturned,
            disputed=Disputed.REFUSAL, second_decider_id=None,
            state=AppealState.UPHELD, decided_by_id=self.stranger, decision_reason="誤りでした。",
        )  # fmt: skip
        self.report = self.new_report()
        self.finding = self.new_finding(self.review.first_reviewer_id)
        # As it was when the refusal stood.
        session.add_all([self.appeal, self.report, self.finding])
        session.flush()
        self.review.decided_by_id = self.overturned
        session.flush()
        session.add(earlier_refusal)
        session.flush()
        self.review.decided_by_id = None
        session.flush()

    def _add_specifications(self, session: Any) -> None:
        editor, publisher = self._person(session), self._person(session)
        names = {"last_editor_id": editor, "publisher_id": publisher}
        self.published = factories.specification(session, **names)
        self.approved = factories.specification(
            session, state=SpecificationState.APPROVED, last_editor_id=editor
        )

    def submission(self, review: Certification, by: uuid.UUID, number: int) -> ReviewSubmission:
        return ReviewSubmission(
            certification_id=review.id, number=number, content={}, content_sha256="0" * 64,
            submitted_by_id=by, submitted_at=utcnow(),
        )  # fmt: skip

    def new_appeal(self, **values: Any) -> Appeal:
        revoked = self.revoked
        return Appeal(**{
            "certification_id": revoked.id,
            "owner_id": revoked.owner_id,
            "disputed": Disputed.REVOCATION,
            "disputed_at": utcnow(),
            "first_decider_id": revoked.revocation_proposed_by_id,
            "second_decider_id": revoked.revocation_confirmed_by_id,
            "reason": "不服です。",
            "filed_by_id": revoked.submitted_by_id,
            "filed_at": utcnow(),
            "state": AppealState.DISMISSED,
            "decided_by_id": self.stranger,
            "decision_reason": "理由がありません。",
        } | values)  # fmt: skip

    def new_report(self, **values: Any) -> ConditionReport:
        return ConditionReport(**{
            "certification_id": self.certified.id,
            "owner_id": self.certified.owner_id,
            "requirement_id": "R-001",
            "note": "満たしました。",
            "met_on": today_jst(),
            "reported_by_id": self.earlier,
            "reported_at": utcnow(),
            "judged_by_id": self.certified.first_reviewer_id,
        } | values)  # fmt: skip

    @staticmethod
    def new_opinion(review: Certification, reviewer_id: uuid.UUID | None) -> Recommendation:
        return Recommendation(
            certification_id=review.id, reviewer_id=reviewer_id, opinion=Opinion.CERTIFY,
            reason="よい。", no_conflict_declared_at=utcnow(), filed_at=utcnow(),
        )  # fmt: skip

    def new_finding(self, raised_by_id: Any, review: Any = None, **values: Any) -> Finding:
        review = review or self.review
        number = next(_serial)
        return Finding(
            certification_id=review.id, number=number, raised_by_id=raised_by_id, **values
        )

    def new_review(self, **values: Any) -> Certification:
        """Give a review of a version that has none yet."""
        return Certification(**{
            "offering_version_id": self.free_version.id,
            "specification_version_id": self.specification.id,
            "owner_id": self.free_version.owner_id,
            "state": S.UNDER_REVIEW,
            "submitted_by_id": self.earlier,
            "first_reviewer_id": self.former,
            "second_reviewer_id": self.stranger,
        } | values)  # fmt: skip

    # --- what is tried -------------------------------------------------------------------

    def refuses_update(self, row: Model, rule: str, **values: Any) -> None:
        """Change columns of one row in SQL; the named rule must stand in the way."""
        table = metadata.tables[str(row.__tablename__)]
        self._refuses(update(table).where(table.c.id == row.id).values(**values), rule, "update")

    def refuses_insert(self, row: Model, rule: str) -> None:
        """Add a row in SQL; the named rule must stand in the way."""
        table = metadata.tables[str(row.__tablename__)]
        names = {column.name for column in table.columns}
        values = {name: value for name, value in row.__dict__.items() if name in names}
        self._refuses(insert(table).values(**values), rule, "insert")

    def refuses_delete(self, row: Model, rule: str) -> None:
        """Remove a row in SQL; the named rule must stand in the way."""
        table = metadata.tables[str(row.__tablename__)]
        self._refuses(delete(table).where(table.c.id == row.id), rule, "delete")

    def _refuses(self, statement: Any, rule: str, verb: str) -> None:
        with pytest.raises(Conflict) as caught, db.transaction() as session:
            session.execute(statement)
        said = str(caught.value.__cause__.orig).splitlines()[0]
        assert rule in said, (rule, said)
        self.met.add(f"four_eyes_{said}_{verb}")


_serial = itertools.count(100)


def rows_of(model: type[Any], **where: Any) -> list[Any]:
    """Return the rows of a table with these values, the oldest first."""
    with db.reading() as session:
        statement = select(model).filter_by(**where).order_by(model.created_at, model.id)
        return list(session.exec(statement))


@pytest.fixture
def world(database: DatabaseUnderTest) -> World:
    return World(database.kind)


def try_columns_of_one_row(world: World) -> None:
    whole, revoked, ck = world.certified, world.revoked, "ck_certifications_"
    for one, other in itertools.permutations(PARTS, 2):
        world.refuses_update(whole, f"{ck}four_eyes", **{other: getattr(whole, one)})
        same: dict[str, Any] = {one: world.stranger, other: world.stranger}
        others = {name: None for name in PARTS if name not in same}
        world.refuses_insert(world.new_review(**same, **others), f"{ck}four_eyes")
    for one, other in itertools.permutations(REVOKERS, 2):
        values = {other: getattr(revoked, one)}
        world.refuses_update(revoked, f"{ck}revoked_by_two", **values)
        same = {one: world.stranger, other: world.stranger, "second_reviewer_id": None}
        proposed = {
            "revocation_proposed_by_id": same.get("revocation_proposed_by_id", world.approver)
        }
        world.refuses_insert(world.new_review(**same | proposed), f"{ck}revoked_by_two")
    for name in REVOKERS[1:]:
        world.refuses_update(revoked, f"{ck}revoked_by_two", **{name: None})
    world.refuses_update(whole, f"{ck}revoked_by_two", state="revoked")
    submitter = world.suspended.submitted_by_id
    world.refuses_update(world.suspended, f"{ck}suspended_by_another", suspended_by_id=submitter)
    same = {"submitted_by_id": world.earlier, "suspended_by_id": world.earlier}
    world.refuses_insert(world.new_review(**same), f"{ck}suspended_by_another")
    for name in PARTS[1:3]:
        world.refuses_update(whole, f"{ck}two_reviewers", **{name: None})
    for state in PAST_REVIEW[1:]:
        values = {"state": state, "revocation_proposed_by_id": world.approver,
                  "revocation_confirmed_by_id": world.stranger}  # fmt: skip
        world.refuses_update(world.review, f"{ck}decided", **values)
    world.refuses_update(whole, f"{ck}decided", decided_by_id=None)
    world.refuses_update(whole, f"{ck}based_on_another", based_on_id=whole.id)
    own = uuid.uuid4()
    world.refuses_insert(world.new_review(id=own, based_on_id=own), f"{ck}based_on_another")
    _try_appeals_and_reports(world)


def _try_appeals_and_reports(world: World) -> None:
    appeal, report = world.appeal, world.report
    people: list[Any] = [appeal.filed_by_id, appeal.first_decider_id, appeal.second_decider_id]
    for person in people:
        world.refuses_update(appeal, "ck_appeals_four_eyes", decided_by_id=person)
        world.refuses_insert(world.new_appeal(decided_by_id=person), "ck_appeals_four_eyes")
    for person in people[1:]:
        filed = world.new_appeal(filed_by_id=person, second_decider_id=person)
        filed.first_decider_id = person
        world.refuses_insert(filed, "ck_appeals_four_eyes")
    world.refuses_update(appeal, "ck_appeals_four_eyes", filed_by_id=appeal.first_decider_id)
    world.refuses_update(appeal, "ck_appeals_decided", decided_by_id=None)
    world.refuses_update(appeal, "ck_appeals_decided", decision_reason="")
    rule = "ck_condition_reports_"
    world.refuses_update(report, f"{rule}four_eyes", judged_by_id=report.reported_by_id)
    same = world.new_report(judged_by_id=world.earlier, requirement_id="R-002")
    world.refuses_insert(same, f"{rule}four_eyes")
    world.refuses_update(report, f"{rule}judged", state="confirmed", judged_by_id=None)


def try_opinions(world: World) -> None:
    review, certified = world.review, world.certified
    for stranger in (world.stranger, world.approver, world.earlier, review.submitted_by_id):
        rule = "recommendations_of_a_reviewer"
        world.refuses_insert(world.new_opinion(review, stranger), rule)
    decider = world.new_opinion(certified, certified.decided_by_id)
    world.refuses_insert(decider, "recommendations_")
    unsaid = world.new_opinion(world.undeclared, world.undeclared.first_reviewer_id)
    world.refuses_insert(unsaid, "recommendations_of_a_reviewer")
    late = world.new_opinion(world.asked, world.asked.first_reviewer_id)
    world.refuses_insert(late, "recommendations_in_time")
    filed = rows_of(Recommendation, certification_id=certified.id)
    assert len(filed) == 2
    world.refuses_insert(world.new_opinion(certified, filed[0].reviewer_id), "recommendations")
    for values in ({"reviewer_id": world.stranger}, {"opinion": "refuse"}):
        world.refuses_update(filed[0], "recommendations_final", **values)
    world.refuses_delete(filed[0], "recommendations_final")
    _try_decisions_without_opinions(world)
    with db.transaction() as session:
        session.add(world.new_opinion(review, review.first_reviewer_id))
    _try_decisions_without_opinions(world)
    for place in ("first", "second"):
        left = {f"{place}_reviewer_id": world.stranger, f"{place}_cleared_at": None}
        world.refuses_update(certified, "certifications_opinion_of_the_pair", **left)


def _try_decisions_without_opinions(world: World) -> None:
    review, rule = world.review, "certifications_two_opinions"
    complete = {
        "decided_by_id": world.stranger,
        "valid_until": utcnow() + timedelta(days=9),
        "suspended_by_id": world.stranger,
        "revocation_proposed_by_id": world.stranger,
        "revocation_confirmed_by_id": world.approver,
    }
    for state in PAST_REVIEW:
        world.refuses_update(review, rule, state=state, **complete)
        row = world.new_review(state=state, **complete | {"decided_by_id": world.approver})
        world.refuses_insert(row, rule)


def try_certificates_of_older_versions(world: World) -> None:
    review, rule = world.review, "certifications_based_on"
    world.refuses_insert(world.new_review(based_on_id=world.certified.id), rule)
    for other in (world.suspended, world.asked):  # of another offering, and not in force
        world.refuses_update(review, rule, based_on_id=other.id)
    world.refuses_update(world.certified, rule, based_on_id=review.id)
    complete = {"decided_by_id": world.stranger, "valid_until": utcnow() + timedelta(days=9)}
    # One opinion at least, though an older certificate stands in for the other one.
    world.refuses_update(
        review, "certifications_two_opinions",
        state="certified", based_on_id=world.certified.id, **complete,
    )  # fmt: skip


def try_declarations(world: World) -> None:
    undeclared, certified = world.undeclared, world.certified
    rule = "certifications_declared_first"
    for place in ("first", "second"):
        world.refuses_update(undeclared, rule, **{f"{place}_cleared_at": utcnow()})
        world.refuses_update(world.review, rule, **{f"{place}_reviewer_id": world.stranger})
        world.refuses_insert(world.new_review(**{f"{place}_cleared_at": utcnow()}), rule)
    for number, review in enumerate((world.review, certified)):
        said = rows_of(ConflictDeclaration, certification_id=review.id)
        world.refuses_update(said[number], "conflict_declarations_final", has_conflict=False)
        world.refuses_delete(said[number], "conflict_declarations_final")
    people = [
        (world.biased, world.review), (world.review.submitted_by_id, world.review),
        (undeclared.first_reviewer_id, undeclared), (undeclared.second_reviewer_id, undeclared),
    ]  # fmt: skip
    for person, review in people:
        found = world.new_finding(person, review)
        world.refuses_insert(found, "findings_finder_apart")
        settled = world.new_finding(world.stranger, review, settled_by_id=person)
        world.refuses_insert(settled, "findings_settler_apart")
    for person in (world.biased, world.review.submitted_by_id):
        world.refuses_update(world.finding, "findings_finder_apart", raised_by_id=person)
        world.refuses_update(world.finding, "findings_settler_apart", settled_by_id=person)


def try_ties(world: World) -> None:
    """Try people who have to do with the offering in another part."""
    review, certified = world.review, world.certified
    family = {"offering_version_id": review.offering_version_id, "state": S.REFUSED}
    rule = "certifications_reviewer_apart"
    for place in PARTS[1:3]:
        for person in (world.biased, world.earlier, world.approver):
            world.refuses_update(
                review, rule, **{place: person, f"{place.split('_')[0]}_cleared_at": None}
            )
        row = world.new_review(**{"submitted_by_id": None, place: world.biased}, **family)
        row.state = S.ASSIGNED
        row.specification_version_id = world.published.id
        world.refuses_insert(row, rule)
    world.refuses_update(review, rule, submitted_by_id=world.approver)
    rule = "certifications_decider_apart"
    for person in (world.biased, world.earlier, world.overturned):
        world.refuses_update(review, rule, decided_by_id=person)
    for person in (world.biased, world.earlier, world.former):
        world.refuses_update(certified, rule, decided_by_id=person)
    biased = {"specification_version_id": world.published.id, "state": S.ASSIGNED}
    row = world.new_review(**family | biased, decided_by_id=world.biased)
    world.refuses_insert(row, rule)
    rule = "certifications_measure_apart"
    proposed = {"revocation_proposed_by_id": world.stranger}
    for values in (
        {"suspended_by_id": world.biased},
        {"revocation_proposed_by_id": world.biased},
        {**proposed, "revocation_confirmed_by_id": world.biased},
    ):
        world.refuses_update(certified, rule, **values)
        world.refuses_insert(world.new_review(**family | biased | values), rule)
    world.refuses_update(certified, "certifications_suspended_by_somebody", state="suspended")
    rule = "review_submissions_submitter_apart"
    for review in (world.review, certified):
        for name in PARTS[1:]:
            if person := getattr(review, name):
                world.refuses_insert(world.submission(review, person, 9), rule)
    sent = rows_of(ReviewSubmission, certification_id=certified.id)
    world.refuses_update(sent[0], rule, submitted_by_id=certified.first_reviewer_id)


def try_proceedings(world: World) -> None:
    appeal, revoked, rule = world.appeal, world.revoked, "appeals_names_the_deciders"
    wrong = {"disputed_at": utcnow()}
    for disputed in Disputed:
        named = {"disputed": disputed, "first_decider_id": world.approver}
        world.refuses_insert(world.new_appeal(**wrong, **named), rule)
    for second in (None, world.approver):
        world.refuses_insert(world.new_appeal(**wrong, second_decider_id=second), rule)
    facts = {"first_decider_id": world.approver, "second_decider_id": None,
             "filed_by_id": world.earlier}  # fmt: skip
    for name, person in facts.items():
        world.refuses_update(appeal, "appeals_facts_stay", **{name: person})
    reviewers = (revoked.first_reviewer_id, revoked.second_reviewer_id)
    for person in reviewers:
        world.refuses_update(appeal, "appeals_decider_apart", decided_by_id=person)
        row = world.new_appeal(**wrong, decided_by_id=person)
        world.refuses_insert(row, "appeals_decider_apart")
    # Somebody else of the vendor reported than the one who submitted what was certified.
    for person in (world.biased, world.certified.submitted_by_id):
        rule = "condition_reports_judge_apart"
        world.refuses_update(world.report, rule, judged_by_id=person)
        judged = world.new_report(judged_by_id=person, requirement_id="R-009")
        world.refuses_insert(judged, rule)


def try_approvals(world: World) -> None:
    review, rule = world.review, "offering_versions_approver_apart"
    people = (review.submitted_by_id, review.first_reviewer_id, review.second_reviewer_id,
              world.biased, world.earlier)  # fmt: skip
    (shown,) = rows_of(ListingVersion, offering_version_id=world.certified.offering_version_id)
    values = shown.model_dump(exclude={"id"}) | {"offering_version_id": world.next_version.id}
    terms = ListingVersion(**values | {"number": 2, "state": OfferState.IN_REVIEW})
    with db.transaction() as session:
        session.add(terms)
    for number, person in enumerate(people, start=3):
        world.refuses_update(world.next_version, rule, approved_by_id=person)
        world.refuses_update(terms, "listing_versions_approver_apart", approved_by_id=person)
        more = {"number": number, "state": OfferState.IN_REVIEW, "approved_by_id": person}
        world.refuses_insert(ListingVersion(**values | more), "listing_versions_approver_apart")
    for row in (world.next_version, terms):
        both = {"submitted_by_id": world.stranger, "approved_by_id": world.stranger}
        world.refuses_update(row, f"ck_{row.__tablename__}_four_eyes", **both)
        again = type(row)(**row.model_dump(exclude={"id"}) | both | {"number": 99})
        world.refuses_insert(again, f"ck_{row.__tablename__}_four_eyes")


def try_specifications(world: World) -> None:
    published, approved = world.published, world.approved
    editor, rule = published.last_editor_id, "specification_versions_"
    world.refuses_update(published, f"ck_{rule}four_eyes", publisher_id=editor)
    world.refuses_update(published, f"ck_{rule}four_eyes", last_editor_id=None)
    world.refuses_update(published, f"ck_{rule}four_eyes", last_editor_id=published.publisher_id)
    world.refuses_update(approved, f"ck_{rule}four_eyes", state="scheduled", publisher_id=editor)
    world.refuses_update(approved, f"{rule}published_by_somebody", state="scheduled")
    values = {"specification_id": published.specification_id, "label": "9.9",
              "last_editor_id": editor, "state": SpecificationState.EFFECTIVE}  # fmt: skip
    row = SpecificationVersion(**values)
    world.refuses_insert(row, f"{rule}published_by_somebody")
    row = SpecificationVersion(**values, publisher_id=editor)
    world.refuses_insert(row, f"ck_{rule}four_eyes")
    for name in ("last_editor_id", "publisher_id"):
        world.refuses_update(published, f"{rule}names_stay", **{name: world.stranger})
    world.refuses_update(approved, f"{rule}names_stay", last_editor_id=world.stranger)


def try_registrations(world: World) -> None:
    rule = "vendors_decider_apart"
    both = {"assigned_reviewer_id": world.stranger, "decided_by_id": world.stranger}
    world.refuses_update(world.maker, rule, **both)
    with db.transaction() as session:
        office = factories.organisation(session, OrganisationKind.VENDOR)
    home = {"owner_id": office.id, "corporate_number": factories.corporate_number(77)}
    checked = Vendor(**world.maker.model_dump(exclude={"id"}) | both | home)
    world.refuses_insert(checked, rule)
    same = {"submitted_by_id": world.stranger, "decided_by_id": world.stranger}
    world.refuses_update(world.maker, "ck_vendors_four_eyes", **same)


# Those of purchases are tried in tests/procurement/test_four_eyes_sql.py and test_notices.py.
PURCHASES = (
    "'projects', 'selections', 'external_decisions', 'usage_contract_requests', 'contracts',"
    " 'contract_notices'"
)
TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'four_eyes_%'"
    f" AND tbl_name NOT IN ({PURCHASES})",
    "postgres": "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'four_eyes_%'"
    f" AND CAST(tgrelid AS regclass)::text NOT IN ({PURCHASES})",
}


@pytest.mark.acceptance(29)
def test_databases_refuse_every_wrong_pair(world: World) -> None:
    try_columns_of_one_row(world)
    try_certificates_of_older_versions(world)
    try_ties(world)
    try_opinions(world)
    try_declarations(world)
    try_proceedings(world)
    try_approvals(world)
    try_specifications(world)
    try_registrations(world)
    with db.reading() as session:
        triggers = set(session.execute(text(TRIGGERS[world.kind])).scalars())
    assert triggers - world.met == set()


@pytest.mark.acceptance(29)
def test_one_appeal_for_one_decision_and_dates_that_can_be(world: World) -> None:
    again = world.new_appeal(disputed_at=world.appeal.disputed_at)
    world.refuses_insert(again, "appeals")
    before = world.certified.valid_from - timedelta(days=1)
    world.refuses_update(world.certified, "ck_certifications_validity", valid_until=before)
