"""Japanese text, dates, money and public numbers follow the rules that documents rely on."""

import csv
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import japanese

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real data is absent")


def read_data(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


# --- text


@needs_data
def test_every_real_company_name_is_accepted_and_stored_in_nfc() -> None:
    names = [row["name"] for row in read_data("companies.csv")]
    assert len(names) == 7258
    for name in names:
        assert japanese.clean_line(name) == unicodedata.normalize("NFC", name)


@needs_data
def test_skeleton_groups_few_real_names() -> None:
    distinct = {row["name"] for row in read_data("companies.csv")}
    sizes = Counter(japanese.name_skeleton(name) for name in distinct)
    assert "" not in sizes
    assert sum(1 for size in sizes.values() if size > 1) < 20


@pytest.mark.parametrize(
    "text",
    [
        "みどり\u202e市",
        "みどり\u2066市",
        "み\u200bどり",
        "み\u0000どり",
        "み\u0085どり",
        "み\ue000どり",
        "み\u3164どり",
        "み\ufeffどり",
        "み\u2028どり",
        "み\U000e0041どり",
        "み\ud800どり",
        "み\nどり",
        "み\tどり",
    ],
)
def test_line_with_unseen_characters_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(japanese.TextError, match=r"^名称.*ください。$"):
        japanese.clean_line(text, label="名称")


def test_line_loses_blanks_at_its_ends_and_keeps_rare_letters() -> None:
    assert japanese.clean_line("　髙﨑𠮷①㈱ ") == "髙﨑𠮷①㈱"
    assert japanese.clean_line("葛\U000e0100城市") == "葛\U000e0100城市"
    assert japanese.clean_line("か\u3099") == "が"


def test_text_keeps_lines_and_names_the_position_of_a_bad_character() -> None:
    assert japanese.clean_text("一\r\n二\r三\t四\n") == "一\n二\n三\t四"
    with pytest.raises(japanese.TextError, match=r"説明の3文字目.*U\+202E"):
        japanese.clean_text("一\n\u202e", label="説明")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("株式会社　サカタのタネ", "サカタのタネ㈱"),
        ("ＡＢＣ株式会社", "abc（株）"),
        ("齋藤システム", "斎藤システム"),
        ("キヤノン", "キャノン"),
        ("ひと・コミュニケーションズ", "ヒトコミュニケーションズ"),
        ("カナモリ", "力ナモリ"),
        ("データ", "デ－タ"),
        ("データ", "デ一タ"),
        ("Narabi", "N\u0430r\u0430bi"),
        ("COOL", "C00L"),
        ("ﾃﾞｰﾀﾌｫｰｽ", "データフォース"),
        ("葛\U000e0100城", "葛城"),
    ],
)
def test_look_alike_names_share_a_skeleton(one: str, other: str) -> None:
    assert japanese.name_skeleton(one) == japanese.name_skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("青空ソフト", "青海ソフト"), ("株式会社", "合同会社"), ("みどり", "みとり"), ("☆", "★")],
)
def test_different_names_keep_different_skeletons(one: str, other: str) -> None:
    assert japanese.name_skeleton(one) != japanese.name_skeleton(other)


def test_folded_readings_ignore_width_script_and_blanks() -> None:
    assert japanese.fold_kana("ｻｶﾀ のたね ＡＢ") == "サカタノタネab"


# --- dates


@needs_data
def test_era_and_fiscal_year_agree_with_icu() -> None:
    rows = list(read_data("era_vectors.csv"))
    assert len(rows) == 516
    for row in rows:
        day = date.fromisoformat(row["date"])
        assert japanese.era_year(day) == (row["era"], int(row["era_year"]))
        assert japanese.fiscal_year(day) == int(row["fiscal_year"])
        written = japanese.format_date(day).replace("元", "1")
        assert written == f"{row['era']}{row['era_year']}年{day.month}月{day.day}日"


@given(st.dates(min_value=date(1873, 1, 1)))
def test_a_written_date_is_read_back(day: date) -> None:
    assert japanese.parse_date(japanese.format_date(day)) == day
    assert japanese.parse_date(japanese.format_date_weekday(day)) == day
    assert japanese.parse_date(day.isoformat()) == day


