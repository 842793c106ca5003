"""Approved content is frozen by the database itself: every way round it is tried in SQL."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from catalog.specifications.models import SpecificationState
from core import db
from tests import factories

WAYS = {
    "change a requirement": "UPDATE requirements SET text = 'x' WHERE specification_version_id = :id",
    "remove a requirement": "DELETE FROM requirements WHERE specification_version_id = :id",
    "take a requirement away": (
        "UPDATE requirements SET specification_version_id = :draft"
        " WHERE specification_version_id = :id"
    ),
    "add a requirement": (
        "UPDATE requirements SET specification_version_id = :id, requirement_id = 'X'"
        " WHERE specification_version_id = :draft AND requirement_id = 'R-001'"
    ),
    "go back to draft": "UPDATE specification_versions SET state = 'draft' WHERE id = :id",
    "another date": "UPDATE specification_versions SET applies_from = '2030-01-01' WHERE id = :id",
    "another source": "UPDATE specification_versions SET source_sha256 = 'x' WHERE id = :id",
    "another label": "UPDATE specification_versions SET label = 'x' WHERE id = :id",
    "remove the version": "DELETE FROM specification_versions WHERE id = :id",
}


@pytest.mark.parametrize("state", ["approved", "effective", "withdrawn"])
def test_no_statement_changes_what_was_approved(database, state):
    with db.transaction() as session:
        frozen = factories.specification(session, state=SpecificationState(state))
        draft = factories.specification(session, state=SpecificationState.DRAFT)
    for way, statement in WAYS.items():
        with (
            pytest.raises(IntegrityError, match="approved content is frozen"),
            db.open_session(writes=True) as session,
        ):
            plain = session.get_bind().dialect.name == "sqlite"
            ids = {"id": frozen.id, "draft": draft.id}
            session.execute(
                text(statement),
                {
                    name: value.hex if plain else value
                    for name, value in ids.items()
                    if f":{name}" in statement
                },
            )
            pytest.fail(way)
    with db.open_session(writes=True) as session:
        factories.thaw(session)
        session.rollback()
    with db.transaction() as session:
        row = session.get_one(type(draft), draft.id)
        row.revise(label="another")
