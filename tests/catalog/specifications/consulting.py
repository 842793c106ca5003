"""A draft out for comments, and the people who comment on it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from accounts.identity import Actor
from accounts.models import Organisation, Person, Role
from catalog.specifications.consultation import queries, services
from catalog.specifications.consultation.models import (
    ConsultationComment,
    Outcome,
    ProposalKind,
)
from catalog.specifications.models import SpecificationState, SpecificationVersion
from core import db
from tests import factories
from tests.client import CheckedClient

NOON = datetime(2026, 10, 1, 3, tzinfo=UTC)
LAST_SECOND = datetime(2026, 10, 30, 14, 59, 59, tzinfo=UTC)
CLOSED = datetime(2026, 10, 30, 15, tzinfo=UTC)
OPENS, CLOSES = date(2026, 10, 1), date(2026, 10, 30)
PAGE = "/specifications/YOYAKU/2.0/consultation"


@dataclass(frozen=True)
class Scene:
    """Two versions of one specification, the later one a draft, and people by their role."""

    version: SpecificationVersion
    people: dict[str, tuple[Person, Role, Organisation]]
    new_client: Callable[[], CheckedClient]

    def browser(self, who: str) -> CheckedClient:
        """Sign somebody in anew, as long waits end sign-ins."""
        browser = self.new_client()
        person, _, at = self.people[who]
        factories.sign_in_client(browser, person, at)
        return browser

    def actor(self, who: str) -> Actor:
        """Return somebody as the services see them."""
        return factories.actor(*self.people[who])

    def open(self) -> None:
        """Open the consultation for the month of October."""
        with db.transaction() as session:
            version = session.get_one(SpecificationVersion, self.version.id)
            services.open_consultation(
                session,
                self.actor("reviewer"),
                version,
                version=version.version,
                opens_on=OPENS,
                closes_on=CLOSES,
            )

    @property
    def id(self):
        """The id of the consultation."""
        with db.reading() as session:
            found = queries.find_consultation(session, self.version.id)
        assert found is not None
        return found.id

    @property
    def desk(self) -> str:
        """The reviewers' address."""
        return f"/manage/consultations/{self.id}"

    def say(self, who: str, text: str, requirement_id: str = "R-002") -> int:
        """Comment."""
        with db.transaction() as session:
            return services.comment(
                session,
                self.actor(who),
                self.id,
                requirement_id=requirement_id,
                kind=ProposalKind.CHANGE,
                text=text,
            ).number

    def dispose(self, *numbers: int) -> None:
        """Answer that it is written already."""
        with db.transaction() as session:
            said = queries.list_comments_by_number(session, self.id, numbers)
            decision = services.Decision(Outcome.SUFFICIENT, reasoning="R-001に書いています。")
            services.dispose(
                session,
                self.actor("reviewer"),
                self.id,
                numbers,
                decision,
                version=services.version_of(said),
            )

    def comment(self, number: int) -> ConsultationComment:
        """Return a comment as it stands."""
        with db.reading() as session:
            found = queries.find_comment(session, self.id, number)
        assert found is not None
        return found


def make_scene(new_client: Callable[[], CheckedClient]) -> Scene:
    """Make the versions and the people."""
    with db.transaction() as session:
        old = factories.specification(session, code="YOYAKU", label="1.0")
        agency = factories.person(session, Role.REVIEWER)
        draft = factories.specification(
            session,
            code="OTHER",
            label="2.0",
            state=SpecificationState.DRAFT,
            applies_from=date(2099, 4, 1),
            source_name="見本標準仕様書 第2.0版",
            source_url="https://www.example.jp/mihon.pdf",
            last_editor_id=agency.id,
        )
        draft.specification_id = old.specification_id
        home = factories.organisation(session, factories.KIND_OF_ROLE[Role.REVIEWER])
        factories.membership(session, agency, Role.REVIEWER, home)
        town = factories.body(session, name="見本町")
        vendor = factories.organisation(
            session, factories.KIND_OF_ROLE[Role.VENDOR_ADMIN], name="=見本ソフト株式会社"
        )
        people = {"reviewer": (agency, Role.REVIEWER, home)}
        for who, role, at in (
            ("other_reviewer", Role.REVIEWER, home),
            ("lead", Role.LEAD_REVIEWER, home),
            ("operator", Role.OPERATOR, home),
            ("clerk", Role.CLERK, town),
            ("approver", Role.APPROVER, town),
            ("coordinator", Role.COORDINATOR, town),
            ("admin", Role.VENDOR_ADMIN, vendor),
            ("member", Role.VENDOR_MEMBER, vendor),
            ("auditor", Role.AUDITOR, None),
        ):
            place = at or factories.organisation(session, factories.KIND_OF_ROLE[role])
            people[who] = (factories.person(session, role, place), role, place)
    return Scene(draft, people, new_client)
