"""Signing in in the middle of saving loses nothing."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

import tests.factories as make
from accounts.models import Organisation, Person, Role
from core import db
from tests.accounts.conftest import PASSWORD
from tests.page_checks import parse_page
from vendors.models import Vendor, VendorState

# Words and refusals of pages: the same on both databases, so asked once.
pytestmark = pytest.mark.sqlite_only

NOON = datetime(2026, 10, 1, 3, 0, tzinfo=UTC)
TYPED = {"contact_email": "info@example.jp", "gbizid_type": "prime"}


@pytest.fixture
def registration(client, password_hash):
    """A vendor's administrator, signed in, with the contact page open."""
    with db.transaction() as session:
        vendor = make.vendor(session, VendorState.DRAFT)
        home = session.get(Organisation, vendor.owner_id)
        person = make.person(session, Role.VENDOR_ADMIN, home, password_hash=password_hash)
    make.sign_in_client(client, person, home)
    path = f"/vendors/{vendor.id}/file/contact"
    form = client.page(path).find(".//main//form")
    hidden = {
        i.get("name"): i.get("value") for i in form.iter("input") if i.get("type") == "hidden"
    }
    return path, person, {**hidden, **TYPED}


def fields_of(text, action):
    page = parse_page(text)
    form = next(f for f in page.iter("form") if f.get("action") == action)
    return {i.get("name"): i.get("value") or "" for i in form.iter("input")}


def sign_in_with(client, text, person):
    fields = fields_of(text, "/sign-in")
    return client.post("/sign-in", data={**fields, "email": person.email, "password": PASSWORD})


def the_vendor():
    with db.reading() as session:
        return session.exec(select(Vendor)).one()


@pytest.mark.acceptance(17)
def test_expired_sign_in_loses_nothing_typed(client, registration, hold_clock):
    path, person, typed = registration
    hold_clock(db_now() + timedelta(hours=1))
    stopped = client.post(path, data=typed)
    assert stopped.status_code == 401
    assert "入力した内容は消えていません" in stopped.text
    assert the_vendor().contact_email == ""
    wrong = client.post(
        "/sign-in",
        data={**fields_of(stopped.text, "/sign-in"), "email": person.email, "password": "wrong"},
    )
    assert wrong.status_code == 422
    welcome = sign_in_with(client, wrong.text, person)
    assert welcome.status_code == 200
    assert "入力した内容を送り直す" in welcome.text
    assert the_vendor().contact_email == ""
    again = client.post(path, data=fields_of(welcome.text, path))
    assert again.status_code == 303
    assert (the_vendor().contact_email, the_vendor().gbizid_type) == ("info@example.jp", "prime")


def db_now():
    with db.reading() as session:
        return db.now(session)


def test_several_values_and_line_breaks_are_carried(client, registration):
    path, person, typed = registration
    client.delete_cookie("narabi_session")
    section = path.replace("contact", "qualification")
    fields = {k: v for k, v in typed.items() if k not in TYPED}
    fields |= {
        "qualification_kinds": ["goods_sale", "service"],
        "qualification_number": "<\"\r\n'&",
    }
    stopped = client.post(section, data=fields)
    welcome = sign_in_with(client, stopped.text, person)
    form = next(f for f in parse_page(welcome.text).iter("form") if f.get("action") == section)
    sent = [(i.get("name"), i.get("value")) for i in form.iter("input")]
    assert [v for n, v in sent if n == "qualification_kinds"] == ["goods_sale", "service"]
    assert dict(sent)["qualification_number"] == "<\"\n'&"


def test_passwords_and_files_are_not_carried(client, registration):
    path, person, typed = registration
    client.delete_cookie("narabi_session")
    data = {**typed, "password": "hidden words", "proof": (io.BytesIO(b"%PDF"), "a.pdf")}
    stopped = client.post(path, data=data, content_type="multipart/form-data")
    welcome = sign_in_with(client, stopped.text, person)
    assert "password" not in fields_of(welcome.text, path)
    assert "hidden words" not in welcome.text
    assert "選択していたファイルは残っていません" in welcome.text


@pytest.mark.parametrize("damage", ["forged", "other-key"])
def test_carried_text_that_is_not_ours_is_dropped(client, registration, damage):
    from itsdangerous import URLSafeSerializer

    _, person, _ = registration
    client.delete_cookie("narabi_session")
    value = {"path": "https://evil.example/", "fields": [], "files": False}
    carried = "x.y" if damage == "forged" else URLSafeSerializer("other").dumps(value)
    response = client.submit(
        "/sign-in", {"email": person.email, "password": PASSWORD, "carried": carried}
    )
    assert (response.status_code, response.location) == (303, "/")


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example/x", "/sign-in", "/sign-out", "/absent", "/"]
)
def test_only_a_form_of_this_site_is_sent_again(app, path):
    from accounts import resubmission

    with app.test_request_context():
        packed = resubmission._serializer().dumps({"path": path, "fields": [], "files": False})
        assert resubmission.unpack(packed) is None


def test_sign_in_with_an_expired_token_starts_anew(client, someone):
    response = client.post(
        "/sign-in",
        data={"email": someone().email, "password": PASSWORD, "csrf_token": "old"},
        headers={"Origin": "http://localhost", "Referer": "http://localhost/sign-in"},
    )
    assert response.status_code == 400
    assert 'href="/sign-in"' in response.text
    assert client.get_cookie("narabi_session") is None


def test_expired_form_of_ours_can_be_sent_again(client, registration):
    path, _, typed = registration
    response = client.post(
        path, data={**typed, "csrf_token": "old"}, headers={"Origin": "http://localhost"}
    )
    assert response.status_code == 400
    assert the_vendor().contact_email == ""
    assert client.post(path, data=fields_of(response.text, path)).status_code == 303
    assert the_vendor().contact_email == "info@example.jp"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "https://localhost"])
def test_form_of_a_strange_site_is_never_offered_again(client, registration, origin):
    path, _, typed = registration
    response = client.post(path, data={**typed, "csrf_token": "old"}, headers={"Origin": origin})
    assert response.status_code == 400
    assert "info@example.jp" not in response.text
    assert "送り直す" not in response.text
    assert the_vendor().contact_email == ""


def test_anonymous_press_on_a_button_asks_for_the_sign_in(client, registration):
    path, _, typed = registration
    client.delete_cookie("narabi_session")
    response = client.post(path, data={"csrf_token": typed["csrf_token"]})
    assert response.status_code == 401
    with db.reading() as session:
        assert session.exec(select(Person)).first() is not None
