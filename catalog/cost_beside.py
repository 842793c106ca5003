"""What stands beside a cost and is no part of it: leaving, support, discounts, other volumes, today. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from catalog.cost_charts import sensitivity_chart
from catalog.cost_ledger import explain_charge
from catalog.cost_report import Line, Section, Table, difference, gap, number, words
from catalog.cost_rules import CostRules
from catalog.cost_words import (
    NOT_LISTED,
    UNKNOWN,
    explain_need,
    explain_needs,
    item_name,
    price_words,
    quantity_name,
    quantity_of,
    share_words,
    year_words,
)
from catalog.offerings.words import show_percent
from catalog.price_plan import (
    QUOTE_LABEL,
    ComponentKind,
    Currency,
    PriceComponent,
    PricePlan,
    TierMode,
    Unit,
    Volumes,
)
from catalog.pricing import CostItem, CostStatement, cost
from catalog.what_if import (
    Baseline,
    BaselineComparison,
    StateSupport,
    Variation,
    against_baseline,
    apply_support,
)
from core.japanese import format_date, format_yen


def leaving_section(
    statement: CostStatement, plan: PricePlan, export_charge: int | None
) -> Section:
    """Return what leaving costs: the charges of the price list, and what the seller said of the data."""
    is_unlisted = ComponentKind.EXIT in plan.kinds_unlisted
    included = "合計に入れています。" if statement.exit_included else "合計には入れていません。"
    if statement.exit_included and is_unlisted:
        included = "合計に入れると選びましたが、入れる費用が料金表にないため、入っていません。"
    sentences = [f"サービスをやめるときに払う費用です。{included}"]
    tables = []
    if is_unlisted:
        sentences.append(
            f"解約・データ返還の費用は、{NOT_LISTED}。無料という意味ではありません。事業者に確かめてください。"
        )
    elif not statement.exit_items:
        sentences.append(f"この団体・期間の解約・データ返還の費用は、{QUOTE_LABEL}です。")
    else:
        rows = [_exit_row(each, statement.rules) for each in statement.exit_items]
        foot = [words("解約・データ返還の計"), words(""), number(statement.exit_charge)]
        head = ("費目", "計算", "費用")
        tables.append(Table("leaving", "料金表にある費用", head, rows, [foot], unit="円・税抜"))
    told = {None: f"{UNKNOWN}（事業者が答えていません）", 0: "無料"}.get(
        export_charge, f"税抜{format_yen(export_charge or 0)}"
    )
    sentences.append(
        f"事業者は、データを取り出す費用を「{told}」と答えています。"
        if export_charge is not None
        else f"データを取り出す費用についての事業者の回答は、{told}。"
    )
    sentences.append(
        "この回答は上の費用とは別の情報です。同じ費用を指すことがあるため、足していません。"
    )
    return Section("leaving", "解約するときの費用", sentences, tables)


def _exit_row(item: CostItem, rules: CostRules) -> Line:
    name = words(item_name(item.component))
    if item.need is not None:
        return name, gap(explain_need(item.need)), gap(QUOTE_LABEL)
    told = explain_charge(item.component, item.quantity or 0, rules)
    return name, words(told), number(item.charge)


def support_section(
    statement: CostStatement,
    plan: PricePlan,
    support: StateSupport | None,
    note: str,
    today: date,
) -> Section:
    """Return what the State pays of the initial cost, apart from every total."""
    title = "国の支援"
    if support is None:
        told = f"初期費用への国の支援は、{UNKNOWN}です（事業者が答えていません）。"
        return Section("support", title, [told])
    found = apply_support(statement, support, today)
    state = "受け付けています" if found.is_open else "受付は終わりました"
    sentences = [
        (
            f"{format_date(support.until)}までに契約した団体の初期費用を、国が{format_yen(support.amount)}"
            f"（税抜）まで支援します。{format_date(today)}の時点で、{state}。"
        ),
        "利用を始める日ではなく、契約する日で決まります。合計には入れていません。",
    ]
    if note:
        sentences.append(note)
    if not statement.lines:
        sentences.append("この条件では料金表を使えないため、初期費用と支援の額を計算できません。")
        return Section("support", title, sentences)
    unknown = NOT_LISTED if ComponentKind.INITIAL in plan.kinds_unlisted else QUOTE_LABEL
    rows = [
        (words("初期費用"), number(found.initial, unknown=unknown)),
        (words("国の支援（今日契約した場合）"), number(found.granted, unknown=unknown)),
        (words("団体が払う初期費用"), number(found.left, unknown=unknown)),
    ]
    table = Table("support", "初期費用と国の支援", ("項目", "金額"), rows, unit="円・税抜")
    return Section("support", title, sentences, [table])


def discount_section(
    statement: CostStatement,
    plan: PricePlan,
    volumes: Volumes,
    discounts: Iterable[Sequence[int]],
) -> Section:
    """Return what the total would be for each published number of adopting bodies."""
    title, steps = "採用する団体の数による割引", list(discounts)
    if not steps:
        told = "団体の数による割引は、公表されていません。割引がないという意味ではありません。"
        return Section("discounts", title, [told])
    rows = [_discount_row("割引なし（この計算）", 0, statement, statement)]
    for bodies, points in steps:
        rules = replace(statement.rules, discount_basis_points=points)
        found = cost(plan, volumes, statement.term, rules)
        rows.append(_discount_row(f"{bodies}団体以上", points, found, statement))
    head = (
        "採用する団体の数",
        "割引",
        "1年の費用（税抜）",
        "全期間（税込）",
        "この計算との差（税込）",
    )
    table = Table("discounts", "団体の数ごとの合計", head, rows, unit="円")
    sentences = [
        "採用する団体が増えたら、という試しの計算です。何団体が採用するかは決まっていないため、合計には入れていません。",
        "割り引くのは月額基本・従量・オプションで、1回だけの費用とクラウド利用料は割り引きません。",
    ]
    return Section("discounts", title, sentences, [table])


def _discount_row(label: str, points: int, found: CostStatement, base: CostStatement) -> Line:
    off = words(f"{show_percent(points)}%引き" if points else "なし")
    return (
        words(label),
        off,
        number(found.yearly),
        number(found.total),
        difference(found.total, base.total),
    )


def sensitivity_section(plan: PricePlan, variations: Sequence[Variation]) -> Section:
    """Return the cost with less, the same and more of everything that is counted."""
    title = "量が20%増減したとき"
    base = next(each for each in variations if each.basis_points == 10_000)
    if not base.statement.lines:
        why = explain_needs(base.statement.needs_quote)
        told = f"この条件では料金表を使えないため、量を変えた計算もできません：{why}"
        return Section("sensitivity", title, [told])
    units = _counted_units(base.statement)
    if not units and base.statement.total is not None:
        return Section(
            "sensitivity", title, ["量に応じて変わる費用はないため、合計は変わりません。"]
        )
    rows = [
        (
            words(share_words(each.basis_points)),
            words(_volume_words(each.volumes, units) or "わかっている量がありません"),
            number(each.statement.subtotal),
            number(each.statement.total),
            difference(each.statement.total, base.statement.total),
        )
        for each in variations
    ]
    head = ("場合", "計算に使う量", "全期間（税抜）", "全期間（税込）", "差（税込）")
    table = Table("sensitivity", "量が変わったときの合計", head, rows, unit="円")
    sentences = [
        (
            "人口、世帯数、ID数などの量だけを変えて計算しています。1未満は四捨五入します。"
            "どの人口区分の料金を使うかは変えていません。"
        ),
        *_cliff_words(plan, variations),
    ]
    if base.statement.total is None:
        sentences.append(
            f"わからない量はわからないままです：{explain_needs(base.statement.needs_quote)}"
        )
    chart = sensitivity_chart(variations)
    return Section("sensitivity", title, sentences, [table], chart)


def _counted_units(statement: CostStatement) -> list[Unit]:
    found = {each.component.unit for each in statement.items} - {Unit.LUMP}
    return [unit for unit in Unit if unit in found]


def _volume_words(volumes: Volumes, units: Sequence[Unit]) -> str:
    known = ((unit, volumes.get(unit)) for unit in units)
    return "、".join(
        f"{quantity_name(unit)}{quantity_of(unit, count)}"
        for unit, count in known
        if count is not None
    )


def _cliff_words(plan: PricePlan, variations: Sequence[Variation]) -> list[str]:
    """Say why more may cost less: a price for the whole that falls from a quantity on."""
    counted = [each.volumes for each in variations]
    told = []
    for component in plan.components:
        crossed = _list_crossed(component, counted)
        if crossed and component.tier_mode is TierMode.VOLUME:
            bounds = "、".join(f"{quantity_of(component.unit, each)}以上" for each in crossed)
            told.append(
                f"「{component.name}」は、量の全体に一つの単価を掛ける料金です。{bounds}で単価が変わるため、"
                "量が増えて安くなることや、少しの増え方で大きく変わることがあります。"
            )
    return told


def _list_crossed(component: PriceComponent, counted: Sequence[Volumes]) -> list[int]:
    """Give the bounds of tiers that some of the volumes reach and others do not."""
    quantities = [found for each in counted if (found := each.get(component.unit)) is not None]
    if not quantities:
        return []
    lowest, highest = min(quantities), max(quantities)
    return [tier.lower for tier in component.tiers[1:] if lowest < tier.lower <= highest]


def today_section(
    statement: CostStatement,
    baseline: Baseline | None,
    work: str,
    *,
    in_file: bool = False,
    for_other: bool = False,
) -> Section:
    """Return the cost beside today's contract, which only the person who entered it sees."""
    title = "今の契約との差"
    if for_other:
        told = "今の契約は、あなたの団体の費用とだけ比べます。この計算は、ほかの団体の費用です。"
        return Section("today", title, [told], is_private=True)
    if baseline is None:
        told = f"「{work}」の今の契約の年額と終わる日を計算の条件で保存すると、会計年度ごとの差を計算します。"
        told += "ほかの業務の契約とは比べません。保存した金額は、あなたにだけ表示します。"
        return Section("today", title, [told], is_private=True)
    found = against_baseline(statement, baseline)
    shown_to = (
        "あなたが保存した金額を、選ばれたとおりこのファイルに入れています。渡す相手を確かめてください。"
        if in_file
        else "この金額はあなたにだけ表示し、ページの印刷には入れません。"
    )
    sentences = [
        (
            f"「{work}」の今の契約は年額{format_yen(baseline.yearly_with_tax)}（税込）、{format_date(baseline.ends_on)}まで"
            f"です。同じ期間ずっと続いたとした金額と比べています。{shown_to}"
        )
    ]
    warning = ""
    if found.parallel_days:
        sentences.append(
            f"新しい契約が始まったあとも、今の契約が{found.parallel_days}日続きます。その間は両方を払います。"
            f"今の契約の分は{format_yen(found.parallel)}（税込）で、上の合計のほかに必要です。"
        )
    if found.gap_days:
        warning = (
            f"今の契約が終わってから新しい契約が始まるまで、{found.gap_days}日あきます。"
            "その間はどちらのサービスも使えません。"
        )
    shown = [_today_table(found, statement)] if found.years else []
    return Section("today", title, sentences, shown, warning=warning, is_private=True)


