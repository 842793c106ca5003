"""Signing in, being locked out, being signed out by time, by oneself and by the end of a role.

What pages and rules in Python refuse is asked on SQLite alone; rows and times on both.
"""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

import tests.factories as make
from accounts.models import Membership, Person, Role, SignIn
from core import db
from core.audit import AuditDetail, AuditEvent, Outcome
from core.audit_checkpoints import verify
from tests.accounts.conftest import PASSWORD
from tests.page_checks import text_of

NOON = datetime(2026, 10, 1, 3, 0, tzinfo=UTC)


def sign_in(client, person, password=PASSWORD, **values):
    return client.submit("/sign-in", {"email": person.email, "password": password, **values})


def token_of(browser, path="/sign-in"):
    return browser.get(path).text.split('name="csrf_token" value="')[1].split('"')[0]


def events():
    with db.reading() as session:
        assert verify(session).problems == ()
        found = session.exec(select(AuditEvent).order_by(AuditEvent.sequence))
        return [(e.action, e.outcome) for e in found]


def test_person_signs_in_and_out(client, someone):
    person = someone()
    response = sign_in(client, person)
    assert (response.status_code, response.location) == (303, "/")
    assert f"{person.name}さん" in text_of(client.page("/"))
    cookie = client.get_cookie("narabi_session").value
    assert client.post("/sign-out", data={"csrf_token": token_of(client, "/")}).status_code == 303
    assert client.get_cookie("narabi_session") is None
    client.set_cookie("narabi_session", cookie)
    assert client.get("/account/organisation").status_code == 303
    assert ("account.sign_out", Outcome.DONE) in events()


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("asked", "reached"),
    [
        ("/account/organisation", "/account/organisation"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/\t/evil.example/", "/"),
        ("", "/"),
    ],
)
def test_return_address_stays_on_this_site(client, someone, asked, reached):
    assert sign_in(client, someone(), next=asked).location == reached


@pytest.mark.sqlite_only
def test_page_that_needs_a_sign_in_is_returned_to(client, someone):
    response = client.get("/account/organisation?x=1")
    assert response.status_code == 303
    form = client.submit(response.location, {"email": someone().email, "password": PASSWORD})
    assert form.location == "/account/organisation?x=1"


@pytest.mark.sqlite_only
def test_wrong_password_keeps_the_address_and_never_the_password(client, someone):
    person = someone()
    response = sign_in(client, person, "not the password")
    assert response.status_code == 422
    assert f'value="{person.email}"' in response.text
    assert "not the password" not in response.text
    assert events() == [("account.sign_in", Outcome.REFUSED)]


@pytest.mark.sqlite_only
def test_unknown_and_locked_accounts_read_the_same(client, someone, new_client):
    person = someone()
    answers = {
        sign_in(client, person, "wrong").text.split("field__error")[1][:200] for _ in range(6)
    }
    person.email = "nobody@example.jp"
    answers.add(sign_in(new_client(), person, "wrong").text.split("field__error")[1][:200])
    assert len(answers) == 1
    refused = [("account.sign_in", Outcome.REFUSED), ("account.locked", Outcome.REFUSED)]
    assert events() == [refused[0]] * 4 + [refused[1]] + [refused[0]] * 2
    with db.reading() as session:
        kept = session.exec(select(AuditDetail).order_by(AuditDetail.sequence)).all()
        assert [row.detail["reason"] for row in kept] == ["wrong"] * 5 + ["locked", "unknown"]
        people = [
            event.person_id
            for event in session.exec(select(AuditEvent).order_by(AuditEvent.sequence))
        ]
        assert people == [person.id] * 6 + [None]
        assert "example.jp" not in str([row.detail for row in kept])


def test_lock_out_lasts_its_time_and_no_longer(client, someone, hold_clock):
    hold_clock(NOON)
    person = someone()
    for _ in range(5):
        assert sign_in(client, person, "wrong").status_code == 422
    assert sign_in(client, person).status_code == 422
    hold_clock(NOON + timedelta(minutes=14))
    assert sign_in(client, person).status_code == 422
    hold_clock(NOON + timedelta(minutes=15))
    assert sign_in(client, person).status_code == 303
    assert ("account.locked", Outcome.REFUSED) in events()


