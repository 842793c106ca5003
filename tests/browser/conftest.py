"""A running site and people with real browsers; each page can be audited and kept as a picture."""

import logging
import os
import shutil
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask, Response
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

ROOT = Path(__file__).parent.parent.parent
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
_AXE_PATH = "/axe-of-the-tests.js"
SCREENS = ROOT / "build" / "screens"
# Chromium without a window costs half of what the whole program does.
CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), "/usr/bin/chromium"
)
WIDTHS = {1280: 900, 375: 812}
_PICTURE_HEIGHT = 4_000  # pixels; what follows on a longer page is more of the same rows
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Only what fails is described: to describe all that passes takes most of the time on a long page.
_RUN_AXE = """rules => axe.run(document, {
    runOnly: {type: 'tag', values: rules}, resultTypes: ['violations'], preload: false,
}).then(results => results.violations)"""

AuditPage = Callable[..., None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The address of the application, served from this process over the test's database."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # Beside the pages lies axe: the browser keeps it, read and compiled, from page to page.
    kept = {"Cache-Control": "max-age=3600, immutable"}
    axe = Response(AXE.read_bytes(), mimetype="text/javascript", headers=kept)
    served = DispatcherMiddleware(app, {_AXE_PATH: axe})
    server = make_server("127.0.0.1", 0, served, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all browser tests of this worker."""
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    arguments = ["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


class PageOpener:
    """Makes browsers; `complaints` collects script errors and breaches of the content policy."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self.address = address
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def __call__(self, *, width: int = 1280, javascript: bool = True) -> Page:
        """Open a fresh browser of one more person; relative addresses lead to the site."""
        context = self.browser.new_context(
            base_url=self.address,
            viewport={"width": width, "height": WIDTHS.get(width, 900)},
            java_script_enabled=javascript,
            locale="ja-JP",
            timezone_id="Asia/Tokyo",
        )
        context.set_default_timeout(10_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _note(self, message: ConsoleMessage) -> None:
        # A page that answers 404 or 422 is reported as a failed resource; tests look at statuses.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(f"{message.location.get('url')}: {message.text}")


@pytest.fixture
def open_page(chromium: Browser, site: str) -> Iterator[PageOpener]:
    """Make browsers: `open_page(width=375, javascript=False)`; fails at the end on complaints."""
    opener = PageOpener(chromium, site)
    yield opener
    for context in opener.contexts:
        context.close()
    assert not opener.complaints


def _take_picture(page: Page, path: Path, width: int, height: int) -> None:
    """Keep the page as it is, by the browser's own protocol: packed lightly, it is had sooner."""
    session = page.context.new_cdp_session(page)
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    wanted = {"optimizeForSpeed": True, "captureBeyondViewport": True, "clip": clip}
    path.write_bytes(b64decode(session.send("Page.captureScreenshot", wanted)["data"]))
    session.detach()


@pytest.fixture
def audit_page() -> AuditPage:
    """Check the open page with axe and for sideways scrolling; keep `build/screens/NAME-WIDTH.png`."""

    def audit(page: Page, name: str, *, axe: bool = True) -> None:
        width = (page.viewport_size or {"width": 0})["width"]
        SCREENS.mkdir(parents=True, exist_ok=True)
        # A click waits until the next page begins, not until there is anything on it.
        page.wait_for_load_state()
        height, overflow = page.evaluate(
            "(e => [e.scrollHeight, e.scrollWidth - e.clientWidth])(document.documentElement)"
        )
        assert overflow <= 0, f"{name} at {width}: scrolls sideways by {overflow} px"
        _take_picture(page, SCREENS / f"{name}-{width}.png", width, min(height, _PICTURE_HEIGHT))
        if not axe:
            return
        # A script of the site itself, so the page's own content policy stays in force.
        page.add_script_tag(url=_AXE_PATH)
        violations = page.evaluate(_RUN_AXE, _RULES)
        found = [
            f"{v['id']} ({v['impact']}): {v['help']}: {node['html'][:160]}"
            for v in violations
            for node in v["nodes"]
        ]
        assert not found, f"{name} at {width}:\n" + "\n".join(found)

    return audit
