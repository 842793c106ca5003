"""The choice: ceiling, splitting, four eyes, and what changed since the lock.

Words and refusals of pages are the same on both databases, so they are asked on SQLite only.
"""

import threading
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from accounts.models import Organisation, OrganisationKind, Person, Role
from accounts.services import hash_password
from catalog.certification import queries as certification_queries
from catalog.certification import services as certification_services
from catalog.certification.models import Certification
from catalog.kept.queries import works_of
from catalog.offerings.models import ListingVersion, OfferAction, OfferingVersion
from catalog.price_plan import ComponentKind, Interval, Unit
from core import clock, db
from core.errors import DomainError, Forbidden
from procurement.bodies.models import ContractCategory
from procurement.projects import queries
from procurement.projects.models import Project, ProjectState
from procurement.projects.services import lock_listing
from procurement.selection import services
from tests import factories
from tests.accounts.conftest import PASSWORD
from tests.accounts.test_resubmission import fields_of, sign_in_with
from tests.page_checks import text_of
from tests.procurement.conftest import MONTHLY, SELECTION
from tests.search.market import index_all
from vendors.models import Vendor

ONCE = (ComponentKind.INITIAL, Unit.LUMP, Interval.ONCE)


def add_listing(market, amount, name="ぴったり"):
    """Publish one more listing that costs `amount` yen without tax once."""
    with db.transaction() as session:
        made = factories.offering(
            session,
            market.rival,
            factories.specification(session),
            name=name,
            prices=[(*ONCE, amount)],
        )
    index_all(market.settings, made)
    return made


@pytest.mark.parametrize(
    ("net", "total", "passes"), [(909_091, 1_000_000, True), (909_092, 1_000_001, False)]
)
def test_ceiling_holds_to_the_yen(market, net, total, passes):
    made = add_listing(market, net)
    market.reach_compared()
    response = market.propose(made)
    if passes:
        assert response.status_code == 303
        assert market.selection().total_with_tax == total
        assert market.selection().ceiling_amount == 1_000_000
        return
    assert response.status_code == 422
    assert "見積が必要です" in response.text
    assert "1,000,001円" in response.text
    assert "1,000,000円" in response.text
    assert SELECTION["reason"] in response.text
    assert market.project().state is ProjectState.COMPARED


@pytest.mark.sqlite_only
def test_quantities_and_options_of_the_case_count_at_every_step(market):
    """36 months of 20,000 yen, 1 yen for each of 3,200 households and an option of 3,000 yen."""
    usage = (ComponentKind.USAGE, Unit.HOUSEHOLD, Interval.MONTH, 1)
    option = (ComponentKind.OPTION, Unit.LUMP, Interval.MONTH, 3_000)
    with db.transaction() as session:
        made = factories.offering(
            session,
            market.rival,
            factories.specification(session),
            name="世帯しだい",
            prices=[(*MONTHLY, 20_000), usage, option],
        )
    index_all(market.settings, made)
    clerk = market.as_(market.clerk)
    market.reach_searching()
    case = f"/projects/{market.project().id}"
    page = f"{case}/cost-conditions"
    wrong = clerk.submit(page, {"households": "多数", "options": "オプション"})
    assert wrong.status_code == 422
    assert "多数" in wrong.text
    assert "オプション" in wrong.text
    typo = clerk.submit(page, {"options": "オプシヨン"})
    assert typo.status_code == 422
    assert (
        "「オプシヨン」というオプションは、どの料金表にもありません。近い名前：オプション"
        in typo.text
    )
    said = {"households": "3,200", "options": "オプション", "rounding": "per_month"}
    assert clerk.submit(page, said).status_code == 303
    assert "世帯数3,200世帯" in text_of(clerk.page(case))
    assert market.lock().status_code == 303
    assert market.compare().status_code == 303
    assert "費用の計算の条件は、今は変更できません" in clerk.get(page).text
    assert market.project().cost_conditions["households"] == 3_200
    # 26,200 a month and 10 % of tax: 1,037,520 yen, above the ceiling of 1,000,000.
    # A later figure in the register changes nothing that was locked.
    with db.transaction() as session:
        session.get_one(Organisation, market.body.id).population = 999_999
    listed = clerk.page(f"{case}/candidates")
    assert "1,037,520" in text_of(listed)
    assert f"{market.body.population:,}人" in text_of(listed)
    assert '"registered":{"population":' in market.pack().content
    assert "オプション：オプション" in text_of(listed)
    refused = market.propose(made)
    assert refused.status_code == 422
    assert "1,037,520円" in refused.text
    links = [a.get("href") for a in listed.iter("a") if "比較表を開く" in text_of(a)]
    asked = parse_qs(urlsplit(links[0]).query)
    assert asked["population"] == [str(market.body.population)]
    assert (asked["households"], asked["o"], asked["rounding"]) == (
        ["3200"],
        ["オプション"],
        ["per_month"],
    )
    assert asked["on"] == [clock.today_jst().isoformat()]
    # The sample body has no code that an address could name; the clerk acts for it.
    assert "1,037,520" in text_of(clerk.page(links[0].replace(f"body={market.body.code}&", "")))


