"""A clerk compares two to five services for their own body: what meets the standard, and what each costs.

Pages say the same over both databases, so they are asked once.
"""

from datetime import UTC, datetime

import pytest

from catalog.terms import Answer
from core import db
from tests import factories
from tests.catalog.cost_pages import add_listing, cost_address, make_market, read_tables, to_int
from tests.catalog.price_samples import EXAMPLE
from tests.catalog.test_cost_page import EVERYTHING, RICH
from tests.page_checks import text_of

pytestmark = pytest.mark.sqlite_only

ASKED = {"start": "2027-04", "months": 36, **EVERYTHING}


@pytest.fixture
def world(database, hold_clock):
    hold_clock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    with db.transaction() as session:
        found = make_market(session)
        kinds = (
            (EXAMPLE, Answer.CONFORMS),
            (RICH, Answer.ALTERNATIVE),
            (EXAMPLE, None),
            (RICH, Answer.CONFORMS),
            (EXAMPLE, Answer.CONFORMS),
        )
        found.ids = [
            add_listing(session, found, plan, answers=answers, name=f"予約{number}号").id
            for number, (plan, answers) in enumerate(kinds, start=1)
        ]
    return found


def rows_of(page, table_id):
    """The rows of a comparison by their words; under several headings, one after the other."""
    table = next(each for each in page.iter("table") if each.get("id") == table_id)
    found = {}
    for row in table.iter("tr"):
        head = next(row.iter("th"))
        cells = [text_of(each) for each in row.iter("td")]
        if cells:
            found.setdefault(text_of(head).removeprefix("違いあり：").strip(), []).append(cells)
    return found


@pytest.mark.acceptance(16)
def test_services_are_compared_for_my_body_and_a_link_reproduces_it(client, new_client, world):
    town = world.bodies["town"]
    factories.sign_in_client(client, world.clerks["town"], town)
    for count in (2, 5):
        chosen = world.ids[:count]
        page = client.page(cost_address(chosen[0], "/compare", l=chosen[1:], **ASKED))
        text, costs = text_of(page), rows_of(page, "costs")
        assert f"{count}件のサービスを比較する" in text
        assert "川上町（群馬県）・人口8,421人" in text
        # Each year and the whole of each column are what the service's own page explains.
        for place, listing in enumerate(chosen):
            tables = read_tables(client.page(cost_address(listing, **ASKED)))
            told = [cells[-1] for _name, cells, _ in (*tables["years"].rows, *tables["years"].foot)]
            whole, *years = (cells[place] for cells in costs["税込の計"])
            assert [*years, whole] == told
            assert to_int(told[-1]) > 0
        bars = [each for each in page.iter() if each.get("class") == "chart__bar"]
        assert len(bars) == count
        functions, terms = rows_of(page, "functions"), rows_of(page, "terms")
        makers = functions.pop("事業者と認証")
        assert all("申告のみ" in words for words in makers[0][:2])
        assert len(functions) == 3
        assert terms["問い合わせを受ける時間"][0] == ["平日9時から17時まで"] * count
    # The third has not answered: said in words, hatched, and never green.
    gaps = [text_of(each) for each in page.iter("td") if each.get("class") == "gap"]
    assert gaps.count("未回答") == 3
    answers = [cells for found in functions.values() for cells in found]
    assert [cells[:3] for cells in answers] == [
        ["適合", "代替手段", "未回答"],
        ["適合", "代替手段", "未回答"],
        ["非実装", "非実装", "未回答"],
    ]
    only_gaps = client.page(
        cost_address(world.ids[0], "/compare", l=world.ids[1:], gaps="1", **ASKED)
    )
    assert len(rows_of(only_gaps, "functions")) == 4
    alike = client.page(cost_address(world.ids[0], "/compare", l=world.ids[4:], diff="1", **ASKED))
    assert "違いのある0件" in text_of(alike)
    link = next(
        each.get("href") for each in page.iter("a") if text_of(each) == "この比較のアドレス"
    )
    anyone = new_client().page(link)
    for table_id in ("functions", "terms", "costs"):
        assert rows_of(anyone, table_id) == rows_of(page, table_id)
    assert f"人口{town.population:,}人" in text_of(anyone)
