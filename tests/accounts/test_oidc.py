"""Sign-in by an identity provider: newcomers of companies, links, staff, confirmations, lost forms.

What pages and rules in Python refuse is asked on SQLite alone; rows on both.
"""

import json
import os
import socket
import subprocess
import sys
import time
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from click.testing import CliRunner
from pydantic import SecretStr
from sqlmodel import select

import tests.factories as make
from accounts.cli import accounts_group
from accounts.models import ExternalIdentity, Membership, Organisation, Person, Role, SignIn
from core import db
from core.audit import AuditEvent, Outcome
from core.audit_checkpoints import verify
from core.cli import Operation
from core.config import Settings
from core.outbox import OutboxMessage
from tests.accounts.conftest import PASSWORD
from tests.accounts.oidc_provider import COMPANY
from tests.page_checks import parse_page, text_of
from vendors.models import Vendor, VendorState

GBIZ = "GビズIDでサインインする"
STAFF = "職員認証でサインインする"


def come_back(client, provider, address, code="gbiz"):
    """Do as if the person had signed in at the provider and the browser came back."""
    return client.get(f"/sign-in/{code}/callback?{urlencode(provider.grant(address))}")


def actions():
    with db.reading() as session:
        assert verify(session).problems == ()
        found = session.exec(select(AuditEvent).order_by(AuditEvent.sequence))
        return [e.action for e in found if e.outcome is Outcome.DONE]


def roles_of(email):
    with db.reading() as session:
        rows = session.exec(select(Membership).join(Person).where(Person.email == email))
        return [row.role for row in rows if row.ended_at is None]


def sign_out(client):
    token = client.page("/").find(".//input[@name='csrf_token']").get("value")
    assert client.post("/sign-out", data={"csrf_token": token}).status_code == 303


@pytest.mark.sqlite_only  # a page, the same on both
def test_only_configured_providers_are_offered(client):
    page = client.page("/sign-in")
    assert "GビズIDでサインインする" not in text_of(page)
    assert client.post("/sign-in/gbiz", data={"csrf_token": "x"}).status_code == 400
    assert client.get("/sign-in/gbiz/callback?code=1&state=2").status_code == 404


def test_newcomer_begins_the_registration_and_comes_back_without_a_password(
    client, provider, journey
):
    response = come_back(client, provider, journey(client))
    assert (response.status_code, response.location) == (303, "/vendors/arrive")
    assert client.get_cookie("narabi_session") is None
    page = client.page("/vendors/arrive")
    assert all(word in text_of(page) for word in (COMPANY, "見本 花子", "プライム"))
    assert client.submit("/vendors/arrive", {"kana": ""}).status_code == 422
    begun = client.submit("/vendors/arrive", {"kana": "みほんさんぎょう"})
    assert begun.status_code == 303
    assert "見本産業株式会社の登録" in text_of(client.page(begun.location))
    with db.reading() as session:
        vendor = session.exec(select(Vendor)).one()
        assert (vendor.corporate_number, vendor.gbizid_type) == (COMPANY, "prime")
    sign_out(client)
    provider.profile["email"] = "other@sample.example.jp"
    assert come_back(client, provider, journey(client)).location == "/"
    assert client.get(begun.location).status_code == 200
    with db.reading() as session:
        person = session.exec(select(Person)).one()
        assert (person.email, person.password_hash) == ("hanako@sample.example.jp", "")
    sign_out(client)
    assert client.submit("/sign-in", {"email": person.email, "password": ""}).status_code == 422
    wrong = client.submit("/sign-in", {"email": person.email, "password": PASSWORD})
    assert wrong.status_code == 422


