"""What the figures of a market come to, in sentences and in rows for a spreadsheet."""

from collections.abc import Iterable

from catalog.market import Choice, Spread, Verdict
from catalog.market_history import MonthCount
from catalog.replaceability import FEWEST_OTHERS, measure_replaceability
from catalog.specifications.models import SpecificationState
from core.documents import Cell, Row, Sheet, write_xlsx
from core.japanese import format_date, format_datetime, format_yen
from procurement.market.figures import Figures

UNKNOWN = "情報なし"


def spread_words(found: Spread | None) -> str:
    """Return a spread of amounts: 100円, 無料から300円まで, 情報なし."""
    return "".join(amount_parts(found)) if found else UNKNOWN


def amount_parts(found: Spread) -> list[str]:
    """Return the same in the parts between which a line may break; 0 is free, as in a price list."""
    least, most = (format_yen(each) if each else "無料" for each in (found.low, found.high))
    return [least] if least == most else [f"{least}から", f"{most}まで"]


def difference_parts(found: Spread) -> list[str]:
    """Return how much less or more is paid, in such parts: 100円から, 300円安い."""
    if found.low == found.high:
        return [_difference(found.low)]
    if found.high < 0:
        return [f"{format_yen(-found.high)}から", _difference(found.low)]
    if found.low > 0:
        return [f"{format_yen(found.low)}から", _difference(found.high)]
    least, most = _difference(found.low), _difference(found.high)
    return [
        f"{least}から" if found.low == 0 else f"{least}ものから",
        f"{most}まで" if found.high == 0 else f"{most}ものまで",
    ]


def _difference(amount: int) -> str:
    if amount == 0:
        return "同じ額"
    return f"{format_yen(abs(amount))}{'安い' if amount < 0 else '高い'}"


def find_sentences(figures: Figures) -> list[str]:
    """Return what the figures come to: how many there are, who is served by one maker or by none."""
    supply = figures.trusted_supply
    if not supply.services:
        listed = figures.supply.services
        seen = f"公開中のサービスは{listed:,}件あります。" if listed else ""
        return [f"この版で認証されたサービスは、いまありません。{seen}"]
    sentences = [
        f"この版で認証されたサービスは{supply.services:,}件、その開発者は{supply.makers:,}社です。"
    ]
    for makers, words in ((0, "ありません"), (1, "1社のものだけです")):
        named = [each.code.label for each in figures.sizes if each.makers == makers]
        if named:
            told = "、".join(named)
            sentences.append(f"{told}の団体に対応すると答えた認証されたサービスは、{words}。")
    unsure = figures.sizes_untold[1]
    if unsure:
        sentences.append(f"認証されたサービスのうち{unsure:,}件は、対応する人口を答えていません。")
    if all(each.verdict is Verdict.SEVERAL for each in figures.sizes):
        sentences.append("どの人口の団体も、2社以上から選べます。")
    return sentences


def pool_sentence(figures: Figures) -> str:
    """Say what a body of the size asked about can choose from, and how many services lack others."""
    pool, tally = figures.pool, figures.tally
    makers = len({each.maker_id for each in pool.services})
    head = f"{pool.size.label}の団体が選べる認証されたサービスは{len(pool.services):,}件（{makers:,}社）です。"
    unsure = (
        f"ほかに、対応する人口を答えていない認証されたサービスが{pool.unsure:,}件あります。"
        if pool.unsure
        else ""
    )
    if not tally.services:
        return head + unsure
    few = (
        f"この規模に対応する公開中のサービス{tally.services:,}件のうち、代わりになれるほかの開発者が"
        f"{FEWEST_OTHERS}社より少ないものは{tally.few:,}件（まったくないものは{tally.without:,}件）です。"
    )
    return head + unsure + few


def notice_sentence(figures: Figures) -> str:
    """Say how published contracts spread over services; they are not all contracts."""
    found = figures.notices
    if not found.notices:
        return "この版のサービスについて公表された契約は、まだありません。契約がないという意味ではありません。"
    return (
        f"この版のサービスについて、{found.bodies:,}団体が{found.notices:,}件の契約を公表しています。"
        f"{found.services:,}件のサービスに分かれ、いちばん多いサービスで{found.largest:,}件です。"
        "終わった契約も数えます。公表していない契約は数えられないため、市場の占有率ではありません。"
    )


def month_chart(months: Iterable[MonthCount]) -> dict[str, object] | None:
    """Return a bar for each month with its finding as a sentence; none for fewer than two months."""
    counted = list(months)
    if len(counted) < 2:
        return None
    first, last = counted[0], counted[-1]
    title = (
        f"認証が有効なサービスは、{_month(first)}の{first.services:,}件から、いま{last.services:,}件になりました。"
        if first.services != last.services
        else f"認証が有効なサービスは、{_month(first)}もいまも{last.services:,}件です。"
    )
    rows = [(_month(each), each.services) for each in counted]
    return {"id": "months-chart", "title": title, "rows": rows}


def _month(each: MonthCount) -> str:
    day = format_date(each.month)
    return f"{day.removesuffix('1日')}{'（今日）' if each.is_now else '末'}"


def month_words(each: MonthCount) -> str:
    """Return the moment of which a month is counted."""
    return _month(each)


# --- spreadsheet ----------------------------------------------------------------------------------