@pytest.mark.parametrize(
    "text",
    [
        "R8.10.1",
        "r8/10/1",
        "令和8/10/1",
        "令和8年10月1日",
        "令和８年１０月１日",
        "㋿8年10月1日",
        "令和08年10月01日",
        "2026/10/1",
        "2026-10-01",
        "２０２６－１０－０１",
        "2026．10．1",
        " 2026年10月1日（木） ",
        "令和8年 10月 1日(木曜日)",
    ],
)
def test_one_day_is_understood_in_every_usual_form(text: str) -> None:
    assert japanese.parse_date(text) == date(2026, 10, 1)


def test_first_year_of_an_era_is_written_and_read_as_gannen() -> None:
    assert japanese.format_date(date(2019, 5, 1)) == "令和元年5月1日"
    assert japanese.parse_date("令和元年5月1日") == date(2019, 5, 1)
    assert japanese.parse_date("R元.5.1") == date(2019, 5, 1)
    assert japanese.parse_date("R1.5.1") == date(2019, 5, 1)
    assert japanese.format_date(date(2019, 4, 30)) == "平成31年4月30日"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "期限を入力してください。"),
        ("令和8年2月30日", "「令和8年2月30日」はありません"),
        ("2026-13-01", "「2026-13-01」はありません"),
        ("令和0年10月1日", "はありません"),
        ("平成32年4月1日", "令和2年4月1日と入力"),
        ("令和元年4月30日", "平成31年4月30日と入力"),
        ("令和8年10月1日（金）", "曜日が合いません。令和8年10月1日（木）"),
        ("1600-01-01", "明治6年1月1日以後"),
        ("2026/10-1", "のように入力してください"),
        ("10/1/2026", "のように入力してください"),
        ("未定", "のように入力してください"),
        ("令和99999年1月1日", "のように入力してください"),
        ("令和9999年1月1日", "はありません"),
    ],
)
def test_what_is_no_day_is_refused_with_the_way_out(text: str, sentence: str) -> None:
    with pytest.raises(japanese.DateError) as refusal:
        japanese.parse_date(text, label="期限")
    assert str(refusal.value).startswith("期限")
    assert sentence in str(refusal.value)


def test_dates_and_times_are_written_for_readers_in_japan() -> None:
    assert japanese.format_date(date(2026, 10, 1)) == "令和8年10月1日"
    assert japanese.format_date_weekday(date(2026, 10, 1)) == "令和8年10月1日（木）"
    moment = datetime(2026, 9, 30, 5, 5, tzinfo=UTC)
    assert japanese.format_datetime(moment) == "令和8年9月30日 14:05"
    next_day = datetime(2026, 9, 30, 15, tzinfo=UTC)
    assert japanese.format_datetime(next_day) == "令和8年10月1日 00:00"
    with pytest.raises(ValueError, match="aware"):
        japanese.format_datetime(moment.replace(tzinfo=None))


def test_fiscal_years_begin_in_april() -> None:
    assert japanese.format_fiscal_year(2026) == "令和8年度"
    assert japanese.format_fiscal_year(2019) == "令和元年度"
    assert japanese.format_fiscal_year(2018) == "平成30年度"
    assert japanese.format_fiscal_year_span(2026) == "令和8年度（2026年4月から2027年3月まで）"
    first, last = japanese.fiscal_year_bounds(2026)
    assert japanese.fiscal_year(first) == japanese.fiscal_year(last) == 2026


# --- money


def test_amounts_are_written_in_full() -> None:
    assert japanese.format_yen(2608236) == "2,608,236円"
    assert japanese.format_yen(-500) == "−500円"
    assert japanese.format_formal_yen(2869059) == "金2,869,059円"
    assert japanese.format_amount(0) == "0"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("１２０，０００円", 120000),
        ("120000", 120000),
        ("￥1,000", 1000),
        ("金2,869,059円", 2869059),
        ("0", 0),
        ("007", 7),
        ("9999999999999", 9_999_999_999_999),
    ],
)
def test_amounts_are_read_in_the_forms_people_type(text: str, amount: int) -> None:
    assert japanese.parse_yen(text) == amount


