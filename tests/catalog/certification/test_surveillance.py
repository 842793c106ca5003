"""A certificate that rests on an older one: what it needs, what it says, and what ends it."""

from uuid import UUID

import pytest

from accounts.models import Role
from catalog.certification import services
from catalog.certification.documents import decision_words
from catalog.certification.models import FindingAction, Opinion, ReviewState
from catalog.offerings.models import OfferAction
from catalog.specifications.models import SpecificationState, SpecificationVersion
from catalog.terms import CertificationState
from core import db
from core.errors import GuardFailed
from tests import factories
from tests.catalog.certification.conftest import SETTINGS, Stage, assign, load, recommend
from tests.catalog.certification.test_proceedings import (
    act,
    make_certified,
    measure,
    public_state,
    submit_next_version,
    told,
)
from tests.catalog.certification.test_services import state_of


def make_covered(stage: Stage) -> tuple[UUID, UUID]:
    """Cover a changed version by the certificate of the first one; returns both ids."""
    first_id = make_certified(stage)
    second_id = submit_next_version(stage)
    assign(stage, second_id)
    recommend(stage, second_id, 0)
    measure(services.cover, stage.lead(), second_id)
    return first_id, second_id


def retire(stage: Stage) -> None:
    """Let the ministry's text be retired."""
    with db.transaction() as session:
        row = session.get_one(SpecificationVersion, stage.specification.id)
        row.state = SpecificationState.RETIRED


def test_cover_is_refused_with_findings_opinions_against_a_retired_text_or_a_withdrawn_version(
    stage: Stage,
) -> None:
    make_certified(stage)
    second_id = submit_next_version(stage)
    assign(stage, second_id)
    finding = act(services.raise_finding, stage.reviewer(0), second_id,
                  requirement_id=None, words="画面の一覧がありません。")  # fmt: skip
    recommend(stage, second_id, 0)
    with pytest.raises(GuardFailed, match="解決していない指摘が1件"):
        measure(services.cover, stage.lead(), second_id)
    act(lambda s, a, c: services.settle(s, a, c, finding.id, action=FindingAction.WITHDRAW),
        stage.reviewer(0), second_id)  # fmt: skip
    recommend(stage, second_id, 1, Opinion.REFUSE)
    with pytest.raises(GuardFailed, match="「認証しない」という審査員の意見"):
        measure(services.cover, stage.lead(), second_id)
    retire(stage)
    with pytest.raises(GuardFailed, match="廃止された標準仕様書"):
        measure(services.cover, stage.lead(), second_id)
    with db.transaction() as session:
        version = load(session, second_id).offering_version
        version.apply(OfferAction.WITHDRAW)
    with pytest.raises(GuardFailed, match="取り下げた"):
        measure(services.cover, stage.lead(), second_id)
    assert state_of(second_id) is ReviewState.RECOMMENDED


def test_certificate_goes_and_comes_back_with_the_one_it_rests_on(stage: Stage) -> None:
    first_id, second_id = make_covered(stage)
    with db.reading() as session:
        assert "審査員2名" in decision_words(load(session, first_id))
        assert "審査員2名" not in decision_words(load(session, second_id))
    measure(services.suspend, stage.lead(0), first_id, "申告と違う疑い。")
    assert {public_state(each) for each in (first_id, second_id)} == {CertificationState.SUSPENDED}
    measure(services.resume, stage.lead(0), first_id)
    assert {public_state(each) for each in (first_id, second_id)} == {CertificationState.CERTIFIED}
    measure(services.propose_revocation, stage.lead(0), first_id, "申告と違う。")
    measure(services.confirm_revocation, stage.lead(1), first_id)
    assert {public_state(each) for each in (first_id, second_id)} == {CertificationState.REVOKED}
    assert told(stage)[-2:] == ["revoked", "revoked"]
    act(services.file_appeal, stage.company.acts(), first_id, reason="不服です。")
    with db.transaction() as session:
        third = factories.person(session, Role.LEAD_REVIEWER, stage.agency)
    act(services.decide_appeal, factories.actor(third, Role.LEAD_REVIEWER, stage.agency), first_id,
        SETTINGS, upheld=True, reason="誤りだった。")  # fmt: skip
    assert {public_state(each) for each in (first_id, second_id)} == {CertificationState.CERTIFIED}


def test_nothing_is_covered_by_a_certificate_that_has_just_ended(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_id = make_certified(stage)
    second_id = submit_next_version(stage)
    assign(stage, second_id)
    recommend(stage, second_id, 0)
    measure(services.suspend, stage.lead(1), first_id)
    # As after a wait for the lock: it was in force when it was found.
    found = "catalog.certification.services.surveillance.around.find_base"
    monkeypatch.setattr(found, lambda session, _review: load(session, first_id))
    with pytest.raises(GuardFailed, match="前の版に有効な認証書がない"):
        measure(services.cover, stage.lead(), second_id)
