"""The table of 2,000 answers: written, read back, checked, and all of it stored."""

import tempfile
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import Session

import tests.factories as make
from accounts.identity import Actor
from accounts.models import Organisation, Role
from bench.measures import measure, median_seconds
from catalog.offerings import queries, services
from catalog.offerings.answer_plan import plan_changes
from catalog.offerings.answer_sheet import read_sheet, sheet_of
from catalog.offerings.queries.answers import list_answers
from catalog.specifications.models import (
    Pattern,
    Requirement,
    SpecificationState,
    SpecificationVersion,
    StandardSpecification,
)
from catalog.specifications.queries import list_requirements
from catalog.terms import RequirementClass
from core import cli, db
from core.documents import write_xlsx
from core.tables import read_table

_REQUIREMENTS = 2_000
_WORDS = "申請の内容を確認し、必要な項目を一覧で表示して、印刷できること。" * 4


@measure("answer_sheet", goal="<= 5", unit="s", base="2,000 answers, XLSX; SQLite on disk")
def take_sheet_round() -> float:
    """Return the seconds of one round trip in which every answer changes; median of three."""
    with tempfile.TemporaryDirectory() as folder:
        database = db.configure(f"sqlite:///{folder}/bench.db")
        cli.upgrade_database()
        with db.transaction() as session:
            actor, version_id = _prepare(session)
        seconds = median_seconds(lambda: _round(actor, version_id), runs=3, warm_up=0)
        database.dispose()
    return seconds


def _prepare(session: Session) -> tuple[Actor, UUID]:
    maker = make.vendor(session)
    home = session.get_one(Organisation, maker.owner_id)
    person = make.person(session, Role.VENDOR_ADMIN, home)
    specification = StandardSpecification(code="BENCH", name="見本業務", pattern=Pattern.COMMON_B)
    session.add(specification)
    session.flush()
    make.thaw(session)
    version = SpecificationVersion(
        specification_id=specification.id, label="1.0", state=SpecificationState.SCHEDULED
    )
    session.add(version)
    session.flush()
    must = RequirementClass.MUST
    classes: dict[str, Any] = dict.fromkeys(
        ("class_designated_city", "class_core_city", "class_other"), must
    )
    for number in range(1, _REQUIREMENTS + 1):
        session.add(
            Requirement(
                specification_version_id=version.id,
                requirement_id=f"R-{number:04d}",
                position=number,
                chapter=f"{number // 100 + 1} 章",
                name=f"機能{number}",
                text=_WORDS,
                **classes,
            )
        )
    session.flush()
    session.expunge_all()
    actor = make.actor(person, Role.VENDOR_ADMIN, home)
    terms = services.create_offering(
        session, actor, specification_version_id=version.id, name="見本"
    )
    return actor, terms.offering_version_id


def _round(actor: Actor, version_id: UUID) -> None:
    with db.reading() as session:
        row = queries.get_offering_version(session, version_id)
        assert row is not None
        requirements = list_requirements(session, row.specification_version_id)
        answers = list_answers(session, [version_id])[version_id]
        sheet = sheet_of(requirements, answers, {})
        note = uuid4().hex
        filled = [[*cells[:7], "非適合", note, *cells[9:]] for cells in sheet.rows]
        sheet = replace(sheet, rows=filled)
        rows = read_sheet(read_table(write_xlsx([sheet]), "a.xlsx"), requirements, answers)
    with db.transaction() as session:
        row = queries.get_offering_version(session, version_id)
        assert row is not None
        kept = [each.to_json() for each in rows]
        upload = services.keep_upload(
            session, actor, row, filename="a.xlsx", sha256="0" * 64, rows=kept
        )
    with db.transaction() as session:
        row = queries.get_offering_version(session, version_id)
        assert row is not None
        changes = plan_changes(rows, requirements, list_answers(session, [version_id])[version_id])
        assert len(changes) == _REQUIREMENTS
        values = {each.requirement.id: each.then for each in changes}
        services.apply_upload(
            session, actor, row, session.merge(upload), version=row.version, answers=values
        )
