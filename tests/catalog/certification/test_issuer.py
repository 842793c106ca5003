"""Whose people reviewed and decided stays on the certificate, wherever they work today."""

import io
import json
from datetime import timedelta

import pytest
from pypdf import PdfReader
from sqlmodel import select

from accounts.models import Membership, Organisation, OrganisationKind, Role
from catalog.certification import queries
from catalog.offerings.models import OfferingVersion
from core import db
from tests import factories
from tests.catalog.certification.conftest import Stage, load, publish
from tests.catalog.certification.test_proceedings import make_certified
from tests.page_checks import text_of


def move_everybody(session, agency: Organisation) -> str:
    """End all roles at an agency, give its people new ones elsewhere, and rename it."""
    elsewhere = factories.organisation(session, OrganisationKind.AGENCY, name="見本の別の庁")
    rows = session.exec(select(Membership).where(Membership.organisation_id == agency.id)).all()
    moment = db.now(session) + timedelta(days=1)
    for row in rows:
        row.ended_at = moment
        new = {"organisation_id": elsewhere.id, "role": row.role, "created_at": moment}
        session.add(Membership(person_id=row.person_id, **new))
    kept = session.get_one(Organisation, agency.id)
    before, kept.name = kept.name, "見本の改称後の庁"
    return before


@pytest.mark.query_budget(40)
def test_certificate_names_the_organisations_of_the_decision(stage: Stage, client) -> None:
    certification_id = make_certified(stage)
    publish(stage)
    with db.transaction() as session:
        before = move_everybody(session, stage.agency)
        number = load(session, certification_id).number
    page = text_of(client.page(f"/certificates/{number}"))
    pdf = PdfReader(io.BytesIO(client.get(f"/certificates/{number}.pdf").data))
    printed = "".join(each.extract_text() for each in pdf.pages)
    for words in (page, printed.replace("\n", "")):
        assert before in words
        assert "見本の別の庁" not in words
        assert "見本の改称後の庁" not in words
    data = json.loads(
        client.get(f"/certificates/{number}", headers={"Accept": "application/json"}).data
    )
    assert data["reviewed_by"] == [before]


def test_older_certificates_name_where_their_people_belonged_then(database) -> None:
    with db.transaction() as session:
        maker, version = factories.vendor(session), factories.specification(session)
        made = factories.offering(session, maker, version)
        covered = session.get_one(OfferingVersion, made.offering_version_id)
        old = factories.certification(session, covered)
        roles = Membership.person_id == old.first_reviewer_id
        agency_id = session.exec(select(Membership.organisation_id).where(roles)).one()
        agency = session.get_one(Organisation, agency_id)
        old.decided_at = db.now(session) + timedelta(minutes=1)
        session.flush()
        before = move_everybody(session, agency)
        agency.name = before
        session.flush()
        session.add(Membership(person_id=old.decided_by_id, organisation_id=maker.owner_id,
                               role=Role.VENDOR_MEMBER))  # fmt: skip
        assert old.results == {}
        assert queries.agencies_of(session, old) == [before]
        old.decided_at -= timedelta(days=900)  # from before anybody's role was recorded
        session.flush()
        assert queries.agencies_of(session, old) == sorted([before, "見本の別の庁"])
