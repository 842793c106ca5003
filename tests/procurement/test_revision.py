"""A new version of a specification: who stands on the old one, who is told, what still counts."""

import re
from datetime import date, timedelta

import pytest

from accounts.models import OrganisationKind, Role
from accounts.queries import list_members, list_organisation_notices
from app import outbox_handlers
from catalog.certification.models import ReviewState
from catalog.certification.queries import current_certifications, standings
from catalog.certification.services import suspend
from catalog.feed_upkeep import reconcile
from catalog.offerings.models import OfferingVersion, OfferState
from catalog.offerings.queries import load_listing_versions
from catalog.specifications.models import SpecificationState
from catalog.specifications.queries import get_version
from catalog.terms import CertificationState
from core import changes, clock, db, outbox
from procurement.contracts.models import Contract
from procurement.market.services import tell_of_publication
from tests import factories
from tests.letterbox import empty_letterbox, receivers
from tests.page_checks import text_of

RECHECK = date(2099, 3, 31)


@pytest.fixture
def revised(market):
    """A contract on version 1 of today's specification, and a draft of version 2."""
    market.reach_accepted()
    request = market.request()
    with db.transaction() as session:
        cheap = load_listing_versions(session, [market.cheap.id])[market.cheap.id]
        old = cheap.offering_version.specification_version
        session.add(
            Contract(
                request_id=request.id,
                owner_id=market.body.id,
                addressee_id=market.seller.owner_id,
                listing_version_id=market.cheap.id,
                number="見本-1",
                signed_on=date(2027, 3, 1),
                starts_on=date(2027, 4, 1),
                ends_on=date(2099, 3, 31),
                signed_record_sha256="0" * 64,
                registered_by_id=market.clerk.id,
            )
        )
        agency = factories.organisation(session, OrganisationKind.AGENCY)
        lead = factories.person(session, Role.LEAD_REVIEWER, agency)
        editor = factories.person(session, Role.REVIEWER, agency)
        draft = factories.specification(
            session,
            7,
            code="NEXT",
            label="2.0",
            state=SpecificationState.DRAFT,
            applies_from=date(2098, 4, 1),
            transition_ends_on=RECHECK,
            source_name="見本の文書",
            source_url="https://www.example.jp/mihon.pdf",
            last_editor_id=editor.id,
        )
        session.get_one(type(draft), draft.id).specification_id = old.specification_id
    return market.as_(lead), draft, old


@pytest.fixture
def not_public_yet(market, revised):
    """A draft of the rival, a review under way of a third maker, a reseller of the first service."""
    _, _, old = revised
    with db.transaction() as session:
        factories.offering(session, market.rival, old, OfferState.DRAFT, name="秘密の下書き")
        third, reseller = factories.vendor(session), factories.vendor(session)
        waiting = factories.offering(session, third, old, OfferState.IN_REVIEW, answers=None)
        version = session.get_one(OfferingVersion, waiting.offering_version_id)
        factories.certification(session, version, ReviewState.UNDER_REVIEW)
        cheap = load_listing_versions(session, [market.cheap.id])[market.cheap.id]
        factories.listing(
            session, cheap.listing.offering, cheap.offering_version, reseller,
            OfferState.PUBLISHED, (),
        )  # fmt: skip
        return third, reseller


@pytest.mark.acceptance(27)
def test_publishing_shows_and_tells_who_stands_on_the_version_before(
    market, revised, not_public_yet
):
    lead, draft, old = revised
    third, reseller = not_public_yet
    path = f"/manage/specifications/versions/{draft.id}/publish"
    page = text_of(lead.page(path))
    for words in (
        "公開中のサービス3件（うち認証・条件付き認証3件）、使われている契約1件が対象です",
        "まちの予約帳",
        "見本町",
        "実装区分の変更 1件",
        "追加 1件",
        "令和81年3月31日",
        "公開前のサービス2件（下書き 1件、審査中 1件）と、審査中の認証の申請1件が対象です",
        f"販売：{reseller.name}",
    ):
        assert words in page, words
    assert "24,545" not in page
    assert "秘密の下書き" not in page
    reconcile()
    with db.reading() as session:
        before = changes.head(session)
    assert lead.submit(path, {"confirmed": "yes"}, button="公表する").status_code == 303
    letters = empty_letterbox(market.settings)
    assert market.approver.email in receivers(
        letters, "第2.0版が公表されました。使っているサービスの"
    )
    assert market.seller_admin.email in receivers(letters, "公開中のサービス1件")
    assert market.rival_admin.email not in receivers(letters, "公開中のサービス1件")
    seller = text_of(market.as_(market.seller_admin).page("/"))
    assert (
        "第2.0版が公表されました。公開中のサービス1件（うち認証1件）、受注している契約1件が対象です"
        in seller
    )
    assert "期限：令和81年3月31日" in seller
    rival = text_of(market.as_(market.rival_admin).page("/"))
    assert "公開中のサービス2件（うち認証2件）、公開前のサービス1件が対象です" in rival
    assert "契約1件" not in rival
    with db.reading() as session:
        since = clock.utcnow() - timedelta(days=1)
        told = {
            each.owner_id: [
                one.title for one in list_organisation_notices(session, each.owner_id, since)
            ]
            for each in (third, reseller)
        }
    assert "公開前のサービス1件、審査中の認証の申請1件が対象です" in told[third.owner_id][0]
    assert "ほかの事業者から販売しているサービス1件が対象です" in told[reseller.owner_id][0]
    town = market.as_(market.approver).page("/")
    assert "使っているサービスの契約1件が対象です" in text_of(town)
    link = next(
        each.get("href") for each in town.iter("a") if (each.get("href") or "").endswith("/changes")
    )
    assert market.as_(market.approver).get(link).status_code == 200
    with db.reading() as session:
        news = {each.kind for each in changes.list_changes(session, before, 100)}
    assert news == {"specification_version", "certificate"}
    lines = market.as_(market.approver).get("/api/v1/snapshot").text
    assert lines.count(f'"recheck_by":"{RECHECK}"') == 3
    # A message delivered late tells of nothing that came after it.
    with db.transaction() as session:
        tell_of_publication(session, {"specification_version_id": str(old.id)})
    assert outbox.drain(outbox_handlers(market.settings)) == 0


