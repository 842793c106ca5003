"""What a body keeps of its purchases."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from accounts.models import Role
from core import db
from core.db import now
from procurement.bodies.models import ApprovalStep, BodyRuleSet
from procurement.contracts import models as contracts
from procurement.contracts.models import RequestState
from procurement.contracts.services import registering
from procurement.estimates.models import EstimatedPrice
from procurement.notices import models as notices
from procurement.projects import models as projects
from procurement.projects import paper_models as papers
from procurement.projects.evaluation_models import (
    Evaluation,
    EvaluationAction,
    EvaluationBasis,
    EvaluationCriterion,
    EvaluationScore,
)
from procurement.quoting import models as quoting
from procurement.quoting.models import RoundState
from procurement.selection.models import ExternalDecision, PriceSource, Selection
from tests import factories
from tests.isolation.world import World, all_of
from tests.procurement import conftest as purchase
from vendors.models import Vendor


def buy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Buy from need to contract by the services, each word typed on the way being a marker."""
    town, planter = world.market, world.planter
    for name in ("PROJECT", "SELECTION", "REQUEST"):
        typed = planter.filled(name.lower(), getattr(purchase, name))
        typed.update({"bidder_list": "listed"} if name == "REQUEST" else {})
        monkeypatch.setattr(purchase, name, typed)
    town.reach_accepted()
    with db.transaction() as session:
        request = town.load_request(session)
        registering.register_contract(
            session,
            town.actor(town.clerk, Role.CLERK),
            request,
            version=request.version,
            number=planter.word("contracts.number"),
            signed_on=date(2026, 11, 4),
            starts_on=date(2027, 4, 1),
            ends_on=date(2030, 3, 31),
            signed_record_sha256="5" * 64,
            signed_record_name=planter.word("contracts.signed_record_name"),
        )
    _keep_rows(world)


def _keep_rows(world: World) -> None:
    with db.reading() as session:
        for model in (
            projects.Project,
            projects.EvidencePack,
            projects.Candidate,
            papers.ProjectPaper,
            papers.PaperFile,
            Selection,
            contracts.UsageContractRequest,
            contracts.Contract,
        ):
            rows = all_of(session, model)
            world.planter.keep(model.__tablename__, *(row.id for row in rows))


def plant_purchases(world: World, session: Session) -> None:
    """Plant purchases at which the body still keeps its choice from the very company that is chosen."""
    factories.thaw(session)  # rows in states that only acts would reach
    town, planter = world.market, world.planter
    owner = {"owner_id": town.body.id}
    clerk, approver = town.clerk.id, town.approver.id
    rules = planter.plant(session, BodyRuleSet, organisation_id=town.body.id, proposed_by_id=clerk)
    planter.plant(session, ApprovalStep, body_rules_id=rules.id)
    unpublished = {"state": notices.NoticeState.PREPARED, "published_by_id": None}
    for contract in all_of(session, contracts.Contract)[:1]:
        planter.plant(
            session,
            notices.ContractNotice,
            contract_id=contract.id,
            prepared_by_id=clerk,
            published_at=None,
            withdrawn_by_id=None,
            withdrawn_at=None,
            **unpublished,
            **owner,
        )
    for state in (RequestState.DRAFT, RequestState.SUBMITTED, RequestState.APPROVED):
        edited = {"created_by_id": clerk, "last_editor_id": clerk}
        searching = {"state": projects.ProjectState.SEARCHING}
        project = planter.plant(session, projects.Project, **searching, **edited, **owner)
        planter.plant(session, projects.ProjectCondition, project_id=project.id)
        of = {"project_id": project.id, **owner}
        planter.plant(session, EstimatedPrice, created_by_id=clerk, last_editor_id=clerk, **of)
        pack = planter.plant(session, projects.EvidencePack, locked_by_id=clerk, **of)
        chosen = {"pack_id": pack.id, "listing_version_id": town.other.id}
        condition = planter.plant(session, projects.EvidenceCondition, pack_id=pack.id)
        excluded = {"excluded_at": now(session), "excluded_by_id": clerk}
        cited = {"condition_key": condition.key, "excluded_uncited": False}
        planter.plant(session, projects.Candidate, **chosen, **excluded, **cited)
        _plant_evaluation(world, session, pack, last_editor_id=clerk)
        paper = planter.plant(session, papers.ProjectPaper, made_by_id=clerk, **of)
        planter.plant(session, papers.PaperFile, paper_id=paper.id, format="pdf")
        proposed = {"proposed_by_id": clerk, "last_editor_id": clerk, "decided_by_id": approver}
        listed = {"quote_id": None, "price_source": PriceSource.LIST}
        selection = planter.plant(session, Selection, **of, **chosen, **proposed, **listed)
        planter.plant(
            session,
            ExternalDecision,
            selection_id=selection.id,
            recorded_by_id=approver,
            prepared_by_id=clerk,
            last_editor_id=clerk,
            **of,
        )
        request = planter.plant(
            session,
            contracts.UsageContractRequest,
            selection_id=selection.id,
            addressee_id=town.rival.owner_id,
            seller_id=town.rival.id,
            state=state,
            last_editor_id=clerk,
            sent_sha256="",
            **of,
        )
        planter.plant(session, contracts.RequestDocument, request_id=request.id)
        if state is RequestState.DRAFT:
            plant_round(world, session, project, pack, town.rival)
        else:
            plant_quote(world, session, plant_round(world, session, project, pack, town.seller))


