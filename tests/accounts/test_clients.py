"""The page of an organisation's own programs: secret shown once, renewed, ended; whose it is to see."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from joserfc.jwk import ECKey
from sqlmodel import select

from accounts.clients.cli import clients_group
from accounts.clients.models import AccessToken, ApiClient, ClientState
from accounts.models import Membership, Organisation, OrganisationKind, Role
from accounts.services import hash_password
from core import audit, clock, db
from tests import factories
from tests.page_checks import text_of

NEW = "/clients/new"
TYPED = {
    "name": "県の一覧",
    "scopes": ["catalog.read", "feed.read"],
    "auth_method": "client_secret",
    "jwks": "",
}
PASSWORD = "correct horse battery staple"
GRANT = {"grant_type": "client_credentials"}
CONFIRMED = {"confirmed": "yes"}


@pytest.fixture
def town(database, client):
    """A body whose clerk is signed in just now."""
    with db.transaction() as session:
        body = factories.body(session)
        clerk = factories.person(
            session, Role.CLERK, body, password_hash=hash_password(PASSWORD), name="担当 花子"
        )
    factories.sign_in_client(client, clerk)
    return body, clerk


def made():
    with db.reading() as session:
        return session.exec(select(ApiClient).order_by(ApiClient.name)).all()


def secret_on(answer):
    """Return the secret that an answer shows."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "private, no-store"
    return next(
        word
        for word in answer.text.replace("<", " ").replace(">", " ").split()
        if word.startswith("nrs_")
    )


def token_for(client, row, secret):
    return client.post("/oauth/token", data=GRANT, auth=(str(row.id), secret))


def reads(client, token):
    return client.get("/api/v1/offerings", headers={"Authorization": f"Bearer {token}"}).status_code


def acts():
    with db.reading() as session:
        events = session.exec(select(audit.AuditEvent).order_by(audit.AuditEvent.sequence)).all()
        return [(e.action, e.outcome.value) for e in events if e.action.startswith("client.")]


def test_secret_is_shown_once_renewed_and_revoked(client, town):
    assert "APIクライアントはありません" in text_of(client.page("/clients"))
    answer = client.submit(NEW, TYPED)
    first = secret_on(answer)
    (row,) = made()
    assert (row.name, row.scopes) == ("県の一覧", ["catalog.read", "feed.read"])
    path = f"/clients/{row.id}"
    page = client.get(path)
    assert first not in page.text
    assert str(row.id) in page.text
    assert "まだ使われていません" in page.text
    token = token_for(client, row, first).json["access_token"]
    assert reads(client, token) == 200
    assert "まだ使われていません" not in client.get(path).text
    second = secret_on(client.submit(f"{path}/secret", {"ending": "overlap", **CONFIRMED}))
    assert {token_for(client, row, s).status_code for s in (first, second)} == {200}
    third = secret_on(client.submit(f"{path}/secret", {"ending": "overlap", **CONFIRMED}))
    assert [token_for(client, row, s).status_code for s in (first, second, third)] == [
        401,
        200,
        200,
    ]
    assert reads(client, token) == 200
    last = secret_on(client.submit(f"{path}/secret", {"ending": "at_once", **CONFIRMED}))
    assert [token_for(client, row, s).status_code for s in (second, third, last)] == [401, 401, 200]
    assert reads(client, token) == 401
    token = token_for(client, row, last).json["access_token"]
    refused = client.submit(f"{path}/revoke", {})
    assert refused.status_code == 422
    assert reads(client, token) == 200
    ended = client.submit(f"{path}/revoke", CONFIRMED)
    assert (ended.status_code, ended.location) == (303, "/clients")
    assert reads(client, token) == 401
    assert token_for(client, row, last).status_code == 401
    assert "取消し済み" in text_of(client.page("/clients"))
    again = client.submit(f"{path}/revoke", CONFIRMED)
    assert again.status_code == 409
    assert "取消し済み" in again.text
    assert acts() == [
        ("client.create", "done"),
        *[("client.renew_secret", "done")] * 3,
        ("client.revoke", "done"),
        ("client.manage", "conflict"),
    ]


