"""The import of offerings as an act: one transaction, nothing half imported, few statements."""

import io
from dataclasses import dataclass

import openpyxl
import pytest
from sqlmodel import Session, select

from accounts.models import Role
from catalog.offerings import queries as offers
from catalog.offerings import services as acts
from catalog.offerings.models import (
    AnswerEvidence,
    ConformanceAnswer,
    EvidenceFile,
    ListingVersion,
    OfferAction,
    OfferingVersion,
    OfferState,
)
from catalog.offerings.queries.endings import list_endings
from catalog.offerings.sheets import queries, services
from catalog.offerings.sheets.acts import Act
from catalog.offerings.sheets.checking import Checked, check_book
from catalog.offerings.sheets.known import load_known
from catalog.offerings.sheets.queries import OwnOffering
from catalog.offerings.sheets.reading import read_book
from catalog.offerings.sheets.writing import export_rows, sample_rows, write_workbook
from catalog.price_plan import ComponentKind, Interval, Unit
from catalog.terms import EvidenceKind
from core import db
from core.errors import Forbidden, GuardFailed, StaleVersion
from tests import factories
from tests.catalog.offerings.conftest import BASE_PRICE, Company, load, make_company, make_lead
from tests.client import recorded_statements
from vendors.models import Vendor, VendorState

PRICES = [(ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 30_000)]
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


@dataclass(frozen=True)
class Shelf:
    """Public software of a company and of another maker that the company sells too."""

    maker: Company
    both: ListingVersion
    priced: ListingVersion
    same: ListingVersion
    resold: ListingVersion

    @property
    def rows(self) -> list[ListingVersion]:
        return [self.both, self.priced, self.same, self.resold]


@pytest.fixture
def shelf(company: Company) -> Shelf:
    """Three own published offerings, one resold; a price change of one was once discarded."""
    with db.transaction() as session:
        specification = factories.specification(session, code="PUB", label="1")
        maker = make_company(session)
        mine = session.get_one(Vendor, company.vendor.id)
        both, priced, same = (
            factories.offering(session, mine, specification, name=name)
            for name in ("見本あ", "見本い", "見本う")
        )
        theirs = factories.offering(session, session.get_one(Vendor, maker.vendor.id), specification, name="他社の見本")  # fmt: skip
        version = offers.get_offering_version(session, theirs.offering_version_id)
        assert version is not None
        resold = factories.listing(session, version.offering, version, mine, OfferState.PUBLISHED, PRICES)  # fmt: skip
        answer = session.exec(select(ConformanceAnswer).where(ConformanceAnswer.offering_version_id == both.offering_version_id)).first()  # fmt: skip
        assert answer is not None
        file = EvidenceFile(owner_id=mine.owner_id, sha256="0" * 64, kind=EvidenceKind.PDF, size=1, uploaded_by_id=company.admin.id)  # fmt: skip
        session.add(file)
        session.flush()
        session.add(AnswerEvidence(answer_id=answer.id, file_id=file.id, name="見本.pdf"))
    with db.transaction() as session:
        listing = offers.get_listing(session, both.listing_id)
        assert listing is not None
        change = acts.start_listing_change(session, company.acts(), listing)
        components = [dict(BASE_PRICE, tiers=[[0, 7]])]
        acts.save_prices(session, company.acts(), change, version=1, components=components)
        dropped = offers.get_listing_version(session, change.id)
        assert dropped is not None
        acts.discard_listing_version(session, company.acts(), dropped)
    with db.reading() as session:
        rows = [each.id for each in (both, priced, same, resold)]
        whole = offers.load_listing_versions(session, rows)
    return Shelf(maker, *(whole[each] for each in rows))


def written(company: Company, cells: dict[tuple[str, str, str], str]) -> bytes:
    """Return the company's export with some cells, by (sheet, name of the software, heading)."""
    content = write_workbook(export_rows(queries.choose_shown(own(company))), [])
    book = openpyxl.load_workbook(io.BytesIO(content))
    keys = {}
    for sheet in ("サービス", "料金"):
        page = book[sheet]
        columns = {cell.value: cell.column for cell in page[1]}
        for row in range(2, page.max_row + 1):
            key = page.cell(row, 1).value
            if sheet == "サービス":
                keys[page.cell(row, columns["サービスの名称"]).value] = key
            for (where, name, heading), value in cells.items():
                is_first = sheet == "サービス" or page.cell(row - 1, 1).value != key
                if where == sheet and keys.get(name) == key and is_first:
                    page.cell(row, columns[heading], value)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def stored(rows: list[ListingVersion]) -> list[tuple[OfferState, OfferState, str, list[object]]]:
    """Return what buyers see of listing versions."""
    with db.reading() as session:
        found = offers.load_listing_versions(session, [each.id for each in rows])
    return [
        (
            each.state,
            each.offering_version.state,
            each.offering_version.hosting_region,
            [row.tiers for row in each.components],
        )
        for each in (found[row.id] for row in rows)
    ]


CHANGES = {
    ("サービス", "見本あ", "設置する地域"): "大阪",
    ("料金", "見本あ", "単価（税抜・円）"): "110000",
    ("料金", "見本い", "単価（税抜・円）"): "120000",
    ("サービス", "他社の見本", "問い合わせを受ける時間"): "毎日",
    ("料金", "他社の見本", "単価（税抜・円）"): "130000",
}


