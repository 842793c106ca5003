"""The pages on a market in a browser: read at both widths, another size chosen without a script."""

import pytest

from tests.procurement.market_world import CODE, NOW, make_figures_world

pytestmark = pytest.mark.sqlite_only


def test_a_market_is_read_at_both_widths_and_for_another_size(
    database, hold_clock, open_page, audit_page
):
    world = make_figures_world()
    hold_clock(NOW)
    for width in (1280, 375):
        page = open_page(width=width)
        page.goto(f"/specifications/{CODE}/market")
        page.locator("summary", has_text="団体の種類ごとの選択肢").click()
        audit_page(page, "market", axe=width == 375)
        page.locator("#others").get_by_role("link", name="甲").click()
        page.wait_for_url(f"**/market/{world.ids['甲']}*")
        audit_page(page, "substitutes", axe=width == 375)
    page.get_by_label("どの大きさの団体について見ますか").select_option("1000000")
    page.get_by_role("button", name="この人口で見る").click()
    page.wait_for_url("**population=1000000*")
    assert page.get_by_text("代わりになれるサービスは、いま0件です").is_visible()