def test_member_holds_nothing_until_the_administrator_says_yes(
    client, provider, journey, new_client
):
    with db.transaction() as session:
        vendor = make.vendor(session, VendorState.DRAFT, corporate_number=COMPANY)
        home = session.get(Organisation, vendor.owner_id)
        admin = make.person(session, Role.VENDOR_ADMIN, home)
        stranger = make.person(session, Role.VENDOR_ADMIN)
    provider.profile["account_type"] = "3"
    come_back(client, provider, journey(client))
    page = text_of(client.page("/vendors/arrive"))
    assert "会社への参加を頼む" in page
    assert vendor.name not in page  # a draft is nobody else's business
    assert client.submit("/vendors/arrive", button="参加を頼む").location == "/"
    assert roles_of("hanako@sample.example.jp") == []
    assert client.get(f"/vendors/{vendor.id}/file").status_code == 404
    other, office = new_client(), new_client()
    make.sign_in_client(other, stranger)
    make.sign_in_client(office, admin, home)
    with db.reading() as session:
        identity = session.exec(select(ExternalIdentity)).one()
        told = session.exec(
            select(OutboxMessage).where(OutboxMessage.topic == "organisation.told")
        ).one()
        assert told.payload["organisation_id"] == str(home.id)
        assert told.payload["path"] == "/account/wishes"
        assert "花子" not in str(told.payload)
    token = other.page("/account/wishes").find(".//input[@name='csrf_token']").get("value")
    wish = f"/account/wishes/{identity.id}"
    data = {"csrf_token": token, "answer": "admit"}
    assert other.post(wish, data=data).status_code == 404
    assert "見本 花子" in text_of(office.page("/account/wishes"))
    assert office.submit("/account/wishes", button="担当者として認める").status_code == 303
    assert "いま希望している方はいません" in text_of(office.page("/account/wishes"))
    assert roles_of("hanako@sample.example.jp") == [Role.VENDOR_MEMBER]
    assert client.get(f"/vendors/{vendor.id}/file").status_code == 200
    assert actions()[-2:] == ["membership.add", "membership.admit"]
    members = f"/vendors/{vendor.id}/members"
    role = next(
        a.get("href")
        for a in office.page(members).iter("a")
        if text_of(a) == "役割を変える（見本 花子）"
    )
    assert "招待する" not in text_of(client.page(members))
    assert office.submit(role, {"role": Role.VENDOR_ADMIN.value}).status_code == 303
    assert roles_of("hanako@sample.example.jp") == [Role.VENDOR_ADMIN]
    assert "招待する" in text_of(client.page(members))


def test_holder_of_the_prime_account_becomes_the_first_administrator_once(
    client, provider, journey, new_client
):
    with db.transaction() as session:
        make.vendor(session, VendorState.DRAFT, corporate_number=COMPANY)
    second = new_client()
    come_back(client, provider, journey(client))
    provider.subject = "jiro"
    provider.profile["email"] = "jiro@sample.example.jp"
    come_back(second, provider, journey(second))
    for browser in (client, second):
        assert "管理者として始める" in text_of(browser.page("/vendors/arrive"))
    press = [browser.prepare("/vendors/arrive") for browser in (client, second)]
    assert [send().status_code for send in press] == [303, 303]
    assert roles_of("hanako@sample.example.jp") == [Role.VENDOR_ADMIN]
    assert roles_of("jiro@sample.example.jp") == []
    assert "見本" in text_of(client.page("/account/wishes"))


@pytest.mark.sqlite_only
def test_vendor_links_its_own_company_only_and_keeps_a_way_in(client, provider, journey, someone):
    with db.transaction() as session:
        vendor = make.vendor(session, VendorState.DRAFT, corporate_number=COMPANY)
        home = session.get(Organisation, vendor.owner_id)
    person = someone(Role.VENDOR_ADMIN, at=home, email="hanako@sample.example.jp")
    make.sign_in_client(client, person, home)
    start = ("GビズIDを結び付ける", "/account/identities")
    provider.profile["corporate_number"] = make.corporate_number(5)
    come_back(client, provider, journey(client, *start))
    assert "このGビズIDは結び付けられません" in text_of(client.page("/vendors/arrive"))
    provider.profile["corporate_number"] = COMPANY
    come_back(client, provider, journey(client, *start))
    assert client.submit("/vendors/arrive", button="結び付ける").status_code == 303
    contact = client.page(
        f"/vendors/{vendor.id}/file/contact"
    )  # what GビズID said is not typed over
    assert "GビズIDで確かめた種類です" in text_of(contact)
    typed = {"contact_email": "a@example.jp", "version": str(vendor.version + 1)}
    typed["csrf_token"] = contact.find(".//input[@name='csrf_token']").get("value")
    path = f"/vendors/{vendor.id}/file/contact"
    assert client.post(path, data={**typed, "gbizid_type": "entry"}).status_code == 422
    assert client.post(path, data=typed).status_code == 303
    with db.reading() as session:
        assert session.get_one(Vendor, vendor.id).gbizid_type == "prime"
    sign_out(client)
    assert come_back(client, provider, journey(client)).location == "/"
    assert f"{person.name}さん" in text_of(client.page("/"))
    listed = client.page("/account/identities")
    assert "GビズIDを結び付ける" not in text_of(listed)
    href = next(a.get("href") for a in listed.iter("a") if (a.get("href") or "").endswith("/end"))
    ended = client.submit(href, {"confirmed": "yes"})
    assert ended.status_code == 303
    assert client.get("/account/identities").status_code == 303  # that way in is closed
    response = come_back(client, provider, journey(client))
    assert response.status_code == 403
    assert "これまでの方法でサインイン" in response.text
    assert {"account.link", "account.unlink"} <= set(actions())


