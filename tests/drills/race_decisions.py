"""Races 6 and 9 about one choice: its certificate is revoked, or its approver removed, while it is approved."""

from functools import partial
from uuid import UUID

from sqlmodel import Session, select

from accounts import membership_services
from accounts.identity import CONSOLE, Actor
from accounts.models import Organisation, Person, Role
from bench.measures import measure
from catalog.certification import queries, services
from catalog.certification.models import Certification
from catalog.offerings.models import OfferingVersion
from core import db
from core.config import Settings
from core.errors import DomainError, Forbidden, GuardFailed, NotFound
from procurement.projects.models import ProjectState
from procurement.selection.services import approve_selection
from tests.catalog.offerings.conftest import make_lead
from tests.databases import DatabaseUnderTest
from tests.drills.both import RACES, Play, at_once, build_town, on_both, undrawn_papers
from tests.drills.race_requests import approver_of, list_acts
from tests.procurement.conftest import Market

REVOKED = "certification.confirm_revocation"
NOTE = "取消しの理由を読み、この業務では使わない機能についてのものと確かめた。"


@measure(
    "race 6, revoked while approved: rounds with another outcome",
    goal="== 0", unit="rounds", base=RACES,
)  # fmt: skip
@on_both(fresh=1)
def count_blind(database: DatabaseUnderTest, settings: Settings) -> Play:
    """Let a lead confirm a revocation while an approver approves the certified choice."""
    town = build_town(database, settings)
    with undrawn_papers():
        town.reach_proposed()
    certificate_id, lead = propose_revocation(town)

    def play(_number: int) -> bool:
        with undrawn_papers():
            return is_checked_again(town, certificate_id, lead)

    return play


def propose_revocation(town: Market) -> tuple[UUID, Actor]:
    """Let one lead propose to revoke the certificate of the choice; gives who may confirm."""
    with db.transaction() as session:
        proposer, confirmer = make_lead(session), make_lead(session)
        software = session.get_one(OfferingVersion, town.cheap.offering_version_id)
        statement = select(Certification.id).where(Certification.offering_version_id == software.id)
        found = _load(session, session.exec(statement).one())
        services.propose_revocation(
            session,
            proposer,
            town.settings,
            found,
            reason="要件を満たさないとわかったため。",
            version=found.version,
        )
        return found.id, confirmer


def is_checked_again(town: Market, certificate_id: UUID, lead: Actor) -> bool:
    """Run one round; who approves after the revocation is told, and can only acknowledge it."""
    version = town.project().version
    approved, revoked = at_once(
        partial(_approve, town, version), partial(_revoke, town, certificate_id, lead)
    )
    if revoked is not True:
        return False
    order = ["selection.approve", REVOKED]
    if isinstance(approved, DomainError):
        asked = isinstance(approved, GuardFailed) and approved.reasons[0][0] == "f-change_note"
        if not asked or town.project().state is not ProjectState.SELECTION_PROPOSED:
            return False
        _approve(town, version, NOTE)
        order.reverse()
    chosen = town.selection().is_approved is True
    return chosen and list_acts("selection.approve", REVOKED) == order


def _approve(town: Market, version: int, note: str = "") -> bool:
    with db.transaction() as session:
        project = town._load(session)
        approve_selection(session, approver_of(town), project, version=version, change_note=note)
    return True


def _revoke(town: Market, certificate_id: UUID, lead: Actor) -> bool:
    with db.transaction() as session:
        found = _load(session, certificate_id)
        services.confirm_revocation(
            session, lead, town.settings, found, reason="確認した。", version=found.version
        )
    return True


def _load(session: Session, certificate_id: UUID) -> Certification:
    found = queries.get_certification(session, certificate_id)
    assert found is not None
    return found


@measure(
    "race 9, removed while approving: rounds with another outcome",
    goal="== 0", unit="rounds", base=RACES,
)  # fmt: skip
@on_both(fresh=1)
def count_powerless(database: DatabaseUnderTest, settings: Settings) -> Play:
    """End an approver's role while the approver approves."""
    town = build_town(database, settings)
    with undrawn_papers():
        town.reach_proposed()

    def play(_number: int) -> bool:
        with undrawn_papers():
            return is_right_of_the_moment(town)

    return play


def is_right_of_the_moment(town: Market) -> bool:
    """Run one round; an approval stands only if the approver still had the right as it was committed."""
    version = town.project().version
    approved, ended = at_once(partial(_approve, town, version), partial(_end_role, town))
    if ended is not True:
        return False
    done = list_acts("selection.approve", "membership.end")
    state, choice = town.project().state, town.selection()
    if isinstance(approved, DomainError):
        refused = isinstance(approved, Forbidden | NotFound) and choice.is_approved is None
        return refused and done == ["membership.end"] and state is ProjectState.SELECTION_PROPOSED
    stands = choice.is_approved is True and state is ProjectState.SELECTION_APPROVED
    return stands and done == ["selection.approve", "membership.end"]


def _end_role(town: Market) -> bool:
    with db.transaction() as session:
        person = session.get_one(Person, town.approver.id)
        body = session.get_one(Organisation, town.body.id)
        membership_services.end_role(session, CONSOLE, person, Role.APPROVER, body)
    return True
