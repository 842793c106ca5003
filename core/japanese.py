"""Japanese text, dates, money and public numbers: pure functions that refuse in sentences."""

import re
import unicodedata
from collections.abc import Container
from datetime import date, datetime

import jaconv
from daichodo_validate import validate_corporate_number

from core.clock import JST, day_in_japan


class JapaneseTextError(ValueError):
    """Base of the refusals in this module; its text is a sentence for the reader."""


class TextError(JapaneseTextError):
    """A text holds characters that cannot be stored or seen."""


class DateError(JapaneseTextError):
    """A text is not a day of the calendar."""


class MoneyError(JapaneseTextError):
    """A text is not an amount in whole yen."""


class NumberError(JapaneseTextError):
    """A text is not a corporate number, invoice number or local government code."""


# --- text -----------------------------------------------------------------------------------

_DASHES = "-‐‑‒–—―−﹘﹣－⁃─━"
_TO_HYPHEN = str.maketrans(dict.fromkeys(_DASHES, "-"))
# Letters and marks that print as nothing, so that two equal-looking names would differ.
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_BLANKS = "\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_PRINTED_BLANKS = {each: str.maketrans(dict.fromkeys(_BLANKS + each, " ")) for each in ("", "\n\t")}
_REFUSED_CATEGORIES = {
    "Cc": "画面に見えない制御文字",
    "Cf": "画面に見えない書式文字",
    "Cs": "文字として読めない符号",
    "Co": "外字",
    "Cn": "文字として読めない符号",
    "Zl": "画面に見えない改行文字",
    "Zp": "画面に見えない改行文字",
}


def normalise_nfc(text: str) -> str:
    """Return the text in Unicode NFC, the form in which every text is stored."""
    return unicodedata.normalize("NFC", text)


def clean_line(text: str, *, label: str = "この項目") -> str:
    """Return one line in NFC without blanks at its ends.

    Raises TextError for line breaks, tabs and control, bidirectional or invisible characters.
    """
    line = normalise_nfc(text).strip(" \u3000\u00a0\t\r\n")
    if re.search(r"[\t\r\n]", line):
        raise TextError(f"{label}は改行やタブを使わずに1行で入力してください。")
    _refuse_invisible(line, label)
    return line


def clean_text(text: str, *, label: str = "この項目") -> str:
    r"""Return a text of several lines in NFC, its line breaks as \n; tabs stay.

    Raises TextError for control, bidirectional, private-use and invisible characters.
    """
    body = normalise_nfc(text).replace("\r\n", "\n").replace("\r", "\n")
    _refuse_invisible(body, label, allowed="\n\t")
    return body.strip(" \u3000\u00a0\t\n")


def is_printed(text: str) -> bool:
    """Tell whether a text is in NFC and every character of it can be seen or is a blank."""
    return _is_visible(text) and unicodedata.is_normalized("NFC", text)


def _is_visible(text: str, allowed: str = "") -> bool:
    # Blanks aside, str.isprintable() refuses the very categories below, a thousand times faster.
    return text.translate(_PRINTED_BLANKS[allowed]).isprintable() and _BLANK_LETTERS.isdisjoint(
        text
    )


def _refuse_invisible(text: str, label: str, allowed: str = "") -> None:
    if _is_visible(text, allowed):
        return
    for position, character in enumerate(text, start=1):
        if character in allowed:
            continue
        kind = _REFUSED_CATEGORIES.get(unicodedata.category(character))
        if character in _BLANK_LETTERS:
            kind = "画面に見えない文字"
        if kind:
            raise TextError(
                f"{label}の{position}文字目に{kind}（U+{ord(character):04X}）があります。"
                "その文字を消すか、ほかの文字に替えてください。"
            )


def fold_kana(text: str) -> str:
    """Return a text for comparing readings: NFKC, hiragana as katakana, lower case, no blanks."""
    return re.sub(r"\s", "", jaconv.hira2kata(unicodedata.normalize("NFKC", text)).casefold())