@pytest.mark.sqlite_only
def test_last_way_in_stays(client, provider, journey):
    come_back(client, provider, journey(client))
    client.submit("/vendors/arrive", {"kana": "みほん"})
    listed = client.page("/account/identities")
    href = next(a.get("href") for a in listed.iter("a") if (a.get("href") or "").endswith("/end"))
    refused = client.submit(href, {"confirmed": "yes"})
    assert refused.status_code == 409
    assert "サインインする方法がなくなる" in refused.text


@pytest.mark.sqlite_only
def test_link_needs_the_password_when_the_sign_in_is_old(
    client, with_providers, someone, hold_clock
):
    person = someone()
    make.sign_in_client(client, person)
    with db.transaction() as session:
        row = session.exec(select(SignIn)).one()
        row.authenticated_at = db.now(session) - timedelta(minutes=11)
    path = "/account/identities"
    wrong = client.submit(path, {"password": "wrong"}, button="職員認証を結び付ける")
    assert wrong.status_code == 303
    assert "パスワードが違います" in text_of(client.page(path))
    right = client.submit(path, {"password": PASSWORD}, button="職員認証を結び付ける")
    assert "Refresh" in right.headers


def test_staff_is_bound_by_the_console_or_by_its_own_hand_and_never_by_itself(
    client, provider, journey, someone, with_providers, new_client
):
    first, second = someone(), someone(Role.REVIEWER)
    provider.profile = {"email": first.email, "email_verified": True}
    refused = come_back(client, provider, journey(client, STAFF), "staff")
    assert refused.status_code == 403
    assert "組織の管理者に頼んで" in refused.text
    operation = Operation(with_providers, {}, {})
    command = ["bind", "--email", first.email, "--subject", "taro"]
    assert "結び付けました" in CliRunner().invoke(accounts_group, command, obj=operation).output
    assert "すでに" in CliRunner().invoke(accounts_group, command, obj=operation).output
    assert come_back(client, provider, journey(client, STAFF), "staff").location == "/"
    assert f"{first.name}さん" in text_of(client.page("/"))
    browser = new_client()
    make.sign_in_client(browser, second)
    start = ("職員認証を結び付ける", "/account/identities")
    taken = come_back(browser, provider, journey(browser, *start), "staff")
    assert "すでにアカウントに結び付いています" in taken.text
    provider.subject = "hanako"
    linked = come_back(browser, provider, journey(browser, *start), "staff")
    assert linked.location == "/account/identities"
    sign_out(browser)
    come_back(browser, provider, journey(browser, STAFF), "staff")
    assert f"{second.name}さん" in text_of(browser.page("/"))


@pytest.mark.sqlite_only
def test_legal_act_sends_back_to_the_provider_and_loses_nothing(
    client, provider, journey, someone, with_providers
):
    lead = someone(Role.LEAD_REVIEWER)
    with db.transaction() as session:
        vendor = make.vendor(session)
        for person, subject in ((lead, "taro"), (make.person(session), "jiro")):
            session.add(
                ExternalIdentity(
                    person_id=person.id, provider="staff", issuer=provider.issuer, subject=subject
                )
            )
    provider.claims = {"auth_time": int(time.time()) - 3_600}  # one sign-in there for the whole day
    assert come_back(client, provider, journey(client, STAFF), "staff").status_code == 303
    path = f"/vendors/{vendor.id}/suspend"
    assert client.page(path).find(".//input[@type='password']") is None
    values = {"reason": "契約の条件に反したため", "confirmed": "yes"}
    asked = client.submit(path, values)
    assert asked.status_code == 401
    assert "まだ確定していません" in asked.text

    def go(page):
        form = next(
            f for f in parse_page(page.text).iter("form") if f.get("action") == "/sign-in/staff"
        )
        hidden = {i.get("name"): i.get("value") for i in form.iter("input")}
        left = client.post("/sign-in/staff", data=hidden)
        address = left.headers["Refresh"].removeprefix("0; url=")
        query = parse_qs(urlsplit(address).query)
        assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
        return come_back(client, provider, address, "staff")

    stale = go(asked)
    assert stale.status_code == 403
    assert "入力した内容は消えていません" in stale.text
    provider.claims = {}
    provider.subject = "jiro"
    other = go(stale)
    assert "別の方の確認だった" in other.text
    provider.subject = "taro"
    confirmed = go(other)
    assert confirmed.status_code == 200
    assert "本人の確認が終わりました" in confirmed.text
    form = next(f for f in parse_page(confirmed.text).iter("form") if f.get("action") == path)
    again = {i.get("name"): i.get("value") or "" for i in form.iter("input")}
    assert client.post(path, data=again).status_code == 303
    with db.reading() as session:
        suspended = session.get_one(Vendor, vendor.id)
        assert suspended.state is VendorState.SUSPENDED
        assert suspended.suspension_reason == "契約の条件に反したため"


