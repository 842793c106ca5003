"""Members of a vendor: invited by a letter, given a role, taken out; never without an administrator."""

import email
import re
import smtplib
from datetime import timedelta
from email.policy import default
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import col, select

import tests.factories as make
from accounts.models import Membership, Organisation, Person, Role
from accounts.services import hash_token
from app import outbox_handlers
from core import db, mail, outbox
from core.audit import AuditEvent
from core.clock import utcnow
from tests.vendors.test_races import at_once
from vendors import member_services, queries
from vendors.member_models import Invitation


@pytest.fixture
def company(client):
    """A registered vendor whose administrator is signed in."""
    with db.transaction() as session:
        vendor = make.vendor(session)
        home = session.get(Organisation, vendor.owner_id)
        held = session.exec(select(Membership).where(Membership.organisation_id == home.id)).one()
        admin = session.get(Person, held.person_id)
    make.sign_in_client(client, admin)
    path = f"/vendors/{vendor.id}/members"
    return SimpleNamespace(vendor=vendor, home=home, admin=admin, held=held, path=path)


def letters(settings):
    outbox.drain(outbox_handlers(settings))
    folder = settings.data_dir / "mail"
    found = sorted(folder.glob("*.eml"), key=lambda p: p.stat().st_mtime_ns)
    return [email.message_from_bytes(p.read_bytes(), policy=default) for p in found]


def invite(client, settings, company, address, role="vendor_member"):
    """Invite and return the path in the letter."""
    response = client.submit(company.path, {"email": address, "role": role}, action="/members")
    assert response.status_code == 303, response.text
    letter = next(each for each in reversed(letters(settings)) if each["To"] == address)
    return re.search(r"/invitations/\w+", letter.get_content()).group()


@pytest.mark.sqlite_only  # pages and words: the same on both
def test_invited_person_joins_by_the_link_once_and_leaves_at_the_next_request(
    client, new_client, settings, company
):
    path = invite(client, settings, company, "jiro@example.jp")
    with db.reading() as session:
        row = session.exec(select(Invitation)).one()
        kept = session.exec(select(outbox.OutboxMessage)).all()
    token = path.rpartition("/")[2]
    assert token not in f"{row.model_dump()}{[message.payload for message in kept]}"
    assert row.token_hash == hash_token(token)
    assert "jiro@example.jp" in client.get(company.path).text
    assert "ほかのメールアドレス" in client.get(path).text  # the administrator is somebody else
    jiro = new_client()
    assert jiro.submit(path, {"name": "見本 次郎", "password": "short"}).status_code == 422
    assert 'value="見本 次郎"' in jiro.get(path).text  # kept by the browser, without a script
    assert 'value="見本 次郎"' not in new_client().get(path).text
    joined = jiro.submit(path, {"name": "見本 次郎", "password": "correct horse battery"})
    assert joined.status_code == 303
    assert jiro.get(joined.location).location == f"/vendors/{company.vendor.id}/file"
    assert "招待する" not in jiro.get(company.path).text
    assert new_client().get(path).status_code == 404
    with db.reading() as session:
        person = session.exec(select(Person).where(Person.email == "jiro@example.jp")).one()
        held = session.exec(select(Membership).where(Membership.person_id == person.id)).one()
    one = f"{company.path}/{held.id}"
    assert jiro.get(one).status_code == 403
    assert client.submit(one, {"role": "clerk"}).status_code == 422
    assert client.submit(one, {"role": "vendor_admin"}).status_code == 303
    assert "招待する" in jiro.get(company.path).text
    again = client.submit(company.path, {"email": "jiro@example.jp"}, action="/members")
    assert "すでにこの会社のメンバー" in again.text
    with db.reading() as session:
        live = select(Membership).where(col(Membership.ended_at).is_(None))
        held = session.exec(live.where(Membership.person_id == person.id)).one()
    assert client.submit(f"{company.path}/{held.id}/end", {"confirmed": "yes"}).status_code == 303
    assert jiro.get(company.path).status_code == 404
    refused = client.submit(f"{company.path}/{company.held.id}/end", {"confirmed": "yes"})
    assert (refused.status_code, "管理者が一人もいなくなります" in refused.text) == (422, True)
    assert (
        client.submit(f"{company.path}/{company.held.id}", {"role": "vendor_member"}).status_code
        == 422
    )
    with db.reading() as session:
        acts = [
            e.action
            for e in session.exec(select(AuditEvent).order_by(AuditEvent.sequence))
            if e.outcome == "done"
        ]
    wanted = ["vendor.invite", "vendor.join", "vendor.change_role", "vendor.end_membership"]
    assert [act for act in acts if act.startswith("vendor.")] == wanted