@pytest.mark.acceptance(27)
@pytest.mark.sqlite_only
def test_certificates_for_the_old_version_count_for_it_alone(market, revised, client):
    """Pure reading after the act above: the same on both databases."""
    lead, draft, old = revised
    path = f"/manage/specifications/versions/{draft.id}/publish"
    assert lead.submit(path, {"confirmed": "yes"}, button="公表する").status_code == 303
    with db.reading() as session:
        version = get_version(session, old.id)
        assert version is not None
        code = version.specification.code
        rows = load_listing_versions(session, [market.cheap.id])
        offering_version = rows[market.cheap.id].offering_version
        found = standings(session, [offering_version])[offering_version.id]
        assert found.state is CertificationState.CERTIFIED
        assert offering_version.specification_version_id == old.id

        number = current_certifications(session, [offering_version.id])[offering_version.id].number
    page = text_of(client.page(f"/certificates/{number}"))
    assert "確かめ直す期限令和81年3月31日" in page.replace(" ", "").replace("\n", "")
    status = client.get(f"/certificates/{number}/status.json").json
    assert (status["state"], status["recheck_by"]) == ("certified", "2099-03-31")

    def certified(label):
        wanted = {"specification": code, "specification_version": label}
        answer = client.get(
            "/api/v1/offerings", query_string=wanted | {"certification": "certified"}
        )
        return len(answer.json["items"])

    assert (certified(old.label), certified("2.0")) == (3, 0)


@pytest.mark.sqlite_only
def test_ending_a_version_tells_as_well(market, revised):
    """One act more over the services tried above."""
    lead, _, old = revised
    with db.transaction() as session:
        session.get_one(type(old), old.id).state = SpecificationState.EFFECTIVE
    path = f"/manage/specifications/versions/{old.id}/end"
    page = text_of(lead.page(path))
    assert "使われている契約1件が対象です" in page
    done = lead.submit(path, {"reason": "廃止する法律のため。", "confirmed": "yes"}, button="廃止")
    assert done.status_code == 303
    outbox.drain(outbox_handlers(market.settings))
    assert "は廃止になりました" in text_of(market.as_(market.seller_admin).page("/"))


@pytest.mark.sqlite_only
def test_a_call_for_comments_reaches_those_concerned_on_its_first_day(market, revised, hold_clock):
    """Pages and letters over acts that other tests try on both."""
    lead, draft, _ = revised
    first = clock.today_jst() + timedelta(days=3)
    days = {"opens_on": first, "closes_on": first + timedelta(days=20)}
    sent = {
        f"{name}-{part}": str(getattr(day, part)) for name, day in days.items()
        for part in ("year", "month", "day")
    } | {f"{name}-era": "western" for name in days}  # fmt: skip
    path = f"/manage/specifications/versions/{draft.id}/consultation"
    assert lead.submit(path, sent).status_code == 303
    assert receivers(empty_letterbox(market.settings), "意見を出せます") == []
    hold_clock(clock.start_of_day(first))
    letters = empty_letterbox(market.settings)
    told = receivers(letters, "の案に、")
    assert {market.approver.email, market.clerk.email, market.seller_admin.email} <= set(told)
    assert len(told) == len(set(told))
    page = re.search(
        r"/specifications/\S+/consultation", next(iter(letters.values()))[0].get_content()
    )
    assert page is not None
    assert "見本町" not in "".join(
        one.get_content()
        for each in letters.values()
        for one in each
        if one["To"] == market.seller_admin.email
    )
    assert market.as_(market.clerk).get(page.group()).status_code == 200


@pytest.mark.acceptance(26)
@pytest.mark.sqlite_only
def test_bodies_learn_by_mail_that_the_certificate_of_their_service_fell(market, revised):
    """One letter over the act that the certification tests try on both."""
    with db.transaction() as session:
        rows = load_listing_versions(session, [market.cheap.id])
        version = rows[market.cheap.id].offering_version
        held = current_certifications(session, [version.id])[version.id]
        agency = factories.organisation(session, OrganisationKind.AGENCY)
        lead = factories.person(session, Role.LEAD_REVIEWER, agency)
        suspend(
            session, factories.actor(lead, Role.LEAD_REVIEWER, agency), market.settings, held,
            reason="調べるため。", version=held.version,
        )  # fmt: skip
        number = held.number
    letters = empty_letterbox(market.settings)
    told = receivers(letters, "使っているサービス「まちの予約帳」の認証が「効力停止」になりました")
    with db.reading() as session:
        members = list_members(session, market.body.id)
    assert told == sorted({each.person.email for each in members})
    front = text_of(market.as_(market.clerk).page("/"))
    assert "の認証が「効力停止」になりました" in front
    assert "調べるため" not in "".join(str(each) for each in letters.values())
    assert market.as_(market.clerk).get(f"/certificates/{number}").status_code == 200
