"""The browser bed itself: axe really runs, complaints are really seen, script can be off."""

import pytest
from flask import Flask

POLICY = {"Content-Security-Policy": "default-src 'self'"}
PAGE = (
    "<!doctype html><html lang=ja><head><title>並び</title></head><body><main><h1>見出し</h1>"
    "{}</main></body></html>"
)
PAGES = {
    "sound": "<p>本文です。</p>",
    "unlabelled": "<input name=a>",
    "wide": "<p>" + "x" * 2000 + "</p>",
    "script": "<script src=/title.js></script>",
    "error": "<script src=/error.js></script>",
    "inline": "<script>document.title = 'x'</script>",
}


@pytest.fixture
def app():
    """Pages of our own: the bed must not depend on the site being right."""
    application = Flask(__name__)

    @application.route("/title.js")
    def title():
        return "document.title = '働いた'", {"Content-Type": "text/javascript"}

    @application.route("/error.js")
    def error():
        return "throw new Error('planted')", {"Content-Type": "text/javascript"}

    @application.route("/<name>")
    def show(name):
        return (PAGE.format(PAGES[name]), POLICY) if name in PAGES else ("", 404)

    return application


def test_sound_page_passes_and_leaves_a_picture(open_page, audit_page, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.browser.conftest.SCREENS", tmp_path)
    for width in (1280, 375):
        page = open_page(width=width)
        page.goto("/sound")
        audit_page(page, "bed")
        assert (tmp_path / f"bed-{width}.png").stat().st_size > 1000


@pytest.mark.parametrize(("name", "complaint"), [("unlabelled", "label"), ("wide", "sideways")])
def test_faulty_page_fails(open_page, audit_page, name, complaint, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.browser.conftest.SCREENS", tmp_path)
    page = open_page()
    page.goto(f"/{name}")
    with pytest.raises(AssertionError, match=complaint):
        audit_page(page, "bed")


@pytest.mark.parametrize(("javascript", "title"), [(True, "働いた"), (False, "並び")])
def test_scripts_can_be_off(open_page, javascript, title):
    page = open_page(javascript=javascript)
    page.goto("/script")
    assert page.title() == title


@pytest.mark.parametrize(
    ("name", "complaint"), [("inline", "Content Security Policy"), ("error", "planted")]
)
def test_breaches_and_script_errors_are_collected(open_page, name, complaint):
    page = open_page()
    page.goto(f"/{name}")
    page.wait_for_load_state("networkidle")
    assert page.title() == "並び"
    assert any(complaint in text for text in open_page.complaints)
    open_page.complaints.clear()
