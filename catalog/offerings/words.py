"""The facts of a version in words, one line per fact, from its canonical content. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from accounts.models import BodyKind
from catalog.offerings.rows import read_accreditations, read_categories
from catalog.price_plan import (
    QUOTE_LABEL,
    ComponentKind,
    Currency,
    Interval,
    PartMonth,
    TaxRounding,
    TierMode,
    Unit,
)
from catalog.terms import (
    HOSTING_PROVIDERS,
    AccessibilityLevel,
    Authentication,
    Language,
    Network,
    SizeClass,
)
from core.japanese import format_amount, format_date, format_yen
from core.state_machine import LabelledCode

Content = Mapping[str, Any]
Tell = Callable[[Content], str]

COMPONENTS_LABEL = "料金表"
_HOSTING = {row.code: row.label for row in HOSTING_PROVIDERS}


def show_percent(points: int | None) -> str:
    """Return basis points as people write them: 99.5."""
    return "" if points is None else f"{points / 100:.2f}".rstrip("0").rstrip(".")


def _text(name: str) -> Tell:
    return lambda content: str(content.get(name) or "")


def _lines(name: str) -> Tell:
    return lambda content: "\n".join(content.get(name) or ())


def _codes(name: str, codes: type[LabelledCode]) -> Tell:
    labels = {each.value: each.label for each in codes}
    return lambda content: "、".join(labels.get(each, each) for each in content.get(name) or ())


def _count(name: str, unit: str) -> Tell:
    def tell(content: Content) -> str:
        number = content.get(name)
        return "" if number is None else f"{format_amount(number)}{unit}"

    return tell


def _choice(name: str) -> Tell:
    return lambda content: {True: "はい", False: "いいえ"}.get(content.get(name, ""), "")


def _yen(name: str) -> Tell:
    def tell(content: Content) -> str:
        amount = content.get(name)
        return "" if amount is None else format_yen(amount) if amount else "無料"

    return tell


def _availability(content: Content) -> str:
    rate = show_percent(content.get("availability_basis_points"))
    return f"{rate}%（予定の時間に対して）" if rate else ""


def _hosting(content: Content) -> str:
    code = content.get("hosting_provider") or ""
    return _HOSTING.get(code, code)


def _specification(content: Content) -> str:
    found = content.get("specification") or {}
    return f"{found.get('code', '')} {found.get('label', '')}".strip()


def _rounding(content: Content) -> str:
    code = content.get("tax_rounding")
    return TaxRounding(code).label if code else ""


def _part_month(content: Content) -> str:
    code = content.get("part_month")
    return PartMonth(code).label if code else ""


def _accessibility(content: Content) -> str:
    code = content.get("accessibility_level")
    return AccessibilityLevel(code).label if code else ""


def _accreditations(content: Content) -> str:
    rows = read_accreditations(content.get("accreditations") or ())
    return "\n".join(each.words for each in rows)


def _categories(content: Content) -> str:
    return "\n".join(each.words for each in read_categories(content.get("data_categories") or ()))


def _discounts(content: Content) -> str:
    return "\n".join(list_discounts(content.get("discounts") or ()))


def list_discounts(rows: Iterable[Sequence[int]]) -> list[str]:
    """Return each discount by number of adopting bodies in words."""
    return [f"{bodies}団体以上で{show_percent(points)}%引き" for bodies, points in rows]


def _support(content: Content) -> str:
    amount, until = content.get("state_support_yen"), content.get("state_support_until")
    if amount is None or until is None:
        return ""
    return say_support(amount, date.fromisoformat(until), content.get("state_support_note") or "")


def say_support(amount: int, until: date, note: str) -> str:
    """Say what the State pays of the initial cost, yen without tax, with its last day."""
    words = f"{format_yen(amount)}まで（税抜、{format_date(until)}までに契約した団体）"
    return f"{words}\n{note}" if note else words


OFFERING_WORDS: Sequence[tuple[str, Tell]] = (
    ("標準仕様書", _specification),
    ("サービスの名称", _text("name")),
    ("名称の読み", _text("kana")),
    ("一行の説明", _text("summary")),
    ("サービスの説明", _text("description")),
    ("主な機能", _lines("features")),
    ("設置場所の事業者", _hosting),
    ("設置する地域", _text("hosting_region")),
    ("使える回線", _codes("networks", Network)),
    ("対応する団体の人口", _codes("size_classes", SizeClass)),
    ("取り込めるデータの形式", _text("import_formats")),
    ("取り出せるデータの形式", _text("export_formats")),
    ("外部連携（API）の仕様", _text("api_specification")),
    ("データを保管する場所", _text("data_location")),
    ("対応する団体の種類", _codes("body_kinds", BodyKind)),
    ("画面の言語", _codes("languages", Language)),
    ("本人確認の方法", _codes("authentication", Authentication)),
    ("アクセシビリティ", _accessibility),
    ("アクセシビリティの説明", _text("accessibility_statement")),
    ("第三者の認証・登録", _accreditations),
    ("データの種類ごとの形式", _categories),
)
LISTING_WORDS: Sequence[tuple[str, Tell]] = (
    ("採用する団体の数による割引", _discounts),
    ("国の支援", _support),
    ("最低利用期間", _count("minimum_term_months", "か月")),
    ("消費税の計算", _rounding),
    ("月の一部を使うときの料金", _part_month),
    ("問い合わせを受ける時間", _text("support_hours")),
    ("サービスを提供する予定の時間", _text("planned_service_hours")),
    ("稼働率の目標", _availability),
    ("復旧までの目標時間", _count("rto_hours", "時間以内")),
    ("どの時点のデータに戻すか", _count("rpo_hours", "時間前まで")),
    ("計画停止を知らせる時期", _count("maintenance_notice_days", "日前まで")),
    ("利用開始までの期間", _count("onboarding_weeks", "週間")),
    ("研修", _text("training")),
    ("責任の分かれ目", _text("responsibility_boundary")),
    ("終了を知らせる時期", _count("notice_months", "か月前まで")),
    ("移行を助ける日数", _count("transition_days", "日間")),
    ("データを取り出せる日数", _count("retrieval_days", "日間")),
    ("データ返還の費用（税抜）", _yen("export_charge_yen")),
    ("データ消去の証明書", _choice("deletion_certificate")),
    ("新旧の並行利用", _choice("parallel_running")),
    ("ソースコードの預託", _choice("escrow")),
    ("やめるときの補足", _text("exit_note")),
)


def list_components(components: Iterable[Content]) -> list[str]:
    """Return each price component in one line, without tax."""
    return [_component(each) for each in components]


def _component(row: Content) -> str:
    kind, unit = ComponentKind(row["kind"]), Unit(row["unit"])
    per = "" if unit is Unit.LUMP else f"／{unit.label}"
    bounds = ((row.get("minimum"), "下限"), (row.get("maximum"), "上限"))
    show = Currency(row.get("currency") or Currency.JPY).show
    limits = "".join(f"、{word}{show(each)}" for each, word in bounds if each is not None)
    about = f"{kind.label}、{Interval(row['interval']).label}"
    reach = say_bounds(
        row.get("size_classes") or (), _day(row, "valid_from"), _day(row, "valid_to")
    )
    about += f"、{reach}" if reach else ""
    return f"{row['name']}（{about}）：{_prices(row, show)}{per}{limits}"


def say_bounds(sizes: Iterable[str], first: date | None, last: date | None) -> str:
    """Say for which bodies and for which time a price counts, nothing where it always does."""
    told = set(sizes)
    when = f"{format_date(first)}から" if first else ""
    when += f"{format_date(last)}まで" if last else ""
    whom = "・".join(size.label for size in SizeClass if size.value in told)
    return "、".join(each for each in (whom, when) if each)


def _day(row: Content, name: str) -> date | None:
    text = row.get(name)
    return date.fromisoformat(text) if text else None


def _prices(row: Content, show: Callable[[int], str]) -> str:
    tiers = row["tiers"]
    if not tiers:
        return QUOTE_LABEL
    if len(tiers) == 1:
        return show(tiers[0][1])
    steps = "、".join(f"{format_amount(low)}以上は{show(price)}" for low, price in tiers)
    return f"{steps}（{TierMode(row['tier_mode']).label}）"
