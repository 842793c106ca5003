"""Hold what an act of a project depends on until its commit."""

import uuid
from typing import TypeVar

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.certification.queries import hold_certificates
from catalog.offerings.models import Listing, ListingVersion, OfferingVersion
from core.errors import NotFound, WrongState
from core.models import Model
from procurement.projects import queries
from procurement.projects.models import EvidencePack, Project, ProjectState
from vendors.models import Vendor

Row = TypeVar("Row", bound=Model)


def lock_listing(session: Session, listing_version_id: uuid.UUID) -> ListingVersion:
    """Hold a listing version, what it offers, its certificate and its seller until the commit.

    The certificate comes first, as in the acts of the agency.
    """
    known = session.get_one(ListingVersion, listing_version_id)
    hold_certificates(session, known.offering_version_id)
    version = _hold(session, ListingVersion, listing_version_id)
    _hold(session, OfferingVersion, version.offering_version_id)
    _hold(session, Vendor, session.get_one(Listing, version.listing_id).seller_id)
    return version


def _hold(session: Session, model: type[Row], row_id: uuid.UUID) -> Row:
    return session.get_one(model, row_id, with_for_update={"read": True}, populate_existing=True)


def begin_narrowing(
    session: Session, actor: Actor, project_id: uuid.UUID
) -> tuple[Project, EvidencePack]:
    """Hold a project whose search is locked and not yet compared, with its newest pack."""
    project = queries.get_project(session, project_id, for_update=True)
    if project is None:
        raise NotFound
    require(session, actor, Permission.PROJECT_EDIT, project)
    pack = queries.latest_pack(session, project.id)
    if pack is None or project.state is not ProjectState.EVIDENCE_LOCKED:
        raise WrongState(
            project.MACHINE.wrong_state_sentence(project.state), state=project.state.value
        )
    return project, pack
