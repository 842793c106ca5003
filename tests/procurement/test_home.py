"""The front page, the desk of each role, and the pages that explain the site."""

from datetime import date, timedelta

import pytest

from accounts.models import OrganisationKind, Role
from catalog.certification.models import ReviewState
from catalog.offerings.models import Listing, Offering, OfferingVersion, OfferState
from catalog.price_plan import ComponentKind, Interval, Unit
from core import clock, db
from procurement.home import desk
from procurement.home.queries import list_published
from procurement.projects.models import Project, ProjectState
from tests import factories
from tests.page_checks import text_of
from vendors.models import Vendor, VendorAction, VendorState

# Words and refusals of pages: the same on both databases, so asked once.
pytestmark = pytest.mark.sqlite_only

MONTHLY = ((ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 10_000),)


def main_of(page) -> str:
    return text_of(page.find(".//main"))


def make_project(session, body, clerk, **values):
    return factories._added(
        session,
        Project(
            **{
                "owner_id": body.id,
                "number": f"令和8-{len(str(values))}{values.get('state', '')}"[:20],
                "title": "体育館の予約",
                "need": "紙の台帳をやめたい。",
                "starts_on": date(2027, 4, 1),
                "term_months": 12,
                "created_by_id": clerk.id,
                "last_editor_id": clerk.id,
                **values,
            }
        ),
    )


def test_front_page_says_what_it_is_and_offers_three_ways_in(client):
    page = client.page("/")
    main = main_of(page)
    assert "同じ標準に適合したサービスを、並べて選ぶ。" in main
    for words in ("団体の方", "事業者の方", "審査の方", "お知らせ", "並び順と公平さ"):
        assert words in main
    form = page.find(".//form[@action='/search']")
    assert form is not None
    assert form.find(".//input[@name='q']") is not None
    assert "あなたの番" not in main


def test_front_page_counts_software_once_and_certificates_that_count_now(client, hold_clock):
    moment = clock.utcnow()
    hold_clock(moment)
    with db.transaction() as session:
        version = factories.specification(session, name="施設予約", code="S", label="1.0")
        own = factories.offering(session, factories.vendor(session), version)
        offering_version = session.get(OfferingVersion, own.offering_version_id)
        offering = session.get(Offering, session.get(Listing, own.listing_id).offering_id)
        reseller = factories.vendor(session)
        factories.listing(
            session, offering, offering_version, reseller, OfferState.PUBLISHED, MONTHLY
        )
        factories.certification(session, offering_version, valid_until=moment + timedelta(days=5))
        factories.offering(session, factories.vendor(session), version)
        factories.offering(session, factories.vendor(session), version, state=OfferState.DRAFT)
    assert row_of(client.page("/")) == ["施設予約 第1.0版のサービスを見る", "2", "1"]
    hold_clock(moment + timedelta(days=5))
    assert row_of(client.page("/")) == ["施設予約 第1.0版のサービスを見る", "2", "0"]
    with db.transaction() as session:
        session.get(Vendor, offering.maker_id).apply(VendorAction.SUSPEND)
    assert row_of(client.page("/"))[1] == "1"


def row_of(page) -> list[str]:
    row = page.find(".//table[@id='services']/tbody/tr")
    cells = [text_of(each) for each in row]
    return [cells[0].removesuffix(" 見本"), *cells[2:4]]


def test_specification_without_services_counts_zero(database):
    with db.transaction() as session:
        factories.specification(session)
    with db.reading() as session:
        assert [(row.listed, row.certified) for row in list_published(session)] == [(0, 0)]


def test_news_are_real_public_events_newest_first(client):
    moment = clock.utcnow()
    with db.transaction() as session:
        version = factories.specification(
            session, name="施設予約", published_at=moment - timedelta(days=2)
        )
        new = factories.offering(session, factories.vendor(session), version, name="まちのへや")
        new.published_at = moment - timedelta(days=1)
        hidden = factories.offering(session, factories.vendor(session), version, name="下書きの品")
        hidden.state = OfferState.DRAFT
    main = main_of(client.page("/"))
    assert main.index("「まちのへや」") < main.index("標準仕様書「施設予約」")
    assert "下書きの品" not in main


