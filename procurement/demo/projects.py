"""The sample cases of bodies, one in each state: searched, locked, compared, chosen, requested."""

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import Organisation
from catalog.offerings.queries import load_listing_versions
from catalog.price_plan import TaxRounding
from core.clock import day_in_japan
from core.db import now
from core.errors import NotFound
from core.japanese import fiscal_year
from procurement.bodies import services as bodies
from procurement.bodies.methods import Ground
from procurement.bodies.models import NUMBER_PATTERN, ContractCategory
from procurement.contracts import queries as request_queries
from procurement.contracts import services as contracts
from procurement.contracts.documents import make_document
from procurement.contracts.models import BidderList, UsageContractRequest
from procurement.demo.publishing import NoticeActs
from procurement.demo.quotes import OPENED_DAYS, Asking
from procurement.demo.story import Story, Timeline
from procurement.demo.world import Row, World, read_rows
from procurement.projects import queries
from procurement.projects import services as projects
from procurement.projects.costs import term_of
from procurement.projects.evaluation_models import EvaluationBasis
from procurement.projects.models import ContractTermBasis, Project
from procurement.projects.searching import make_kept_query
from procurement.projects.weighing import (
    PRICE_HOW,
    PRICE_NAME,
    Criterion,
    CriterionKey,
    Score,
)
from procurement.selection import services as selection
from search import queries as search

_LATEST_START = date(2027, 3, 1)
_ANSWER_DAYS = 30
_RULES_BEFORE = timedelta(days=60)
_LOCKED = (
    "evidence_locked",
    "compared",
    "quoting",
    "quotes_opened",
    "selection_proposed",
    "selection_approved",
    "closed",
)
_COMPARED = _LOCKED[1:]
_ASKED = ("quoting", "quotes_opened")
_PROPOSED = _LOCKED[4:]


def plan_projects(timeline: Timeline, world: World, today: date) -> None:
    """Plan every sample case backwards from today, so that open requests are still open."""
    last = min(today, _LATEST_START)
    rows = read_rows("demo_projects.toml", "projects")
    for body in dict.fromkeys(row["body"] for row in rows):
        row = next(each for each in rows if each["body"] == body)
        timeline.plan(last - _RULES_BEFORE, partial(_lay_down_rules, world=world, row=row))
    for number, row in enumerate(rows):
        ProjectStory(world, row).plan(Story(timeline, last - timedelta(days=30 - number)), last)


def _lay_down_rules(session: Session, *, world: World, row: Row) -> None:
    """Let the clerk propose and the approver confirm the sample rules of their body."""
    where = f"body:{row['body']}"
    clerk = world.actor(session, row["clerk"], where)
    name = session.get_one(Organisation, clerk.organisation_id).name
    made = bodies.propose_rules(
        session,
        clerk,
        valid_from=day_in_japan(now(session)),
        source=f"{name}契約規則（見本）",
        saas_category=ContractCategory.SERVICES,
        rounding=TaxRounding.WHOLE,
        long_term_allowed=True,
        long_term_max_months=60,
        long_term_source=f"{name}長期継続契約を締結することができる契約を定める条例第2条（見本）",
        quotes_at_least=2,
        designated_at_least=3,
        single_quote_up_to=100_000,
        sheet_omitted_up_to=300_000,
        head_title=f"{name}長",
        head_name="見本　一郎",
        department="総務課情報係（見本）",
        address=f"{name}見本1番地1",
        phone="0000-00-0000",
        number_pattern=NUMBER_PATTERN,
        ceilings={},
        bands=[
            bodies.RouteBand(500_000, ("係長",), (), "課長"),
            bodies.RouteBand(None, ("係長", "課長"), ("財政課長",), f"{name}長"),
        ],
    )
    approver = world.actor(session, row["approver"], where)
    bodies.confirm_rules(session, approver, made, version=made.version)