def test_name_and_scopes_are_changed_and_count_at_the_next_call(
    client, new_client, town, hold_clock
):
    secret = secret_on(client.submit(NEW, TYPED))
    (row,) = made()
    path = f"/clients/{row.id}/edit"
    token = token_for(client, row, secret).json["access_token"]
    assert reads(client, token) == 200
    assert client.submit(path, {"name": "", "scopes": ["feed.read"]}).status_code == 422
    foreign = client.submit(path, {"name": "県の写し", "scopes": ["offering.write"]})
    assert (foreign.status_code, "付けられない範囲" in foreign.text) == (422, True)
    late = client.prepare(path, {"name": "遅い人の名前", "scopes": ["catalog.read"]})
    changed = client.submit(path, {"name": "県の写し", "scopes": ["feed.read"]})
    assert (changed.status_code, changed.location) == (303, f"/clients/{row.id}")
    assert "次の呼び出しから使えません" in text_of(client.page(changed.location))
    assert reads(client, token) == 403
    stale = late()
    assert (stale.status_code, "遅い人の名前" in stale.text, "県の写し" in stale.text) == (
        412,
        True,
        True,
    )
    wider = {"name": "県の写し", "scopes": ["catalog.read", "feed.read", "spec.read"]}
    assert client.submit(path, wider).status_code == 303
    newer = token_for(client, row, secret).json
    assert set(newer["scope"].split()) == {*wider["scopes"]}
    with db.transaction() as session:
        other = factories.person(session, Role.CLERK, factories.body(session))
    browser = new_client()
    factories.sign_in_client(browser, other)
    assert browser.get(path).status_code == 404
    hold_clock(clock.utcnow() + timedelta(minutes=11))
    asked = client.submit(path, {**wider, "name": "夜の名前", "password": "wrong"})
    assert (asked.status_code, "パスワードが違います" in asked.text) == (422, True)
    assert (
        client.submit(path, {**wider, "name": "夜の名前", "password": PASSWORD}).status_code == 303
    )
    (row,) = made()
    assert (row.name, row.scopes) == ("夜の名前", sorted(wider["scopes"]))
    assert [act for act in acts() if act[0] == "client.edit"] == [("client.edit", "done")] * 3
    client.submit(f"/clients/{row.id}/revoke", CONFIRMED)
    assert client.submit(path, {**wider, "version": str(row.version + 1)}).status_code == 409


def test_double_click_makes_one_and_shows_no_second_secret(client, town):
    press = client.prepare(NEW, TYPED)
    secret_on(press())
    again = press()
    assert again.status_code == 303
    assert len(made()) == 1
    assert "2回届いた" in client.get(again.location).text


def test_what_cannot_be_is_refused_and_nothing_typed_is_lost(client, town):
    for changed, word in (
        ({"name": ""}, "名前"),
        ({"scopes": []}, "選択"),
        ({"auth_method": "private_key_jwt"}, "読み取れません"),
    ):
        refused = client.submit(NEW, {**TYPED, **changed})
        assert refused.status_code == 422
        assert word in refused.text
        assert changed.get("name", "県の一覧") in refused.text
    token = next(
        e.get("value") for e in client.page(NEW).iter("input") if e.get("name") == "csrf_token"
    )
    forged = client.post(NEW, data={**TYPED, "scopes": "offering.write", "csrf_token": token})
    assert forged.status_code == 422
    assert "付けられない範囲" in forged.text
    assert made() == []
    secret_on(client.submit(NEW, TYPED))
    assert "同じ名前" in client.submit(NEW, TYPED).text


def test_old_sign_in_has_to_be_confirmed_first(client, town, hold_clock):
    secret_on(client.submit(NEW, TYPED))
    (row,) = made()
    hold_clock(clock.utcnow() + timedelta(minutes=11))
    for path, values in (
        (NEW, {**TYPED, "name": "もう一つ"}),
        (f"/clients/{row.id}/secret", {"ending": "at_once", **CONFIRMED}),
        (f"/clients/{row.id}/revoke", CONFIRMED),
    ):
        refused = client.submit(path, {**values, "password": "wrong password 12"})
        assert refused.status_code == 422
        assert "パスワードが違います" in refused.text
    assert [each.version for each in made()] == [1]
    ended = client.submit(f"/clients/{row.id}/revoke", {**CONFIRMED, "password": PASSWORD})
    assert ended.status_code == 303
    assert made()[0].state is ClientState.REVOKED


