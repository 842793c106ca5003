"""The pages of API clients in a browser, at both widths, without scripts: made, shown, renewed, ended.

How a page looks is the same over both databases: SQLite only.
"""

import pytest

from accounts.clients.models import AuthMethod
from accounts.models import Role
from core import db
from tests import factories

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def clerk(database):
    """A clerk whose body has a program of somebody who has left."""
    with db.transaction() as session:
        body = factories.body(session)
        gone = factories.person(session, name="退職 次郎")
        values = {"secret_seen_by_id": gone.id, "created_by_id": gone.id}
        factories.api_client(session, body, name="前の担当者の連携", **values)
        keyed = {"auth_method": AuthMethod.PRIVATE_KEY_JWT, "jwks": KEY}
        factories.api_client(session, body, ["feed.read"], name="鍵の連携", **keyed)
        return factories.person(session, Role.CLERK, body)


KEY = (
    '{"keys": [{"crv": "P-256", "kid": "town-2026", "kty": "EC",'
    ' "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
    ' "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}'
)


def sign_in(page, site, person):
    with db.transaction() as session:
        token = factories.sign_in(session, person)
    page.context.add_cookies([{"name": "narabi_session", "value": token, "url": site}])


def tick(page, words):
    page.locator("label", has_text=words).first.click()


def test_clerk_makes_renews_and_ends_a_program(site, clerk, open_page, audit_page):
    for width in (1280, 375):
        page = open_page(width=width, javascript=False)
        sign_in(page, site, clerk)
        name = f"県のサービス一覧{width}"
        page.goto(f"{site}/clients")
        page.get_by_role("link", name="APIクライアントを登録する").click()
        page.get_by_role("button", name="APIクライアントを登録する").click()
        audit(page, audit_page, "clients-new-refused", width)
        page.get_by_label("名前").fill(name)
        tick(page, "公開情報の写しと変更を読む")
        tick(page, "自団体の調達案件を読む")
        page.get_by_role("button", name="APIクライアントを登録する").click()
        page.get_by_text("この秘密を表示するのは、今だけです").wait_for()
        audit(page, audit_page, "clients-secret-shown", width)
        page.get_by_role("link", name="秘密を作り直す").click()
        audit(page, audit_page, "clients-renew", width)
        tick(page, "今すぐ終える")
        tick(page, "準備ができています")
        page.get_by_role("button", name="秘密を作り直す").click()
        page.get_by_text("この秘密を表示するのは、今だけです").wait_for()
        page.get_by_role("link", name="名前と範囲を変える").click()
        page.get_by_role("heading", level=1, name="名前と範囲を変える").wait_for()
        audit(page, audit_page, "clients-edit", width)
        tick(page, "自団体の調達案件を読む")
        page.get_by_role("button", name="名前と範囲を変える").click()
        page.get_by_text("APIクライアントを変えました").wait_for()
        page.goto(f"{site}/clients")
        audit(page, audit_page, "clients", width)
        page.get_by_role("link", name="前の担当者の連携").click()
        audit(page, audit_page, "clients-gone", width)
        page.goto(f"{site}/clients")
        page.get_by_role("link", name="鍵の連携").click()
        page.get_by_role("link", name="公開鍵を入れ替える").click()
        audit(page, audit_page, "clients-keys", width)
        page.goto(f"{site}/clients")
        page.get_by_role("link", name=name).click()
        page.get_by_role("link", name="このクライアントを取り消す").click()
        tick(page, "プログラムが止まることを確かめました")
        audit(page, audit_page, "clients-revoke", width)
        page.get_by_role("button", name="APIクライアントを取り消す").click()
        page.get_by_text("APIクライアントを取り消しました").wait_for()


def test_the_pages_keep_the_rules_of_accessibility(site, clerk, open_page, audit_page):
    page = open_page()
    sign_in(page, site, clerk)
    for path, name in (("/clients", "clients-end"), ("/clients/new", "clients-new")):
        page.goto(f"{site}{path}")
        audit_page(page, name)
    page.goto(f"{site}/clients")
    page.get_by_role("link", name="前の担当者の連携").click()
    audit_page(page, "clients-one")


def audit(page, audit_page, name, width):
    """Keep a picture at each width; a page without scripts cannot be asked for its faults by axe."""
    assert page.viewport_size["width"] == width
    audit_page(page, name, axe=False)