class ProjectStory:
    """One case of one body."""

    def __init__(self, world: World, row: Row) -> None:
        self._world, self._row = world, row
        self._project_id: uuid.UUID | None = None

    def plan(self, story: Story, last: date) -> None:
        """Plan the acts up to the state of the case."""
        state, row = self._row["state"], self._row
        story.then(None, self._open)
        if "conditions" in row:
            story.then(None, self._set_conditions)
        if state != "draft":
            story.then(story.day + timedelta(days=1), self._search)
        if state == "none_suitable":
            story.then(story.day + timedelta(days=1), self._find_none)
        if state == "cancelled":
            story.then(story.day + timedelta(days=1), self._cancel)
        self._plan_choice(story)
        if "request" in row:
            for act in (self._write_request, self._approve_request, self._send):
                story.then(min(last, story.day + timedelta(days=1)), act)
        if "contract" in row:
            story.then(min(last, story.day + timedelta(days=2)), self._accept)
            story.then(None, self._register)
        if "notice" in row:
            told = NoticeActs(self._request, self._clerk, self._approver, row["notice"])
            for each in told.list():
                story.then(None, each)

    def _plan_choice(self, story: Story) -> None:
        state = self._row["state"]
        if state in _LOCKED:
            story.then(story.day + timedelta(days=1), self._lock)
            story.then(None, self._exclude_others)
            if "evaluation" in self._row:
                story.then(None, self._fix_weights)
                story.then(None, self._score)
        if state in _COMPARED:
            story.then(story.day + timedelta(days=1), self._compare)
        if state in _ASKED:
            self._plan_quotes(story)
        if state in _PROPOSED:
            story.then(story.day + timedelta(days=1), self._propose)
        if state in _PROPOSED[1:]:
            story.then(story.day + timedelta(days=1), self._approve)

    def _plan_quotes(self, story: Story) -> None:
        """Ask for quotes; where they were opened, both openers come after the deadline."""
        acts = [Asking.ask, Asking.send, Asking.quote]
        story.then(story.day + timedelta(days=1), self._ask(acts[0]))
        for act in acts[1:]:
            story.then(None, self._ask(act))
        if self._row["state"] == "quotes_opened":
            story.then(story.day + timedelta(days=OPENED_DAYS + 1), self._ask(Asking.mark))
            story.then(None, self._ask(Asking.open))

    def _ask(self, act: Callable[[Asking, Session], None]) -> Callable[[Session], None]:
        def run(session: Session) -> None:
            act(Asking(self._world, self._row, self._project(session).id), session)

        return run

    # --- the clerk -------------------------------------------------------------------------------

    def _clerk(self, session: Session) -> Actor:
        return self._world.actor(session, self._row["clerk"], f"body:{self._row['body']}")

    def _approver(self, session: Session) -> Actor:
        return self._world.actor(session, self._row["approver"], f"body:{self._row['body']}")

    def _project(self, session: Session) -> Project:
        if self._project_id is None:
            raise NotFound
        found = queries.get_project(session, self._project_id, for_update=True)
        if found is None:
            raise NotFound
        return found

    def _open(self, session: Session) -> None:
        row = self._row
        starts_on, months = row.get("start_on", date(2027, 4, 1)), row.get("months", 12)
        within_year = months <= 12 - (starts_on.month - 4) % 12
        key = row.get("specification"), row.get("specification_version")
        self._project_id = projects.create_project(
            session,
            self._clerk(session),
            title=row["title"],
            need=row["need"],
            starts_on=max(starts_on, date(fiscal_year(day_in_japan(now(session))), 4, 1)),
            term_months=months,
            term_basis=(
                ContractTermBasis.SINGLE_YEAR if within_year else ContractTermBasis.LONG_TERM
            ),
            budget_line="公共施設の管理費・委託料（見本）",
            category=ContractCategory.SERVICES,
            specification_version_id=self._world.specifications.get(key),  # type: ignore[arg-type]
        ).id

    def _search(self, session: Session) -> None:
        row, project = self._row, self._project(session)
        choices = search.list_facet_choices(session)
        told: dict[str, Any] = {name: [] for name in choices}
        told |= {
            "q": row["query"],
            "sort": "relevance",
            "cost_max": None,
            "specification": [f"{row['specification']}|{row['specification_version']}"],
            "certification": row["filters"]["certification"],
            "size_class": row["filters"]["size_classes"],
        }
        query = make_kept_query(session, told, choices, project.owner.population)
        projects.save_search(
            session, self._clerk(session), project, version=project.version, query=query
        )

    def _lock(self, session: Session) -> None:
        project = self._project(session)
        engine = search.get_engine(self._world.settings)
        projects.lock_evidence(
            session, self._clerk(session), project, engine, version=project.version
        )

    def _set_conditions(self, session: Session) -> None:
        project = self._project(session)
        typed = {name: "\n".join(lines) for name, lines in self._row["conditions"].items()}
        projects.set_conditions(
            session, self._clerk(session), project, version=project.version, **typed
        )

    def _exclude_others(self, session: Session) -> None:
        project = self._project(session)
        pack = queries.latest_pack(session, project.id)
        candidates = queries.list_candidates(session, pack.id) if pack else []
        wanted = {self._listing(key) for key in self._row["candidates"]}
        versions = load_listing_versions(session, [each.listing_version_id for each in candidates])
        others = [
            each.id
            for each in candidates
            if versions[each.listing_version_id].listing_id not in wanted
        ]
        if others:
            projects.exclude_candidates(
                session,
                self._clerk(session),
                project,
                version=project.version,
                candidate_ids=others,
                condition_key=self._row.get("other_hits_condition", "案-1"),
                reason=self._row["other_hits_reason"],
            )

    def _fix_weights(self, session: Session) -> None:
        told = self._row["evaluation"]
        weighed = [Criterion(n, *each) for n, each in enumerate(told["criteria"], start=1)]
        price = Criterion(len(weighed) + 1, PRICE_NAME, told["price"], PRICE_HOW, is_price=True)
        projects.set_evaluation(
            session,
            self._clerk(session),
            self._project(session),
            version=0,
            basis=EvaluationBasis.WEIGHTED,
            criteria=[*weighed, price],
            is_final=True,
        )

    def _score(self, session: Session) -> None:
        project = self._project(session)
        pack = queries.latest_pack(session, project.id)
        view = None if pack is None else projects.evaluation_of(session, pack.id)
        if pack is None or view is None:
            raise NotFound
        candidates = queries.remaining_candidates(session, pack.id)
        versions = load_listing_versions(session, [each.listing_version_id for each in candidates])
        scores: dict[CriterionKey, Score | None] = {}
        for candidate in candidates:
            listing_id = versions[candidate.listing_version_id].listing_id
            for key, given in self._row["evaluation"].get("scores", {}).items():
                if self._listing(key) == listing_id:
                    for criterion, (points, note) in zip(view.typed_criteria, given, strict=True):
                        if criterion.id is not None:
                            scores[candidate.id, criterion.id] = Score(points, note)
        if scores:
            who = self._clerk(session)
            version = view.version
            projects.save_scores(session, who, project, version=version, scores=scores)

    def _listing(self, key: str) -> uuid.UUID:
        offering, _, seller = key.partition("--")
        return self._world.listings[offering, seller]

    def _compare(self, session: Session) -> None:
        project = self._project(session)
        projects.confirm_comparison(session, self._clerk(session), project, version=project.version)

    def _propose(self, session: Session) -> None:
        project, chosen = self._project(session), self._row["selection"]
        pack = queries.latest_pack(session, project.id)
        candidates = queries.list_candidates(session, pack.id) if pack else []
        versions = load_listing_versions(session, [each.listing_version_id for each in candidates])
        wanted = self._listing(chosen["listing"])
        candidate = next(
            each for each in candidates if versions[each.listing_version_id].listing_id == wanted
        )
        selection.propose_selection(
            session,
            self._clerk(session),
            project,
            version=project.version,
            candidate_id=candidate.id,
            ground=Ground(chosen["ground"]),
            category=ContractCategory.SERVICES,
            reason=chosen["reason"],
            sole_source_reason=chosen["sole_source_reason"],
        )

    def _find_none(self, session: Session) -> None:
        self._end(session, contracts.find_none_suitable)

    def _cancel(self, session: Session) -> None:
        self._end(session, contracts.cancel_project)

    def _end(self, session: Session, act: Callable[..., Project]) -> None:
        project = self._project(session)
        reason = self._row["closing_reason"]
        act(session, self._clerk(session), project, version=project.version, reason=reason)

    # --- decision, request, contract -------------------------------------------------------------

    def _approve(self, session: Session) -> None:
        project = self._project(session)
        selection.approve_selection(
            session, self._approver(session), project, version=project.version
        )

    def _request(self, session: Session) -> UsageContractRequest:
        found = request_queries.latest_request(session, self._project(session).id)
        if found is None:
            raise NotFound
        return found

    def _write_request(self, session: Session) -> None:
        clerk = self._clerk(session)
        made = contracts.create_request(
            session,
            clerk,
            self._project(session),
            contact_name=clerk.person_name,
            contact_email=self._row["clerk"],
            message="導入の日程は、承諾のあとに打ち合わせをお願いします。",
            bidder_list=BidderList.LISTED,
            bidder_list_note="",
            answer_due_on=day_in_japan(now(session)) + timedelta(days=_ANSWER_DAYS),
        )
        contracts.submit_request(session, clerk, made, version=made.version)

    def _approve_request(self, session: Session) -> None:
        request = self._request(session)
        contracts.approve_request(
            session, self._approver(session), request, make_document, version=request.version
        )

    def _send(self, session: Session) -> None:
        request = self._request(session)
        settings = self._world.settings
        contracts.send_request(
            session, self._approver(session), settings, request, version=request.version
        )

    def _accept(self, session: Session) -> None:
        request = self._request(session)
        _, _, seller = self._row["selection"]["listing"].partition("--")
        actor = self._world.actor(session, f"admin@{seller}.example.jp")
        contracts.accept_request(session, actor, request, version=request.version)

    def _register(self, session: Session) -> None:
        request, contract = self._request(session), self._row["contract"]
        term = term_of(self._project(session))
        contracts.register_contract(
            session,
            self._clerk(session),
            request,
            version=request.version,
            number=contract["number"],
            signed_on=day_in_japan(now(session)),
            starts_on=term.start,
            ends_on=term.end,
            signed_record_sha256=contract["signed_record_sha256"],
            signed_record_name="利用契約書（見本）.pdf",
        )
