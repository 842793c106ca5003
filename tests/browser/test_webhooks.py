"""The pages of webhooks in a browser, at both widths, without scripts: registered, tried, rotated.

How a page looks is the same over both databases: SQLite only.
"""

from datetime import timedelta

import pytest

from accounts.hooks import sending
from accounts.models import Organisation, Role
from core import changes, db
from tests import factories
from tests.accounts.receiving import change, receiving, send_once

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def admin(database):
    """The administrator of a vendor that others can see."""
    with db.transaction() as session:
        vendor = factories.vendor(session)
        home = session.get_one(Organisation, vendor.owner_id)
        changes.append(session, "vendor", vendor.id)
        return vendor, factories.person(session, Role.VENDOR_ADMIN, home)


def sign_in(page, site, person):
    with db.transaction() as session:
        token = factories.sign_in(session, person)
    page.context.add_cookies([{"name": "narabi_session", "value": token, "url": site}])


def tick(page, words):
    page.locator("label", has_text=words).click()


def test_owner_registers_tries_rotates_and_reads_the_log(
    app, site, settings, admin, open_page, audit_page, monkeypatch
):
    monkeypatch.setattr(sending, "BETWEEN", timedelta())
    with receiving() as receiver:
        served = settings.model_copy(update={"webhook_origins": [receiver.origin]})
        app.config["NARABI"] = served
        for width in (1280, 375):
            page = open_page(width=width, javascript=False)
            sign_in(page, site, admin[1])
            name = f"県のサービス一覧{width}"
            register(page, audit_page, receiver.origin, name)
            receiver.status, receiver.headers = 204, {}
            page.get_by_role("button", name="試しの通知を送る").click()
            assert send_once(served) >= 1
            receiver.status, receiver.headers = 503, {"Retry-After": "86400"}
            change(admin[0], f"ミホン{'アイ'[width == 375]}")
            assert send_once(served) >= 1
            rotate_and_leave(page, audit_page, name)
        page = open_page()
        sign_in(page, site, admin[1])
        for path, name in (("/webhooks", "webhooks"), ("/webhooks/new", "webhooks-new")):
            page.goto(path)
            audit_page(page, name)
        page.goto("/webhooks")
        page.get_by_role("link", name="県のサービス一覧375").click()
        audit_page(page, "webhooks-log")


def register(page, audit_page, origin, name):
    """Add a webhook with a shared key, and see the key once."""
    page.goto("/webhooks")
    audit_page(page, "webhooks-none", axe=False)
    page.get_by_role("link", name="通知先を登録する").click()
    page.get_by_role("button", name="通知先を登録する").click()
    audit_page(page, "webhooks-refused", axe=False)
    page.get_by_label("名前").fill(name)
    page.get_by_label("通知先のアドレス").fill(origin)
    tick(page, "共有の鍵で確かめる")
    page.get_by_role("button", name="通知先を登録する").click()
    page.get_by_role("button", name="鍵を表示する（一度だけ）").click()
    assert "whsec_" in page.locator("main").inner_text()
    audit_page(page, "webhooks-key", axe=False)
    page.get_by_role("link", name="更新の通知先（Webhook）").click()
    page.get_by_role("link", name=name).click()


def rotate_and_leave(page, audit_page, name):
    """Make a new key, read the log, and look at the last question before deleting."""
    page.get_by_role("link", name="鍵を作り直す").click()
    audit_page(page, "webhooks-rotate", axe=False)
    tick(page, "前の鍵が24時間で終わることを確かめました")
    page.get_by_role("button", name="鍵を作り直す").click()
    audit_page(page, "webhooks-log", axe=False)
    page.goto("/webhooks")
    audit_page(page, "webhooks", axe=False)
    page.get_by_role("link", name=name).click()
    page.get_by_role("link", name="この通知先を削除する").click()
    audit_page(page, "webhooks-delete", axe=False)
