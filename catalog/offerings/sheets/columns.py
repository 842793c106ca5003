"""The columns of the sheets: heading, hint, words for codes, and the headings that others use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from accounts.models import BodyKind
from catalog.offerings.discount_schemas import write_discounts
from catalog.offerings.row_schemas import ROW_KINDS, write_rows
from catalog.price_plan import (
    ComponentKind,
    Currency,
    Interval,
    PartMonth,
    TaxRounding,
    TierMode,
    Unit,
)
from catalog.specifications.mapping import fold_word
from catalog.terms import (
    HOSTING_PROVIDERS,
    AccessibilityLevel,
    Authentication,
    Language,
    Network,
    SizeClass,
)
from core.state_machine import LabelledCode

MOST_OFFERINGS = 1_000
OFFERING_SHEET, PRICE_SHEET, GUIDE_SHEET = "サービス", "料金", "記入のしかた"
SAMPLE_KEY = "見本"
HIGHEST_TIER = 5


class Part(StrEnum):
    """What a column tells about."""

    KEY = "key"
    OFFERING = "offering"
    LISTING = "listing"
    PRICE = "price"
    EXTRA = "extra"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `target` is the field of the form's schema; `words` give the label of each code."""

    target: str
    heading: str
    part: Part
    hint: str
    example: str = ""
    synonyms: tuple[str, ...] = ()
    words: Mapping[str, str] | None = None
    is_list: bool = False
    is_number: bool = False
    is_required: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every heading by which it is recognised."""
        return (self.heading, self.target, *self.synonyms)


def _labels(codes: type[LabelledCode]) -> dict[str, str]:
    return {each.value: each.label for each in codes}


_YES_NO = {"true": "はい", "false": "いいえ"}
_HOSTING = {each.code: each.label for each in HOSTING_PROVIDERS}
_K, _O, _L, _P, _X = Part.KEY, Part.OFFERING, Part.LISTING, Part.PRICE, Part.EXTRA

_KEYS = (
    Column("key", "キー", _K, "このファイルの中でサービスを見分ける印です。料金の行と同じ印にします。見本の行（キーが「見本」）は取り込みません。", "A1", ("管理番号", "番号", "No", "通番"), is_required=True),
    Column("version_id", "ID（変えない）", _K, "書き出したファイルにあります。新しいサービスでは空欄にします。", synonyms=("サービスID", "版のID")),
    Column("versions", "更新番号（変えない）", _K, "書き出した時点の番号です。新しいサービスでは空欄にします。", synonyms=("更新番号",)),
    Column("standing", "状態（読みません）", _K, "書き出した時点の状態です。書き換えても取り込みません。"),
    Column("specification", "標準仕様書", _K, "仕様書コードと版です。一覧から選びます。登録したあとは変えられません。", "", ("標準仕様書と版", "仕様書"), is_required=True),
)  # fmt: skip
_OFFERING = (
    Column("name", "サービスの名称", _O, "120文字以内。", "まるごと窓口予約（見本）", ("名称", "サービス名", "サービス名称", "製品名", "商品名", "service name"), is_required=True),
    Column("kana", "名称の読み", _O, "120文字以内。", "まるごとまどぐちよやく", ("読み", "フリガナ", "ふりがな", "カナ")),
    Column("summary", "一行の説明", _O, "200文字以内。", "窓口の予約と順番を案内します。", ("概要", "要約", "キャッチコピー")),
    Column("description", "サービスの説明", _O, "4,000文字以内。改行できます。", "住民が予約し、職員が順番を管理します。", ("説明", "詳細", "内容", "紹介文")),
    Column("features", "主な機能", _O, "1行に1つ、20行まで。セルの中で改行します。", "予約の受付\n順番の案内", ("機能", "特長", "特徴")),
    Column("hosting_provider", "設置場所の事業者", _O, "一覧から選びます。", "AWS", ("クラウド", "クラウド事業者", "設置場所"), _HOSTING),
    Column("hosting_region", "設置する地域", _O, "60文字以内。", "東京", ("リージョン", "データの所在地")),
    Column("networks", "使える回線", _O, "LGWAN、インターネット、閉域網から。いくつもあるときは「、」で区切ります。", "LGWAN、インターネット", ("回線", "ネットワーク"), _labels(Network), is_list=True),
    Column("size_classes", "対応する団体の人口", _O, "1万人未満、1万人以上5万人未満、5万人以上20万人未満、20万人以上50万人未満、50万人以上から。「、」で区切ります。", "1万人未満、1万人以上5万人未満", ("対応する人口", "団体規模"), _labels(SizeClass), is_list=True),
    Column("import_formats", "取り込めるデータの形式", _O, "300文字以内。", "CSV（UTF-8）"),
    Column("export_formats", "取り出せるデータの形式", _O, "300文字以内。", "CSV、JSON"),
    Column("api_specification", "外部連携（API）の仕様", _O, "300文字以内。", "OpenAPI 3.1で公開", ("API", "外部連携")),
    Column("data_location", "データを保管する場所", _O, "控えも含めた国と地域。200文字以内。", "日本（東京。控えは大阪）", ("データの保管場所", "データセンターの所在地")),
    Column("body_kinds", "対応する団体の種類", _O, "任意。「、」で区切ります。", "市、町、村", ("団体の種類",), _labels(BodyKind), is_list=True),
    Column("languages", "画面の言語", _O, "任意。「、」で区切ります。", "日本語、英語", ("言語", "対応言語"), _labels(Language), is_list=True),
    Column("authentication", "本人確認の方法", _O, "任意。「、」で区切ります。", "IDとパスワード、多要素認証", ("認証方式", "ログイン方法"), _labels(Authentication), is_list=True),
    Column("accessibility_level", "アクセシビリティ", _O, "任意。一覧から選びます。", AccessibilityLevel.AA_PARTLY.label, ("JIS X 8341-3", "ウェブアクセシビリティ"), _labels(AccessibilityLevel)),
    Column("accessibility_statement", "アクセシビリティの説明", _O, "500文字以内。試験の結果のアドレスなど。", "2026年3月に主な20画面を試験", ()),
    Column("accreditations", "第三者の認証・登録", _O, "任意。1行に1つ、種類｜番号｜認証した機関｜対象の範囲｜有効期限。", "ISO/IEC 27001｜見本-0001｜見本審査機構｜窓口予約の開発と運用｜2028-03-31", ("認証", "取得認証", "ISMAP")),
    Column("data_categories", "データの種類ごとの形式", _O, "任意。1行に1つ、データの種類｜取り込める形式｜取り出せる形式｜データ要件との関係。", "予約｜CSV｜CSV、JSON｜データ要件に適合", ("データ項目ごとの形式",)),
)  # fmt: skip
_LISTING = (
    Column("minimum_term_months", "最低利用期間（か月）", _L, "ないときは0。", "12", ("最低利用期間",), is_number=True),
    Column("tax_rounding", "消費税の計算", _L, "一覧から選びます。空欄は全期間の合計です。", TaxRounding.WHOLE.label, ("端数処理",), _labels(TaxRounding)),
    Column("support_hours", "問い合わせを受ける時間", _L, "200文字以内。", "平日9時から17時まで", ("サポート時間", "問い合わせ時間")),
    Column("onboarding_weeks", "利用開始までの期間（週）", _L, "数字だけを書きます。", "8", ("利用開始までの期間", "導入期間"), is_number=True),
    Column("planned_service_hours", "サービスを提供する予定の時間", _L, "稼働率を書くときは必ず書きます。", "毎日0時から24時まで", ("サービス提供時間", "提供時間")),
    Column("availability_basis_points", "稼働率の目標（%）", _L, "99.5のように、小数第2位まで。", "99.5", ("稼働率の目標", "稼働率", "SLA"), is_number=True),
    Column("rto_hours", "復旧までの目標時間（時間）", _L, "数字だけを書きます。", "12", ("復旧までの目標時間", "RTO"), is_number=True),
    Column("rpo_hours", "どの時点のデータに戻すか（時間前）", _L, "数字だけを書きます。", "24", ("どの時点のデータに戻すか", "RPO"), is_number=True),
    Column("maintenance_notice_days", "計画停止を知らせる時期（日前）", _L, "数字だけを書きます。", "7", ("計画停止を知らせる時期", "計画停止の予告"), is_number=True),
    Column("training", "研修", _L, "500文字以内。", "操作研修2回（オンライン）", ("研修の内容", "操作研修")),
    Column("responsibility_boundary", "責任の分かれ目", _L, "1,000文字以内。", "", ("責任分界点",)),
    Column("notice_months", "終了を知らせる時期（か月前）", _L, "数字だけを書きます。", "12", ("終了を知らせる時期", "終了予告"), is_number=True),
    Column("transition_days", "移行を助ける日数（日）", _L, "数字だけを書きます。", "30", ("移行を助ける日数",), is_number=True),
    Column("retrieval_days", "データを取り出せる日数（日）", _L, "数字だけを書きます。", "60", ("データを取り出せる日数",), is_number=True),
    Column("part_month", "月の一部を使うときの料金", _L, "一覧から選びます。空欄は契約の1か月ごとに1か月分です。", PartMonth.WHOLE.label, ("日割り",), _labels(PartMonth)),
    Column("export_charge_yen", "データ返還の費用（税抜・円）", _L, "0は無料、空欄は決まっていないという意味です。", "0", ("データ返還の費用", "データ返還の費用（税抜）"), is_number=True),
    Column("deletion_certificate", "データ消去の証明書", _L, "はい、いいえ。", "はい", ("消去証明書",), _YES_NO),
    Column("parallel_running", "新旧の並行利用", _L, "はい、いいえ。", "いいえ", ("並行利用",), _YES_NO),
    Column("escrow", "ソースコードの預託", _L, "はい、いいえ。", "いいえ", ("エスクロー",), _YES_NO),
    Column("discounts", "採用する団体の数による割引", _L, "任意。1行に1つ、団体の数｜割引率（%）。", "5｜5\n10｜8", ("割引", "共同利用割引")),
    Column("state_support_yen", "国の支援の額（税抜・円）", _L, "任意。初期費用への時限の支援があるときだけ。", "", ("国の支援",), is_number=True),
    Column("state_support_until", "国の支援の期限", _L, "額を書いたときは必ず書きます。", ""),
    Column("state_support_note", "国の支援の説明", _L, "500文字以内。", ""),
    Column("exit_note", "やめるときの補足", _L, "1,000文字以内。", "", ("補足",)),
)  # fmt: skip
_PRICES = (
    Column("component_kind", "料金の種類", _P, "一覧から選びます。", "月額基本", ("種類", "費目"), _labels(ComponentKind), is_required=True),
    Column("component_name", "料金の名前", _P, "オプションでは必ず書きます。", "基本料", ("料金名",)),
    Column("component_unit", "単位", _P, "一覧から選びます。", "一式", (), _labels(Unit), is_required=True),
    Column("component_interval", "回数", _P, "一覧から選びます。", "毎月", ("課金の回数", "支払いの回数"), _labels(Interval), is_required=True),
    Column("component_price", "単価（税抜・円）", _P, "公表しないときは空欄（見積が必要と示します）。", "120000", ("単価", "単価（税抜）", "料金", "価格", "金額"), is_number=True),
    Column("component_mode", "段階の数え方", _P, "段階のあるときに、一覧から選びます。", "", ("段階の方式",), _labels(TierMode)),
    Column("component_minimum", "1回の最低額（税抜・円）", _P, "ないときは空欄。", "", ("最低額",), is_number=True),
    Column("component_maximum", "1回の最高額（税抜・円）", _P, "ないときは空欄。", "", ("最高額",), is_number=True),
    *(
        column
        for tier in range(2, HIGHEST_TIER + 1)
        for column in (
            Column(f"component_lower{tier}", f"段階{tier}の始まり", _P, "この数量から単価が変わります。", is_number=True),
            Column(f"component_price{tier}", f"段階{tier}の単価（税抜・円）", _P, "", synonyms=(f"段階{tier}の単価",), is_number=True),
        )
    ),
    Column("component_sizes", "対象の人口", _P, "人口で料金が変わるときだけ、「、」で区切ります。空欄はすべての団体です。", "", ("料金の対象の人口",), _labels(SizeClass), is_list=True),
    Column("component_valid_from", "料金の始まる日", _P, "時期で料金が変わるときだけ書きます。", "", ("適用開始日",)),
    Column("component_valid_to", "料金の終わる日", _P, "期限がないときは空欄。", "", ("適用終了日",)),
    Column("component_currency", "通貨", _P, "クラウド利用料だけで選べます。空欄は円です。米ドルの金額はセントで書きます。", Currency.JPY.label, (), _labels(Currency)),
)  # fmt: skip
NOTE = "note"
EXTRAS = (
    Column("starts_on", "提供を始める日", _X, "日付かどうかを確かめ、説明に書き添えます。", "", ("提供開始日", "開始日", "start")),
    Column("ends_on", "提供を終える日", _X, "日付かどうかを確かめ、説明に書き添えます。", "", ("提供終了日", "終了日", "end")),
    Column("category", "分野", _X, "書き方がそろっているかを確かめ、説明に書き添えます。", "", ("カテゴリ", "カテゴリー", "field", "category")),
    Column("corporate_number", "法人番号", _X, "自社の法人番号かどうかを確かめます。保存はしません。", "", ("corporate number",)),
    Column("provider", "提供する会社の名称", _X, "自社の名称かどうかを確かめます。保存はしません。", "", ("提供事業者", "事業者名", "会社名", "企業名", "事業者の名称", "provider")),
    Column("page", "サービスのページ", _X, "アドレスかどうかを確かめ、説明に書き添えます。", "", ("サービスのURL", "URL", "ホームページ", "url")),
    Column(NOTE, "説明に書き添える", _X, "見出しと一緒に、説明の終わりに書き添えます。"),
)  # fmt: skip
OFFERING_COLUMNS = (*_KEYS, *_OFFERING, *_LISTING)
PRICE_COLUMNS = (_KEYS[0], *_PRICES)
ALL_COLUMNS = (*OFFERING_COLUMNS, *_PRICES, *EXTRAS)
BY_TARGET: Mapping[str, Column] = {each.target: each for each in ALL_COLUMNS}
# What an import must know of every offering: without it a row cannot stand, so no cell of it is dropped.
NEEDED = frozenset({"key", "version_id", "versions", "specification", "name"})


def targets_of(part: Part) -> tuple[str, ...]:
    """Return the targets of a part in their order."""
    return tuple(each.target for each in ALL_COLUMNS if each.part is part)


@lru_cache(maxsize=1)
def _by_name() -> dict[str, str]:
    found: dict[str, str] = {}
    for column in ALL_COLUMNS:
        for name in column.names:
            found.setdefault(fold_word(name), column.target)
    return found


def recognise(heading: str) -> str:
    """Return the target that a heading speaks of, nothing if none."""
    return _by_name().get(fold_word(heading), "")


def is_own_heading(heading: str) -> bool:
    """Tell whether a heading is the very one of our template."""
    return any(heading.strip() == each.heading for each in (*OFFERING_COLUMNS, *_PRICES))


@lru_cache(maxsize=64)
def _codes(target: str) -> dict[str, str]:
    words = BY_TARGET[target].words or {}
    found: dict[str, str] = {}
    for code, label in words.items():
        for word in (label, code, label.split("（")[0]):
            found.setdefault(fold_word(word), code)
    return found


def code_of(target: str, word: str) -> str | None:
    """Return the code that a word stands for, None if it is unknown."""
    return _codes(target).get(fold_word(word))


def in_words(target: str, value: Any) -> str:
    """Return a stored value as a cell shows it: labels for codes, nothing for what is open."""
    words = BY_TARGET[target].words
    if value is None:
        return ""
    if target == "discounts":
        return write_discounts(value)
    if target in ROW_KINDS:
        return write_rows(ROW_KINDS[target], value)
    if isinstance(value, bool):
        value = "true" if value else "false"
    if words is None:
        return "\n".join(value) if isinstance(value, list) else str(value)
    codes: Iterable[str] = value if isinstance(value, list) else [value]
    return "、".join(words.get(str(code), str(code)) for code in codes if str(code))
