"""A registration that nobody handed in gives way to the company itself, ends untouched, or by the agency."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

import tests.factories as make
from accounts import oidc_services
from accounts.identity import ANONYMOUS
from accounts.models import AttemptPurpose, Membership, Organisation, Person, Role
from accounts.oauth import Identified
from accounts.oidc_services import Attempt
from core import db
from core.audit import AuditEvent
from core.audit_checkpoints import verify
from core.config import Settings
from core.errors import Conflict, DomainError
from tests.letterbox import empty_letterbox, receivers
from tests.page_checks import text_of
from tests.vendors.test_races import at_once
from vendors import arrival_services, queries, services
from vendors.models import LIVE_STATES, Vendor, VendorAction, VendorState

COMPANY = "8000012010038"
NOON = datetime(2026, 10, 1, 3, 0, tzinfo=UTC)
FULL = {
    "kana": "みほん",
    "representative": "見本 春男",
    "address": "見本県架空市一番地",
    "is_small_or_medium": True,
    "roles": ["maker"],
    "qualification_number": "見本-1",
    "qualification_kinds": ["service"],
    "qualification_grade": "A",
    "qualification_regions": ["近畿"],
    "qualification_expires_on": datetime(2028, 3, 31, tzinfo=UTC).date(),
    "has_exclusions": False,
    "contact_email": "info@example.jp",
    "gbizid_type": "prime",
}


def receive(subject: str, email: str, account_type: str = "2") -> str:
    """Do as the return from GビズID does, and return the secret of the browser."""
    told = {
        "person_name": "見本 花子",
        "email": email,
        "company_name": "見本産業株式会社",
        "corporate_number": COMPANY,
        "account_type": account_type,
    }
    who = Identified("https://gbiz.example/", subject, int(NOON.timestamp()), told)
    attempt = Attempt(oidc_services.GBIZ, AttemptPurpose.SIGN_IN, None, NOON)
    token = f"secret of {subject}"
    with db.transaction() as session:
        oidc_services.receive(session, ANONYMOUS, attempt, who, token=token)
    return token


def arrive(subject: str, email: str) -> Callable[[], object]:
    token = receive(subject, email)

    def act() -> object:
        with db.transaction() as session:
            words = {"name": "見本産業株式会社", "kana": "みほんさんぎょう"}
            begun = arrival_services.begin(session, ANONYMOUS, token=token, **words)
            return begun.vendor.id

    return act


def squat(email: str = "squatter@example.jp") -> Vendor:
    with db.transaction() as session:
        begun = services.register(
            session,
            ANONYMOUS,
            Settings(env="development"),
            corporate_number=COMPANY,
            name="見本産業株式会社",
            kana="みほん",
            person_name="見本 鳥男",
            email=email,
            password="correct horse battery",
        )
        assert begun is not None
        return begun


def state_of(vendor_id) -> VendorState:
    with db.reading() as session:
        return session.get_one(Vendor, vendor_id).state


def leave_and_begin_again(company, file):
    """Withdraw a registration that was begun by GビズID, and begin the next one without a password."""
    again = company.submit("/vendors/begin-again", {})
    assert (again.status_code, "すでに始まっています" in again.text) == (409, True)
    leave = {"reason": "はじめからやり直します。", "confirmed": "yes"}
    assert company.submit(file.replace("/file", "/withdraw"), leave).status_code == 303
    ended = company.page(file)
    assert any(a.get("href") == "/vendors/begin-again" for a in ended.iter("a"))
    anew = company.submit("/vendors/begin-again", {})
    assert (anew.status_code, anew.location != file) == (303, True)
    assert "提出する" in text_of(company.page(anew.location))
    assert company.get("/vendors/register").location == anew.location


def test_company_itself_takes_the_number_and_the_address_from_an_unproven_draft(
    settings, new_client, hold_clock
):
    hold_clock(NOON)
    draft = squat("hanako@example.jp")
    squatter = new_client()
    secret = {"email": "hanako@example.jp", "password": "correct horse battery"}
    assert squatter.submit("/sign-in", secret).status_code == 303
    with db.transaction() as session:
        home = session.get_one(Organisation, draft.owner_id)
        helper = make.person(session, Role.VENDOR_MEMBER, home, email="helper@example.jp")
    file = f"/vendors/{draft.id}/file"
    assert squatter.get(file).status_code == 200
    company = new_client()
    company.set_cookie("narabi_arrival", receive("taro", "hanako@example.jp"))
    page = text_of(company.page("/vendors/arrive"))
    assert "GビズIDを使わずに始められた下書きがあります" in page
    company.query_budget = 45  # one act ends a registration and an account, and begins both anew
    begun = company.submit("/vendors/arrive", {"kana": "みほんさんぎょう"})
    company.query_budget = 25
    assert "見本産業株式会社の登録" in text_of(company.page(begun.location))
    assert "メールアドレスを確かめてください" not in text_of(company.page(begun.location))
    leave_and_begin_again(company, begun.location)
    assert squatter.get(file).status_code == 303  # the account lost its address, and is signed out
    assert squatter.submit("/sign-in", secret).status_code == 422
    letters = empty_letterbox(settings)
    assert receivers(letters, "下書きが終わりました") == ["helper@example.jp"]
    with db.reading() as session:
        assert verify(session).problems == ()
        old = session.get_one(Vendor, draft.id)
        assert (old.state, old.is_public) == (VendorState.TERMINATED, False)
        assert "GビズIDプライム" in old.end_reason
        people = {p.id: p for p in session.exec(select(Person))}
        held = [m for m in session.exec(select(Membership)) if m.organisation_id == old.owner_id]
        assert all(m.ended_at is not None for m in held)
        told = session.exec(select(AuditEvent).order_by(col(AuditEvent.sequence)))
        events = [e for e in told if e.subject_id == old.id]
        acts = [e.action for e in events]
        assert acts == ["vendor.register", "vendor.give_way", "vendor.end_membership"]
        assert people[events[1].person_id].email == "hanako@example.jp"
        assert helper.id in people
        new = queries.find_live_by_number(session, COMPANY)
        assert (queries.is_proven(session, new), new.gbizid_type) == (True, "prime")


def test_of_arrivals_and_a_submission_at_once_one_keeps_the_number(database, hold_clock):
    hold_clock(NOON)
    draft = squat()
    acts = [arrive("taro", "taro@example.jp"), arrive("jiro", "jiro@example.jp")]
    outcomes = at_once(*acts)
    assert sorted(type(each).__name__ for each in outcomes) == ["Conflict", "UUID"]
    assert state_of(draft.id) is VendorState.TERMINATED
    with db.transaction() as session:  # the company's own draft goes, and somebody takes the number
        proven = queries.find_live_by_number(session, COMPANY)
        proven.apply(VendorAction.WITHDRAW)
    draft = squat("second@example.jp")
    with db.transaction() as session:
        row = queries.lock_vendor(session, draft.id)
        row.revise(**FULL)
        person = session.exec(select(Person).where(Person.email == "second@example.jp")).one()
        person.awaits_confirmation = False
        home = session.get_one(Organisation, draft.owner_id)
        actor, version = make.actor(person, Role.VENDOR_ADMIN, home), row.version

    def submit() -> object:
        with db.transaction() as session:
            locked = queries.lock_vendor(session, draft.id)
            services.submit(session, actor, locked, version=version)
            return "submitted"

    arrived, submitted = at_once(arrive("saburo", "saburo@example.jp"), submit)
    if submitted == "submitted":
        assert isinstance(arrived, Conflict)
        assert state_of(draft.id) is VendorState.SUBMITTED
    else:
        assert isinstance(submitted, DomainError)
        assert state_of(draft.id) is VendorState.TERMINATED
    with db.reading() as session:
        live = [v for v in session.exec(select(Vendor)) if v.state in LIVE_STATES]
        assert len(live) == 1
        assert verify(session).problems == ()


@pytest.mark.sqlite_only  # rules and letters; the rows are asked above
def test_draft_that_nobody_goes_on_with_ends_after_a_warning(settings, hold_clock):
    hold_clock(NOON)
    draft = squat()
    with db.transaction() as session:
        kept = session.exec(select(Person)).one()
        kept.awaits_confirmation = False
    empty_letterbox(settings)

    def pass_days(days):
        hold_clock(NOON + timedelta(days=days))
        return empty_letterbox(settings)

    assert pass_days(7.1) == {}
    assert state_of(draft.id) is VendorState.DRAFT
    hold_clock(NOON + timedelta(days=60))
    with db.transaction() as session:
        queries.lock_vendor(session, draft.id).revise(representative="見本 春男")
    assert pass_days(77) == {}
    warned = pass_days(60 + 76.1)
    assert receivers(warned, "まもなく終わります") == ["squatter@example.jp"]
    with db.transaction() as session:
        queries.lock_vendor(session, draft.id).revise(representative="見本 夏男")
    assert pass_days(60 + 91) == {}
    assert state_of(draft.id) is VendorState.DRAFT
    assert receivers(pass_days(60 + 76.2 + 76.3), "まもなく終わります") == ["squatter@example.jp"]
    assert receivers(pass_days(60 + 76.2 + 91), "下書きが終わりました") == ["squatter@example.jp"]
    assert state_of(draft.id) is VendorState.TERMINATED
    second = squat("never@example.jp")
    assert list(empty_letterbox(settings)) == ["メールアドレスの確認のお願い"]
    assert pass_days(60 + 76.2 + 91 + 7.1) == {}
    assert state_of(second.id) is VendorState.TERMINATED
    third = squat("never@example.jp")  # the address is free again
    assert state_of(third.id) is VendorState.DRAFT


@pytest.mark.sqlite_only  # pages
def test_agency_finds_a_draft_by_its_number_and_ends_it_for_a_reason(
    client, new_client, settings, hold_clock
):
    hold_clock(NOON)
    draft = squat()
    with db.transaction() as session:
        lead = make.person(session, Role.LEAD_REVIEWER)
        reviewer = make.person(session, Role.REVIEWER)
        session.exec(
            select(Person).where(Person.email == "squatter@example.jp")
        ).one().awaits_confirmation = False
        returned = make.vendor(session, VendorState.RETURNED)
    make.sign_in_client(client, lead)
    page = client.page("/vendors/queue?show=begun")
    assert "1件の登録（始めた順）" in text_of(page)
    assert "見本産業" in text_of(client.page("/vendors/queue?number=８０００-０１２０１-００３８"))
    assert "この法人番号の登録はありません" in client.get("/vendors/queue?number=1").text
    file = f"/vendors/{draft.id}/file"
    assert "申込みのときに入力された番号です" in text_of(client.page(file))
    path = f"/vendors/{draft.id}/terminate"
    assert "予告" not in text_of(client.page(path))
    assert client.submit(path, {"confirmed": "yes"}).status_code == 422
    reason = {"confirmed": "yes", "reason": "会社から、心当たりがないと申出がありました。"}
    assert client.submit(path, reason).status_code == 303
    assert receivers(empty_letterbox(settings), "登録を終わらせました") == ["squatter@example.jp"]
    owner = new_client()
    owner.submit("/sign-in", {"email": "squatter@example.jp", "password": "correct horse battery"})
    assert reason["reason"] in text_of(owner.page(file))
    assert "提出する" not in text_of(owner.page(file).find(".//main")).replace(
        "登録の内容を提出する", ""
    )
    assert client.get(f"/vendors/{draft.id}").status_code == 404  # it never was public
    assert client.submit(f"/vendors/{returned.id}/terminate", reason).status_code == 303
    assert state_of(squat("again@example.jp").id) is VendorState.DRAFT
    helper = new_client()
    make.sign_in_client(helper, reviewer)
    assert "提出されていない下書き" not in helper.get("/vendors/queue").text
