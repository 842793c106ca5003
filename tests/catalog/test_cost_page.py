"""What a service costs a body, as its clerk reads it: every line adds up, nothing unknown is a number.

The words and tables of pages are the same on both databases, so they are asked once.
"""

import random
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from catalog.cost_ledger import explain_charge, ledger_section
from catalog.cost_rules import CostRules, ExchangeRate
from catalog.price_plan import (
    ComponentKind,
    Currency,
    Interval,
    PartMonth,
    PricePlan,
    TaxRounding,
    Term,
    Tier,
    TierMode,
    Unit,
    Volumes,
)
from catalog.pricing import cost
from catalog.terms import SizeClass
from core import db
from tests import factories
from tests.catalog.cost_pages import add_listing, cost_address, make_market, read_tables, to_int
from tests.catalog.price_samples import BASE, EXAMPLE, component
from tests.catalog.test_pricing_oracle import draw_component
from tests.page_checks import text_of

pytestmark = pytest.mark.sqlite_only

NOTE = re.compile(r"(?:(\d+)回)?(?: ＋ )?((?:\d+日分 [\d,]+円(?: ＋ )?)*)")
EXPECTED = {
    TaxRounding.PER_YEAR: 15_995_294,
    TaxRounding.WHOLE: 15_995_298,
    TaxRounding.PER_MONTH: 15_995_280,
}
EVERYTHING = {
    "households": 3_000,
    "ids": 40,
    "counters": 3,
    "gb": 120,
    "cases": 700,
    "hours": 25,
    "usd": "152.34",
    "usd_on": "2026-11-20",
    "usd_from": "TTS",
}
# A price for the whole that falls from 8,500 people on: more people may cost less.
CLIFF = component(
    ComponentKind.USAGE,
    Unit.PERSON,
    name="人口割",
    tiers=(Tier(0, 10), Tier(8_500, 7)),
    tier_mode=TierMode.VOLUME,
)
RICH = PricePlan(
    (
        component(ComponentKind.INITIAL, interval=Interval.ONCE, price=500_000, name="導入"),
        component(price=20_000),
        CLIFF,
        component(ComponentKind.OPTION, price=5_000, name="決済"),
        component(ComponentKind.CLOUD, price=8_050, name="基盤", currency=Currency.USD),
        component(ComponentKind.EXIT, Unit.GIGABYTE, Interval.ONCE, 1_000, name="返還"),
    )
)


@pytest.fixture
def world(database, hold_clock):
    hold_clock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    with db.transaction() as session:
        yield_ = make_market(session)
        yield_.example = add_listing(session, yield_, EXAMPLE, tax_rounding=TaxRounding.PER_YEAR).id
        yield_.rich = add_listing(
            session,
            yield_,
            RICH,
            name="みどり予約",
            discounts=[[5, 500], [10, 1_000]],
            state_support_yen=300_000,
            state_support_until=date(2027, 3, 31),
            export_charge_yen=0,
        ).id
    return yield_