def test_clerk_sees_the_own_turn_and_what_waits(client):
    with db.transaction() as session:
        town = factories.body(session)
        clerk = factories.person(session, Role.CLERK, town)
        approver = factories.person(session, Role.APPROVER, town)
        make_project(session, town, clerk, state=ProjectState.DRAFT, title="農園の区画")
        make_project(session, town, clerk, state=ProjectState.SELECTION_PROPOSED, title="文化会館")
        other = factories.body(session)
        stranger = factories.person(session, Role.CLERK, other)
        make_project(session, other, stranger, title="よその案件")
    factories.sign_in_client(client, clerk, town)
    main = main_of(client.page("/"))
    assert "準備を続ける：農園の区画" in main
    assert "選定の決裁：文化会館" in main
    assert "よその案件" not in main
    factories.sign_in_client(client, approver, town)
    main = main_of(client.page("/"))
    assert "選定を決裁する：文化会館" in main
    assert "農園の区画" not in main


def test_vendor_sees_drafts_and_returned_offerings_of_its_own(client):
    with db.transaction() as session:
        vendor = factories.vendor(session)
        version = factories.specification(session)
        admin = factories.person(session, Role.VENDOR_ADMIN, vendor_home(session, vendor))
        factories.offering(session, vendor, version, state=OfferState.RETURNED, name="直すもの")
        factories.offering(session, vendor, version, state=OfferState.SUBMITTED, name="待つもの")
        rival = factories.vendor(session)
        factories.offering(session, rival, version, state=OfferState.DRAFT, name="競う相手の下書き")
    factories.sign_in_client(client, admin, None)
    main = main_of(client.page("/"))
    assert "差し戻された内容を直す：直すもの" in main
    assert "審査：待つもの" in main
    assert "競う相手の下書き" not in main


def vendor_home(session, vendor):
    from accounts.models import Organisation

    return session.get(Organisation, vendor.owner_id)


def test_active_vendor_without_agreement_is_told_to_accept_it(client):
    with db.transaction() as session:
        vendor = factories.vendor(session, state=VendorState.DRAFT)
        admin = factories.person(session, Role.VENDOR_ADMIN, vendor_home(session, vendor))
    factories.sign_in_client(client, admin, None)
    assert "登録を提出する" in main_of(client.page("/"))
    with db.transaction() as session:
        session.get(Vendor, vendor.id).state = VendorState.ACTIVE
    assert "基本契約に同意する" in main_of(client.page("/"))


def test_reviewer_sees_the_assigned_and_lead_the_queue(client):
    with db.transaction() as session:
        agency = factories.organisation(session, OrganisationKind.AGENCY)
        reviewer = factories.person(session, Role.REVIEWER, agency)
        lead = factories.person(session, Role.LEAD_REVIEWER, agency)
        version = factories.specification(session)
        for name, state, values in (
            ("割り当て済み", ReviewState.UNDER_REVIEW, {"first_reviewer_id": reviewer.id}),
            ("よその担当", ReviewState.UNDER_REVIEW, {}),
            ("判断待ち", ReviewState.RECOMMENDED, {}),
        ):
            made = factories.offering(session, factories.vendor(session), version, name=name)
            offering_version = session.get(OfferingVersion, made.offering_version_id)
            factories.certification(session, offering_version, state, **values)
    factories.sign_in_client(client, reviewer, agency)
    main = main_of(client.page("/"))
    assert "意見を提出する：割り当て済み" in main
    assert "：よその担当" not in main
    factories.sign_in_client(client, lead, agency)
    main = main_of(client.page("/"))
    assert "認証を判断する：判断待ち" in main
    assert "：よその担当" in main


