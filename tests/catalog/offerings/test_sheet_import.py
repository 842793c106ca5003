"""The import of offerings as an act: one transaction, nothing half imported, few statements."""

import io

import openpyxl
import pytest
from sqlmodel import Session

from accounts.models import Role
from catalog.offerings.models import OfferingVersion, OfferState
from catalog.offerings.sheets import queries, services
from catalog.offerings.sheets.checking import Checked, check_book
from catalog.offerings.sheets.known import load_known
from catalog.offerings.sheets.queries import OwnOffering
from catalog.offerings.sheets.reading import read_book
from catalog.offerings.sheets.writing import export_rows, sample_rows, write_workbook
from core import db
from core.errors import Forbidden, GuardFailed, StaleVersion
from tests import factories
from tests.catalog.offerings.conftest import Company, make_company, make_lead
from tests.client import recorded_statements
from vendors.models import Vendor, VendorState

SOURCE = services.ImportedSheet("a.xlsx", "0" * 64)


@pytest.fixture
def company(database) -> Company:
    """A vendor in a catalog with one open standard."""
    with db.transaction() as session:
        factories.specification(session, code="MADO", label="1.0")
        return make_company(session)


def workbook(numbers: range) -> bytes:
    """Return a filled template with a full row and a price for each number."""
    rows = []
    for number in numbers:
        offering, (price,) = sample_rows("MADO 1.0")
        key = {"key": f"K{number}"}
        rows.append((offering | key | {"name": f"見本{number}"}, [price | key]))
    return write_workbook(rows, ["MADO 1.0"])


def check(session: Session, company: Company, content: bytes) -> Checked:
    """Check a file as the company's member."""
    return check_book(read_book(content, "a.xlsx"), load_known(session, company.acts()))


def run(company: Company, content: bytes) -> None:
    """Import a file as a whole."""
    with db.transaction() as session:
        checked = check(session, company, content)
        assert not checked.findings
        actor = company.acts(Role.VENDOR_MEMBER)
        services.import_offerings(session, actor, checked.drafts, SOURCE)


def own(company: Company) -> list[OwnOffering]:
    """Return what the company has."""
    with db.reading() as session:
        return queries.list_own(session, company.vendor.owner_id)


def exported(company: Company, region: str) -> bytes:
    """Return the company's export with another region in every row."""
    content = write_workbook(export_rows(queries.choose_shown(own(company))), [])
    book = openpyxl.load_workbook(io.BytesIO(content))
    page = book["サービス"]
    column = next(cell.column for cell in page[1] if cell.value == "設置する地域")
    for row in range(2, page.max_row + 1):
        page.cell(row, column, region)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def test_new_rows_cost_the_same_statements_whatever_their_number(company: Company) -> None:
    counts = []
    for numbers in (range(2), range(2, 62)):
        content = workbook(numbers)
        with recorded_statements() as statements:
            run(company, content)
        counts.append(len(statements))
    assert counts[1] <= counts[0] + 1  # the prices of what is stored by then
    found = own(company)
    assert len(found) == 62
    assert {each.version.state for each in found} == {OfferState.DRAFT}
    assert {each.terms.components[0].tiers[0][1] for each in found} == {120_000}


def test_somebody_elses_change_undoes_the_whole_import(company: Company) -> None:
    run(company, workbook(range(3)))
    content = exported(company, "大阪")
    with pytest.raises(StaleVersion), db.transaction() as session:
        read = check(session, company, content)
        assert len(read.changes) == 3
        stored = read.changes[2].stored
        assert stored is not None
        # Between the reading and the writing somebody else saved the third one.
        table = OfferingVersion.__table__  # type: ignore[attr-defined]
        session.execute(table.update().where(table.c.id == stored.version.id).values(version=9))
        services.import_offerings(session, company.acts(), read.drafts, SOURCE)
    assert {each.version.hosting_region for each in own(company)} == {"東京"}


def test_only_a_company_that_may_prepare_offerings_imports(company: Company) -> None:
    with db.transaction() as session:
        stopped = make_company(session)
        session.get_one(Vendor, stopped.vendor.id).state = VendorState.SUSPENDED
        lead = make_lead(session)
    with db.reading() as session:
        read = check(session, company, workbook(range(1)))
    for actor, error in ((stopped.acts(), GuardFailed), (lead, Forbidden)):
        with pytest.raises(error), db.transaction() as session:
            services.import_offerings(session, actor, read.drafts, SOURCE)


def test_a_published_version_is_exported_and_not_changed_by_a_file(company: Company) -> None:
    with db.transaction() as session:
        specification = factories.specification(session, code="PUB", label="1")
        maker = session.get_one(Vendor, company.vendor.id)
        factories.offering(session, maker, specification, OfferState.PUBLISHED)
    with db.reading() as session:
        same = check(session, company, exported(company, "東京"))
        refused = check(session, company, exported(company, "大阪"))
    assert (same.same, same.findings) == (1, ())
    assert [each.reason[:10] for each in refused.findings] == ["「公開中」の版なので"]
    assert not refused.drafts