@pytest.mark.sqlite_only
def test_a_new_case_takes_over_what_its_clerk_keeps_for_its_work(market):
    clerk = market.as_(market.clerk)
    with db.transaction() as session:
        work = works_of(session, [market.cheap.id])[market.cheap.id]
        foreign = factories.specification(session).id
        version = session.get_one(OfferingVersion, market.cheap.offering_version_id)
        own = version.specification_version_id
    typed = {"counters": "4", "households": "77"}
    kept = clerk.submit(f"/conditions?work={work.code}", typed, action="/conditions")
    assert kept.status_code == 303
    for other in ("", str(foreign)):
        told = text_of(clerk.page(market.open_project(specification_version_id=other)))
        assert "世帯数77世帯" in told
        assert "窓口4か所" not in told
    told = text_of(clerk.page(market.open_project(specification_version_id=str(own))))
    assert "窓口4か所" in told


@pytest.mark.sqlite_only
def test_lease_has_its_own_ceiling(market):
    market.reach_compared()
    refused = market.propose(market.cheap, category="lease")
    assert refused.status_code == 422
    assert "800,000円" in refused.text


@pytest.mark.sqlite_only
def test_price_that_is_not_published_needs_a_quote(market):
    with db.transaction() as session:
        made = factories.offering(
            session,
            market.rival,
            factories.specification(session),
            name="数量しだい",
            prices=[(ComponentKind.USAGE, Unit.HOUSEHOLD, Interval.MONTH, 1), (*MONTHLY, 10_000)],
        )
    index_all(market.settings, made)
    market.reach_compared()
    refused = market.propose(made)
    assert refused.status_code == 422
    assert "見積が必要です" in refused.text
    assert "1,000,000円" in refused.text


@pytest.mark.sqlite_only
def test_every_reason_is_asked_for(market):
    market.reach_compared()
    for name in ("reason", "sole_source_reason"):
        refused = market.propose(market.cheap, **{name: " "})
        assert refused.status_code == 422
        assert "入力してください" in refused.text
    unground = market.propose(market.cheap, ground="")
    assert "契約の根拠を選択してください" in unground.text


@pytest.mark.sqlite_only
def test_excluded_candidate_and_stranger_cannot_be_chosen(market):
    market.reach_locked()
    excluded = market.candidate(market.dear)
    market.exclude(market.dear)
    market.compare()
    path = f"/projects/{market.project().id}/selection"
    client = market.as_(market.clerk)
    for wrong in (str(excluded.id), str(market.body.id), "x"):
        refused = client.submit(path, {**SELECTION, "candidate_id": wrong})
        assert refused.status_code == 422
        assert "残っている候補から選択してください" in refused.text


def test_database_lets_only_a_locked_candidate_win(market):
    market.reach_proposed()
    made = add_listing(market, 1_000)
    with pytest.raises(DomainError), db.transaction() as session:
        statement = text("UPDATE selections SET listing_version_id = :id")
        session.execute(statement, {"id": made.id.hex if is_sqlite() else made.id})


def is_sqlite() -> bool:
    return db.current().is_sqlite