def test_person_with_two_roles_sees_the_work_of_both(client):
    with db.transaction() as session:
        town = factories.body(session)
        clerk = factories.person(session, Role.CLERK, town)
        both = factories.person(session, Role.CLERK, town)
        factories.membership(session, both, Role.APPROVER, town)
        state = ProjectState.SELECTION_PROPOSED
        make_project(session, town, clerk, state=ProjectState.DRAFT, title="農園の区画")
        make_project(session, town, clerk, state=state, title="文化会館")
        make_project(session, town, both, state=state, title="自分の出した案")
        agency = factories.organisation(session, OrganisationKind.AGENCY)
        lead = factories.person(session, Role.LEAD_REVIEWER, agency)
        factories.membership(session, lead, Role.REVIEWER, agency)
        version = factories.specification(session)
        for name, assigned in (("自分の担当", lead), ("よその担当", None)):
            made = factories.offering(session, factories.vendor(session), version, name=name)
            offering_version = session.get(OfferingVersion, made.offering_version_id)
            values = {"first_reviewer_id": assigned.id} if assigned else {}
            factories.certification(session, offering_version, ReviewState.UNDER_REVIEW, **values)
    factories.sign_in_client(client, both, town)
    main = main_of(client.page("/"))
    assert "準備を続ける：農園の区画" in main
    assert "選定を決裁する：文化会館" in main
    assert "選定の決裁：文化会館" not in main
    # Another approver has to decide what this person proposed.
    assert "選定の決裁：自分の出した案" in main
    assert "選定を決裁する：自分の出した案" not in main
    factories.sign_in_client(client, lead, agency)
    main = main_of(client.page("/"))
    assert "意見を提出する：自分の担当" in main
    assert "審査員の意見か事業者の説明：自分の担当" not in main
    assert "審査員の意見か事業者の説明：よその担当" in main


def test_longest_waiting_stands_first():
    made = desk.Desk()
    moment = clock.utcnow()
    for name, since in (("新", moment), ("無", None), ("旧", moment - timedelta(days=3))):
        made.turn.append(desk.Task(name, "", "", {}, "", since))
    assert [task.label for task in made.sort().turn] == ["旧", "新", "無"]


def test_operator_and_auditor_have_no_desk(client):
    with db.transaction() as session:
        audit = factories.organisation(session, OrganisationKind.AUDIT)
        auditor = factories.person(session, Role.AUDITOR, audit)
    factories.sign_in_client(client, auditor, audit)
    assert "あなたの番" not in main_of(client.page("/"))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/about", "このサイトが行わないこと"),
        ("/about/order", "31通り"),
        ("/about/order", "名前や概要を書きかえれば、点数と順番も変わります"),
        ("/about/accessibility", "JIS X 8341-3"),
        ("/about/api", "/api/v1/changes?since=0"),
        ("/docs/api", "GET /api/v1/offerings/{offering_id}/conformance"),
        ("/about/contact", "受付番号"),
    ],
)
def test_pages_that_explain_the_site(client, address, words):
    assert words in main_of(client.page(address))


def test_the_reference_tells_everything_that_the_description_says(client):
    told = client.get("/api/v1/openapi.json").json
    pages = {}
    for path, methods in told["paths"].items():
        slug = path.split("/")[3]
        page = pages.setdefault(slug, main_of(client.page(f"/docs/api/{slug}")))
        for method, operation in methods.items():
            said = [f"{method.upper()} {path}", operation["summary"], *operation["responses"]]
            said += [each["name"] for each in operation["parameters"]]
            said += [each["description"] for each in operation["parameters"]]
            said += [scope for each in operation["security"] for scope in each.get("token", ())]
            assert [each for each in said if each not in page] == [], path
    whole = " ".join(pages.values())
    for name, shape in told["components"]["schemas"].items():
        for field, schema in shape["properties"].items() if name in whole else ():
            assert field in whole
            assert schema["description"] in whole, f"{name}.{field}"
    assert client.get("/docs/api/none").status_code == 404


@pytest.mark.acceptance(13)
def test_order_rules_tell_the_numbers_that_the_engine_uses(client):
    from search.embedded_documents import _TIE
    from search.engine import REFERENCE_POPULATIONS, SEEDS

    main = main_of(client.page("/about/order"))
    assert f"{SEEDS}通り" in main
    assert f"{round(_TIE * 100)}%以内" in main
    for population in REFERENCE_POPULATIONS:
        words = f"{population // 10_000}万人" if population % 10_000 == 0 else f"{population:,}人"
        assert words in main


def test_front_page_is_not_posted_to(client):
    assert client.post("/", data={"a": "b"}).status_code == 405


def test_front_page_needs_few_statements(client):
    with db.transaction() as session:
        version = factories.specification(session)
        for _ in range(5):
            factories.offering(session, factories.vendor(session), version)
    client.get("/")
    assert len(client.statements) <= 6
