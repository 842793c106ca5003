"""The life of offering and listing versions, as acts on the database."""

from datetime import UTC, date, datetime

import pytest
from sqlmodel import select

from accounts.models import Role
from catalog.offerings import queries, services
from catalog.offerings.answer_rules import AnswerValues
from catalog.offerings.content import hash_content, offering_content
from catalog.offerings.models import OfferState
from catalog.specifications.models import Pattern, SpecificationState
from catalog.terms import Answer
from core import db, outbox
from core.changes import Operation, list_changes
from core.errors import (
    Conflict,
    Forbidden,
    GuardFailed,
    Invalid,
    NotFound,
    StaleVersion,
    WrongState,
)
from tests import factories
from tests.catalog.offerings.conftest import (
    BASE_PRICE,
    load,
    make_company,
    make_draft,
    make_lead,
    publish,
)
from tests.databases import DatabaseUnderTest


def test_published_offering_is_listed_announced_and_indexed(database: DatabaseUnderTest) -> None:
    with db.transaction() as session:
        company, lead = make_company(session), make_lead(session)
        version_id = make_draft(session, company, factories.specification(session).id)
    terms = publish(company, lead, version_id)
    with db.transaction() as session:
        assert [each.id for each in queries.find_listed(session)] == [terms.id]
        announced = {(each.kind, each.operation) for each in list_changes(session, 0, 10)}
        assert announced == {("offering", Operation.UPSERT), ("listing", Operation.UPSERT)}
        topics = session.exec(select(outbox.OutboxMessage)).all()
        assert {each.topic: each.payload for each in topics} == {
            "search.listing_changed": {"listing_id": str(terms.listing_id)},
            "offering.published": {"offering_version_id": str(version_id)},
        }


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"pattern": Pattern.COMMON_A}, "共通化A"),
        ({"pattern": Pattern.STANDARDISED}, "まだ始まっていません"),
        ({"pattern": Pattern.INDIVIDUAL}, "個別開発"),
        ({"state": SpecificationState.DRAFT}, "まだ公表されていない"),
        ({"state": SpecificationState.RETIRED}, "新しい版"),
    ],
)
def test_standard_that_takes_no_offerings_says_why(
    database: DatabaseUnderTest, values: dict[str, object], words: str
) -> None:
    with db.transaction() as session:
        company = make_company(session)
        specification = factories.specification(session, **values)
    with db.transaction() as session, pytest.raises(GuardFailed, match=words):
        services.create_offering(
            session, company.acts(), specification_version_id=specification.id, name="見本"
        )
    with db.reading() as session:
        assert queries.list_versions_of(session, company.home.id) == []


def test_submission_names_everything_that_is_missing(database: DatabaseUnderTest) -> None:
    with db.transaction() as session:
        company = make_company(session)
        made = services.create_offering(
            session,
            company.acts(),
            specification_version_id=factories.specification(session, requirements=6).id,
            name="見本",
        )
        version_id = made.offering_version_id
    with db.transaction() as session:
        row, _ = load(session, version_id)
        with pytest.raises(GuardFailed) as refusal:
            services.submit_version(session, company.acts(), row)
    sentences = [sentence for _, sentence in refusal.value.reasons]
    # Nine fields of the software, five binding requirements of six, a price and seven terms.
    assert len(sentences) == len(set(sentences)) == 9 + 5 + 1 + 7
    assert "R-001に回答してください。" in sentences
    assert "R-003に回答してください。" not in sentences
    with db.reading() as session:
        assert load(session, version_id)[0].state is OfferState.DRAFT


def test_submitted_content_is_fixed(database: DatabaseUnderTest) -> None:
    with db.transaction() as session:
        company = make_company(session)
        version_id = make_draft(session, company, factories.specification(session).id)
    with db.transaction() as session:
        row, _ = load(session, version_id)
        services.submit_version(session, company.acts(), row)
    with db.transaction() as session:
        row, terms = load(session, version_id)
        answers = queries.list_answers(session, [row.id])[row.id]
        assert row.content_sha256 == hash_content(offering_content(row, answers))
        some = next(iter(answers))
        for act in (
            lambda: services.edit_offering_version(
                session, company.acts(), row, version=row.version, name="別の名前"
            ),
            lambda: services.save_prices(
                session, company.acts(), terms, version=terms.version, components=[BASE_PRICE]
            ),
            lambda: services.save_answers(
                session,
                company.acts(),
                row,
                version=row.version,
                answers={some: AnswerValues(Answer.CONFORMS, "変更")},
            ),
        ):
            with pytest.raises(WrongState, match="提出済み"):
                act()


