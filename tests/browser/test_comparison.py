"""The comparison in a browser: axe, sticky heads, keys, 375 px, and what paper gets.

Widths, focus and paper are the browser's and the style sheets' matter: SQLite only.
"""

import io
import re

import pytest
from pypdf import PdfReader

from catalog.price_plan import ComponentKind, Interval, Unit
from catalog.terms import Answer
from core import db
from tests import factories

pytestmark = pytest.mark.sqlite_only
_STUCK = """() => {
  const box = document.querySelector("#functions").closest("[role=region]");
  box.scrollTop = 400; box.scrollLeft = 200;
  const edge = box.getBoundingClientRect();
  const head = box.querySelector(".compare__names > th + th").getBoundingClientRect();
  const first = [...box.querySelectorAll("tbody .compare__rowhead")]
    .map((each) => each.getBoundingClientRect()).find((each) => each.top > head.bottom);
  return [Math.round(head.top - edge.top), Math.round(first.left - edge.left)];
}"""


@pytest.fixture
def compared(database):
    """Give the words of an address that compares five services over forty requirements."""
    with db.transaction() as session:
        version = factories.specification(session, requirements=40, name="施設予約")
        answers = (
            Answer.CONFORMS,
            Answer.ALTERNATIVE,
            None,
            Answer.CONFORMS,
            Answer.NOT_CONFORMING,
        )
        ids = []
        for answer in answers:
            made = factories.offering(
                session,
                factories.vendor(session),
                version,
                answers=answer,
                prices=[
                    (ComponentKind.INITIAL, Unit.LUMP, Interval.ONCE, 1_500_000),
                    (ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 120_000),
                    (ComponentKind.USAGE, Unit.PERSON, Interval.MONTH, 3),
                ],
            )
            ids.append(made.id)
    return [f"l={each}" for each in ids]


@pytest.mark.acceptance(23)
def test_comparison_is_sound_and_can_be_used_by_keys(compared, open_page, audit_page):
    for width in (1280, 375):
        page = open_page(width=width)
        page.goto(f"/compare?{'&'.join(compared)}&body=reference&start=2026-10&months=60")
        audit_page(page, "compare")
        if width == 1280:
            assert page.evaluate(_STUCK) == [1, 1]  # inside the border of the box
        page.get_by_role("link", name="使う標準オプションを選ぶ").click()
        page.wait_for_url("**/compare/options?**")
        audit_page(page, "compare-options", axe=width == 1280)
        page.locator("label", has_text="R-003").click()
        page.get_by_role("button", name="この標準オプションで比較する").press("Enter")
        assert "使う標準オプション1件だけ" in page.locator("#functions-part").inner_text()
        box = page.get_by_role("region", name="費用の比較")
        box.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("(e) => e.scrollLeft > 0", arg=box.element_handle())


@pytest.mark.parametrize(("count", "size"), [(2, (842, 595)), (5, (1191, 842))])
def test_paper_holds_every_row_under_its_head_and_no_total_alone(compared, open_page, count, size):
    page = open_page()
    page.goto(f"/compare?{'&'.join(compared[:count])}&body=reference&start=2026-10&months=60")
    sheets = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
    assert {(round(each.mediabox.width), round(each.mediabox.height)) for each in sheets} == {size}
    texts = [re.sub(r"\s", "", each.extract_text()) for each in sheets]
    assert len(set(re.findall(r"R-\d{3}", "".join(texts)))) == 40
    for text in texts:
        if "R-0" in text:
            assert "機能要件" in text
        if "税込の計" in text:
            assert text.index("税抜の計") < text.index("税込の計")
    assert "".join(texts).count("税込の計") == 7
    assert f"{len(texts)}／{len(texts)}" in texts[-1]
    assert not any("絞り込み" in text or "保存する" in text for text in texts)