LEGAL_FORMS = re.compile(
    r"株式会社|有限会社|合同会社|合資会社|合名会社|相互会社|(?:一般|公益|特例)?(?:社団|財団)法人"
    r"|特定非営利活動法人|独立行政法人|協同組合|\((?:株|有|同|資|名|社|財|一社|一財|公社|公財|特非|独)\)"
)
_KANJI_PAIRS = (  # old form, today's form
    "亞亜 圓円 應応 櫻桜 奧奥 橫横 假仮 價価 會会 學学 嶽岳 樂楽 觀観 關関 氣気 舊旧 峽峡 "
    "狹狭 曉暁 廣広 國国 黑黒 濟済 齋斎 齊斉 藏蔵 雜雑 參参 慘惨 絲糸 兒児 實実 寫写 釋釈 "
    "壽寿 收収 從従 澁渋 獸獣 縱縦 緖緒 將将 燒焼 條条 眞真 愼慎 圖図 瀨瀬 靜静 攝摂 專専 "
    "戰戦 淺浅 錢銭 禪禅 壯壮 總総 莊荘 聲声 體体 臺台 對対 瀧滝 擇択 澤沢 單単 團団 晝昼 "
    "蟲虫 鑄鋳 廳庁 傳伝 轉転 點点 燈灯 當当 黨党 德徳 獨独 讀読 惱悩 腦脳 拜拝 賣売 發発 "
    "髮髪 濱浜 邊辺 邉辺 變変 寶宝 豐豊 萬万 與与 豫予 樣様 來来 龍竜 兩両 綠緑 鄰隣 壘塁 "
    "勞労 樓楼 灣湾 髙高 﨑崎 𠮷吉 嶋島 嶌島 冨富 曾曽 檜桧 槇槙 籠篭 彌弥 爲為 榮栄 衞衛 "
    "驛駅 緣縁 歐欧 溫温 畫画 懷懐 擴拡 覺覚 卷巻 勸勧 顏顔 歸帰 僞偽 戲戯 據拠 擧挙 經経 "
    "輕軽 藝芸 缺欠 硏研 縣県 儉倹 劍剣 險険 圈圏 檢検 權権 獻献 驗験 嚴厳 效効 恆恒 鑛鉱 "
    "號号 濕湿 數数 續続 屬属 滯滞 帶帯 遲遅 鐵鉄 鬪闘 隱隠 鹽塩 鷗鴎 螢蛍 桒桑 淵渕"
)
_OLD_KANJI = str.maketrans({pair[0]: pair[1] for pair in _KANJI_PAIRS.split()})
_SMALL_KANA = str.maketrans("ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ")
# Pairs that print alike, as small or as capital letters: kanji and kana, then Cyrillic, Greek and
# digits beside Latin. After the pairs of Unicode TS 39 (confusables.txt) that matter in names.
_TWINS = str.maketrans(
    "口二八力工夕卜一才千又三ヱヰаесорхуіјѕвнкмтԁԛԝαοικνρτυχβεζημ01i|",
    "ロニハカエタトーオチヌミエイaecopxyljsbhkmtdqwaolkvptuxbezhmolll",
)


def name_skeleton(name: str) -> str:
    """Return what is left of a name when look-alike spellings are made equal.

    Two names with one skeleton are look-alikes that a person must judge; it is never shown.
    Width, case, blanks, marks, legal forms, dashes, old kanji, small kana, twins do not count.
    """
    folded = LEGAL_FORMS.sub("", unicodedata.normalize("NFKC", name)) or name
    folded = fold_kana(folded.translate(_OLD_KANJI)).translate(_SMALL_KANA)
    folded = folded.translate(_TO_HYPHEN).replace("-", "ー").translate(_TWINS)
    core = "".join(c for c in folded if unicodedata.category(c)[0] in "LN")
    return core or folded


# --- dates ----------------------------------------------------------------------------------

_ERAS = (
    ("令和", "R", date(2019, 5, 1)),
    ("平成", "H", date(1989, 1, 8)),
    ("昭和", "S", date(1926, 12, 25)),
    ("大正", "T", date(1912, 7, 30)),
    ("明治", "M", date(1868, 10, 23)),
)
# Japan counts days by the Gregorian calendar from this day (太政官布告 337 of Meiji 5).
_FIRST_DAY = date(1873, 1, 1)
_WEEKDAYS = "月火水木金土日"
_ERA_DATE = re.compile(
    r"(?P<era>令和|平成|昭和|大正|明治|[RHSTM])(?P<year>元|[0-9]{1,4})"
    r"(?:年(?P<month>[0-9]{1,2})月(?P<day>[0-9]{1,2})日|(?P<sep>[-/.])(?P<month2>[0-9]{1,2})(?P=sep)(?P<day2>[0-9]{1,2}))"
)
_COMMON_DATE = re.compile(
    r"(?P<year>[0-9]{4})"
    r"(?:年(?P<month>[0-9]{1,2})月(?P<day>[0-9]{1,2})日|(?P<sep>[-/.])(?P<month2>[0-9]{1,2})(?P=sep)(?P<day2>[0-9]{1,2}))"
)
_WEEKDAY_SUFFIX = re.compile(r"\((?P<weekday>[月火水木金土日])(?:曜日?)?\)$")


def era_year(day: date) -> tuple[str, int]:
    """Return the era and its year (1 is 元年); raises DateError before 1873-01-01."""
    if day >= _FIRST_DAY:
        for era, _, first in _ERAS:
            if day >= first:
                return era, day.year - first.year + 1
    raise DateError("明治6年1月1日より前の日付は使えません。")


