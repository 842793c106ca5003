"""A town in the middle of a purchase, with a canary in each secret, and everyone who might learn it."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from accounts.identity import Actor, Scope
from accounts.models import Organisation, Person, Role
from catalog.certification.models import ReviewState
from catalog.offerings.models import OfferingVersion
from catalog.specifications.models import SpecificationVersion
from core import db
from core.clock import JST, today_jst
from procurement.contracts import queries as contract_queries
from procurement.estimates import queries, services, vault
from procurement.estimates.documents import split_tax
from procurement.projects import queries as project_queries
from procurement.projects import services as project_services
from procurement.quoting import queries as quoting_queries
from procurement.quoting import services as quoting_services
from procurement.quoting.models import QuoteInvitation
from procurement.quoting.services.answering import read_quote
from tests import factories
from tests.api.known_rows import KnownRows
from tests.isolation.canaries import (
    Allowed,
    Watch,
    amounts,
    ask_everything,
    look_into_rows,
    words,
)
from tests.isolation.canary_rules import (
    choose_rules,
    leave_out_own,
    list_amounts,
    seen_from_outside,
)
from tests.isolation.canary_way import ACTS, watched
from tests.isolation.crawler import Crawler, _as_words
from tests.letterbox import empty_letterbox
from tests.procurement.conftest import MONTHLY, Market
from tests.procurement.quoting import Quoting, written
from tests.search.market import index_all

PRICE, BASIS = 1_733_917_461, "黄色い小鳥が三羽とまる算定"
_PLACE = "<uuid:quote_request_id>"
CEILING = 987_652_341  # yen a year that the search of the second purchase allows
EXCLUDED = "青い小鳥の理由で外します"
ROLES = {
    "lead reviewer": Role.LEAD_REVIEWER,
    "reviewer": Role.REVIEWER,
    "operator": Role.OPERATOR,
    "auditor": Role.AUDITOR,
    "coordinator": Role.COORDINATOR,
    "clerk of another body": Role.CLERK,
    "approver of another body": Role.APPROVER,
    "administrator of a company that is not asked": Role.VENDOR_ADMIN,
}
QUESTION = "紫の小鳥は何羽まで使えますか"
SELLER, MEMBER = "administrator of an asked company", "member of an asked company"
RIVAL, HOLDER = "administrator of another asked company", "whoever holds the database"
QUOTES = ("quote of", "notes of the quote of")
INSIDE = ("named clerk", "unnamed clerk", "unnamed approver", "auditor")
OF_BODY = "program of the body"
READING = f"program with {Scope.PROJECT_READ} alone"  # of the body, too
# Once a request is drawn up, its price stands in it, wherever its pages, papers and files are.
_REQUEST = "rules.md gives a usage-contract request to its body's programs and to an auditor (R)"
ALLOWED = [
    Allowed(frozenset(who), f"quote of {SELLER}", place, _REQUEST)
    for who, place in (
        (("auditor",), "GET /requests/"),
        (("auditor",), "[利用契約依頼書"),
        (("auditor",), " requests/"),
        (("auditor",), " papers/usage_contract_request-"),
        ((OF_BODY, READING), "GET /api/v1/requests/"),
    )
]


@dataclass
class CanaryTown:
    """The purchase, its secrets and the people."""

    app: Flask
    market: Market
    few: uuid.UUID = field(default_factory=uuid.uuid4)
    many: uuid.UUID = field(default_factory=uuid.uuid4)
    watch: Watch = field(default_factory=lambda: Watch([]))
    # Soon, so that certificates and law are still the same.
    last_day: date = field(default_factory=lambda: today_jst() + timedelta(days=20))
    rows: KnownRows | None = None  # of everything else that an address can name
    programs: dict[str, tuple[uuid.UUID, list[Scope]]] = field(default_factory=dict)
    people: dict[str, Person | None] = field(default_factory=dict)
    crawlers: dict[str, Crawler] = field(default_factory=dict)

    def build(self) -> "CanaryTown":
        """Walk two purchases to their quotes: five companies are asked in one, two in the other.

        In the second one a candidate is excluded and one clerk alone is named for the price.
        """
        more = self._add_companies()
        town = self.market
        with watched():
            self.many = self._ask_for_quotes([town.cheap.id, town.other.id, *more])
            self.few = self._ask_for_quotes([town.cheap.id, town.other.id], is_secret=True)
        self._gather()
        everybody = [*INSIDE, HOLDER, OF_BODY, READING]
        self.watch.canaries += [
            amounts("estimated price", PRICE, *split_tax(PRICE), readers=["named clerk"]),
            words("basis of the price", BASIS, readers=["named clerk"]),
            words("exclusion", EXCLUDED, readers=everybody),
            amounts("ceiling of the search", CEILING, readers=everybody),
            words("question", QUESTION, readers=[RIVAL, *everybody]),
        ]
        self._hand_in(self.seller, town.cheap.id, 12_345_431, "緑の小鳥の備考", [SELLER, MEMBER])
        self._hand_in(self.rival, town.other.id, 13_579_613, "茶色の小鳥の備考", [RIVAL])
        with db.transaction() as session:
            for each in (self.few, self.many):
                asked = self._invitation(session, each, town.other.id)
                quoting_services.ask_question(session, self.rival, asked, question=QUESTION)
        return self

    @property
    def after(self) -> datetime:
        """The moment after the deadline."""
        closed = datetime.combine(self.last_day, time(17), tzinfo=JST)
        return closed.astimezone(UTC) + timedelta(seconds=1)

    def _add_companies(self) -> list[uuid.UUID]:
        """Let three more companies offer something, so that five can be asked."""
        town = self.market
        with db.transaction() as session:
            offered = session.get_one(OfferingVersion, town.cheap.offering_version_id)
            standard = session.get_one(SpecificationVersion, offered.specification_version_id)
            made = []
            for _ in range(3):
                maker = factories.vendor(session)
                prices = [(*MONTHLY, 24_545)]
                made.append(factories.offering(session, maker, standard, prices=prices))
                version = session.get_one(OfferingVersion, made[-1].offering_version_id)
                factories.certification(session, version, ReviewState.CERTIFIED)
        index_all(town.settings, *made)
        return [each.id for each in made]

    def _ask_for_quotes(self, asked: list[uuid.UUID], *, is_secret: bool = False) -> uuid.UUID:
        self.market.ceiling = CEILING if is_secret else None
        town = self.market.reach_locked()
        if is_secret:
            town.leave_out(town.dear, reason=EXCLUDED)
        clerk = town.actor(town.clerk, Role.CLERK)
        with db.transaction() as session:
            project = town._load(session)
            project_services.confirm_comparison(session, clerk, project, version=project.version)
        if is_secret:
            self._fix_price()
        quoting = Quoting(town)
        days = {"deadline_on": self.last_day, "questions_on": self.last_day - timedelta(days=10)}
        quoting.draft(candidates=asked, **days)
        quoting.submit()
        quoting.approve()
        with db.reading() as session:
            return quoting.round(session).id

    def _fix_price(self) -> None:
        town = self.market
        clerk = town.actor(town.clerk, Role.CLERK)
        with db.transaction() as session:
            made = services.open_estimate(session, clerk, town._load(session), reader_ids=[])
            estimate = queries.get_estimate(session, made.project_id, for_update=True)
            assert estimate is not None
            services.write_estimate(session, clerk, estimate, version=1, amount=PRICE, basis=BASIS)
            services.fix_estimate(session, clerk, estimate, version=2)

    def _hand_in(
        self, vendor: Actor, listing: uuid.UUID, price: int, notes: str, readers: list[str]
    ) -> None:
        """Hand in the same quote for both purchases; every amount in it is a canary."""
        settings = self.market.settings
        with db.transaction() as session:
            for each in (self.few, self.many):
                asked = self._invitation(session, each, listing)
                revision = quoting_services.submit_quote(
                    session, vendor, settings, asked, written=written(price, notes), revision=0
                )
            content = read_quote(settings, revision)["content"]
        name = f"quote of {readers[0]}"
        self.watch.canaries.append(amounts(name, *list_amounts(content), readers=readers))
        self.watch.canaries.append(words(f"notes of the {name}", notes, readers=readers))

    def _invitation(
        self, session: Session, round_id: uuid.UUID, listing: uuid.UUID
    ) -> QuoteInvitation:
        found = quoting_queries.list_invitations(session, round_id)
        chosen = next(each for each in found if each.listing_version_id == listing)
        held = quoting_queries.get_invitation(session, chosen.id)
        assert held is not None
        return held

    @property
    def seller(self) -> Actor:
        """Whoever quotes for the first company."""
        return Quoting(self.market).seller

    @property
    def rival(self) -> Actor:
        """Whoever quotes for the second one."""
        return Quoting(self.market).rival

    def compare_rounds(self) -> list[str]:
        """Name what tells a company how many are asked besides it: any difference of two and five."""
        self.ask_as(SELLER)
        browser = self.crawlers[SELLER].browser
        with db.reading() as session:
            pair = [
                self._invitation(session, each, self.market.cheap.id)
                for each in (self.few, self.many)
            ]
        found = []
        for rule in self.app.url_map.iter_rules():
            if rule.arguments != {"quote_request_id"} or "GET" not in (rule.methods or ()):
                continue
            of_two, of_five = (
                FlaskClient.open(browser, rule.rule.replace(_PLACE, str(each.id))) for each in pair
            )
            if seen_from_outside(of_two) != seen_from_outside(of_five):
                found.append(
                    f"{rule.rule}: {seen_from_outside(of_two)} {seen_from_outside(of_five)}"
                )
            if leave_out_own(_as_words(of_two.get_data())) != leave_out_own(
                _as_words(of_five.get_data())
            ):
                found.append(f"{rule.rule} reads otherwise")
        return found

    def _gather(self) -> None:
        town = self.market
        self.people = {
            "anonymous": None,
            "named clerk": town.clerk,
            "unnamed clerk": town.second_clerk,
            "unnamed approver": town.approver,
            SELLER: town.seller_admin,
            RIVAL: town.rival_admin,
        }
        with db.transaction() as session:
            self.people |= {who: factories.person(session, role) for who, role in ROLES.items()}
            home = session.get_one(Organisation, town.seller.owner_id)
            member = factories.person(session, Role.VENDOR_MEMBER, home)
            self.people[MEMBER] = member

    @property
    def known(self) -> dict[str, list[str]]:
        """The rows that an address may name."""
        town = self.market
        with db.reading() as session:
            found = quoting_queries.get_round(session, self.few)
            assert found is not None
            candidates = project_queries.list_candidates(session, found.pack_id)
            asked = quoting_queries.list_invitations(session, self.few)
            questions = quoting_queries.list_questions(session, self.few)
            papers = project_queries.list_papers(session, found.project_id)
            files = project_queries.list_paper_files(
                session, [each.id for each in papers], with_content=False
            )
            request = contract_queries.latest_request(session, found.project_id)
            contract = contract_queries.find_contract_of(session, request.id) if request else None
        later = {"request_id": request, "contract_id": contract}
        return {
            **{name: each[:1] for name, each in (self.rows.places if self.rows else {}).items()},
            **{name: [str(each.id)] for name, each in later.items() if each},
            "paper_id": [str(each.paper_id) for each in files],
            "paper_format": [each.format for each in files],
            "project_id": [str(found.project_id)],
            "candidate_id": [str(each.id) for each in candidates if each.is_excluded],
            "revision": ["1"],
            "round_id": [str(self.few)],
            "quote_request_id": [str(each.id) for each in asked],
            "question_id": [str(each.id) for each in questions],
            "listing_version_id": [str(town.cheap.id)],
        }

    def ask_as(self, *roles: str, everywhere: bool = False, only: tuple[str, ...] = ()) -> None:
        """Open every address of the purchase as these people, or all that the site has, or these."""
        for who in roles:
            if who not in self.crawlers:
                browser, person = self.market.new_client(), self.people[who]
                if person is not None:
                    factories.sign_in_client(browser, person)
                self.crawlers[who] = Crawler(browser)
            ask_everything(
                self.watch, who, self.crawlers[who], self.app, self.known,
                is_wanted=choose_rules(everywhere=everywhere, only=only),
            )  # fmt: skip
            if everywhere:
                del self.crawlers[who]  # who asks for everything signs out at the end

    def break_down(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the database fail while the price is saved: page and log say nothing of it."""

        def fail(_row_id: object, amount: int, basis: str) -> bytes:
            with db.reading() as session:
                session.execute(sa.text("SELECT :amount, :basis FROM nowhere"),
                                {"amount": amount, "basis": basis})  # fmt: skip
            raise AssertionError

        way = f"/projects/{self.market.project().id}/estimated-price"
        with monkeypatch.context() as broken:
            broken.setattr(vault, "lock", fail)
            broken.setattr(services, "can_prepare", lambda *_: True)
            broken.setattr(type(self._estimate()), "expect", lambda *_: None)
            client = self.market.as_(self.market.clerk)
            typed = {"version": "3", "amount": str(PRICE), "basis": BASIS}
            answer = client.post(way, data=typed)
        assert answer.status_code == 500
        self.watch.look("named clerk", "error page", answer.text)

    def _estimate(self) -> object:
        with db.reading() as session:
            return queries.get_estimate(session, self.market.project().id)

    def look_into_the_house(self, log: str) -> None:
        """Search the log, every letter and every row."""
        self.read_what_left(log)
        look_into_rows(self.watch)

    def read_what_left(self, log: str) -> None:
        """Search the log and every letter."""
        self.watch.look("whoever reads the log", "log", log)
        for subject, letters in empty_letterbox(self.market.settings).items():
            for letter in letters:
                # As it is read: on the way its words are packed.
                read = f"{dict(letter.items())}\n{letter.get_content()}"
                self.watch.look("whoever gets a letter", f"letter {subject}", read)

    def open_quotes(self) -> None:
        """Open the quotes by two: from here on the body may read them; call it after the deadline."""
        town = self.market
        for person, role in ((town.clerk, Role.CLERK), (town.approver, Role.APPROVER)):
            with db.transaction() as session:
                found = quoting_queries.get_round(session, self.few)
                assert found is not None
                actor = town.actor(person, role)
                quoting_services.open_round(session, actor, town.settings, found)
        body = {"named clerk", "unnamed clerk", "unnamed approver", HOLDER}
        self._let_read(QUOTES, body)
        self.crawlers.clear()  # the sign-ins of before the deadline are over

    def go_on(self, state: str) -> None:
        """Bring the purchase to the next state behind the opening; when it ends, an auditor may read."""
        ACTS[state](self.market)
        if state == "sent":
            self.watch.allowed += ALLOWED
        if state == "ended":
            self._let_read(("estimated price", "basis of the price", *QUOTES), {"auditor"})

    def _let_read(self, names: tuple[str, ...], readers: set[str]) -> None:
        self.watch.canaries = [
            replace(each, readers=each.readers | readers) if each.name.startswith(names) else each
            for each in self.watch.canaries
        ]
