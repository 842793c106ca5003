"""What can be filtered: the facets with their labels, groups and values. Pure: rows in, values out."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from accounts.models import BodyKind
from catalog.offerings.listed import Listed
from catalog.offerings.prices import plan_of
from catalog.offerings.queries.parties import region_value
from catalog.offerings.rows import list_held, read_categories
from catalog.price_bands import PRICE_BANDS, price_band
from catalog.price_plan import PricePlan
from catalog.specifications.models import title_of
from catalog.terms import (
    HOSTING_CODES,
    HOSTING_PROVIDERS,
    AccreditationKind,
    Authentication,
    CertificationState,
    Language,
    Network,
    SizeClass,
)
from search.engine import FACETS, Filters

Pairs = tuple[tuple[str, str], ...]
Choices = Mapping[str, Pairs]

UNKNOWN = "unknown"
OWN_SIZE = "own"
"""In an address: the size class of the body for which the reader acts or that the address names."""
_NOT_TOLD = (UNKNOWN, "情報なし")
_GOOD_DAYS = 30
_GOOD_MONTHS = 12
_FAIR_MONTHS = 6

SELLER_KINDS: Mapping[str, str] = MappingProxyType(
    {"direct": "開発した事業者が販売", "reseller": "ほかの事業者が販売"}
)
FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "csv": "CSV",
        "json": "JSON",
        "xml": "XML",
        "excel": "Excel（XLSX、XLS）",
        "tsv": "TSV",
        "pdf": "PDF",
        "sql": "データベースのダンプ（SQL）",
        "other": "そのほかの形式",
    }
)
_FORMAT_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("csv", re.compile(r"csv")),
    ("json", re.compile(r"json")),
    ("xml", re.compile(r"xml")),
    ("excel", re.compile(r"excel|エクセル|xlsx?")),
    ("tsv", re.compile(r"tsv")),
    ("pdf", re.compile(r"pdf")),
    ("sql", re.compile(r"sql|ダンプ")),
)
_BETWEEN = re.compile(r"[、,/／・;；\s]+")


@dataclass(frozen=True, slots=True)
class Facet:
    """One thing to filter by; `choices` are its values in their order, None when the catalog makes them."""

    name: str
    label: str
    group: str
    choices: Pairs | None = None


def _choices(*pairs: tuple[str, str]) -> Pairs:
    return (*pairs, _NOT_TOLD)


_FIT, _COST, _PLACE, _SAFE, EXIT, _WHO = (
    "団体に合うか",
    "費用",
    "動く場所とつなぎ方",
    "安全と利用者",
    "やめるとき",
    "事業者",
)
_BANDS = tuple((band.code, band.label) for band in PRICE_BANDS)

DEFINITIONS: tuple[Facet, ...] = (
    Facet("specification", "標準仕様書", ""),
    Facet("certification", "認証の状態", "", CertificationState.choices()),
    Facet("size_class", "対応する人口", _FIT, SizeClass.choices()),
    Facet("body_kind", "対応する団体の種類", _FIT, BodyKind.choices()),
    Facet(
        "price_band", "1年目の費用（人口1万人・税込・初期を除く）", _COST, _BANDS
    ),
    Facet("hosting", "設置場所", _PLACE, tuple((e.code, e.label) for e in HOSTING_PROVIDERS)),
    Facet("region", "設置する地域", _PLACE),
    Facet("network", "つなぐ回線", _PLACE, Network.choices()),
    Facet("accreditation", "第三者の認証・登録（有効なもの）", _SAFE, AccreditationKind.choices()),
    Facet("authentication", "利用者の認証の方法", _SAFE, Authentication.choices()),
    Facet("language", "画面の言語", _SAFE, Language.choices()),
    Facet("export_format", "取り出せるデータの形式", EXIT, _choices(*FORMATS.items())),
    Facet(
        "exit_charge", "データの取出しの費用", EXIT, _choices(("free", "無料"), ("charged", "有料"))
    ),
    Facet(
        "exit_transition",
        "移行を支援する期間",
        EXIT,
        _choices(("30d", f"{_GOOD_DAYS}日以上"), ("shorter", f"{_GOOD_DAYS}日未満")),
    ),
    Facet(
        "exit_retrieval",
        "終わったあとにデータを取り出せる期間",
        EXIT,
        _choices(("30d", f"{_GOOD_DAYS}日以上"), ("shorter", f"{_GOOD_DAYS}日未満")),
    ),
    Facet(
        "exit_notice",
        "提供終了の予告",
        EXIT,
        _choices(
            ("12m", f"{_GOOD_MONTHS}か月以上前"),
            ("6m", f"{_FAIR_MONTHS}か月以上{_GOOD_MONTHS}か月未満前"),
            ("shorter", f"{_FAIR_MONTHS}か月未満前"),
        ),
    ),
    Facet("exit_deletion", "データ消去の証明書", EXIT, _choices(("yes", "出す"), ("no", "出さない"))),
    Facet(
        "exit_parallel", "新しいサービスとの並行稼働", EXIT, _choices(("yes", "できる"), ("no", "できない"))
    ),
    Facet("exit_escrow", "プログラムの預託（エスクロー）", EXIT, _choices(("yes", "あり"), ("no", "なし"))),
    Facet("seller_kind", "販売する事業者", _WHO, tuple(SELLER_KINDS.items())),
    Facet("maker", "開発した事業者", _WHO),
)  # fmt: skip
FACET_LABELS: Mapping[str, str] = MappingProxyType({each.name: each.label for each in DEFINITIONS})
MANY_VALUED = frozenset({"region", "maker"})
"""Facets whose values are as many as vendors write: a page of their own lists them all."""

if tuple(FACET_LABELS) != FACETS:
    raise RuntimeError("the engines and the page name different facets")


def read_facets(
    version: Listed, state: CertificationState, day: date, plan: PricePlan | None = None
) -> Filters:
    """Return the values by which a listing version is filtered and counted on a day.

    Its price plan is read unless it is given.
    """
    band = frozenset({price_band(plan_of(version) if plan is None else plan).code})
    return {
        name: band if name == "price_band" else _read(name, version, state, day) for name in FACETS
    }


def meets(filters: Filters, version: Listed, state: CertificationState, day: date) -> bool:
    """Tell whether a listing version passes filters on a day; reads only what they are about."""
    return all(_read(name, version, state, day) & wanted for name, wanted in filters.items())


def _read(name: str, version: Listed, state: CertificationState, day: date) -> frozenset[str]:
    if name == "certification":
        return frozenset({state.value})
    if name == "accreditation":
        return frozenset(held.kind.value for held in list_held(version.accreditations, day))
    return _READERS[name](version)


def _any_of(column: str, allowed: Iterable[str]) -> Callable[[Listed], frozenset[str]]:
    codes = frozenset(map(str, allowed))
    return lambda version: codes.intersection(getattr(version, column))


def _one_of(say: Callable[[Listed], str | None]) -> Callable[[Listed], frozenset[str]]:
    return lambda version: frozenset({say(version) or UNKNOWN})


def _charge(yen: int | None) -> str | None:
    return None if yen is None else "charged" if yen else "free"


def _days(days: int | None) -> str | None:
    return None if days is None else "30d" if days >= _GOOD_DAYS else "shorter"


def _notice(months: int | None) -> str | None:
    if months is None:
        return None
    return "12m" if months >= _GOOD_MONTHS else "6m" if months >= _FAIR_MONTHS else "shorter"


def _yes_no(value: bool | None) -> str | None:  # noqa: FBT001 - a stored fact
    return None if value is None else "yes" if value else "no"


def _formats(version: Listed) -> frozenset[str]:
    """Return the codes of the formats in which data come out, as the vendor wrote them."""
    told = [version.export_formats]
    told += [each.exports for each in read_categories(version.data_categories)]
    words = [word for text in told for word in _BETWEEN.split(_fold(text)) if word]
    found = {_format(word) for word in words}
    return frozenset(found or {UNKNOWN})


def _format(word: str) -> str:
    return next((code for code, pattern in _FORMAT_WORDS if pattern.search(word)), "other")


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def specification_value(code: str, label: str) -> str:
    """Return the facet value of a specification version: code|label."""
    return f"{code}|{label}"


def _region(version: Listed) -> frozenset[str]:
    region = region_value(version.hosting_region)
    return frozenset({region} if region else ())


def _hosting(version: Listed) -> frozenset[str]:
    return frozenset({version.hosting_provider}).intersection(HOSTING_CODES)


def _seller_kind(version: Listed) -> frozenset[str]:
    return frozenset({"direct" if version.seller_id == version.maker_id else "reseller"})


_READERS: Mapping[str, Callable[[Listed], frozenset[str]]] = {
    "specification": lambda each: frozenset(
        {specification_value(each.specification_code, each.specification_label)}
    ),
    "size_class": _any_of("size_classes", SizeClass),
    "body_kind": _any_of("body_kinds", BodyKind),
    "price_band": lambda each: frozenset({price_band(plan_of(each)).code}),
    "hosting": _hosting,
    "region": _region,
    "network": _any_of("networks", Network),
    "authentication": _any_of("authentication", Authentication),
    "language": _any_of("languages", Language),
    "export_format": _formats,
    "exit_charge": _one_of(lambda each: _charge(each.export_charge_yen)),
    "exit_transition": _one_of(lambda each: _days(each.transition_days)),
    "exit_retrieval": _one_of(lambda each: _days(each.retrieval_days)),
    "exit_notice": _one_of(lambda each: _notice(each.notice_months)),
    "exit_deletion": _one_of(lambda each: _yes_no(each.deletion_certificate)),
    "exit_parallel": _one_of(lambda each: _yes_no(each.parallel_running)),
    "exit_escrow": _one_of(lambda each: _yes_no(each.escrow)),
    "seller_kind": _seller_kind,
    "maker": lambda each: frozenset({str(each.maker_id)}),
}


def facet_choices(specifications: Iterable[tuple[str, str, str]]) -> dict[str, Pairs]:
    """Return (value, label) of every facet whose values are known, in the order in which they are shown.

    Specification versions are given as code, label and name, and read as 施設予約 第1.0版.
    """
    known = {each.name: each.choices for each in DEFINITIONS if each.choices is not None}
    versions = tuple(
        (specification_value(code, label), f"{name} {title_of(label)}")
        for code, label, name in specifications
    )
    return {"specification": versions, **known}


def keeps(filters: Filters, facets: Filters) -> bool:
    """Tell whether a listing's facet values pass the filters: OR within one, AND across."""
    return all(facets.get(name, frozenset()) & wanted for name, wanted in filters.items())
