"""An offering carried to the next version of its specification; a page alone is asked through SQLite."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import UUID

import pytest
from sqlmodel import Session, select

from catalog.offerings import services
from catalog.offerings.models import OfferingVersion, OfferState
from catalog.offerings.queries.answers import list_answers
from catalog.specifications.models import (
    Requirement,
    SpecificationAction,
    SpecificationState,
    SpecificationVersion,
)
from catalog.specifications.queries import list_requirements
from catalog.terms import RequirementClass
from core import db
from core.errors import Conflict
from tests import factories
from tests.catalog.offerings.conftest import (
    Company,
    load,
    make_company,
    make_draft,
    make_lead,
    publish,
)
from tests.client import CheckedClient
from tests.page_checks import parse_page, text_of


def add_next(session: Session, before_id: UUID) -> UUID:
    """Publish 2.0: 1 as it was, 2 renamed, 3 reworded, 4 optional now, 5 gone, 6 dated, 7 new."""
    before = session.get_one(SpecificationVersion, before_id)
    after = SpecificationVersion(
        specification_id=before.specification_id,
        label="2.0",
        applies_from=date(2027, 4, 1),
    )
    session.add(after)
    session.flush()
    for row in list_requirements(session, before_id):
        values = row.model_dump(
            exclude={"id", "specification_version_id", "created_at", "updated_at"}
        )
        number = row.position
        if number == 2:
            values |= {"requirement_id": "N-002", "predecessor_requirement_id": "R-002"}
        if number == 3:
            values["text"] = "機能3を、いつでも利用できること。"
        if number == 4:
            values |= {
                f"class_{kind}": RequirementClass.MAY
                for kind in ("designated_city", "core_city", "other")
            }
        if number == 6:
            values["conformity_date"] = date(2028, 4, 1)
        if number != 5:
            session.add(Requirement(**values | {"specification_version_id": after.id}))
    extra = {
        "requirement_id": "N-007",
        "position": 7,
        "chapter": "3 章",
        "name": "新",
        "text": "新しい。",
    }
    classes = dict.fromkeys(
        ("class_designated_city", "class_core_city", "class_other"), RequirementClass.MUST
    )
    session.add(Requirement(specification_version_id=after.id, **extra, **classes))
    session.flush()
    # Requirements of what is published take no change, so the state comes last.
    after.last_editor_id, after.publisher_id = (factories.person(session).id for _ in range(2))
    after.state = SpecificationState.SCHEDULED
    session.flush()
    return after.id


@pytest.fixture
def stage(database) -> tuple[Company, UUID, UUID]:
    """A published offering for 1.0 and the next version of the specification."""
    with db.transaction() as session:
        company = make_company(session)
        first = factories.specification(session, requirements=6, label="1.0")
        version_id = make_draft(session, company, first.id)
        lead = make_lead(session)
        after_id = add_next(session, first.id)
    publish(company, lead, version_id)
    return company, version_id, after_id


@pytest.mark.acceptance(3)
@pytest.mark.query_budget(40)
def test_copy_keeps_answers_drops_prices_marks_changes_and_happens_once(
    client: CheckedClient, stage: tuple[Company, UUID, UUID]
) -> None:
    company, version_id, after_id = stage
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/offerings/{version_id}/copy"
    assert "第2.0版" in text_of(client.page(path))
    made = client.submit(path, {"specification_version_id": str(after_id)}, button="下書きを作る")
    assert made.status_code == 303
    home = made.location.removesuffix("/answers")
    copy_id = UUID(home.rsplit("/", 1)[1])
    with db.reading() as session:
        row, terms = load(session, copy_id)
        assert (row.number, row.state, row.copied_from_id) == (2, OfferState.DRAFT, version_id)
        assert row.specification_version_id == after_id
        assert not terms.components
        assert terms.support_hours == "平日9時から17時まで"
        kept = {
            each.requirement.requirement_id
            for each in list_answers(session, [copy_id])[copy_id].values()
        }
        assert kept == {"R-001", "N-002", "R-004", "R-006"}  # R-003 says something else now
        numbers = {
            str(each.id): each.requirement_id for each in list_requirements(session, after_id)
        }
        marks = {
            numbers[key]: mark["kinds"] for key, mark in (row.requirement_changes or {}).items()
        }
        assert marks == {
            "R-003": ["changed"],
            "R-004": ["reclassified"],
            "R-006": ["redated"],
            "N-007": ["added"],
        }
    first = text_of(client.page(f"{home}/answers/1?show=changed"))
    assert "前の版から変わりました（文の変更）。" in first
    assert "前の版の回答は「適合」です。" in first
    assert "R-001 機能1" not in first
    client.submit(f"{home}/answers/1/rest", {"answer": "earlier"}, button="まとめて")
    with db.reading() as session:
        assert len(list_answers(session, [copy_id])[copy_id]) == 5

    again = client.submit(path, {"specification_version_id": str(after_id)}, button="下書きを作る")
    assert again.status_code == 409
    assert "第2版（下書き）がもうあります" in text_of(parse_page(again.text))
    with db.reading() as session:
        copies = session.exec(
            select(OfferingVersion).where(OfferingVersion.copied_from_id == version_id)
        )
        assert len(list(copies)) == 1


@pytest.mark.sqlite_only
def test_answers_to_a_withdrawn_version_can_still_be_carried_on(
    client: CheckedClient, stage: tuple[Company, UUID, UUID]
) -> None:
    company, version_id, _ = stage
    with db.transaction() as session:
        row = load(session, version_id)[0]
        row.specification_version.apply(SpecificationAction.WITHDRAW)
    factories.sign_in_client(client, company.admin, company.home)
    assert "第2.0版" in text_of(client.page(f"/vendor/offerings/{version_id}/copy"))


def test_two_copies_at_once_make_one(stage: tuple[Company, UUID, UUID]) -> None:
    company, version_id, after_id = stage

    def copy(_number: int) -> str:
        try:
            with db.transaction() as session:
                row = load(session, version_id)[0]
                services.copy_to_specification(
                    session, company.acts(), row, specification_version_id=after_id
                )
        except Conflict:
            return "conflict"
        return "made"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(copy, range(2))) == ["conflict", "made"]
    with pytest.raises(Conflict), db.transaction() as session:
        row = session.get_one(OfferingVersion, version_id)
        values = row.model_dump(exclude={"id", "number", "state", "copied_from_id"})
        for number in (8, 9):
            twin = values | {"specification_version_id": after_id, "copied_from_id": version_id}
            session.add(OfferingVersion(**twin, number=number))