def _format_year(era: str, year: int) -> str:
    return f"{era}{'元' if year == 1 else year}年"


def format_date(day: date) -> str:
    """Return 令和8年10月1日; the first year of an era is 元年."""
    return f"{_format_year(*era_year(day))}{day.month}月{day.day}日"


def format_date_weekday(day: date) -> str:
    """Return 令和8年10月1日（木）."""
    return f"{format_date(day)}（{_WEEKDAYS[day.weekday()]}）"


def format_datetime(moment: datetime) -> str:
    """Return the Japanese time of an aware moment as 令和8年9月30日 14:05; ValueError if naive."""
    if moment.tzinfo is None:
        message = "a moment must be aware"
        raise ValueError(message)
    return f"{format_date(day_in_japan(moment))} {moment.astimezone(JST):%H:%M}"


def parse_date(text: str, *, label: str = "日付") -> date:
    """Return the day written as 令和8年10月1日, R8.10.1, 2026/10/1 or 2026-10-01, in any width.

    Raises DateError for anything else, for days that do not exist and for years outside their era.
    """
    compact = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).translate(_TO_HYPHEN).upper()
    if not compact:
        raise DateError(f"{label}を入力してください。")
    weekday = _WEEKDAY_SUFFIX.search(compact)
    body = compact[: weekday.start()] if weekday else compact
    match = _ERA_DATE.fullmatch(body) or _COMMON_DATE.fullmatch(body)
    if match is None:
        raise DateError(f"{label}は令和8年10月1日、R8.10.1、2026/10/1のように入力してください。")
    day = _build_date(match.groupdict(), text.strip(), label)
    if weekday and _WEEKDAYS[day.weekday()] != weekday["weekday"]:
        raise DateError(f"{label}の曜日が合いません。{format_date_weekday(day)}ではありませんか。")
    return day


def _build_date(parts: dict[str, str | None], written: str, label: str) -> date:
    era = next((e for e in _ERAS if parts.get("era") in e[:2]), None)
    number = 1 if parts["year"] == "元" else int(parts["year"] or 0)
    year = number if era is None else era[2].year + number - 1
    month, day_of_month = parts["month"] or parts["month2"], parts["day"] or parts["day2"]
    try:
        day = date(year if number else 0, int(month or 0), int(day_of_month or 0))
    except ValueError:
        raise DateError(f"{label}の「{written}」はありません。月と日を確かめてください。") from None
    if day < _FIRST_DAY:
        raise DateError(f"{label}は明治6年1月1日以後の日付にしてください。")
    if era is not None and era_year(day) != (era[0], number):
        raise DateError(f"{label}の「{written}」は{format_date(day)}と入力してください。")
    return day


def fiscal_year(day: date) -> int:
    """Return the common-era year in which the fiscal year (1 April to 31 March) of a day begins."""
    return day.year if day.month >= 4 else day.year - 1


def fiscal_year_bounds(year: int) -> tuple[date, date]:
    """Return the first and last day of a fiscal year."""
    return date(year, 4, 1), date(year + 1, 3, 31)


def format_fiscal_year(year: int) -> str:
    """Return 令和8年度 for 2026; 2019 is 令和元年度, as most of it lies in that era."""
    return f"{_format_year(*era_year(date(year, 12, 31)))}度"


def format_fiscal_year_span(year: int) -> str:
    """Return 令和8年度（2026年4月から2027年3月まで）."""
    return f"{format_fiscal_year(year)}（{year}年4月から{year + 1}年3月まで）"


# --- money ----------------------------------------------------------------------------------

_LARGEST_DIGITS = 13


def format_amount(amount: int) -> str:
    """Return whole yen as 2,608,236 for columns whose head names the unit; the minus sign is −."""
    return f"{amount:,}".replace("-", "−")


def format_yen(amount: int) -> str:
    """Return whole yen as 2,608,236円."""
    return f"{format_amount(amount)}円"


def format_formal_yen(amount: int) -> str:
    """Return whole yen as 金2,869,059円, the form used in official documents."""
    return f"金{format_yen(amount)}"


def parse_yen(text: str, *, label: str = "金額") -> int:
    """Return whole yen from 120000, 120,000円 or １２０，０００円; raises MoneyError."""
    compact = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).translate(_TO_HYPHEN)
    if not compact:
        raise MoneyError(f"{label}を入力してください。")
    match = re.fullmatch(r"金?[¥\\]?(?P<digits>[0-9]+|[0-9]{1,3}(?:[,、][0-9]{3})+)円?", compact)
    if match is None:
        raise MoneyError(
            f"{label}の「{text.strip()}」は円単位の数字ではありません。120000のように入力してください。"
        )
    digits = re.sub(r"[,、]", "", match["digits"]).lstrip("0") or "0"
    if len(digits) > _LARGEST_DIGITS:
        raise MoneyError(f"{label}は{_LARGEST_DIGITS}桁までの数字で入力してください。")
    return int(digits)