@pytest.mark.sqlite_only  # pages and words: the same on both
def test_link_ends_when_it_is_old_or_taken_back_and_known_people_sign_in(
    client, new_client, settings, company, hold_clock
):
    with db.transaction() as session:
        known = make.person(session, Role.CLERK, email="known@example.jp")
    path = invite(client, settings, company, "known@example.jp", "vendor_admin")
    browser = new_client()
    assert "サインインすると、参加できます" in browser.get(path).text
    make.sign_in_client(browser, known)
    assert browser.submit(path, {}).status_code == 422
    assert browser.submit(path, {"confirmed": "yes"}).status_code == 303
    path = invite(client, settings, company, "saburo@example.jp")
    newer = invite(client, settings, company, "saburo@example.jp")
    assert browser.get(path).status_code == 404  # a second invitation replaces the first
    assert new_client().get(newer).status_code == 200
    answer = client.submit(company.path, {}, action="/revoke")
    assert answer.status_code == 303
    assert new_client().get(newer).status_code == 404
    late = invite(client, settings, company, "shiro@example.jp")
    hold_clock(utcnow() + timedelta(days=7, seconds=1))
    assert new_client().get(late).status_code == 404
    assert new_client().get("/invitations/none").status_code == 404


@pytest.mark.sqlite_only  # rights: the table itself is tested on both
@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.VENDOR_ADMIN, 404), (Role.LEAD_REVIEWER, 200), (Role.AUDITOR, 200), (Role.CLERK, 404)],
)
def test_members_are_closed_to_strangers(new_client, company, role, status):
    with db.transaction() as session:
        stranger = make.person(session, role)
    browser = new_client()
    make.sign_in_client(browser, stranger)
    page = browser.get(company.path)
    assert page.status_code == status
    assert "招待のメールを送る" not in page.text


def test_two_administrators_cannot_end_each_other(database):
    with db.transaction() as session:
        vendor = make.vendor(session)
        home = session.get(Organisation, vendor.owner_id)
        held = session.exec(select(Membership).where(Membership.organisation_id == home.id)).one()
        first = session.get(Person, held.person_id)
        second = make.person(session)
        other = make.membership(session, second, Role.VENDOR_ADMIN, home)

    def end(who, target):
        def act():
            with db.transaction() as session:
                row = queries.lock_vendor(session, vendor.id)
                actor = make.actor(who, Role.VENDOR_ADMIN, home)
                member_services.end_membership(session, actor, row, target.id)

        return act

    outcomes = at_once(end(first, other), end(second, held))
    assert sum(outcome is None for outcome in outcomes) == 1
    with db.reading() as session:
        rows = session.exec(select(Membership).where(Membership.organisation_id == home.id)).all()
    assert sum(row.ended_at is None for row in rows) == 1


def test_letter_holds_no_second_header_and_goes_by_smtp(monkeypatch, settings):
    sent: list[Any] = []

    class Server:
        def __init__(self, host, port, **_options):
            sent.append((host, port))

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            sent.append("closed")

        def starttls(self, context):
            sent.append(("starttls", context.check_hostname))

        def login(self, user, password):
            sent.append((user, password))

        def send_message(self, message):
            sent.append(message)

    monkeypatch.setattr(smtplib, "SMTP", Server)
    values = {
        "smtp_host": "mail.example.jp",
        "smtp_user": "narabi",
        "smtp_password": SecretStr("secret"),
        "mail_sender": "narabi@example.jp",
    }
    letter = mail.Letter("a@example.jp", "招待\r\nBcc: b@example.jp", "本文", "k")
    mail.deliver(settings.model_copy(update=values), letter)
    message = sent[3]
    assert sent[:3] == [("mail.example.jp", 587), ("starttls", True), ("narabi", "secret")]
    assert (message["To"], message["Bcc"]) == ("a@example.jp", None)
    assert (
        message["Message-ID"]
        == mail.compose(settings.model_copy(update=values), letter)["Message-ID"]
    )
    silent = settings.model_copy(update={"env": "production"})
    with pytest.raises(mail.MailNotConfiguredError):
        mail.deliver(silent, letter)
    unnamed = settings.model_copy(update={"env": "production", "smtp_host": "mail.example.jp"})
    assert any("NARABI_MAIL_SENDER" in problem for problem in unnamed.problems())
