"""People of the agency and files to import."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from accounts.models import Organisation, OrganisationKind, Person, Role
from core import db
from tests import factories
from tests.client import CheckedClient

HERE = Path(__file__).resolve()
SAMPLE = HERE.parents[3] / "catalog" / "data" / "sample_specification.csv"
SHARED = HERE.parents[4] / "shared" / "data" / "specification_jyuki_v1.csv"


@dataclass(frozen=True, slots=True)
class Agency:
    """The agency with one reviewer and two leads."""

    organisation: Organisation
    reviewer: Person
    lead: Person
    other_lead: Person


@pytest.fixture
def agency(database) -> Agency:
    with db.transaction() as session:
        home = factories.organisation(session, OrganisationKind.AGENCY)
        return Agency(
            home,
            factories.person(session, Role.REVIEWER, home),
            factories.person(session, Role.LEAD_REVIEWER, home),
            factories.person(session, Role.LEAD_REVIEWER, home),
        )


@pytest.fixture
def as_person(
    new_client: Callable[[], CheckedClient], agency: Agency
) -> Callable[[str], CheckedClient]:
    """Make the browser of somebody of the agency by the name of the attribute."""

    def sign_in(who: str) -> CheckedClient:
        browser = new_client()
        factories.sign_in_client(browser, getattr(agency, who), agency.organisation)
        return browser

    return sign_in


@pytest.fixture(scope="session")
def real_file() -> Path:
    """The requirements of a real ministry; absent outside of our own machines."""
    if not SHARED.exists():
        pytest.skip(f"the shared data folder is absent: {SHARED.name}")
    return SHARED


def csv_bytes(rows: list[list[str]], encoding: str = "utf-8-sig") -> bytes:
    target = io.StringIO(newline="")
    csv.writer(target).writerows(rows)
    return target.getvalue().encode(encoding)


def sample_rows() -> list[list[str]]:
    return list(csv.reader(io.StringIO(SAMPLE.read_text("utf-8-sig"))))