def _today_table(found: BaselineComparison, statement: CostStatement) -> Table:
    rows = [
        (
            words(_year_label(each.fiscal_year, statement)),
            number(each.today),
            number(each.new),
            difference(each.new, each.today),
        )
        for each in found.years
    ]
    foot = (
        words("合計"),
        number(found.today),
        number(statement.total),
        difference(statement.total, found.today),
    )
    head = ("会計年度", "今の契約", "新しい契約", "差")
    return Table("today", "会計年度ごとの差", head, rows, [foot], unit="円・税込")


def _year_label(year: int, statement: CostStatement) -> str:
    return next(year_words(line) for line in statement.lines if line.fiscal_year == year)


def missing_section(statement: CostStatement, plan: PricePlan) -> Section:
    """Return what the total does not hold, and why: not in the list is not free."""
    unlisted = set(plan.kinds_unlisted)
    rows: list[Line] = [
        (words(kind.label), words(f"{NOT_LISTED}。無料という意味ではありません。{_UNLISTED[kind]}"))
        for kind in ComponentKind
        if kind in unlisted and kind in _UNLISTED
    ]
    rows += [_left_out_row(plan, name) for name in statement.options_left_out]
    rows += [
        (
            words(f"「{name}」（選んだオプション）"),
            words(f"{NOT_LISTED}。この合計には入っていません。事業者に確かめてください。"),
        )
        for name in statement.options_absent
    ]
    if not statement.exit_included and ComponentKind.EXIT not in unlisted:
        rows.append(
            (words("解約・データ返還"), words("「解約するときの費用」に別に示しています。"))
        )
    rows += [
        (
            words("並行して動かす期間の費用"),
            words(
                "新旧両方のサービスを使う間の、今の契約の料金です。料金表からは計算できません。"
                "「今の契約との差」に、今の契約を保存した場合の金額を示します。"
            ),
        ),
        (
            words("団体の中でかかる費用"),
            words("職員の作業、端末、回線など、料金表にないものは含みません。"),
        ),
    ]
    head = ("費用", "扱い")
    table = Table("missing", "合計に入っていないもの", head, rows)
    told = "料金表に書かれていない費用は、無料とは限りません。契約の前に事業者に確かめてください。"
    return Section("missing", "これに入っていない費用", [told], [table])


