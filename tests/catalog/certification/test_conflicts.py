"""A person who is a reviewer and a lead reviewer at once gets around no declaration."""

from dataclasses import replace

import pytest

from accounts.models import Role
from accounts.permissions import Permission, can
from catalog.certification import services
from catalog.certification.models import Opinion, ReviewState
from core import db
from core.errors import Forbidden, NotFound
from tests import factories
from tests.catalog.certification.conftest import SETTINGS, Stage, decide, declare, load, submit
from tests.catalog.certification.test_proceedings import act
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
    with pytest.raises(Forbidden):
        act(services.approve_claim, both, certification_id)
    with pytest.raises(Forbidden):
        decide(both, certification_id, Opinion.REFUSE)
    decide(stage.lead(), certification_id, Opinion.REFUSE)
    act(services.file_appeal, stage.company.acts(), certification_id, reason="不服です。")
    with pytest.raises(Forbidden):
        act(services.decide_appeal, both, certification_id, SETTINGS, upheld=True, reason="よい。")
    assert state_of(certification_id) is ReviewState.REFUSED