@pytest.mark.parametrize(
    "text", ["", "12万", "-5", "1,20", "1,2345", "120.5", "無料", "10000000000000", "٣", "1e5"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(japanese.MoneyError, match=r"^月額.*ください。$"):
        japanese.parse_yen(text, label="月額")


@given(st.integers(min_value=0, max_value=10**13 - 1))
def test_a_written_amount_is_read_back(amount: int) -> None:
    assert japanese.parse_yen(japanese.format_formal_yen(amount)) == amount


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (9999, "9,999円"),
        (10_000, "1万円"),
        (15_000, "1.5万円"),
        (12_345, "約1.2万円"),
        (120_000, "12万円"),
        (999_999, "約100万円"),
        (1_234_567, "約123万円"),
        (99_999_999, "約1億円"),
        (123_450_000, "1億2,345万円"),
        (-120_000, "−12万円"),
    ],
)
def test_amounts_are_read_back_in_words_that_show_a_zero_too_many(amount: int, text: str) -> None:
    assert japanese.approximate_yen(amount) == text


# --- public numbers


@needs_data
def test_corporate_numbers_agree_with_the_vectors() -> None:
    for row in read_data("corporate_number_vectors.csv"):
        if row["valid"] == "1":
            assert japanese.check_corporate_number(row["value"]) == row["value"]
        else:
            with pytest.raises(japanese.NumberError, match=r"^法人番号"):
                japanese.check_corporate_number(row["value"])


def test_corporate_number_is_read_in_full_width_with_hyphens() -> None:
    for text in ("８０００－０１２０－１００３８", "8000 0120 10038", "8000ー012010038"):
        assert japanese.check_corporate_number(text) == "8000012010038"
    with pytest.raises(japanese.NumberError, match="「T」を除いた"):
        japanese.check_corporate_number("T8000012010038")
    with pytest.raises(japanese.NumberError, match="現在11桁"):
        japanese.check_corporate_number("10401126712")
    with pytest.raises(japanese.NumberError, match="13桁の数字"):
        japanese.check_corporate_number("٨٠٠٠٠١٢٠١٠٠٣٨")


def test_invoice_number_is_t_and_a_valid_number() -> None:
    assert japanese.check_invoice_number("Ｔ８０００－０１２０－１００３８") == "T8000012010038"
    for text in ("8000012010038", "T8000012010039", "", "T80000120100381"):
        with pytest.raises(japanese.NumberError, match="登録番号"):
            japanese.check_invoice_number(text)


@pytest.mark.parametrize("code", ["131016", "012131", "012050"])
def test_local_government_check_digit_follows_the_published_rule(code: str) -> None:
    assert japanese.local_government_check_digit(code[:5]) == code[5]
    assert japanese.complete_local_government_code(code) == code


def test_short_codes_are_completed_and_ambiguous_ones_refused() -> None:
    assert japanese.complete_local_government_code("１３１０１") == "131016"
    assert japanese.complete_local_government_code("1100", known={"011002"}) == "011002"
    with pytest.raises(japanese.NumberError, match="121061とも012106とも読めます"):
        japanese.complete_local_government_code("12106")
    assert japanese.complete_local_government_code("12106", known={"121061"}) == "121061"
    for text in ("131017", "990000", "13", "abc", "", "1310160"):
        with pytest.raises(japanese.NumberError, match="団体コード"):
            japanese.complete_local_government_code(text)
    with pytest.raises(japanese.NumberError, match="当たる団体がありません"):
        japanese.complete_local_government_code("131016", known={"011011"})


@needs_data
def test_every_real_body_code_is_repaired_rightly_or_asked_for() -> None:
    codes = [row["code6"] for row in read_data("bodies.csv")]
    known, repaired = set(codes), 0
    for code in codes:
        for damaged in (code, code[:5], code.lstrip("0"), code[:5].lstrip("0")):
            try:
                found = japanese.complete_local_government_code(damaged, known=known)
            except japanese.NumberError:
                continue
            assert found == code
            repaired += 1
    assert repaired > 4 * len(codes) - 60
