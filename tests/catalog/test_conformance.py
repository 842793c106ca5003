"""The roll-up of answers: what blocks, what conditions, and what each class counts."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.conformance import (
    AnswerEntry,
    IssueReason,
    Outcome,
    RequirementEntry,
    Verdict,
    every_body,
    judge_answer,
    roll_up,
)
from catalog.terms import Answer, BodyClass, RequirementClass

MUST, MAY, MUST_NOT = RequirementClass
TODAY = date(2026, 11, 1)
LATER = TODAY + timedelta(days=1)


def requirement(number=1, classes=None, counts_from=None):
    return RequirementEntry(
        id=f"R{number}",
        position=number,
        chapter="1",
        subchapter="",
        name=f"機能{number}",
        text="",
        classes=classes or every_body(MUST),
        conformity_date=counts_from,
    )


def roll_up_one(requirement_class, entry, counts_from=None):
    only = requirement(1, every_body(requirement_class), counts_from)
    return roll_up([only], {"R1": entry} if entry else {}, TODAY)


EXPLAINED = "帳票の様式を変えて対応します"


@pytest.mark.parametrize(
    ("requirement_class", "entry", "reason"),
    [
        (MUST, AnswerEntry(Answer.CONFORMS), None),
        (MUST, AnswerEntry(Answer.ALTERNATIVE, EXPLAINED), None),
        (MUST, AnswerEntry(Answer.ALTERNATIVE, " "), IssueReason.ALTERNATIVE_UNEXPLAINED),
        (MUST, AnswerEntry(Answer.CONDITIONAL, due=LATER), IssueReason.CONDITION_OPEN),
        (MUST, AnswerEntry(Answer.CONDITIONAL, due=TODAY), IssueReason.CONDITION_OPEN),
        (MUST, AnswerEntry(Answer.NOT_CONFORMING), IssueReason.NOT_CONFORMING),
        (MUST, AnswerEntry(Answer.NOT_IMPLEMENTED), IssueReason.NOT_CONFORMING),
        (MUST, AnswerEntry(Answer.NOT_APPLICABLE, EXPLAINED), IssueReason.OUT_OF_SCOPE),
        (MUST, None, IssueReason.UNANSWERED),
        (MUST_NOT, AnswerEntry(Answer.NOT_IMPLEMENTED), None),
        (MUST_NOT, AnswerEntry(Answer.CONFORMS), IssueReason.ABSENCE_UNSTATED),
        (MUST_NOT, AnswerEntry(Answer.ALTERNATIVE, EXPLAINED), IssueReason.ABSENCE_UNSTATED),
        (MUST_NOT, None, IssueReason.UNANSWERED),
        (MAY, AnswerEntry(Answer.NOT_CONFORMING), None),
        (MAY, AnswerEntry(Answer.CONDITIONAL), None),
        (MAY, None, None),
    ],
)
def test_unmet_duty_blocks_when_it_counts_and_conditions_before(requirement_class, entry, reason):
    for counts_from in (None, TODAY - timedelta(days=1), TODAY):
        now = roll_up_one(requirement_class, entry, counts_from)
        assert [each.reason for each in now.blocking] == ([reason] if reason else [])
        assert now.conditions == ()
        assert now.verdict is (Verdict.NOT_CERTIFIABLE if reason else Verdict.CERTIFIABLE)

    early = roll_up_one(requirement_class, entry, LATER)
    assert early.blocking == ()
    assert [each.reason for each in early.conditions] == ([reason] if reason else [])
    assert early.verdict is (Verdict.CONDITIONAL_ONLY if reason else Verdict.CERTIFIABLE)


@pytest.mark.parametrize("requirement_class", list(RequirementClass))
@pytest.mark.parametrize("counts_from", [None, TODAY, LATER])
def test_violation_always_rules_a_certificate_out(requirement_class, counts_from):
    result = roll_up_one(requirement_class, AnswerEntry(Answer.VIOLATES, "残す"), counts_from)

    assert result.verdict is Verdict.NOT_CERTIFIABLE
    assert [each.reason for each in result.blocking] == [IssueReason.VIOLATION]


def test_explained_alternative_is_put_before_reviewers():
    result = roll_up_one(MUST, AnswerEntry(Answer.ALTERNATIVE, EXPLAINED))

    assert [each.requirement.id for each in result.for_review] == ["R1"]
    assert result.tallies[MUST].met == 1


@pytest.mark.parametrize(
    ("promised", "due"),
    [(None, 60), (30, 30), (90, 60)],
)
def test_condition_is_due_by_the_conformity_date_or_an_earlier_promise(promised, due):
    entry = AnswerEntry(
        Answer.CONDITIONAL, due=None if promised is None else TODAY + timedelta(days=promised)
    )

    result = roll_up_one(MUST, entry, TODAY + timedelta(days=60))

    assert [each.due for each in result.conditions] == [TODAY + timedelta(days=due)]


def test_one_blocking_requirement_outweighs_conditions():
    entries = [requirement(2), requirement(1, counts_from=LATER), requirement(3)]

    result = roll_up(entries, {"R3": AnswerEntry(Answer.CONFORMS)}, TODAY)

    assert [each.requirement.id for each in result.blocking] == ["R2"]
    assert [each.requirement.id for each in result.conditions] == ["R1"]
    assert result.verdict is Verdict.NOT_CERTIFIABLE


def test_class_of_the_kind_of_body_decides_and_all_kinds_take_the_strictest():
    mixed = requirement(1, {BodyClass.DESIGNATED_CITY: MUST, BodyClass.OTHER: MAY})
    always = requirement(2, every_body(MAY))

    def verdict(body):
        return roll_up([mixed, always], {}, TODAY, body=body).verdict

    assert verdict(BodyClass.DESIGNATED_CITY) is Verdict.NOT_CERTIFIABLE
    assert verdict(BodyClass.OTHER) is Verdict.CERTIFIABLE
    assert verdict(None) is Verdict.NOT_CERTIFIABLE
    out_of_scope = roll_up([mixed, always], {}, TODAY, body=BodyClass.CORE_CITY)
    assert [out_of_scope.tallies[each].total for each in RequirementClass] == [0, 1, 0]


def test_nothing_is_certified_against_nothing():
    with pytest.raises(ValueError, match="no requirement"):
        roll_up([], {}, TODAY)
    only = requirement(1, {BodyClass.DESIGNATED_CITY: MUST})
    with pytest.raises(ValueError, match="no requirement"):
        roll_up([only], {}, TODAY, body=BodyClass.OTHER)


def test_answer_to_another_requirement_is_refused():
    with pytest.raises(ValueError, match="R9"):
        roll_up([requirement(1)], {"R9": AnswerEntry(Answer.VIOLATES)}, TODAY)


ENTRIES = st.builds(AnswerEntry, st.sampled_from(Answer), st.sampled_from(["", EXPLAINED]))
DATES = st.one_of(st.none(), st.dates(date(2025, 1, 1), date(2028, 1, 1)))
CASES = st.lists(
    st.tuples(st.sampled_from(RequirementClass), DATES, st.one_of(st.none(), ENTRIES)),
    min_size=1,
    max_size=20,
)


@given(CASES)
def test_tallies_and_verdict_follow_from_each_requirement_alone(cases):
    entries = [
        requirement(number, every_body(requirement_class), counts_from)
        for number, (requirement_class, counts_from, _) in enumerate(cases)
    ]
    answers = {f"R{number}": entry for number, (*_, entry) in enumerate(cases) if entry}

    result = roll_up(entries, answers, TODAY)

    for requirement_class in RequirementClass:
        judged = [
            judge_answer(each, entry) for each, _, entry in cases if each is requirement_class
        ]
        tally = result.tallies[requirement_class]
        assert tally.total == len(judged)
        assert [tally.met, tally.conditional, tally.unmet, tally.unanswered] == [
            judged.count(outcome) for outcome in Outcome
        ]
    alone = [
        roll_up([each], {key: answers[key] for key in answers if key == each.id}, TODAY).verdict
        for each in entries
    ]
    worst = max(alone, key=list(Verdict).index)
    assert result.verdict is worst


def test_prohibition_knows_no_condition():
    entry = AnswerEntry(Answer.CONDITIONAL, due=LATER)

    assert judge_answer(MUST_NOT, entry) is Outcome.UNMET
    assert judge_answer(MUST, entry) is judge_answer(MAY, entry) is Outcome.CONDITIONAL