def test_right_password_clears_the_count(client, someone, new_client):
    person = someone()
    for _ in range(4):
        sign_in(client, person, "wrong")
    assert sign_in(client, person).status_code == 303
    browser = new_client()
    for _ in range(4):
        sign_in(browser, person, "wrong")
    assert sign_in(browser, person).status_code == 303


def test_idle_session_ends_and_use_keeps_it(client, someone, hold_clock):
    hold_clock(NOON)
    make.sign_in_client(client, someone())
    hold_clock(NOON + timedelta(minutes=29))
    assert client.get("/account/organisation").status_code == 200
    hold_clock(NOON + timedelta(minutes=58))
    assert client.get("/account/organisation").status_code == 200
    hold_clock(NOON + timedelta(minutes=89))
    assert client.get("/account/organisation").status_code == 303


def test_session_ends_after_its_absolute_limit(client, someone, hold_clock):
    hold_clock(NOON)
    make.sign_in_client(client, someone())
    for minutes in range(25, 12 * 60, 25):
        hold_clock(NOON + timedelta(minutes=minutes))
        assert client.get("/account/organisation").status_code == 200
    hold_clock(NOON + timedelta(hours=12, minutes=1))
    assert client.get("/account/organisation").status_code == 303


def test_revoked_session_ends_at_the_next_request(client, someone):
    make.sign_in_client(client, someone())
    assert client.get("/account/organisation").status_code == 200
    with db.transaction() as session:
        session.exec(select(SignIn)).one().revoked_at = db.now(session)
    assert client.get("/account/organisation").status_code == 303


def test_ended_role_ends_the_right_but_not_reading(client, someone):
    make.sign_in_client(client, someone())
    with db.transaction() as session:
        session.exec(select(Membership)).one().ended_at = db.now(session)
    assert client.get("/account/organisation").status_code == 404
    assert client.get("/").status_code == 200
    response = client.post("/sign-out", data={"csrf_token": token_of(client, "/")})
    assert response.status_code == 303
    with db.reading() as session:
        assert session.exec(select(SignIn)).one().revoked_at is not None


def test_role_with_an_end_ends_by_itself(client, someone, hold_clock):
    hold_clock(NOON)
    person = someone()
    make.sign_in_client(client, person)
    with db.transaction() as session:
        session.exec(select(Membership)).one().ends_at = NOON + timedelta(minutes=10)
    hold_clock(NOON + timedelta(minutes=9))
    assert client.get("/account/organisation").status_code == 200
    hold_clock(NOON + timedelta(minutes=10))
    assert client.get("/account/organisation").status_code == 404


@pytest.mark.sqlite_only
@pytest.mark.acceptance(22)
def test_person_of_two_organisations_acts_as_one_at_a_time(client, someone):
    with db.transaction() as session:
        first, second = make.body(session, name="一の村"), make.body(session, name="二の村")
        stranger = make.body(session)
    person = someone(role=None)
    with db.transaction() as session:
        person = session.get(Person, person.id)
        make.membership(session, person, Role.CLERK, first)
        make.membership(session, person, Role.APPROVER, second)
    make.sign_in_client(client, person, first)
    strip = text_of(client.page("/").find(".//header"))
    assert "一の村（群馬県）・担当者" in strip
    assert "二の村" not in strip
    path = "/account/organisation"
    assert client.submit(path, {"organisation_id": str(second.id)}).location == "/"
    strip = text_of(client.page("/").find(".//header"))
    assert "二の村（群馬県）・決裁者" in strip
    assert "担当者" not in strip
    response = client.submit(path, {"organisation_id": str(stranger.id)})
    assert response.status_code == 404
    bad = client.submit(path, {"organisation_id": "x"})
    assert bad.status_code == 422
    assert "団体は一覧から選択してください。" in bad.text


def test_role_refused_at_the_gate_is_in_the_trail(client, someone):
    make.sign_in_client(client, someone(Role.CLERK))
    response = client.post(
        "/vendors/00000000-0000-0000-0000-000000000000/decide",
        data={"csrf_token": token_of(client, "/")},
    )
    assert response.status_code == 404
    assert events() == [("vendor.decide", Outcome.REFUSED)]
