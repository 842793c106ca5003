"""A declared conflict binds in every role and on every version of the offering."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from accounts.models import Membership, Person, Role
from accounts.permissions import Permission, can
from catalog.certification import queries, services
from catalog.certification.models import Opinion, ReviewState
from catalog.offerings.services import approve_version
from core import db
from core.clock import today_jst
from core.errors import Invalid, NotFound
from tests import factories
from tests.catalog.certification.conftest import SETTINGS, Stage, decide, declare, load, submit
from tests.catalog.certification.test_proceedings import act, measure, submit_next_version
from tests.catalog.certification.test_services import state_of


def test_reviewer_with_a_conflict_decides_nothing_as_a_lead_either(stage: Stage) -> None:
    certification_id = submit(stage)
    with db.transaction() as session:
        factories.membership(session, stage.reviewers[0], Role.LEAD_REVIEWER, stage.agency)
        third = factories.person(session, Role.REVIEWER, stage.agency, name="審査 五")
        ids = [person.id for person in stage.reviewers]
        services.assign(session, stage.lead(), load(session, certification_id), *ids)
    both = replace(stage.reviewer(0), grantees=frozenset({Role.REVIEWER, Role.LEAD_REVIEWER}))
    with pytest.raises(NotFound):
        act(services.raise_finding, both, certification_id, requirement_id=None, words="指摘。")
    with db.reading() as session:
        review = load(session, certification_id)
        assert not can(both, Permission.CERTIFICATION_READ, review)
        assert can(both, Permission.CERTIFICATION_DECLARE, review)
        assert can(stage.lead(), Permission.CERTIFICATION_READ, review)
    declare(both, certification_id, "前の職場です。")
    act(services.reassign, stage.lead(), certification_id,
        place="first", person_id=third.id, reason="空いたため。")  # fmt: skip
    for reviewer in (factories.actor(third, Role.REVIEWER, stage.agency), stage.reviewer(1)):
        declare(reviewer, certification_id)
        act(services.recommend, reviewer, certification_id,
            opinion=Opinion.REFUSE, reason="足りない。")  # fmt: skip
    with pytest.raises(NotFound):
        act(services.approve_claim, both, certification_id)
    with pytest.raises(NotFound):
        decide(both, certification_id, Opinion.REFUSE)
    decide(stage.lead(), certification_id, Opinion.REFUSE)
    act(services.file_appeal, stage.company.acts(), certification_id, reason="不服です。")
    with pytest.raises(NotFound):
        act(services.decide_appeal, both, certification_id, SETTINGS, upheld=True, reason="よい。")
    assert state_of(certification_id) is ReviewState.REFUSED


IN_A_WEEK = today_jst() + timedelta(days=7)


def conflicted_lead(stage: Stage, certification_id: UUID) -> Person:
    """A reviewer who declared a conflict, was replaced, and is a lead as well."""
    person = stage.reviewers[0]
    with db.transaction() as session:
        third = factories.person(session, Role.REVIEWER, stage.agency, name="審査 五")
        ids = [each.id for each in stage.reviewers]
        services.assign(session, stage.lead(), load(session, certification_id), *ids)
    declare(stage.reviewer(0), certification_id, "前の職場です。")
    act(services.reassign, stage.lead(), certification_id,
        place="first", person_id=third.id, reason="利害関係のため。")  # fmt: skip
    for reviewer in (factories.actor(third, Role.REVIEWER, stage.agency), stage.reviewer(1)):
        declare(reviewer, certification_id)
        act(services.recommend, reviewer, certification_id,
            opinion=Opinion.CERTIFY, reason="よい。")  # fmt: skip
    decide(stage.lead(), certification_id)
    with db.transaction() as session:
        for row in session.exec(select(Membership).where(Membership.person_id == person.id)):
            row.ended_at = db.now(session)
        factories.membership(session, person, Role.LEAD_REVIEWER, stage.agency)
    return person


def test_conflict_binds_a_lead_on_the_whole_family_of_versions(stage: Stage) -> None:
    first_id = submit(stage)
    person = conflicted_lead(stage, first_id)
    second_id = submit_next_version(stage)
    lead = factories.actor(person, Role.LEAD_REVIEWER, stage.agency)
    with pytest.raises(NotFound):
        act(services.assign, lead, second_id,
            first_id=stage.leads[0].id, second_id=stage.leads[1].id)  # fmt: skip
    with db.transaction() as session:
        factories.membership(session, person, Role.REVIEWER, stage.agency)
        new = factories.person(session, Role.REVIEWER, stage.agency, name="審査 六")
        eligible = queries.list_eligible_reviewers(session, load(session, second_id))
        assert person.id not in {each.id for each in eligible}
    with pytest.raises(Invalid):
        act(services.assign, stage.lead(), second_id, first_id=person.id, second_id=new.id)
    pair = {"first_id": stage.reviewers[1].id, "second_id": new.id}
    act(services.assign, stage.lead(), second_id, **pair)
    for measured in (services.suspend, services.propose_revocation):
        with pytest.raises(NotFound):
            measure(measured, lead, first_id)
    with pytest.raises(NotFound):
        measure(services.cover, lead, second_id)
    with pytest.raises(NotFound):
        act(services.raise_finding, lead, second_id, requirement_id=None, words="指摘。")
    with pytest.raises(NotFound):
        act(services.request_info, lead, second_id, reason="説明。", due_on=IN_A_WEEK)
    with pytest.raises(NotFound), db.transaction() as session:
        approve_version(session, lead, load(session, second_id).offering_version)
    measure(services.suspend, stage.lead(), first_id)
    with pytest.raises(NotFound):
        measure(services.resume, lead, first_id)


@pytest.mark.sqlite_only
def test_conflict_closes_every_page_of_the_offering_to_a_lead(
    stage: Stage, client, new_client
) -> None:
    first_id = submit(stage)
    person = conflicted_lead(stage, first_id)
    second_id = submit_next_version(stage)
    with db.reading() as session:
        other = load(session, second_id).offering_version_id
    unbound = new_client()
    factories.sign_in_client(client, person, stage.agency)
    factories.sign_in_client(unbound, stage.leads[0], stage.agency)
    pages = [
        f"/reviews/{first_id}", f"/reviews/{second_id}", f"/reviews/{second_id}/assign",
        f"/reviews/{first_id}/suspend", f"/vendor/offerings/{other}/answers",
        f"/vendor/offerings/{other}/checks",
    ]  # fmt: skip
    assert {path: unbound.get(path).status_code for path in pages} == dict.fromkeys(pages, 200)
    assert {path: client.get(path).status_code for path in pages} == dict.fromkeys(pages, 404)
    for path in ("/reviews", "/"):
        assert str(second_id) in unbound.get(path).text
        assert str(second_id) not in client.get(path).text


def test_member_of_the_company_reads_nothing_as_a_lead(stage: Stage) -> None:
    first_id = submit(stage)
    with db.transaction() as session:
        person = stage.leads[1]
        factories.membership(session, person, Role.VENDOR_MEMBER, stage.company.home)
        review = load(session, first_id)
        homes = frozenset({stage.agency.id, stage.company.home.id})
        lead = replace(stage.lead(1), organisation_ids=homes)
        for permission in Permission:
            noun = permission.value.partition(".")[0]
            if noun == "certification" and permission is not Permission.CERTIFICATION_QUEUE:
                assert not can(lead, permission, review), permission
    with pytest.raises(NotFound):
        measure(services.suspend, lead, first_id)