def test_approval_refuses_content_that_was_changed_behind_the_machine(
    database: DatabaseUnderTest,
) -> None:
    with db.transaction() as session:
        company, lead = make_company(session), make_lead(session)
        version_id = make_draft(session, company, factories.specification(session).id)
        row, _ = load(session, version_id)
        services.submit_version(session, company.acts(), row)
        row.revise(summary="あとから書き換えた説明")
    with db.transaction() as session, pytest.raises(GuardFailed, match="内容が変わっています"):
        services.approve_version(session, lead, load(session, version_id)[0])


def test_member_prepares_but_does_not_submit_and_rivals_see_nothing(
    database: DatabaseUnderTest,
) -> None:
    with db.transaction() as session:
        company, rival = make_company(session), make_company(session)
        version_id = make_draft(session, company, factories.specification(session).id)
    with db.transaction() as session:
        row, _ = load(session, version_id)
        with pytest.raises(Forbidden):
            services.submit_version(session, company.acts(Role.VENDOR_MEMBER), row)
        with pytest.raises(NotFound):
            services.edit_offering_version(
                session, rival.acts(), row, version=row.version, name="x"
            )
        services.edit_offering_version(
            session, company.acts(Role.VENDOR_MEMBER), row, version=row.version, name="直した名前"
        )


def test_second_editor_is_told_and_the_first_edit_stays(database: DatabaseUnderTest) -> None:
    with db.transaction() as session:
        company = make_company(session)
        version_id = make_draft(session, company, factories.specification(session).id)
    with db.transaction() as session:
        row, _ = load(session, version_id)
        seen = row.version
        services.edit_offering_version(session, company.acts(), row, version=seen, name="先の名前")
    with db.transaction() as session, pytest.raises(StaleVersion) as refusal:
        row, _ = load(session, version_id)
        services.edit_offering_version(session, company.acts(), row, version=seen, name="後の名前")
    assert refusal.value.current["name"] == "先の名前"


def test_new_version_leaves_buyers_with_the_old_one_until_it_is_published(
    database: DatabaseUnderTest,
) -> None:
    with db.transaction() as session:
        company, reseller, lead = make_company(session), make_company(session), make_lead(session)
        version_id = make_draft(session, company, factories.specification(session).id)
    first = publish(company, lead, version_id)
    with db.transaction() as session:
        row, terms = load(session, version_id)
        other = factories.listing(
            session, row.offering, row, reseller.vendor, OfferState.PUBLISHED, []
        )
        services.start_new_version(session, company.acts(), terms.listing.offering)
        with pytest.raises(Conflict, match="第2版"):
            services.start_new_version(session, company.acts(), terms.listing.offering)
    with db.transaction() as session:
        listed = {each.id for each in queries.find_listed(session)}
        assert listed == {first.id, other.id}
        draft = queries.list_versions_of(session, company.home.id)[0]
        row, _ = load(session, draft.id)
        assert (row.number, row.state) == (2, OfferState.DRAFT)
        assert len(queries.list_answers(session, [row.id])[row.id]) == 6
        services.edit_offering_version(
            session, company.acts(), row, version=row.version, name="新しい名前"
        )
    second = publish(company, lead, draft.id)
    with db.reading() as session:
        shown = {each.listing_id: each for each in queries.find_listed(session)}
        assert shown.keys() == {first.listing_id, other.listing_id}
        assert shown[first.listing_id].id == second.id
        carried = shown[other.listing_id]
        assert carried.offering_version.name == "新しい名前"
        assert carried.number == 2
        assert queries.load_listing_versions(session, [first.id])[first.id].state is (
            OfferState.SUPERSEDED
        )


