"""What a body keeps of its purchases."""

from datetime import date

import pytest
from sqlmodel import Session

from accounts.models import Role
from core import db
from core.db import now
from procurement.contracts import models as contracts
from procurement.contracts.models import RequestState
from procurement.contracts.services import registering
from procurement.projects import models as projects
from procurement.selection.models import Selection
from tests.isolation.world import World, all_of
from tests.procurement import conftest as purchase


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
            Selection,
            contracts.UsageContractRequest,
            contracts.Contract,
        ):
            rows = all_of(session, model)
            world.planter.keep(model.__tablename__, *(row.id for row in rows))


def plant_purchases(world: World, session: Session) -> None:
    """Plant purchases at which the body still keeps its choice from the very company that is chosen."""
    town, planter = world.market, world.planter
    owner = {"owner_id": town.body.id}
    clerk, approver = town.clerk.id, town.approver.id
    for state in (RequestState.DRAFT, RequestState.SUBMITTED, RequestState.APPROVED):
        edited = {"created_by_id": clerk, "last_editor_id": clerk}
        project = planter.plant(session, projects.Project, **edited, **owner)
        of = {"project_id": project.id, **owner}
        pack = planter.plant(session, projects.EvidencePack, locked_by_id=clerk, **of)
        chosen = {"pack_id": pack.id, "listing_version_id": town.other.id}
        excluded = {"excluded_at": now(session), "excluded_by_id": clerk}
        planter.plant(session, projects.Candidate, **chosen, **excluded)
        proposed = {"proposed_by_id": clerk, "last_editor_id": clerk, "decided_by_id": approver}
        selection = planter.plant(session, Selection, **of, **chosen, **proposed)
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