def plant_round(
    world: World,
    session: Session,
    project: projects.Project,
    pack: projects.EvidencePack,
    asked: Vendor,
) -> quoting.QuoteInvitation:
    """Plant a round that is drafted and not yet sent to the company that it asks."""
    town, planter = world.market, world.planter
    chosen = {"pack_id": pack.id, "listing_version_id": town.cheap.id}
    planter.plant(session, projects.Candidate, rank=2, **chosen)
    of = {"project_id": project.id, "pack_id": pack.id, "owner_id": town.body.id}
    drafted = planter.plant(session, quoting.QuoteRound, last_editor_id=town.clerk.id, **of)
    return planter.plant(
        session,
        quoting.QuoteInvitation,
        round_id=drafted.id,
        body_id=town.body.id,
        addressee_id=asked.owner_id,
        seller_id=asked.id,
        outcome=None,
        **chosen,
    )


def plant_quote(world: World, session: Session, asked: quoting.QuoteInvitation) -> None:
    """Send the round and plant what hangs on it: a sealed quote, a question, a later deadline, a mark."""
    town, planter = world.market, world.planter
    sent = session.get_one(quoting.QuoteRound, asked.round_id)
    sent.state, sent.sent_at, sent.approved_by_id = RoundState.SENT, now(session), town.approver.id
    session.flush()
    of = {"round_id": sent.id, "owner_id": town.body.id}
    sealed = dict.fromkeys(("content", "total", "tax"))
    asker = town.seller_admin.id
    quote = planter.plant(
        session,
        quoting.Quote,
        invitation_id=asked.id,
        round_id=sent.id,
        owner_id=town.seller.owner_id,
        **sealed,
    )
    planter.plant(session, quoting.QuoteRevision, quote_id=quote.id, submitted_by_id=asker)
    planter.plant(session, quoting.Question, invitation_id=asked.id, asked_by_id=asker, **of)
    later = now(session) + timedelta(days=1)
    planter.plant(
        session, quoting.QuoteExtension, proposed_by_id=town.clerk.id, deadline_at=later, **of
    )
    planter.plant(
        session, quoting.QuoteOpening, first_by_id=town.approver.id, opened_set_sha256="", **of
    )


def _plant_evaluation(
    world: World, session: Session, pack: projects.EvidencePack, **edited: Any
) -> None:
    planter = world.planter
    other = {"pack_id": pack.id, "listing_version_id": world.market.dear.id, "rank": 3}
    open_row = {"condition_key": None, "excluded_at": None}
    candidate = planter.plant(session, projects.Candidate, **other, **open_row)
    weighted = {"basis": EvaluationBasis.WEIGHTED, "pack_id": pack.id}
    of = {"project_id": pack.project_id, **weighted}
    evaluation = planter.plant(session, Evaluation, **of, **edited)
    criterion = planter.plant(session, EvaluationCriterion, evaluation_id=evaluation.id, weight=100)
    fixed_by = edited["last_editor_id"]
    evaluation.apply(EvaluationAction.FIX, fixed_by_id=fixed_by, fixed_at=now(session))
    planter.plant(
        session,
        EvaluationScore,
        evaluation_id=evaluation.id,
        criterion_id=criterion.id,
        candidate_id=candidate.id,
    )
