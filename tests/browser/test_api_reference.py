"""The description of the API as a page: read without script, on a desk and on a phone, with nothing from outside."""

import pytest

pytestmark = pytest.mark.sqlite_only
# The list, what anybody reads, and last what programs write.
_KINDS = ("docs/api", "docs/api/notices", "docs/api/drafts")


@pytest.mark.parametrize("width", [1280, 375])
def test_the_reference_is_read_without_script_and_asks_nobody_outside(
    open_page, audit_page, site, width
):
    page = open_page(width=width, javascript=False)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site}/about/api")
    page.get_by_role("link", name="APIの説明書を読む").click()
    page.get_by_role("heading", level=1, name="APIの説明書").wait_for()
    audit_page(page, "api-reference", axe=False)
    page.get_by_role("link", name="GET /api/v1/offerings/{offering_id}/conformance").click()
    page.get_by_role("heading", level=1, name="API：サービス").wait_for()
    anchor = page.url.rpartition("#")[2]
    assert (
        "GET /api/v1/offerings/{offering_id}/conformance"
        in page.locator(f"#{anchor}").text_content()
    )
    audit_page(page, "api-group", axe=False)
    page.locator("a[href='#shape-Standing']").first.click()
    assert page.url.endswith("#shape-Standing")
    assert page.locator("#shape-Standing").is_visible()
    assert asked
    assert [url for url in asked if not url.startswith(site)] == []


def test_the_reference_is_clean_and_prints_its_examples_whole(open_page, audit_page, site):
    for width, names in ((375, ("about/api", "docs/api", "docs/api/webhooks")), (1280, _KINDS)):
        page = open_page(width=width)
        for path in names:
            page.goto(f"{site}/{path}")
            page.get_by_role("heading", level=1).wait_for()
            audit_page(page, path.replace("docs/api", "api-reference").replace("/", "-"))
    page.emulate_media(media="print")
    heights = page.evaluate(
        "[...document.querySelectorAll('pre')].map(e => e.scrollHeight - e.clientHeight)"
    )
    assert len(heights) > 20
    assert max(heights) <= 1