@pytest.mark.acceptance(17)
@pytest.mark.sqlite_only  # what is carried is the same on both
def test_interrupted_form_survives_the_journey(client, provider, journey, hold_clock):
    come_back(client, provider, journey(client))
    begun = client.submit("/vendors/arrive", {"kana": "みほん"}).location
    path = f"{begun}/contact"
    send = client.prepare(path, {"contact_email": "info@example.jp"})
    client.delete_cookie("narabi_session")
    stopped = send()
    assert stopped.status_code == 401
    form = next(f for f in parse_page(stopped.text).iter("form") if f.get("action") == "/sign-in")
    hidden = {i.get("name"): i.get("value") or "" for i in form.iter("input")}
    left = client.post("/sign-in/gbiz", data=hidden)
    address = left.headers["Refresh"].removeprefix("0; url=")
    provider.parameters = {"error": "access_denied", "code": None}
    refused = come_back(client, provider, address)
    assert "入力した内容は消えていません" in refused.text
    provider.parameters = {}
    form = next(f for f in parse_page(refused.text).iter("form") if f.get("action") == "/sign-in")
    hidden = {i.get("name"): i.get("value") or "" for i in form.iter("input")}
    left = client.post("/sign-in/gbiz", data=hidden)
    welcome = come_back(client, provider, left.headers["Refresh"].removeprefix("0; url="))
    assert "入力した内容を送り直す" in welcome.text
    form = next(f for f in parse_page(welcome.text).iter("form") if f.get("action") == path)
    again = {i.get("name"): i.get("value") or "" for i in form.iter("input")}
    assert client.post(path, data=again).status_code == 303
    with db.reading() as session:
        assert session.exec(select(Vendor)).one().contact_email == "info@example.jp"


def test_unsafe_settings_are_named():
    settings = Settings(
        env="production",
        gbiz_issuer="http://gbiz.example/",
        gbiz_scopes="profile",
        gbiz_claims={"email": "mail"},
        staff_issuer="https://staff.example",
        staff_client_id="narabi",
        inward_origins=["http://10.0.0.1"],
    )
    told = "\n".join(settings.problems())
    for name in (
        "GBIZ_ISSUER は https://",
        "GBIZ_CLIENT_ID も",
        "GBIZ_CLIENT_SECRET も",
        "GBIZ_SCOPES",
        "GBIZ_CLAIMS",
        "STAFF_CLIENT_SECRET も",
        "INWARD_ORIGINS",
    ):
        assert f"NARABI_{name}" in told
    assert "STAFF_CLIENT_ID も" not in told


@pytest.fixture
def mock_provider(run_folder):
    """The oidc-provider-mock of the package index, in a process of its own; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    log = (run_folder / f"provider-{port}.log").open("wb")
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONWARNINGS": "ignore"}, stdout=log, stderr=log
    )
    address = f"http://localhost:{port}"
    try:
        for _ in range(100):
            try:
                requests.get(f"{address}/jwks", timeout=1)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(10)
        log.close()


@pytest.mark.sqlite_only  # another provider, the same database
def test_provider_of_another_hand_is_understood(client, app, settings, mock_provider):
    """From sign-up by GビズID to a second sign-in, against an implementation that is not ours."""
    told = {
        "account_type": "3",
        "corporate_number": "８０００-０１２０１-００３８",
        "name": "見本産業株式会社",
        "user_last_nm": "見本",
        "user_first_nm": "花子",
        "email": "hanako@sample.example.jp",
    }
    requests.put(f"{mock_provider}/users/taro", json=told, timeout=5).raise_for_status()
    configured = {
        "gbiz_issuer": mock_provider,
        "gbiz_client_id": "narabi",
        "gbiz_client_secret": SecretStr("secret"),
        "gbiz_scopes": "openid profile email",
        "inward_origins": [mock_provider],
    }
    app.config["NARABI"] = settings.model_copy(update=configured)

    def travel():
        left = client.submit("/sign-in", button=GBIZ)
        address = left.headers["Refresh"].removeprefix("0; url=")
        back = requests.post(address, data={"sub": "taro"}, allow_redirects=False, timeout=5)
        target = urlsplit(back.headers["Location"])
        return client.get(f"{target.path}?{target.query}")

    assert travel().location == "/vendors/arrive"
    assert COMPANY in text_of(client.page("/vendors/arrive"))
    begun = client.submit("/vendors/arrive", {"kana": "みほんさんぎょう"})
    assert begun.status_code == 303
    sign_out(client)
    assert travel().location == "/"
    assert client.get(begun.location).status_code == 200
    with db.reading() as session:
        identity = session.exec(select(ExternalIdentity)).one()
        assert (identity.issuer, identity.subject) == (mock_provider, "taro")
        assert "hanako" not in json.dumps(identity.model_dump(mode="json"))
