"""For whom a cost is computed, in words: the same rows on pages, in workbooks and in print."""

from dataclasses import replace

from catalog.conditions import QUANTITIES, Conditions
from catalog.cost_rules import ExchangeRate
from catalog.cost_words import term_words
from catalog.price_plan import Currency
from core.japanese import format_amount, format_date

OWN_ROUNDING = "料金表ごとの決まり"
NO_POPULATION = "登録されていません"
_UNITS = {
    "households": ("世帯数", "世帯"),
    "ids": ("使う人のID数", "ID"),
    "counters": ("窓口", "か所"),
    "gb": ("保存する容量", "GB"),
    "cases": ("1か月の件数", "件"),
    "hours": ("1か月の時間数", "時間"),
}


def condition_rows(conditions: Conditions) -> list[tuple[str, str]]:
    """Return for whom, how many, how long and by which rules a cost is computed, each with its name."""
    rows = [
        ("団体", conditions.body_label),
        ("人口", population_words(conditions)),
        ("数量", quantities_words(conditions) or "人口のほかは入力していません"),
        ("契約期間", term_words(conditions.term)),
        ("オプション", "、".join(sorted(conditions.options)) or "選んでいません"),
        ("消費税の端数", rounding_words(conditions)),
        (
            "解約・データ返還の費用",
            "料金表にあれば合計に入れる" if conditions.include_exit else "合計に入れない",
        ),
    ]
    if conditions.rates:
        rows.append(("外貨の換算", rate_words(conditions.rates[Currency.USD])))
    return [*rows, ("料金表", priced_words(conditions))]


def population_words(conditions: Conditions) -> str:
    """Return the population with its day and source: 9,123人（令和2年10月1日、国勢調査）."""
    if conditions.population is None:
        return NO_POPULATION
    day, source = conditions.population_on, conditions.population_from
    origin = "、".join(each for each in (format_date(day) if day else "", source) if each)
    if conditions.body is None and conditions.entered.population is None:
        origin = "目安"
    elif conditions.entered.population is not None and not conditions.names_registered:
        origin = f"入力した人口：{origin}" if origin else "入力した人口"
    return f"{format_amount(conditions.population)}人{f'（{origin}）' if origin else ''}"


def quantities_words(conditions: Conditions) -> str:
    """Return what was entered besides the population: 世帯数3,200世帯、窓口4か所; empty: nothing."""
    entered = (
        (label, getattr(conditions.entered, QUANTITIES[word]), unit)
        for word, (label, unit) in _UNITS.items()
    )
    return "、".join(
        f"{label}{format_amount(number)}{unit}"
        for label, number, unit in entered
        if number is not None
    )


def kept_words(conditions: Conditions) -> str:
    """Return what is counted in the cost of a year beside the population; empty when nothing is."""
    parts = [quantities_words(conditions)]
    if conditions.options:
        parts.append(f"オプション：{'、'.join(sorted(conditions.options))}")
    if conditions.rates:
        parts.append(rate_words(conditions.rates[Currency.USD]))
    return "、".join(filter(None, parts))


def work_words(conditions: Conditions) -> str:
    """Return what is counted for one work alone: its quantities and options; empty when nothing is."""
    counted = replace(conditions, entered=replace(conditions.entered, households=None), rates={})
    return kept_words(counted)


def rounding_words(conditions: Conditions) -> str:
    """Return by which rule fractions of a yen of the tax are dropped."""
    if conditions.rounding is None:
        return OWN_ROUNDING
    return f"{conditions.rounding.label}（試しの計算。料金表の決まりとは違うことがあります）"


def rate_words(rate: ExchangeRate) -> str:
    """Return at what rate foreign prices become yen, with its day and source."""
    return f"1米ドル＝{rate.per_unit}円（{format_date(rate.as_of)}、{rate.source}）"


def priced_words(conditions: Conditions) -> str:
    """Return of which day the price lists are."""
    if conditions.priced_on is None:
        return "表示した日に公表されているもの"
    return f"{format_date(conditions.priced_on)}に公表されていたもの"
