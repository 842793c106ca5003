"""What a comparison reads, on both databases: requirements with answers, listings with their prices."""

from datetime import date

from catalog.conformance import AnswerEntry
from catalog.offerings.content import requirement_entries
from catalog.offerings.queries import list_answers, load_compared_versions
from catalog.queries import list_answered_requirements
from catalog.specifications.queries import list_requirements
from catalog.terms import Answer
from core import db
from tests import factories
from tests.client import recorded_statements


def test_requirements_come_with_the_answers_of_each_offering_in_one_statement(database):
    with db.transaction() as session:
        version = factories.specification(session, requirements=7)
        maker = factories.vendor(session)
        listings = [
            factories.offering(session, maker, version, answers=answer)
            for answer in (Answer.CONFORMS, None, Answer.ALTERNATIVE)
        ]
        ids = [each.offering_version_id for each in listings]
        rows = list_answers(session, ids)[ids[2]]
        one = next(each for each in rows.values() if each.requirement.requirement_id == "R-002")
        one.revise(answer=Answer.CONDITIONAL, due_on=date(2027, 4, 1), note="春に")
        version_ids = [each.id for each in listings]
    with db.transaction() as session:
        with recorded_statements() as statements:
            requirements, answers = list_answered_requirements(session, version.id, ids)
        assert len(statements) == 1
        assert requirements == requirement_entries(list_requirements(session, version.id))
        assert [len(answers[each]) for each in ids] == [7, 0, 7]
        assert answers[ids[0]]["R-007"] == AnswerEntry(Answer.NOT_IMPLEMENTED)
        assert answers[ids[2]]["R-001"] == AnswerEntry(Answer.ALTERNATIVE)
        assert answers[ids[2]]["R-002"] == AnswerEntry(Answer.CONDITIONAL, "春に", date(2027, 4, 1))
        with recorded_statements() as statements:
            found = load_compared_versions(session, version_ids)
            positions = [[row.position for row in found[each].components] for each in version_ids]
        assert len(statements) == 1
        assert positions == [[1, 2, 3]] * 3