def check_ledger(tables, rounding):
    """Follow the ledger as a reader would: charge × times + parts, down each year, then the tax."""
    charges = [to_int(words) for words in tables["charges"].column("1回の費用")]
    blocks = [tables[name] for name in tables if name.startswith("ledger-")]
    years, rate = {}, 10
    sums = [0] * len(charges)
    for block in blocks:
        for place, year in enumerate(block.head[1:]):
            if year == "全期間":
                assert [to_int(cells[place]) for _name, cells, _ in block.rows] == sums
                continue
            amounts = []
            for number, (_name, cells, notes) in enumerate(block.rows):
                times, parts = NOTE.fullmatch(notes[place]).groups()
                told = [to_int(each) for each in re.findall(r" ([\d,]+円)", parts)]
                amount = to_int(cells[place])
                assert amount == charges[number] * int(times or 0) + sum(told)
                amounts.append(amount)
                sums[number] += amount
            net, tax, gross = (to_int(cells[place]) for _name, cells, _ in block.foot)
            assert net == sum(amounts)
            assert gross == net + tax
            years[year] = (net, tax, gross)
    net, tax, gross = (sum(column) for column in zip(*years.values(), strict=True))
    assert [to_int(cells[-1]) for _name, cells, _ in blocks[-1].foot] == [net, tax, gross]
    if rounding is TaxRounding.WHOLE:
        assert tax == net * rate // 100
    if rounding is TaxRounding.PER_YEAR:
        assert all(each == amount * rate // 100 for amount, each, _gross in years.values())
    months = tables["months"]
    for name in ("税抜の計", "消費税", "税込の計"):
        place = ("税抜の計", "消費税", "税込の計").index(name)
        assert sum(map(to_int, months.column(name))) == (net, tax, gross)[place]
    if rounding is TaxRounding.PER_MONTH:
        pairs = zip(months.column("税抜の計"), months.column("消費税"), strict=True)
        assert all(to_int(each) == to_int(amount) * rate // 100 for amount, each in pairs)
    by_kind = tables["years"]
    assert [to_int(cells[-1]) for _name, cells, _ in by_kind.rows] == [y[2] for y in years.values()]
    assert to_int(by_kind.foot[0][1][-1]) == gross
    return gross


def test_the_worked_example_stands_on_the_page_under_each_rule(client, world):
    for rounding, total in EXPECTED.items():
        path = cost_address(
            world.example, body="102016", start="2026-10", months=60, rounding=rounding.value
        )
        page = client.page(path)
        tables, text = read_tables(page), text_of(page)
        assert f"5年間使うと、合計は税込{total:,}円です。" in text
        assert check_ledger(tables, rounding) == total
        told = {name: to_int(cells[0]) for name, cells, _ in tables["roundings"].rows}
        assert told == {each.label: EXPECTED[each] for each in TaxRounding}
        used = {name: cells[2] for name, cells, _ in tables["roundings"].rows}
        assert "この計算" in used[rounding.label]
        assert "料金表の決まり" in used[TaxRounding.PER_YEAR.label]
    assert "3円 × 32,451人 ＝ 97,353円" in text
    assert "6回" in text
    assert (
        text.index("合計は税込")
        < text.index("会計年度ごとに払う金額")
        < text.index("どう計算したか")
    )


def test_the_ledger_of_generated_plans_adds_up_on_the_page(client, world):
    source = random.Random(6)
    for number in range(4):
        parts = [replace(draw_component(source, each), minimum=None) for each in range(5)]
        priced = [each for each in parts if each.tiers and usable(each)]
        days = PartMonth.DAYS if number % 2 else PartMonth.WHOLE
        rounding = list(TaxRounding)[number % 3]
        with db.transaction() as session:
            made = add_listing(
                session, world, PricePlan((BASE, *priced), part_month=days), tax_rounding=rounding
            )
        chosen = {"o": [each.name for each in priced if each.is_option]}
        path = cost_address(
            made.id,
            body="103667",
            start="2027-05-16",
            months=40 + 30 * number,
            **EVERYTHING,
            **chosen,
        )
        check_ledger(read_tables(client.page(path)), rounding)


def usable(each):
    """Tell whether entered volumes price it: those of a month say nothing of a year."""
    flow = each.unit in {Unit.CASE, Unit.HOUR}
    return not (flow and each.interval in {Interval.ONCE, Interval.YEAR})


def test_each_charge_is_explained_to_the_yen_for_many_plans():
    source, checked = random.Random(2026), 0
    for number in range(300):
        each = draw_component(source, number)
        dollar = ExchangeRate(Currency.USD, 15_234, date(2026, 11, 20), "TTS")
        rules = CostRules(
            TaxRounding.WHOLE,
            options=frozenset({each.name}),
            include_exit=True,
            rates={Currency.USD: dollar} if number % 3 else {},
        )
        volumes, plan = Volumes(*[source.randint(0, 400) for _ in range(7)]), PricePlan((each,))
        statement = cost(plan, volumes, Term(date(2027, 4, 1), 14), rules)
        for item in statement.items:
            if item.charge is None:
                assert "見積が必要" in str(ledger_section(statement, plan).tables[0].rows)
                continue
            told = explain_charge(item.component, item.quantity, rules)
            assert re.findall(r"[\d,]+円", told)[-1] == f"{item.charge:,}円", told
            checked += 1
    assert checked > 150


def test_a_town_a_city_and_a_designated_city_see_their_own_totals_line_by_line(new_client, world):
    totals = {}
    for kind, clerk in world.clerks.items():
        client, body = new_client(), world.bodies[kind]
        factories.sign_in_client(client, clerk, body)
        page = client.page(cost_address(world.example, start="2026-10", months=60))
        text, tables = text_of(page), read_tables(page)
        assert f"{body.label}が「ひかり予約」を令和8年10月1日から5年間使うと" in text
        assert f"3円 × {body.population:,}人 ＝ {3 * body.population:,}円" in text
        totals[kind] = check_ledger(tables, TaxRounding.PER_YEAR)
    assert totals["city"] == EXPECTED[TaxRounding.PER_YEAR]
    assert totals["town"] < totals["city"] < totals["designated"]


def test_what_stands_beside_the_total_is_told_and_never_in_it(client, world):
    rate = {name: EVERYTHING[name] for name in ("gb", "usd", "usd_on", "usd_from")}
    asked = {"body": "103667", "start": "2027-04", "months": 36, **rate}
    page = client.page(cost_address(world.rich, **asked))
    text, tables = text_of(page), read_tables(page)
    total = check_ledger(tables, TaxRounding.WHOLE)
    # 80.50 dollars at 152.34 yen are 12,263.37.
    monthly = 20_000 + 8_421 * 10 + 12_263
    assert total == (500_000 + 36 * monthly) * 11 // 10
    assert "1米ドル152.34円で換算し、1円未満を切り捨てて12,263円" in text
    assert tables["currency"].rows[0][1:] == (["152.34円"], [""])
    assert tables["leaving"].rows == [
        ("返還（解約・データ返還）", ["1,000円 × 120GB ＝ 120,000円", "120,000"], ["", ""])
    ]
    assert "合計には入れていません" in text
    assert "事業者は、データを取り出す費用を「無料」と答えています" in text
    assert [cells[0] for _name, cells, _ in tables["support"].rows] == [
        "500,000",
        "300,000",
        "200,000",
    ]
    assert "令和9年3月31日までに契約した団体" in text
    five = 500_000 + 36 * (20_000 * 95 // 100 + 84_210 * 95 // 100 + 12_263)
    steps = [to_int(each) for each in tables["discounts"].column("全期間（税込）")]
    assert steps[:2] == [total, five * 11 // 10]
    # A fifth more people reach the lower price of the whole, and what is paid hardly grows.
    more = 500_000 + 36 * (20_000 + 10_105 * 7 + 12_263)
    less = 500_000 + 36 * (20_000 + 6_737 * 10 + 12_263)
    told = [to_int(each) for each in tables["sensitivity"].column("全期間（税込）")]
    assert told == [less * 11 // 10, total, more * 11 // 10]
    assert more * 11 // 10 < total
    assert "8,500人以上で単価が変わるため、量が増えて安くなる" in text
    missing = {name: cells[0] for name, cells, _ in tables["missing"].rows}
    assert "料金表にありません。無料という意味ではありません" in missing["データ移行"]
    assert "5,000円・毎月が加わります" in missing["「決済」（選んでいないオプション）"]
    assert "並行して動かす期間の費用" in missing
    leaving = client.page(cost_address(world.rich, **asked, exit=1))
    assert check_ledger(read_tables(leaving), TaxRounding.WHOLE) == total + 132_000


def test_what_is_unknown_is_asked_for_and_never_guessed(client, world, hold_clock):
    hold_clock(datetime(2027, 4, 1, 3, 0, tzinfo=UTC))
    page = client.page(
        cost_address(world.rich, body="103667", start="2027-04", months=36, o="帳票")
    )
    text, tables = text_of(page), read_tables(page)
    assert "見積が必要な費用があるため、まだ計算できません" in text
    assert "1米ドルが何円かを、日付と出どころと一緒に計算の条件に入力すると計算できます" in text
    assert "「返還」は、保存する容量がわからないため計算できません" in text
    assert [to_int(each) for each in tables["sensitivity"].column("全期間（税込）")] == [None] * 3
    assert [to_int(each) for each in tables["roundings"].column("税込の合計")] == [None] * 3
    assert "受付は終わりました" in text
    assert [cells[0] for _name, cells, _ in tables["support"].rows] == ["500,000", "0", "500,000"]
    missing = [name for name, _cells, _ in tables["missing"].rows]
    assert "「帳票」（選んだオプション）" in missing
    assert not [each for each in page.iter() if each.get("class") == "chart__bar"]
    plain = text_of(client.page(cost_address(world.example, body="103667")))
    assert "初期費用への国の支援は、情報なしです" in plain
    assert "団体の数による割引は、公表されていません" in plain
    assert "データを取り出す費用についての事業者の回答は、情報なし" in plain


def test_what_the_list_does_not_settle_has_no_price_no_table_and_no_place_in_the_total(
    client, world
):
    small = frozenset({SizeClass.UNDER_10K})
    first = component(ComponentKind.INITIAL, interval=Interval.ONCE, price=250_000, name="設定")
    yearly = component(interval=Interval.YEAR, price=480_000, name="年額")
    plan = PricePlan((replace(first, sizes=small), yearly, component(price=20_000)))
    with db.transaction() as session:
        factories.body(
            session, name="未登録村", code="100005", population=None, population_date=None
        )
        made = add_listing(
            session,
            world,
            replace(plan, minimum_term_months=12),
            name="あさひ予約",
            export_charge_yen=300_000,
            state_support_yen=100_000,
            state_support_until=date(2027, 3, 31),
        )
    unknown = read_tables(client.page(cost_address(made.id, body="100005")))["charges"].rows[0]
    assert unknown[0] == "設定（初期）"
    assert unknown[1][0] == "人口がわからないため、どの料金が当てはまるか決まりません"
    whole = text_of(client.page(cost_address(made.id, body="103667", months=12, exit=1)))
    total = (250_000 + 480_000 + 12 * 20_000) * 11 // 10
    assert f"合計は税込{total:,}円です。解約・データ返還の費用は料金表になく" in whole
    assert "事業者が答えたデータを取り出す費用（税抜300,000円）も、合計の外です" in whole
    assert "合計に入れています" not in whole
    assert "毎年の費用480,000円（税抜）は別" in whole
    compared = text_of(
        client.page(f"/compare?l={made.id}&l={world.example}&body=103667&months=12&exit=1")
    )
    assert "毎年の費用480,000円（税抜）は別" in compared
    assert (
        "料金表にありません（事業者が答えたデータを取り出す費用（税抜300,000円）は合計の外）"
        in (compared)
    )
    short = client.page(cost_address(made.id, body="103667", months=1))
    assert "この条件では料金表を使えないため、量を変えた計算もできません" in text_of(short)
    assert not {"sensitivity", "support"} & set(read_tables(short))