def test_orders_that_add_up_above_the_ceiling_need_an_explanation(market):
    market.reach_chosen()
    market.reach_compared()
    refused = market.propose(market.cheap)
    assert refused.status_code == 422
    assert "と合わせると1,943,964円" in refused.text
    assert "限度額1,000,000円" in refused.text
    assert (
        market.propose(market.cheap, splitting_note="別の施設の別の契約です。").status_code == 303
    )
    page = market.as_(market.approver).page(f"/projects/{market.project().id}/decision")
    assert "別の施設の別の契約です。" in text_of(page)


def test_only_orders_of_the_same_fiscal_year_add_up(market):
    market.reach_chosen()
    earlier = market.project().id
    market.reach_compared()
    project, candidate = market.project(), market.candidate(market.cheap)
    for day, number in (("2027-03-31", 0), ("2027-04-01", 1), ("2028-03-31", 1), ("2028-04-01", 0)):
        with db.transaction() as session:
            factories.thaw(session)
            session.get_one(Project, earlier).starts_on = date.fromisoformat(day)
            session.flush()
            found = services.assess_choice(session, project, candidate, ContractCategory.SERVICES)
            assert (len(found.related_numbers), found.splits) == (number, bool(number)), day


@pytest.mark.sqlite_only
def test_service_that_ended_since_the_lock_needs_an_acknowledgement(market):
    market.reach_compared()
    with db.transaction() as session:
        session.get_one(ListingVersion, market.cheap.id).apply(OfferAction.WITHDRAW)
    refused = market.propose(market.cheap)
    assert refused.status_code == 422
    assert "提供が終わっています" in refused.text
    assert market.propose(market.cheap, change_note="後継の版を確かめました。").status_code == 303


@pytest.mark.sqlite_only
def test_seller_who_cannot_accept_today_is_told_before_the_choice(market):
    market.reach_compared()
    with db.transaction() as session:
        expired = {"qualification_expires_on": date(2026, 3, 31)}
        session.get_one(Vendor, market.seller.id).revise(**expired)
    refused = market.propose(market.cheap)
    assert refused.status_code == 422
    assert "いまは依頼を承諾できません" in refused.text
    assert market.propose(market.cheap, change_note="更新中と確かめました。").status_code == 303


@pytest.mark.sqlite_only
def test_service_that_ends_before_the_decision_is_told_to_the_approver(market):
    market.reach_proposed()
    with db.transaction() as session:
        session.get_one(ListingVersion, market.cheap.id).apply(OfferAction.WITHDRAW)
    refused = market.decide("approve")
    assert refused.status_code == 422
    assert "提供が終わっています" in refused.text
    assert market.decide("approve", change_note="確かめました。").status_code == 303


@pytest.mark.sqlite_only
def test_note_of_the_clerk_does_not_acknowledge_for_the_approver(market):
    market.reach_compared()
    with db.transaction() as session:
        session.get_one(ListingVersion, market.cheap.id).apply(OfferAction.WITHDRAW)
    assert market.propose(market.cheap, change_note="後継の版を確かめました。").status_code == 303
    assert market.decide("approve").status_code == 422
    assert market.decide("approve", change_note="確かめました。").status_code == 303


@pytest.mark.sqlite_only
def test_returned_choice_can_be_proposed_again(market):
    market.reach_proposed()
    assert market.decide("return").status_code == 422
    assert market.decide("return", reason="費用の比べ方を足してください。").status_code == 303
    clerk = market.as_(market.clerk)
    show = text_of(clerk.page(f"/projects/{market.project().id}"))
    assert "費用の比べ方を足してください。" in show
    assert "要修正" in show
    assert market.propose(market.other).status_code == 303
    assert market.decide("approve").status_code == 303
    assert market.selection().listing_version_id == market.other.id


@pytest.mark.sqlite_only
def test_returned_choice_stays_what_it_was_after_a_new_search(market):
    market.reach_proposed()
    assert market.decide("return", reason="費用の比べ方を足してください。").status_code == 303
    market.search(q="とびら")
    assert market.lock().status_code == 303
    with db.reading() as session:
        found = queries.list_candidates(session, market.pack().id)
    assert market.cheap.id not in {each.listing_version_id for each in found}
    page = market.as_(market.approver).page(f"/projects/{market.project().id}/decision")
    assert "まちの予約帳" in text_of(page)
    assert "費用の比べ方を足してください。" in text_of(page)