def approximate_yen(amount: int) -> str:
    """Return an amount for reading back: 12万円, 約123万円, 1億2,000万円; under 1万 in full.

    For showing one zero too many beside a field, never for tables or documents.
    """
    size = abs(amount)
    if size < 10_000:
        return format_yen(amount)
    sign = "−" if amount < 0 else ""
    if size < 1_000_000:
        tenths = (size + 500) // 1000
        about = "" if size % 1000 == 0 else "約"
        fraction = f".{tenths % 10}" if tenths % 10 else ""
        return f"{about}{sign}{tenths // 10}{fraction}万円"
    hundred_millions, ten_thousands = divmod((size + 5000) // 10_000, 10_000)
    about = "" if size % 10_000 == 0 else "約"
    upper = f"{hundred_millions:,}億" if hundred_millions else ""
    lower = f"{ten_thousands:,}万" if ten_thousands else ""
    return f"{about}{sign}{upper}{lower}円"


# --- public numbers -------------------------------------------------------------------------


def normalise_corporate_number(text: str) -> str:
    """Return a number in half-width capitals without blanks and dashes; nothing is checked."""
    compact = unicodedata.normalize("NFKC", text).translate(_TO_HYPHEN).replace("ー", "-")
    return re.sub(r"[\s-]", "", compact).upper()


def check_corporate_number(text: str, *, label: str = "法人番号") -> str:
    """Return the 13 digits of a 法人番号 whose check digit fits; raises NumberError.

    The rule is 法人番号の指定等に関する省令 2; it says nothing about registration.
    """
    number = normalise_corporate_number(text)
    if not number:
        raise NumberError(f"{label}を入力してください。")
    if re.fullmatch(r"T[0-9]{13}", number):
        raise NumberError(f"{label}は先頭の「T」を除いた13桁の数字で入力してください。")
    if not re.fullmatch(r"[0-9]+", number):
        raise NumberError(f"{label}は13桁の数字で入力してください。")
    if len(number) != 13:
        raise NumberError(f"{label}は13桁の数字で入力してください。現在{len(number)}桁です。")
    if not validate_corporate_number(number).valid:
        raise NumberError(
            f"{label}の先頭の数字（検査用数字）がほかの12桁と合いません。番号を確かめてください。"
        )
    return number


def check_invoice_number(text: str, *, label: str = "登録番号") -> str:
    """Return T and the 13 digits of a qualified invoice issuer's number; raises NumberError."""
    number = normalise_corporate_number(text)
    if not re.fullmatch(r"T[0-9]{13}", number):
        raise NumberError(f"{label}は「T」と13桁の数字で入力してください。")
    return "T" + check_corporate_number(number[1:], label=label)


def local_government_check_digit(digits: str) -> str:
    """Return the sixth digit of a 全国地方公共団体コード from its first five (else ValueError)."""
    if not re.fullmatch(r"[0-9]{5}", digits):
        message = "five digits are needed"
        raise ValueError(message)
    total = sum(int(digit) * weight for digit, weight in zip(digits, (6, 5, 4, 3, 2), strict=True))
    return str((11 - total % 11) % 10)


def complete_local_government_code(
    text: str, *, known: Container[str] | None = None, label: str = "団体コード"
) -> str:
    """Return the six digits of a code written with six or five digits, or without leading zero.

    `known` are the codes in use; an input with two readings is refused. Raises NumberError.
    """
    number = normalise_corporate_number(text)
    if not re.fullmatch(r"[0-9]{4,6}", number):
        raise NumberError(f"{label}は131016のように6桁の数字で入力してください。")
    if len(number) == 6 and not _is_code(number):
        raise NumberError(
            f"{label}の「{number}」は最後の数字（検査数字）が合いません。番号を確かめてください。"
        )
    readings = [code for code in _code_readings(number) if known is None or code in known]
    if not readings:
        raise NumberError(
            f"{label}の「{number}」に当たる団体がありません。6桁の番号を確かめてください。"
        )
    if len(readings) > 1:
        raise NumberError(
            f"{label}の「{number}」は{'とも'.join(readings)}とも読めます。6桁で入力してください。"
        )
    return readings[0]


def _is_code(code: str) -> bool:
    return "01" <= code[:2] <= "47" and local_government_check_digit(code[:5]) == code[5]


def _code_readings(number: str) -> list[str]:
    if len(number) == 6:
        return [number]
    five = number.zfill(5)
    completed = five + local_government_check_digit(five)
    return [code for code in (completed, number.zfill(6)) if _is_code(code)]
