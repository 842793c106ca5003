"""A small generated corpus: records, with the texts that they were made from."""

import random
import uuid

from search.analysis import searchable_text
from search.engine import REFERENCE_POPULATIONS, SearchRecord

NAMES = [
    "住民記録システム",
    "住基ネット連携",
    "国民健康保険クラウド",
    "国保ナビ",
    "戸籍窓口DX",
    "AI-OCR読取サービス",
    "東京都施設予約",
    "京都施設予約",
    "大津市防災マップ",
    "津市防災マップ",
    "サーバー監視",
    "マイナンバーカード交付予約",
    "電子申請フォーム",
    "財務会計 LGWAN版",
    "議事録AI",
    "チャットボット案内",
]
AREAS = ["住民基本台帳", "税務", "納税", "介護保険", "防災", "子育て支援", "文書管理", "居住基準"]
FEATURES = [
    "申し込みをオンラインで受け付けます。",
    "問い合わせに自動で答えます。",
    "ISO/IEC 27001の認証を受けています。",
    "ISMAP登録のクラウドで動きます。",
    "手続きの引っ越しを案内する。",
    "マイナポータルと連携。",
    "カラーコピーに対応",
    "障がいのある方に配慮",
]
FACET_VALUES = {
    "specification": ["jyuki-1:住民記録", "kokuho-2:国保", "koseki-1:戸籍"],
    "certification": ["certified", "claimed", "conditional"],
    "hosting": ["AWS", 'さくら "石狩"', "Azure's 東"],
    "size_class": ["s", "m", "l"],
    "price_band": ["1", "2", "3"],
    "seller_kind": ["direct", "reseller"],
}


def make_record(
    number: int = 0,
    *,
    hi: str = "見本",
    lo: str = "",
    ft: str = "",
    offering: int | None = None,
    facets: dict[str, set[str]] | None = None,
    costs: dict[int, int] | None = None,
) -> SearchRecord:
    """Make one record whose ids follow from its number."""
    return SearchRecord(
        listing_version_id=str(uuid.UUID(int=3_000_000 + number)),
        listing_id=str(uuid.UUID(int=1_000_000 + number)),
        offering_id=str(uuid.UUID(int=2_000_000 + (number if offering is None else offering))),
        analysed=searchable_text(hi, lo, ft),
        facets={name: frozenset(values) for name, values in (facets or {}).items()},
        yearly_costs=costs or {},
    )


def make_corpus(size: int, seed: int = 1) -> tuple[SearchRecord, ...]:
    """Make records from the same few words, so that ties, hits and facets abound."""
    dice = random.Random(seed)
    return tuple(
        make_record(
            number,
            hi=dice.choice(NAMES) + dice.choice(["", " " + dice.choice(AREAS)]),
            lo=" ".join(dice.sample(AREAS, 2)),
            ft="".join(dice.sample(FEATURES, 3)),
            facets={
                "specification": {dice.choice(FACET_VALUES["specification"])},
                "certification": {dice.choice(FACET_VALUES["certification"])},
                "hosting": {dice.choice(FACET_VALUES["hosting"])},
                "size_class": set(dice.sample(FACET_VALUES["size_class"], dice.randint(1, 3))),
                "price_band": {dice.choice(FACET_VALUES["price_band"])},
                "seller_kind": {dice.choice(FACET_VALUES["seller_kind"])},
            },
            costs={
                population: dice.choice([100, 200, 300]) * population
                for population in REFERENCE_POPULATIONS
                if dice.random() < 0.8
            },
        )
        for number in range(size)
    )


def make_sold(size: int, seed: int = 2) -> list[SearchRecord]:
    """Make listings of software with one to four sellers, whose terms differ."""
    dice = random.Random(seed)
    records: list[SearchRecord] = []
    offering = 0
    while len(records) < size:
        offering += 1
        name, area = dice.choice(NAMES), dice.choice(AREAS)
        shared = {
            "hosting": {dice.choice(FACET_VALUES["hosting"])},
            "maker": {f"m{dice.randint(1, 5)}"},
        }
        for seller in range(dice.choice([1, 1, 2, 4])):
            terms = {
                "price_band": {dice.choice(FACET_VALUES["price_band"])},
                "seller_kind": {"reseller" if seller else "direct"},
                "exit_charge": {dice.choice(["free", "charged", "unknown"])},
            }
            cost = dice.choice([500_000, 1_000_000, 1_500_000, 3_000_000, None])
            records.append(
                make_record(
                    len(records),
                    hi=name,
                    lo=f"{area} 販売の{dice.choice('一二三四五六七')}社",
                    offering=offering,
                    facets={**shared, **terms},
                    costs={} if cost is None else {10_000: cost},
                )
            )
    return records


CORPUS = make_corpus(150)
"""The records of the tests that only ask."""
