"""The automatic checks as a pure function: what passes, what a person must see, what fails."""

from datetime import date, timedelta

import pytest

from catalog.certification.checks import (
    CheckKind,
    CheckOutcome,
    SpecificationDates,
    run_checks,
    sum_up,
)
from catalog.conformance import AnswerEntry, RequirementEntry, every_body
from catalog.terms import Answer, RequirementClass

TODAY = date(2026, 10, 1)
MUST, MAY, NOT = RequirementClass.MUST, RequirementClass.MAY, RequirementClass.MUST_NOT
A = Answer
LATER, EARLIER = TODAY + timedelta(days=30), TODAY - timedelta(days=30)
NO_DATES = SpecificationDates()


def requirement(kind=MUST, counts_from=None) -> RequirementEntry:
    return RequirementEntry(
        "R-1", 1, "1", "", "検索", "検索できること", every_body(kind), counts_from
    )


def outcomes(kind, answer, counts_from=None, *, proven=True, dates=NO_DATES):
    """Give the outcome of each check of one requirement, only those that do not pass."""
    answers = {"R-1": answer} if answer else {}
    evidenced = {"R-1"} if proven and answer else set()
    checks = run_checks([requirement(kind, counts_from)], answers, evidenced, dates, TODAY)
    assert [check.kind for check in checks] == list(CheckKind)
    assert sum_up(checks) is max((c.outcome for c in checks), key=list(CheckOutcome).index)
    return {c.kind.value: c.outcome.value for c in checks if c.outcome is not CheckOutcome.PASS}


@pytest.mark.acceptance(25)
@pytest.mark.parametrize(
    ("kind", "answer", "counts_from", "expected"),
    [
        (MUST, AnswerEntry(A.CONFORMS), None, {}),
        (MAY, AnswerEntry(A.NOT_CONFORMING), None, {}),
        (NOT, AnswerEntry(A.NOT_IMPLEMENTED), None, {}),
        (MUST, None, None, {"complete": "fail"}),
        (NOT, None, LATER, {"complete": "fail"}),
        (MAY, None, None, {"complete": "person"}),
        (NOT, AnswerEntry(A.VIOLATES), None, {"violation": "fail"}),
        (NOT, AnswerEntry(A.VIOLATES), LATER, {"violation": "fail"}),
        (NOT, AnswerEntry(A.NOT_APPLICABLE), LATER, {"violation": "fail"}),
        (MUST, AnswerEntry(A.NOT_CONFORMING), None, {"overdue": "fail"}),
        (MUST, AnswerEntry(A.NOT_CONFORMING), TODAY, {"overdue": "fail"}),
        (MUST, AnswerEntry(A.NOT_CONFORMING), LATER, {"overdue": "person"}),
        (MUST, AnswerEntry(A.CONDITIONAL, due=LATER), LATER, {"overdue": "person"}),
        (
            MUST,
            AnswerEntry(A.CONDITIONAL, due=LATER + timedelta(days=1)),
            LATER,
            {"overdue": "person", "dates": "fail"},
        ),
        (
            MUST,
            AnswerEntry(A.CONDITIONAL, due=EARLIER),
            LATER,
            {"overdue": "person", "dates": "fail"},
        ),
        (MUST, AnswerEntry(A.ALTERNATIVE, "別の画面で代える。"), None, {"overdue": "person"}),
    ],
)
def test_checks_sort_answers(kind, answer, counts_from, expected) -> None:
    assert outcomes(kind, answer, counts_from) == expected


@pytest.mark.acceptance(25)
def test_evidence_is_demanded_where_a_duty_is_said_to_be_met() -> None:
    assert outcomes(MUST, AnswerEntry(A.CONFORMS), proven=False) == {"evidence": "person"}
    assert outcomes(MAY, AnswerEntry(A.CONFORMS), proven=False) == {}
    assert outcomes(NOT, AnswerEntry(A.NOT_IMPLEMENTED), proven=False) == {}
    silent = outcomes(MAY, AnswerEntry(A.ALTERNATIVE), proven=False)
    assert silent == {"overdue": "person", "evidence": "fail"}


def test_dates_of_the_specification_count() -> None:
    unpublished = SpecificationDates(published_on=LATER)
    assert outcomes(MUST, AnswerEntry(A.CONFORMS), dates=unpublished) == {"dates": "fail"}
    over = SpecificationDates(published_on=EARLIER, transition_ends_on=EARLIER)
    assert outcomes(MUST, AnswerEntry(A.CONFORMS), dates=over) == {"dates": "person"}
    assert sum_up(run_checks([], {}, set(), NO_DATES, TODAY)) is CheckOutcome.FAIL
    assert sum_up([]) is CheckOutcome.PASS