def test_public_keys_are_taken_and_replaced(client, town):
    keys = [ECKey.generate_key("P-256", {"kid": f"key-{n}"}) for n in range(2)]
    public = [json.dumps(key.as_dict(private=False)) for key in keys]
    answer = client.submit(NEW, {**TYPED, "auth_method": "private_key_jwt", "jwks": public[0]})
    assert answer.status_code == 303
    assert "key-0" in client.get(answer.location).text
    private = client.submit(
        f"{answer.location}/keys", {"jwks": json.dumps(keys[1].as_dict(private=True)), **CONFIRMED}
    )
    assert "秘密の鍵が貼り付けられています" in private.text
    client.submit(f"{answer.location}/keys", {"jwks": public[1], **CONFIRMED})
    page = client.get(answer.location).text
    assert "key-1" in page
    assert "key-0" not in page
    wrong = client.submit(f"{answer.location}/secret", {"ending": "overlap", **CONFIRMED})
    assert wrong.status_code == 409
    assert "公開鍵で確かめます" in wrong.text


def test_only_those_of_the_organisation_see_it_and_only_its_managers_change_it(
    client, new_client, town
):
    body, clerk = town
    secret_on(client.submit(NEW, TYPED))
    (row,) = made()
    pages = [f"/clients/{row.id}", *(f"/clients/{row.id}/{act}" for act in ("secret", "revoke"))]
    with db.transaction() as session:
        vendor = session.get_one(Organisation, factories.vendor(session).owner_id)
        own, _ = factories.api_client(session, vendor, name="会社の連携")
        people = {
            "admin": factories.person(session, Role.VENDOR_ADMIN, vendor),
            "member": factories.person(session, Role.VENDOR_MEMBER, vendor),
            "reviewer": factories.person(session, Role.REVIEWER),
        }
    browsers = {who: new_client() for who in people}
    for who, person in people.items():
        factories.sign_in_client(browsers[who], person)
        assert {browsers[who].get(path).status_code for path in pages} <= {403, 404}
    assert browsers["admin"].get(pages[0]).status_code == 404
    assert browsers["reviewer"].get("/clients").status_code == 404
    shown = browsers["member"].get("/clients")
    assert "会社の連携" in shown.text
    assert "県の一覧" not in shown.text
    assert browsers["member"].get(f"/clients/{own.id}").status_code == 200
    assert browsers["member"].get(f"/clients/{own.id}/revoke").status_code == 403
    assert browsers["member"].get(NEW).status_code == 403
    offered = browsers["admin"].get(NEW).text
    assert "offering.write" in offered
    assert "project.read" not in offered
    # Who has left the body sees nothing any more, and the page tells who is left to renew the secret.
    with db.transaction() as session:
        factories.person(session, Role.APPROVER, body)
        approver = factories.person(session, Role.APPROVER, body)
        held = session.exec(select(Membership).where(Membership.person_id == clerk.id)).one()
        held.revise(ended_at=db.now(session))
    assert client.get(pages[0]).status_code in {403, 404}
    other = new_client()
    factories.sign_in_client(other, approver)
    assert "秘密を作り直してください" in other.get(pages[0]).text
    assert "秘密の作り直しが必要です" in other.get("/clients").text


def test_operators_list_and_end_clients_by_command(client, database):
    with db.transaction() as session:
        body = factories.body(session, name="見本市")
        row, token = factories.api_client(session, body, name="見本の写し")
        factories.api_client(session, factories.organisation(session, OrganisationKind.AGENCY))
    run = CliRunner()
    listed = run.invoke(clients_group, ["list", "--organisation", "見本市"])
    assert listed.exit_code == 0, listed.output
    assert "見本の写し" in listed.output
    assert "1件" in listed.output
    assert reads(client, token) == 200
    ended = run.invoke(clients_group, ["revoke", str(row.id)])
    assert ended.exit_code == 0, ended.output
    assert reads(client, token) == 401
    assert run.invoke(clients_group, ["revoke", str(row.id)]).exit_code == 1
    missing = run.invoke(clients_group, ["revoke", str(body.id)])
    assert "ありません" in missing.output
    with db.reading() as session:
        assert all(
            t.revoked_at
            for t in session.exec(select(AccessToken).where(AccessToken.client_id == row.id))
        )