@pytest.mark.acceptance(8)
def test_changed_rows_of_what_is_public_open_drafts_as_the_pages_do(
    company: Company, shelf: Shelf
) -> None:
    before = stored(shelf.rows)
    content = written(company, CHANGES)
    with db.reading() as session:
        read = check(session, company, content)
        assert list_endings(session, company.vendor.owner_id) == []
    assert (len(read.new), len(read.edits), len(read.openings), read.same) == (0, 0, 3, 1)
    assert {each.name: each.act for each in read.drafts} == {
        "見本あ": Act.VERSION,
        "見本い": Act.TERMS,
        "他社の見本": Act.TERMS,
    }
    run(company, content)
    # What buyers see stays; the discarded price of 7 yen comes back nowhere.
    assert stored(shelf.rows) == before
    with db.reading() as session:
        version = offers.list_offering_versions(session, shelf.both.listing.offering_id)[0]
        _, terms = load(session, version.id)
        assert (version.number, version.state, version.hosting_region) == (2, "draft", "大阪")
        assert (terms.number, terms.state) == (3, OfferState.DRAFT)
        assert [each.tiers[0][1] for each in terms.components] == [110_000, 20_000, 1]
        answers = offers.list_answers(session, [version.id, shelf.both.offering_version_id])
        copied, base = answers[version.id], answers[shelf.both.offering_version_id]
        assert {k: v.answer for k, v in copied.items()} == {k: v.answer for k, v in base.items()}
        assert sum(len(each.evidence) for each in copied.values()) == 1
        for row, price in ((shelf.priced, 120_000), (shelf.resold, 130_000)):
            newest = offers.list_listing_versions(session, row.listing_id)[0]
            assert (newest.number, newest.state) == (2, OfferState.DRAFT)
            assert newest.offering_version_id == row.offering_version_id
            assert offers.list_components(session, newest.id)[0].tiers == [[0, price]]
        assert newest.support_hours == "毎日"
    # The same file again finds its drafts as it says, but never opens a second version.
    with db.reading() as session:
        again = check(session, company, content)
        fresh = check(session, company, written(company, {}))
    assert (len(again.conflicts), again.same, again.drafts) == (1, 3, ())
    assert "第2版の準備が始まっています" in str(again.conflicts[0])
    assert (fresh.same, fresh.drafts, fresh.findings) == (4, (), ())
    # A draft that waits beside what is public is what the next file changes; an older file is named.
    older = written(company, {("料金", "見本い", "単価（税抜・円）"): "118000"})
    run(company, written(company, {("料金", "見本い", "単価（税抜・円）"): "125000"}))
    with db.reading() as session:
        newest = offers.list_listing_versions(session, shelf.priced.listing_id)[0]
        assert newest.number == 2
        assert offers.list_components(session, newest.id)[0].tiers == [[0, 125_000]]
        late = check(session, company, older)
    assert [str(each)[:22] for each in late.conflicts] == [
        "シート「サービス」C3 3行目「更新番号（変"
    ]
    assert not late.drafts


def test_no_file_changes_anothers_software_or_what_is_under_review(
    company: Company, shelf: Shelf
) -> None:
    with db.transaction() as session:
        listing = offers.get_listing(session, shelf.priced.listing_id)
        assert listing is not None
        change = acts.start_listing_change(session, company.acts(), listing)
        session.expunge_all()
        waiting = offers.get_listing_version(session, change.id)
        assert waiting is not None
        acts.submit_listing_version(session, company.acts(), waiting)
    cells = {
        ("サービス", "他社の見本", "一行の説明"): "わが社の見本です。",
        ("料金", "見本い", "単価（税抜・円）"): "120000",
        ("料金", "見本あ", "単価（税抜・円）"): "110000",
    }
    with db.reading() as session:
        read = check(session, company, written(company, cells))
    assert [(each.row, each.column, each.reason[:17]) for each in read.findings] == [
        (3, "料金の種類", "「提出済み」なので、今は変えられま"),
        (5, "一行の説明", "ほかの会社のサービスの内容は変えら"),
    ]
    assert [each.name for each in read.drafts] == ["見本あ"]


@pytest.mark.parametrize("faster", ["version", "terms"])
def test_a_colleague_who_was_faster_keeps_what_was_begun(
    company: Company, shelf: Shelf, faster: str
) -> None:
    row = shelf.both if faster == "version" else shelf.resold
    content = written(company, CHANGES)
    with pytest.raises(StaleVersion), db.transaction() as session:
        read = check(session, company, content)
        listing = offers.get_listing(session, row.listing_id)
        assert listing is not None
        if faster == "version":
            acts.start_new_version(session, company.acts(), listing.offering)
        else:
            begun = acts.start_listing_change(session, company.acts(), listing)
            begun.apply(OfferAction.WITHDRAW)
            table = ListingVersion.__table__  # type: ignore[attr-defined]
            session.execute(table.update().where(table.c.id == row.id).values(version=9))
        services.import_offerings(session, company.acts(), read.drafts, SOURCE)
    with db.reading() as session:
        assert len(offers.list_offering_versions(session, shelf.both.listing.offering_id)) == 1
        assert len(offers.list_listing_versions(session, shelf.priced.listing_id)) == 1
