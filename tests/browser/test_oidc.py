"""A real browser goes to an identity provider and comes back, under the site's own content policy."""

import pytest
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from accounts import oauth
from tests.accounts.oidc_provider import CLIENT_ID, CLIENT_SECRET, LocalProvider

# What the browser lets pass; the database has no part in it.
pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def provider(app):
    """An identity provider on this machine at which everybody is signed in already."""
    key = RSAKey.generate_key(2048)
    made = LocalProvider(key, key)
    oauth.forget_documents()
    values = {
        "gbiz_issuer": made.issuer,
        "gbiz_client_id": CLIENT_ID,
        "gbiz_client_secret": SecretStr(CLIENT_SECRET),
        "inward_origins": [made.origin],
    }
    app.config["NARABI"] = app.config["NARABI"].model_copy(update=values)
    yield made
    made.close()


@pytest.mark.parametrize("javascript", [True, False])
def test_button_leads_to_the_provider_and_back(provider, open_page, audit_page, javascript):
    page = open_page(javascript=javascript)
    page.goto("/sign-in")
    page.get_by_role("button", name="GビズIDでサインインする").press("Enter")
    page.wait_for_url("**/vendors/arrive")
    page.get_by_label("かな").fill("みほんさんぎょう")
    if javascript:
        audit_page(page, "gbiz-arrive")
    page.get_by_role("button", name="登録を始める").click()
    page.wait_for_url("**/file")
    assert "見本 花子さん" in page.inner_text("header")


def test_refusal_says_how_to_get_on(provider, open_page, audit_page):
    provider.profile["account_type"] = "1"
    page = open_page(width=375)
    page.goto("/sign-in")
    page.get_by_role("button", name="GビズIDでサインインする").click()
    page.wait_for_url("**/callback?**")
    assert "プライムを取得" in page.inner_text("main")
    audit_page(page, "gbiz-refused")