# --- the certificate ------------------------------------------------------------------------


def propose_revocation(market):
    """Let a lead propose to revoke the certificate of the cheap service; return how another confirms."""
    with db.transaction() as session:
        own = session.get_one(ListingVersion, market.cheap.id).offering_version_id
        certificate_id = certification_queries.current_certifications(session, [own])[own].id
        agency = factories.organisation(session, OrganisationKind.AGENCY)
        leads = [factories.person(session, Role.LEAD_REVIEWER, agency) for _ in range(2)]

    def act(session, service, lead):
        who = factories.actor(lead, Role.LEAD_REVIEWER, agency)
        row = session.get_one(Certification, certificate_id)
        service(session, who, market.settings, row, reason="申告と違う。", version=row.version)

    with db.transaction() as session:
        act(session, certification_services.propose_revocation, leads[0])
    return lambda session: act(session, certification_services.confirm_revocation, leads[1])


@pytest.mark.sqlite_only
def test_revoked_certificate_has_to_be_acknowledged(market):
    market.reach_compared()
    revoke = propose_revocation(market)
    with db.transaction() as session:
        revoke(session)
    refused = market.propose(market.cheap)
    assert refused.status_code == 422
    sentence = "「まちの予約帳」の認証は、検索結果を確定したあとに「取消し」になりました。"
    assert sentence in refused.text
    assert market.propose(market.cheap, change_note="理由を確かめました。").status_code == 303
    page = market.as_(market.approver).page(f"/projects/{market.project().id}/decision")
    assert sentence in text_of(page)
    assert market.decide("approve").status_code == 422
    assert market.decide("approve", change_note="確かめました。").status_code == 303


@pytest.mark.parametrize("is_revoked_first", [True, False])
def test_revocation_and_approval_wait_for_each_other(market, is_revoked_first):
    """Whichever begins first ends first: nobody approves what was revoked without being told."""
    market.reach_proposed()
    revoke = propose_revocation(market)
    version_id = market.selection().listing_version_id
    outcomes = {}

    def approve(session):
        who = factories.actor(market.approver, Role.APPROVER, market.body)
        project = queries.get_project(session, market.project().id)
        assert project is not None
        services.approve_selection(session, who, project, version=project.version)

    def follow(act):
        try:
            with db.transaction() as session:
                act(session)
            outcomes["second"] = "done"
        except DomainError as error:
            outcomes["second"] = error.code

    second = threading.Thread(target=follow, args=[approve if is_revoked_first else revoke])
    with db.transaction() as session:
        if is_revoked_first:
            revoke(session)
        else:
            lock_listing(session, version_id)
        second.start()
        second.join(0.5)
        assert second.is_alive(), outcomes
        if not is_revoked_first:
            approve(session)
    second.join()
    assert outcomes == {"second": "guard_failed" if is_revoked_first else "done"}
    assert market.selection().is_approved is (None if is_revoked_first else True)


# --- four eyes ------------------------------------------------------------------------------


@pytest.mark.sqlite_only
def test_clerk_without_the_role_cannot_decide(market):
    market.reach_proposed()
    client = market.as_(market.clerk)
    path = f"/projects/{market.project().id}/decision"
    assert "決裁の結果を保存する" not in text_of(client.page(path))
    token = client.page(f"/projects/{market.project().id}/history").find(
        ".//input[@name='csrf_token']"
    )
    form = {"decision": "approve", "version": str(market.project().version)}
    response = client.post(path, data={**form, "csrf_token": token.get("value")})
    assert response.status_code == 403


def approve_as(market, person):
    with db.transaction() as session:
        project = queries.get_project(session, market.project().id)
        assert project is not None
        who = factories.actor(person, Role.APPROVER, market.body)
        services.approve_selection(session, who, project, version=project.version)