SERVICE_HEAD = (
    "サービスの番号",
    "サービス",
    "開発者",
    "認証の状態",
    "この規模に対応",
    "代わりになれるサービス",
    "その開発者（自社を除く）",
    "うち標準オプションをすべて引き継げる",
    "うちデータをすべて渡せる",
    "うちデータの形式がわからない",
    "やめる費用（最小・円・税抜）",
    "やめる費用（最大）",
    "始める費用（最小）",
    "始める費用（最大）",
    "費用の和（最小）",
    "費用の和（最大）",
    "1年の差（最小）",
    "1年の差（最大）",
)


def service_rows(figures: Figures) -> list[Row]:
    """Return a row for each service, by id; a cell says so where nothing is known."""
    return [_service_row(figures, place) for place in range(len(figures.services))]


def _service_row(figures: Figures, place: int) -> Row:
    service = figures.services[place]
    found = measure_replaceability(figures.pool, service)
    counts = (
        found.others,
        found.other_makers,
        found.whole_options,
        found.whole_data,
        found.data_untold,
    )
    spreads = (service.leaving, found.entry, found.switching, found.difference)
    row: list[Cell] = [
        str(service.offering_id),
        service.name,
        service.maker,
        service.state.label,
        {True: "対応", False: "対象外", None: UNKNOWN}[found.serves],
        *(_known(each, is_for=found.serves is not False) for each in counts),
        *(
            _known(amount, is_for=True)
            for each in spreads
            for amount in ((each.low, each.high) if each else (None, None))
        ),
    ]
    return row


def _known(value: int | None, *, is_for: bool) -> int | str:
    if value is None:
        return UNKNOWN if is_for else "対象外"
    return value


def market_workbook(figures: Figures, state: SpecificationState, address: str) -> bytes:
    """Return the workbook: the facts, choice by class, requirements, leaving, services and months."""
    choices = [*_choice_rows("人口", figures.sizes), *_choice_rows("団体の種類", figures.kinds)]
    sheets = [
        Sheet("この表について", ["項目", "内容"], _facts(figures, state, address), [34, 90]),
        Sheet(
            "団体ごとの選択肢",
            ["区分", "団体", "選べるか", "認証・条件付き認証", "その開発者", "公開中"],
            choices,
        ),
        Sheet(
            "要件",
            ["実装区分", "要件", "2社以上が満たす", "1社だけ", "どこもない", "認証されたすべて"],
            [
                [e.requirement_class.label, e.total, e.several, e.one, e.none, e.every]
                for e in figures.coverage
            ],
        ),
        Sheet(
            "満たす開発者が少ない要件",
            ["要件ID", "機能", "実装区分", "満たす開発者の数"],
            [
                [e.requirement_id, e.name, e.requirement_class.label, int(e.maker_id is not None)]
                for e in figures.scarce
            ],
        ),
        Sheet(
            "やめるときの条件",
            ["条件", "合う・ある（販売条件の数）", "合わない・ない", "情報なし"],
            [[e.label, e.yes, e.no, e.untold] for e in figures.exits],
            [60, 26, 20, 14],
        ),
        Sheet("サービス", SERVICE_HEAD, service_rows(figures), freeze_columns=2),
        Sheet(
            "月ごとの推移",
            ["時点", "認証が有効なサービス", "その開発者", "その月に初めて認証"],
            [[_month(e), e.services, e.makers, e.begun] for e in figures.market.months],
        ),
    ]
    return write_xlsx(sheets, made_at=figures.market.moment)


def _choice_rows(words: str, choices: Iterable[Choice]) -> list[Row]:
    return [
        [words, e.code.label, e.verdict.label, e.trusted, e.makers, e.services] for e in choices
    ]


def _facts(figures: Figures, state: SpecificationState, address: str) -> list[Row]:
    version, supply, trusted = figures.market.version, figures.supply, figures.trusted_supply
    sample = "（見本）" if version.specification.is_sample else ""
    states: list[Row] = [
        [f"認証の状態：{each.label}", number] for each, number in figures.states.items()
    ]
    told: list[Row] = [["まとめ", each] for each in find_sentences(figures)]
    rules: list[Row] = [["数え方", each] for each in COUNTING_RULES]
    return [
        ["標準仕様書", f"{version.specification.name}{sample} {version.title}（{state.label}）"],
        ["時点", format_datetime(figures.market.moment)],
        ["団体の人口", f"{figures.market.population:,}人（{figures.market.size.label}）"],
        ["公開中のサービス", supply.services],
        ["開発者", supply.makers],
        ["販売者", supply.sellers],
        *states,
        ["認証・条件付き認証の開発者", trusted.makers],
        *told,
        ["まとめ", pool_sentence(figures)],
        ["公表された契約", notice_sentence(figures)],
        *rules,
        ["同じページのアドレス", address],
    ]


COUNTING_RULES = (
    "同じサービスを何社が販売していても、1件と数えます。",
    "代わりになれるのは、同じ版で認証（条件付きを含む）され、同じ人口の団体に対応する、ほかのサービスです。",
    "金額は、今日の料金表からの計算です。見積ではありません。税抜で、オプションと外貨の料金は入れていません。",
    "始める費用は、料金表の初期・データ移行・研修のうち1回だけ払うものです。料金表にない費目は無料とは限りません。",
    "やめる費用は、料金表の解約・データ返還と、事業者が答えたデータ取出しの費用の、大きいほうです。",
    "標準オプションは、事業者の回答で満たすもの（適合、説明のある代替手段）を数えます。",
    "データは、両方がデータ要件に適合するか、取り出す形式を相手が取り込める種類を、渡せると数えます。種類ごとの回答がなければ、全体の形式で見ます。",
    "事業者が答えていないことは「情報なし」とし、0とも、ないとも数えません。",
    "会社どうしの資本の関係と、提供できる地域は、登録の項目にないため数えていません。",
)
