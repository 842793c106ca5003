"""A claimed address is confirmed by the link of a letter, and stands in nobody's way before."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

import tests.factories as make
from accounts import address_services
from accounts.models import Membership, Person, Role, Throttle
from accounts.queries import find_holder, find_person_by_email
from accounts.services import create_person
from accounts.throttling import Limit, count_try, network_of
from core import audit_checkpoints, db
from core.audit import AuditEvent
from tests.letterbox import empty_letterbox, receivers
from tests.page_checks import text_of
from tests.vendors.test_registration import DONE, START
from vendors.models import Vendor

ASKED = "メールアドレスの確認のお願い"
NOON = datetime(2026, 10, 1, 3, 0, tzinfo=UTC)


def begin(browser, **values):
    given = {**START, **values}
    assert browser.submit("/vendors/register", given).location == DONE
    signed_in = {name: given[name] for name in ("email", "password")}
    assert browser.submit("/sign-in", signed_in).status_code == 303
    return browser.get("/vendors/register").location


def link_of(settings, address):
    letters = empty_letterbox(settings)
    assert receivers(letters, ASKED) == [address]
    return re.search(r"/account/address/\S+", letters[ASKED][0].get_content())[0]


@pytest.mark.sqlite_only  # pages; what the databases do differently is asked below
def test_registration_is_filled_in_before_and_handed_in_after_the_link_was_opened(
    client, new_client, settings, hold_clock
):
    hold_clock(NOON)
    file = begin(client)
    link = link_of(settings, "hanako@example.jp")
    assert "hanako" not in link
    assert "hanako@example.jpに、確認のメールを送りました" in text_of(client.page(file))
    assert client.submit(f"{file}/contact", {"gbizid_type": "prime"}).status_code == 303
    refused = client.submit(f"{file}/submit", {"confirmed": "yes"})
    assert f'href="{file}#address"' in refused.text.split('id="error-summary"')[1]
    invited = client.submit(file.replace("/file", "/members"), {"email": "b@example.jp"})
    assert "先に、あなたのメールアドレスを確かめてください" in invited.text

    other = new_client()
    begin(other, corporate_number=make.corporate_number(3), email="other@example.jp")
    assert other.get(link).status_code == 200
    assert other.submit(link).status_code == 404  # the link is worth nothing without the password
    assert new_client().get(link).location.startswith("/sign-in?next=/account/address/")

    empty_letterbox(settings)
    hold_clock(NOON + timedelta(hours=20))
    client.submit("/sign-in", {"email": "hanako@example.jp", "password": START["password"]})
    for _ in range(6):  # the sixth of a day is not sent
        client.submit(file, action="/account/address")
    assert "1日に5回まで" in text_of(client.page(file))
    assert len(empty_letterbox(settings)[ASKED]) == 5

    late = NOON + timedelta(hours=address_services.LINK_HOURS, seconds=1)
    hold_clock(late)
    client.submit("/sign-in", {"email": "hanako@example.jp", "password": START["password"]})
    old = client.submit(link)
    assert (old.status_code, "リンクの期限が過ぎています" in old.text) == (422, True)
    assert client.submit(file, action="/account/address").status_code == 303
    link = link_of(settings, "hanako@example.jp")
    assert client.submit(link).location == "/vendors/register"
    assert client.submit(link).status_code == 303  # twice is once
    assert "確認のメール" not in text_of(client.page(file))
    assert "#address" not in client.submit(f"{file}/submit", {"confirmed": "yes"}).text
    with db.reading() as session:
        events = [e.action for e in session.exec(select(AuditEvent))]
        assert events.count("account.confirm_address") == 1
        assert audit_checkpoints.verify(session).problems == ()


@pytest.mark.sqlite_only  # pages
def test_network_that_registers_without_end_is_stopped_and_loses_nothing(client, app, settings):
    app.config["NARABI"] = settings.model_copy(update={"register_attempts": 3})
    for number in range(3):
        values = {
            "corporate_number": make.corporate_number(number),
            "email": f"a{number}@example.jp",
        }
        assert client.submit("/vendors/register", {**START, **values}).status_code == 303
    for _ in range(2):
        stopped = client.submit("/vendors/register", START)
        assert (stopped.status_code, "1時間ほどたってから" in stopped.text) == (429, True)
        assert f'value="{START["name"]}"' in stopped.text
    with db.reading() as session:
        assert len(session.exec(select(Vendor)).all()) == 3
        refused = session.exec(select(AuditEvent).where(AuditEvent.outcome == "refused")).one()
        assert (refused.action, refused.subject_id) == ("vendor.register", None)


def test_claimed_address_gives_way_to_whoever_shows_it_to_be_theirs(settings, hold_clock):
    """The counter, and an account made by somebody else with the address of an invited person."""
    hold_clock(NOON)
    with db.transaction() as session:
        squatter = make.person(session, Role.VENDOR_ADMIN, email="b@example.jp")
        address_services.ask(session, session.get_one(Person, squatter.id))
        make.sign_in(session, squatter)
        known = make.person(session, email="known@example.jp")
    with db.transaction() as session:
        assert find_holder(session, "b@example.jp") is None
        assert not address_services.release(session, known.email)
        made = create_person(session, email="b@example.jp", name="見本 次郎", password="x" * 12)
        assert find_holder(session, "b@example.jp").id == made.id
        lost = session.get_one(Person, squatter.id)
        assert (lost.password_hash, lost.email.endswith(".invalid")) == ("", True)
        assert find_person_by_email(session, lost.email).awaits_confirmation
        assert session.exec(select(Membership)).one().ended_at is not None
    limit = Limit("register", most=2, hours=1)

    def tries(*sources):
        with db.transaction() as session:
            return [count_try(session, settings, limit, each) for each in sources]

    assert tries("a", "a", "b", "a", "a") == [0, 0, 0, 1, 2]
    hold_clock(NOON + timedelta(hours=1))
    assert tries("a", "b", "b") == [0, 0, 0]
    hold_clock(NOON + timedelta(days=4))
    assert tries("c") == [0]
    with db.reading() as session:
        assert len(session.exec(select(Throttle)).all()) == 1


def test_networks_are_told_apart():
    assert network_of("2001:db8:1:2:a::1") == network_of("2001:db8:1:2:b::2") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert (network_of("192.0.2.1"), network_of(None), network_of("unix:")) == (
        "192.0.2.1",
        "",
        "unix:",
    )
