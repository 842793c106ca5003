"""Typing into an answer is kept while it happens; the script is the same on both databases."""

import pytest

from core import db
from tests import factories
from tests.catalog.offerings.conftest import make_company, make_draft

pytestmark = pytest.mark.sqlite_only


@pytest.mark.acceptance(1)
def test_typed_words_are_kept_and_told_without_a_button(open_page, audit_page, site) -> None:
    with db.transaction() as session:
        company = make_company(session)
        specification_id = factories.specification(session, requirements=4).id
        version_id = make_draft(session, company, specification_id)
        token = factories.sign_in(session, company.admin, company.home)
        again = factories.sign_in(session, company.admin, company.home)
    page = open_page()
    page.context.add_cookies([{"name": "narabi_session", "value": token, "url": site}])
    page.goto(f"/vendor/offerings/{version_id}/answers/1")
    page.fill("#f-note_2", "保存を押さずに書いた文")
    page.get_by_role("status").get_by_text("書きかけを控えました").wait_for()
    page.goto("/vendor/offerings")
    page.goto(f"/vendor/offerings/{version_id}/answers/1")
    assert page.input_value("#f-note_2") == "保存を押さずに書いた文"
    assert page.get_by_text("書きかけの内容を表示しています").is_visible()
    audit_page(page, "answers")

    page.goto(f"/vendor/offerings/{version_id}/overview")
    page.fill("#f-summary", "まだ保存していない説明")
    page.goto(f"/vendor/offerings/{version_id}")  # at once: nobody waits for the pause
    marked = page.get_by_text("書きかけ（未保存）")
    for _ in range(20):  # the keeping was sent while this page was on its way
        if marked.is_visible():
            break
        page.wait_for_timeout(100)
        page.reload()
    assert marked.is_visible()
    page.context.clear_cookies()
    page.context.add_cookies([{"name": "narabi_session", "value": again, "url": site}])
    page.goto(f"/vendor/offerings/{version_id}/overview")
    assert page.input_value("#f-summary") == "まだ保存していない説明"
    assert page.get_by_text("まだ保存していない内容です").is_visible()
    audit_page(page, "draft-of-a-group")
    page.get_by_role("button", name="下書きを保存する").click()
    assert page.get_by_text("まだ保存していない内容です").count() == 0
    assert page.input_value("#f-summary") == "まだ保存していない説明"
