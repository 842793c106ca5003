"""Spellings of one thing, words that only look alike, and a small catalog that holds them all."""

import random

from search.engine import SearchRecord
from tests.search.corpus import make_record

VARIANTS = [
    ["申し込み", "申込み", "申込", "申しこみ"],
    ["問い合わせ", "問合せ", "問合わせ", "問い合せ"],
    ["手続き", "手続"],
    ["届け出", "届出"],
    ["取り扱い", "取扱い", "取扱"],
    ["引っ越し", "引越し", "引越"],
    ["受け付け", "受付け", "受付"],
    ["支払い", "支払"],
    ["貸し出し", "貸出し", "貸出"],
    ["見積もり", "見積り", "見積"],
    ["差し押さえ", "差押え", "差押"],
    ["積み立て", "積立て", "積立"],
    ["障がい者", "障碍者", "障害者"],
    ["子ども", "子供", "こども"],
    ["サーバー", "サーバ", "ｻｰﾊﾞｰ", "ｻｰﾊﾞ", "サ－バ―", "さーばー"],
    ["ユーザー", "ユーザ", "ﾕｰｻﾞｰ"],
    ["フォルダー", "フォルダ", "ﾌｫﾙﾀﾞ", "フオルダ"],
    ["ヴァージョン", "バージョン", "ﾊﾞｰｼﾞｮﾝ"],
    ["ファイル", "フアイル", "ﾌｧｲﾙ", "ふぁいる"],
    ["ガバクラ", "ｶﾞﾊﾞｸﾗ", "がばくら"],
    ["マイナンバー", "ﾏｲﾅﾝﾊﾞｰ", "まいなんばー", "マイナンバ"],
    ["LGWAN", "lgwan", "ＬＧＷＡＮ", "Ｌgwan"],
    ["AI-OCR", "ai-ocr", "ＡＩ－ＯＣＲ", "AI‐OCR", "AI−OCR"],
    ["ISO27001", "ｉｓｏ２７００１", "Iso27001"],
    ["髙崎", "高崎", "高﨑"],
    ["渡邊", "渡辺", "渡邉"],
    ["廣島", "広島"],
    ["龍ヶ崎", "龍ケ崎"],
    ["辻\U000e0100", "辻"],
    ["國體", "国体"],
    ["戸籍　附票", "戸籍 附票", " 戸籍  附票 "],
    ["㈱見本", "(株)見本", "（株）見本"],
]
"""Queries that must give the same first ten rows."""

FALSE_FRIENDS = [
    ("京都", ["京都府", "京都市"], ["東京都", "東京都庁"]),
    ("津市", ["津市", "三重県津市"], ["大津市", "唐津市", "沼津市"]),
    ("住基", ["住基ネット", "住民基本台帳"], ["居住基準", "永住基礎調査"]),
    ("国保", ["国保の資格", "国民健康保険"], ["全国保健所", "外国保険業者"]),
    ("生保", ["生保の決定", "生活保護"], ["学生保険", "衛生保持"]),
    ("人事", ["人事の異動", "人事評価"], ["個人事業", "法人事業税"]),
    ("会計", ["会計の処理", "会計年度"], ["社会計画", "都会計測"]),
    ("議会", ["議会の中継", "市議会"], ["会議会場", "協議会場"]),
    ("防災", ["防災の訓練", "防災無線"], ["消防災害対応"]),
    ("水道", ["水道の検針", "水道料金"], ["排水道路", "給水道具"]),
    ("下水", ["下水の管理", "下水処理"], ["地下水位"]),
    ("本人", ["本人の確認", "本人限定"], ["日本人学校"]),
    ("法人", ["法人の届出", "法人番号"], ["方法人材"]),
    ("市民", ["市民の声", "市民の窓口"], ["都市民間連携"]),
    ("区民", ["区民の窓口", "区民会館"], ["地区民生委員"]),
    ("村民", ["村民の広場", "村民の窓口"], ["農村民泊"]),
    ("国税", ["国税の連携", "国税庁"], ["中国税関"]),
    ("図書", ["図書の貸出", "図書の検索"], ["地図書式"]),
    ("山口", ["山口県", "山口市"], ["登山口"]),
    ("大分", ["大分県", "大分市"], ["大分類", "大分割"]),
    ("学校", ["学校の給食", "小学校"], ["大学校舎", "通学校区"]),
    ("会館", ["市民会館", "会館の予約"], ["商会館内図"]),
    ("AI", ["AI議事録", "AIの要約"], ["AIR便", "MAIL配信"]),
    ("RPA", ["RPAの導入", "RPA研修"], ["CARPARK"]),
    ("GIS", ["GISの地図", "庁内GIS"], ["REGISTER", "LOGISTICS"]),
    ("SSO", ["SSO連携", "SSOの設定"], ["LESSON"]),
    ("AWS", ["AWSで動く", "AWS東京"], ["LAWS検索"]),
    ("API", ["APIの公開", "API連携"], ["CAPITAL", "RAPID"]),
]
"""A query, what it means, and what only holds its letters."""

_FRAMES = ["{}の管理", "{}を支える仕組み", "自治体の{}に対応", "{}"]


def make_pairs() -> tuple[list[SearchRecord], dict[str, str]]:
    """Make the catalog; gives, too, what each listing says."""
    dice = random.Random(7)
    texts = [dice.choice(_FRAMES).format(each.strip()) for group in VARIANTS for each in group * 3]
    for _, means, looks in FALSE_FRIENDS:
        texts += [frame.format(each) for each in [*means, *looks] for frame in _FRAMES]
    dice.shuffle(texts)
    records = [
        make_record(number, **{"hi": f"見本{number}", ("hi", "lo", "ft")[number % 3]: text})
        for number, text in enumerate(texts)
    ]
    return records, {each.listing_id: text for each, text in zip(records, texts, strict=True)}