_UNLISTED = {
    ComponentKind.INITIAL: "初めに払う費用があるかを確かめてください。",
    ComponentKind.MIGRATION: "今のシステムからデータを移す作業の費用を確かめてください。",
    ComponentKind.TRAINING: "職員の研修の費用を確かめてください。",
    ComponentKind.CLOUD: "基盤の利用料が月額に含まれるかを確かめてください。",
    ComponentKind.EXIT: "やめるときの費用を確かめてください。",
}


def _left_out_row(plan: PricePlan, name: str) -> Line:
    prices = "、".join(
        f"{price_words(each)}・{each.interval.label}"
        for each in plan.components
        if each.is_option and each.name == name
    )
    return words(f"「{name}」（選んでいないオプション）"), words(
        f"選ぶと、{prices}が加わります（税抜）。"
    )


def currency_section(statement: CostStatement, plan: PricePlan) -> Section:
    """Return at what rate foreign prices became yen, or what to enter."""
    title = "外貨の料金"
    foreign = [each for each in plan.components if each.currency is not Currency.JPY]
    if not foreign:
        return Section("currency", title, ["外貨で示された料金はありません。"])
    names = "、".join(f"「{each.name}」" for each in foreign)
    sentences = [f"{names}は米ドルで公表されています。円の金額は為替相場で変わります。"]
    rates = statement.rules.rates
    if Currency.USD not in rates:
        sentences.append(
            "1米ドルが何円か、いつの相場か、出どころを計算の条件に入力すると計算できます。"
            "入力するまでは「見積が必要」になります。"
        )
        return Section("currency", title, sentences)
    rate = rates[Currency.USD]
    rows = [
        (words("1米ドル"), words(f"{rate.per_unit}円")),
        (words("相場の日付"), words(format_date(rate.as_of))),
        (words("出どころ"), words(rate.source)),
        (words("端数"), words("1回の費用を円に換えるときに1円未満を切り捨て")),
    ]
    table = Table("currency", "円に換えた率", ("項目", "内容"), rows)
    return Section("currency", title, sentences, [table])
