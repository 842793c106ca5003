"""A town with its people, two certified services below the ceiling and one above, indexed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import BodyKind, Organisation, Person, Role
from catalog.certification.models import ReviewState
from catalog.offerings.models import ListingVersion, OfferingVersion
from catalog.price_plan import ComponentKind, Interval, Unit
from core import db
from core.clock import utcnow
from core.config import Settings
from procurement.bodies.methods import Ground
from procurement.bodies.models import ContractCategory
from procurement.contracts import queries as request_queries
from procurement.contracts import services as request_services
from procurement.contracts.documents import make_document
from procurement.contracts.models import BidderList, UsageContractRequest
from procurement.projects import queries
from procurement.projects import services as project_services
from procurement.projects.models import Candidate, ContractTermBasis, EvidencePack, Project
from procurement.selection import queries as selection_queries
from procurement.selection import services as selection_services
from procurement.selection.models import Selection
from search.queries import get_engine
from tests import factories
from tests.client import CheckedClient
from tests.databases import DatabaseUnderTest
from tests.search.market import index_all
from tests.stages import Stages
from vendors.models import Vendor

MONTHLY = (ComponentKind.BASE, Unit.LUMP, Interval.MONTH)
START = date(2027, 4, 1)
NEED = {
    "title": "公共施設の予約",
    "need": "来庁しないで公民館を予約できるようにしたい。",
    "starts_on-era": "reiwa",
    "starts_on-year": "9",
    "starts_on-month": "4",
    "starts_on-day": "1",
    "term_months": "36",
    "term_basis": "debt_burden",
    "budget_line": "2款1項7目 使用料",
    "category": "services",
    "burden_limit": "3000000",
    "burden_voted_on-era": "reiwa",
    "burden_voted_on-year": "7",
    "burden_voted_on-month": "3",
    "burden_voted_on-day": "20",
}
PROJECT = {
    "title": NEED["title"],
    "need": NEED["need"],
    "term_months": 36,
    "term_basis": ContractTermBasis.DEBT_BURDEN,
    "budget_line": NEED["budget_line"],
    "burden_limit": 3_000_000,
    "burden_voted_on": date(2025, 3, 20),
    "category": ContractCategory.SERVICES,
}
SELECTION = {
    "ground": "small_amount",
    "category": "services",
    "reason": "必須の要件を満たし、合計が最も低いため。",
    "sole_source_reason": "公表された料金で比べ、限度額以下であるため。",
}
REQUEST = {
    "sender_name": "見本町長　見本　一郎",
    "contact_department": "総務課",
    "contact_name": "見本 花子",
    "contact_phone": "0277-00-0000",
    "contact_email": "joho@example.lg.jp",
    "answer_due_on-era": "western",
    "answer_due_on-year": "2099",
    "answer_due_on-month": "3",
    "answer_due_on-day": "31",
    "bidder_list": "listed",
}


def kept(build: Callable[["Market"], "Market"]) -> Callable[["Market"], "Market"]:
    """Walk this stretch once per worker and database; later tests get its outcome back."""

    @wraps(build)
    def reach(market: "Market") -> "Market":
        market.stages.reach(build.__name__, lambda: build(market))
        return market

    return reach


@dataclass
class Market:
    """Everybody and everything that a purchase needs; acts over HTTP and looks into the rows."""

    settings: Settings
    new_client: Callable[[], CheckedClient]
    body: Organisation
    clerk: Person
    second_clerk: Person
    approver: Person
    both: Person
    seller: Vendor
    rival: Vendor
    seller_admin: Person
    rival_admin: Person
    cheap: ListingVersion
    other: ListingVersion
    dear: ListingVersion
    stages: Stages
    clients: dict[Any, CheckedClient] = field(default_factory=dict)
    splitting_note: str = ""
    is_locked: bool = False
    ceiling: int | None = None  # yen a year with tax, of the search

    def as_(self, person: Person, at: Organisation | None = None) -> CheckedClient:
        """Give the browser in which a person is signed in."""
        key = (person.id, at.id if at else None)
        if key not in self.clients:
            self.clients[key] = self.new_client()
            # Locking and deciding read everything once more inside the act; a refused choice is
            # weighed again for the page that says why, an approved one makes its paper.
            self.clients[key].query_budget = 56
            factories.sign_in_client(self.clients[key], person, at)
        return self.clients[key]

    # --- what the rows say ------------------------------------------------------------------

    def project(self) -> Project:
        with db.reading() as session:
            return queries.list_projects(session, self.body.id)[0]

    def pack(self) -> EvidencePack:
        with db.reading() as session:
            found = queries.latest_pack(session, self.project().id)
            assert found is not None
            return found

    def candidate(self, version: ListingVersion) -> Candidate:
        with db.reading() as session:
            for each in queries.list_candidates(session, self.pack().id):
                if each.listing_version_id == version.id:
                    return each
        raise AssertionError("not a candidate")

    def selection(self) -> Selection:
        with db.reading() as session:
            found = selection_queries.latest_selection(session, self.project().id)
            assert found is not None
            return found

    def request(self) -> UsageContractRequest:
        with db.reading() as session:
            found = request_queries.latest_request(session, self.project().id)
            assert found is not None
            return found

    # --- acts over HTTP ---------------------------------------------------------------------

    def open_project(self, **values: str) -> str:
        response = self.as_(self.clerk).submit("/projects/new", {**NEED, **values})
        assert response.status_code == 303, response.text
        return str(response.location)

    def search(self, **values: Any) -> None:
        path = f"/projects/{self.project().id}/search"
        response = self.as_(self.clerk).submit(path, {"q": "", **values})
        assert response.status_code == 303, response.text

    def lock(self) -> Any:
        return self.prepare_lock()()

    def prepare_lock(self) -> Callable[[], Any]:
        """Open the confirm page and tick its box; call what it returns to lock."""
        path = f"/projects/{self.project().id}/lock"
        return self.as_(self.clerk).prepare(path, {"confirmed": "yes"})

    def exclude(
        self,
        *versions: ListingVersion,
        reason: str = "夜間の受付に合わないため。",
        condition: str = "案-1",
    ) -> Any:
        return self.prepare_exclusion(*versions, reason=reason, condition=condition)()

    def prepare_exclusion(self, *versions: ListingVersion, **said: str) -> Callable[[], Any]:
        """Tick the candidates and say why; call what it returns to press the button."""
        path = f"/projects/{self.project().id}/candidates"
        chosen = [str(self.candidate(each).id) for each in versions]
        return self.as_(self.clerk).prepare(path, {"candidate": chosen, **said})

    def leave_out(self, *versions: ListingVersion, reason: str, condition: str = "案-1") -> None:
        """Exclude by the service."""
        clerk = self.actor(self.clerk, Role.CLERK)
        with db.transaction() as session:
            project = self._load(session)
            project_services.exclude_candidates(
                session,
                clerk,
                project,
                version=project.version,
                candidate_ids=[self.candidate(each).id for each in versions],
                condition_key=condition,
                reason=reason,
            )

    def candidate_of_rank(self, rank: int) -> ListingVersion:
        versions = (self.cheap, self.other, self.dear)
        return next(each for each in versions if self.candidate(each).rank == rank)

    def compare(self) -> Any:
        path = f"/projects/{self.project().id}/compare"
        return self.as_(self.clerk).submit(path, {"confirmed": "yes"})

    def propose(self, version: ListingVersion, **values: str) -> Any:
        path = f"/projects/{self.project().id}/selection"
        chosen = {"candidate_id": str(self.candidate(version).id)}
        if values.get("method") in {"quotes", "proposal"}:
            chosen["sole_source_reason"] = ""
        return self.as_(self.clerk).submit(path, {**SELECTION, **chosen, **values})

    def decide(self, decision: str, person: Person | None = None, **values: str) -> Any:
        path = f"/projects/{self.project().id}/decision"
        client = self.as_(person or self.approver)
        return client.submit(path, {"decision": decision, **values})

    def draw_up(self, **values: str) -> Any:
        path = f"/projects/{self.project().id}/request"
        return self.as_(self.clerk).submit(path, {**REQUEST, **values})

    def on_request(self, act: str, person: Person, **values: Any) -> Any:
        return self.as_(person).submit(f"/requests/{self.request().id}/{act}", values)

    def send(self) -> Any:
        return self.on_request("send", self.approver, confirmed="yes")

    # --- whole stretches of the way, by the services: pages are walked in test_whole_way -----

    def actor(self, person: Person, role: Role) -> Actor:
        moment = utcnow()
        return factories.actor(person, role, self.body, authenticated_at=moment)

    @kept
    def reach_searching(self) -> "Market":
        clerk = self.actor(self.clerk, Role.CLERK)
        with db.transaction() as session:
            values = {**PROJECT, "starts_on": START}
            made = project_services.create_project(session, clerk, **values)
            query = {"text": "", "filters": {}, "sort": "relevance", "seed": 7}
            query |= {"cost_max": self.ceiling} if self.ceiling else {}
            project_services.save_search(session, clerk, made, version=made.version, query=query)
        return self

    @kept
    def reach_locked(self) -> "Market":
        if self.is_locked:
            return self
        self.reach_searching()
        clerk = self.actor(self.clerk, Role.CLERK)
        with db.transaction() as session:
            project = self._load(session)
            engine = get_engine(self.settings)
            version = project.version
            project_services.lock_evidence(session, clerk, project, engine, version=version)
        return self

    @kept
    def reach_compared(self) -> "Market":
        self.reach_locked()
        with db.transaction() as session:
            project, clerk = self._load(session), self.actor(self.clerk, Role.CLERK)
            project_services.confirm_comparison(session, clerk, project, version=project.version)
        return self

    @kept
    def reach_proposed(self) -> "Market":
        self.reach_compared()
        self.propose_cheap()
        return self

    def propose_cheap(self) -> None:
        """Propose the cheap service by the service."""
        with db.transaction() as session:
            project, clerk = self._load(session), self.actor(self.clerk, Role.CLERK)
            selection_services.propose_selection(
                session,
                clerk,
                project,
                version=project.version,
                candidate_id=self.candidate(self.cheap).id,
                ground=Ground.SMALL_AMOUNT,
                category=ContractCategory.SERVICES,
                reason=SELECTION["reason"],
                sole_source_reason=SELECTION["sole_source_reason"],
                splitting_note=self.splitting_note,
            )

    @kept
    def reach_chosen(self) -> "Market":
        self.reach_proposed()
        with db.transaction() as session:
            project, approver = self._load(session), self.actor(self.approver, Role.APPROVER)
            selection_services.approve_selection(
                session, approver, project, version=project.version
            )
        return self

    @kept
    def reach_submitted(self) -> "Market":
        self.reach_chosen()
        clerk = self.actor(self.clerk, Role.CLERK)
        with db.transaction() as session:
            made = request_services.create_request(
                session, clerk, self._load(session), **request_values()
            )
            request_services.submit_request(session, clerk, made, version=made.version)
        return self

    @kept
    def reach_approved(self) -> "Market":
        self.reach_submitted()
        with db.transaction() as session:
            found, approver = self.load_request(session), self.actor(self.approver, Role.APPROVER)
            request_services.approve_request(
                session, approver, found, make_document, version=found.version
            )
        return self

    @kept
    def reach_sent(self) -> "Market":
        self.reach_approved()
        with db.transaction() as session:
            found, approver = self.load_request(session), self.actor(self.approver, Role.APPROVER)
            request_services.send_request(
                session, approver, self.settings, found, version=found.version
            )
        return self

    @kept
    def reach_accepted(self) -> "Market":
        self.reach_sent()
        with db.transaction() as session:
            home = _home(session, self.seller)
            admin = factories.actor(self.seller_admin, Role.VENDOR_ADMIN, home)
            found = self.load_request(session)
            request_services.accept_request(session, admin, found, version=found.version)
        return self

    def _load(self, session: Session) -> Project:
        found = queries.get_project(session, self.project().id)
        assert found is not None
        return found

    def load_request(self, session: Session) -> UsageContractRequest:
        found = request_queries.get_request(session, self.request().id)
        assert found is not None
        return found


def request_values() -> dict[str, Any]:
    """Give the values of a request as the form would."""
    plain = {name: value for name, value in REQUEST.items() if "-" not in name}
    more = {"bidder_list": BidderList.LISTED, "bidder_list_note": "", "message": ""}
    return {**plain, **more, "answer_due_on": date(2099, 3, 31)}


@pytest.fixture(scope="session")
def _markets() -> dict[str, "Market"]:
    """The towns of this worker, one on each kind of database."""
    return {}


@pytest.fixture
def market(
    database: DatabaseUnderTest,
    settings: Settings,
    new_client: Callable[[], CheckedClient],
    run_folder: Path,
    worker_id: str,
    _markets: dict[str, "Market"],
) -> Iterator[Market]:
    """Give the town and its market; built once per worker, then brought back."""
    folder = run_folder / f"{worker_id}-{database.kind}-stages"
    with Stages(database, settings.data_dir, folder) as stages:

        def build() -> None:
            _markets[database.kind] = build_market(settings, new_client, stages)

        stages.reach("market", build)
        known = _markets[database.kind]
        yield replace(known, settings=settings, new_client=new_client, stages=stages, clients={})


def build_market(
    settings: Settings, new_client: Callable[[], CheckedClient], stages: Stages
) -> Market:
    """Build it: 36 months from April 2027 cost 971,982 (cheap), 990,000 (other), 3,960,000 (dear)."""
    with db.transaction() as session:
        body = factories.body(session, name="見本町", body_kind=BodyKind.TOWN)
        both = factories.person(session, Role.CLERK, body, name="見本 兼務")
        factories.membership(session, both, Role.APPROVER, body)
        seller, rival = factories.vendor(session), factories.vendor(session)
        specification = factories.specification(session)
        versions = [
            factories.offering(session, maker, specification, name=name, prices=[(*MONTHLY, each)])
            for maker, name, each in (
                (seller, "まちの予約帳", 24_545),
                (rival, "とびらの予約", 25_000),
                (rival, "おおきな予約", 100_000),
            )
        ]
        for version in versions:
            offering_version = session.get(OfferingVersion, version.offering_version_id)
            assert offering_version is not None
            factories.certification(session, offering_version, ReviewState.CERTIFIED)
        people = {
            "clerk": factories.person(session, Role.CLERK, body, name="見本 花子"),
            "second_clerk": factories.person(session, Role.CLERK, body, name="見本 次郎"),
            "approver": factories.person(session, Role.APPROVER, body, name="見本 決裁"),
            "seller_admin": factories.person(session, Role.VENDOR_ADMIN, _home(session, seller)),
            "rival_admin": factories.person(session, Role.VENDOR_ADMIN, _home(session, rival)),
        }
    index_all(settings, *versions)
    cheap, other, dear = versions
    return Market(
        settings=settings,
        new_client=new_client,
        body=body,
        both=both,
        seller=seller,
        rival=rival,
        cheap=cheap,
        other=other,
        dear=dear,
        stages=stages,
        **people,
    )


def _home(session: Any, vendor: Vendor) -> Organisation:
    return session.get_one(Organisation, vendor.owner_id)