def test_price_change_is_a_listing_version_that_a_lead_approves(
    database: DatabaseUnderTest,
) -> None:
    with db.transaction() as session:
        company, lead = make_company(session), make_lead(session)
        version_id = make_draft(session, company, factories.specification(session).id)
    first = publish(company, lead, version_id)
    with db.transaction() as session:
        listing = queries.get_listing(session, first.listing_id)
        assert listing is not None
        change = services.start_listing_change(session, company.acts(), listing)
        session.flush()
        session.expunge_all()
        change = queries.load_listing_versions(session, [change.id])[change.id]
        dearer = {**BASE_PRICE, "tiers": [[0, 30_000]]}
        services.save_prices(
            session, company.acts(), change, version=change.version, components=[dearer]
        )
        services.submit_listing_version(session, company.acts(), change)
        change_id = change.id
    for act, actor in (
        (services.approve_listing_version, lead),
        (services.publish_listing_version, company.acts()),
    ):
        with db.transaction() as session:
            assert [each.id for each in queries.find_listed(session)] == [first.id]
            row = queries.load_listing_versions(session, [change_id])[change_id]
            act(session, actor, row)
    with db.reading() as session:
        (shown,) = queries.find_listed(session)
        assert shown.id == change_id
        assert shown.offering_version_id == version_id
        assert shown.components[0].tiers == [[0, 30_000]]


def test_other_seller_is_published_only_after_the_makers_word(database: DatabaseUnderTest) -> None:
    with db.transaction() as session:
        maker, seller, lead = make_company(session), make_company(session), make_lead(session)
        version_id = make_draft(session, maker, factories.specification(session).id)
    first = publish(maker, lead, version_id)
    with db.transaction() as session:
        row, _ = load(session, version_id)
        terms = services.create_listing(session, seller.acts(), row.offering)
        session.flush()
        session.expunge_all()
        terms = queries.load_listing_versions(session, [terms.id])[terms.id]
        services.edit_listing_version(
            session,
            seller.acts(),
            terms,
            version=terms.version,
            **{name: getattr(first, name) for name in ("support_hours", "planned_service_hours")},
            availability_basis_points=9_900,
            notice_months=3,
            transition_days=30,
            retrieval_days=30,
            deletion_certificate=False,
        )
        services.save_prices(
            session, seller.acts(), terms, version=terms.version, components=[BASE_PRICE]
        )
        services.submit_listing_version(session, seller.acts(), terms)
        services.approve_listing_version(session, lead, terms)
        with pytest.raises(GuardFailed, match="登録開発者"):
            services.publish_listing_version(session, seller.acts(), terms)
        with pytest.raises(NotFound):
            services.confirm_listing(session, seller.acts(), terms.listing)
        services.confirm_listing(session, maker.acts(), terms.listing)
        services.publish_listing_version(session, seller.acts(), terms)
    with db.reading() as session:
        assert len(queries.find_listed(session, offering_id=row.offering_id)) == 2
    with db.transaction() as session:
        listing = queries.get_listing(session, first.listing_id)
        assert listing is not None
        services.withdraw_listing(
            session, maker.acts(), listing, reason="見本の終了", ends_on=date(2035, 3, 31)
        )
    with db.reading() as session:
        told = [each.payload for each in session.exec(select(outbox.OutboxMessage))]
        titles = [e["title"] for e in told if e.get("organisation_id") == str(seller.home.id)]
        assert any("令和17年3月31日に提供を終えます。理由：見本の終了" in each for each in titles)


def test_withdrawal_respects_the_promised_notice(database: DatabaseUnderTest, hold_clock) -> None:
    hold_clock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    with db.transaction() as session:
        company, lead = make_company(session), make_lead(session)
        version_id = make_draft(session, company, factories.specification(session).id)
    first = publish(company, lead, version_id)
    with db.transaction() as session:
        listing = queries.get_listing(session, first.listing_id)
        assert listing is not None
        with pytest.raises(Invalid, match="令和9年5月21日以後"):
            services.withdraw_listing(
                session, company.acts(), listing, reason="終了", ends_on=date(2027, 5, 20)
            )
        services.withdraw_listing(
            session, company.acts(), listing, reason="終了", ends_on=date(2027, 5, 21)
        )
    with db.reading() as session:
        assert queries.find_listed(session) == []
        row, terms = load(session, version_id)
        assert (row.state, terms.state) == (OfferState.WITHDRAWN, OfferState.WITHDRAWN)
        last = list_changes(session, 0, 20)[-1]
        assert last.operation is Operation.DELETE
    with pytest.raises(Conflict, match="新しいサービスとして登録"), db.transaction() as session:
        ended, _ = load(session, version_id)
        services.start_new_version(session, company.acts(), ended.offering)