def test_proposer_who_is_also_approver_cannot_decide(market):
    market.reach_compared()
    path = f"/projects/{market.project().id}/selection"
    chosen = {"candidate_id": str(market.candidate(market.cheap).id)}
    assert market.as_(market.both).submit(path, {**SELECTION, **chosen}).status_code == 303
    refused = market.decide("approve", market.both)
    assert refused.status_code == 403
    assert "決裁できません" in refused.text
    with pytest.raises(Forbidden):
        approve_as(market, market.both)
    assert market.decide("approve").status_code == 303


def test_last_editor_who_is_also_approver_cannot_decide(market):
    market.reach_locked()
    path = f"/projects/{market.project().id}/compare"
    assert market.as_(market.both).submit(path, {"confirmed": "yes"}).status_code == 303
    assert market.propose(market.cheap).status_code == 303
    assert market.decide("approve", market.both).status_code == 403
    with pytest.raises(Forbidden):
        approve_as(market, market.both)
    assert market.decide("return", market.both, reason="x").status_code == 403
    assert market.decide("approve").status_code == 303


@pytest.mark.parametrize("column", ["proposed_by_id", "last_editor_id"])
def test_database_refuses_the_same_person_twice(market, column):
    market.reach_proposed()
    with pytest.raises(DomainError), db.transaction() as session:
        session.execute(text(f"UPDATE selections SET decided_by_id = {column}"))


def test_approver_whose_right_ended_cannot_decide(market):
    market.reach_proposed()
    client = market.as_(market.approver)
    client.page(f"/projects/{market.project().id}/decision")
    with db.transaction() as session:
        session.execute(
            text("UPDATE memberships SET ended_at = :now WHERE person_id = :id"),
            {
                "now": "2026-01-01 00:00:00.000000" if is_sqlite() else "2026-01-01T00:00:00Z",
                "id": market.approver.id.hex if is_sqlite() else market.approver.id,
            },
        )
    with pytest.raises(DomainError):
        approve_as(market, market.approver)
    assert market.project().state is ProjectState.SELECTION_PROPOSED


def test_approve_and_return_at_once_end_in_one_decision(market):
    market.reach_proposed()
    with db.transaction() as session:
        second = factories.person(session, Role.APPROVER, market.body)
    outcomes, start = [], threading.Barrier(2)

    def act(person, service, **values):
        who = factories.actor(person, Role.APPROVER, market.body)
        start.wait()
        try:
            with db.transaction() as session:
                project = queries.get_project(session, market.project().id)
                assert project is not None
                service(session, who, project, version=project.version, **values)
            outcomes.append("done")
        except DomainError as error:
            outcomes.append(error.code)

    threads = [
        threading.Thread(target=act, args=(market.approver, services.approve_selection)),
        threading.Thread(
            target=act, args=(second, services.return_selection), kwargs={"reason": "足りません。"}
        ),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in (["done", "stale_version"], ["done", "wrong_state"])
    approved = market.selection().is_approved
    expected = ProjectState.SELECTION_APPROVED if approved else ProjectState.COMPARED
    assert market.project().state is expected


@pytest.mark.acceptance(17)
@pytest.mark.sqlite_only  # what is carried over the sign-in is the same on both
def test_sign_in_that_ends_while_reasons_are_typed_loses_none_of_them(market):
    """A clerk writes for an hour why this service; the words come back and can be sent again."""
    market.reach_compared()
    with db.transaction() as session:
        session.get_one(Person, market.clerk.id).revise(password_hash=hash_password(PASSWORD))
    path = f"/projects/{market.project().id}/selection"
    client, words = (
        market.as_(market.clerk),
        "夜間の受付と、職員だけでの料金表の改定ができるため。\n二行目。",
    )
    chosen = {"candidate_id": str(market.candidate(market.cheap).id), **SELECTION, "reason": words}
    send = client.prepare(path, chosen)
    client.delete_cookie("narabi_session")
    stopped = send()
    assert stopped.status_code == 401
    assert "入力した内容は消えていません" in stopped.text
    assert market.project().state is ProjectState.COMPARED
    welcome = sign_in_with(client, stopped.text, market.clerk)
    assert "入力した内容を送り直す" in welcome.text
    assert client.post(path, data=fields_of(welcome.text, path)).status_code == 303
    assert market.selection().reason == words
