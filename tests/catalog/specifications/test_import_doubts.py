"""Lists that could be read wrongly without anybody noticing: asked about, then read as told.

Every mapping here is what a reviewer writes on the page or hands to the command.
"""

import io
from datetime import date

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font, PatternFill

from catalog.specifications import queries
from catalog.specifications.importing import read_requirements
from catalog.specifications.mapping import ColumnMapping
from catalog.terms import RequirementClass
from core import db
from tests.catalog.specifications.conftest import csv_bytes
from tests.catalog.specifications.test_import_shapes import classes, questions, read, workbook
from tests.page_checks import text_of

MUST, MAY, MUST_NOT = RequirementClass
START = "/manage/specifications/import"
PLAIN = [
    ["機能ID", "機能要件", "実装区分"],
    ["A-1", "検索できること。", "必須"],
    ["A-2", "印刷できること。", "必須"],
    ["A-3", "表示できること。", "任意"],
]


def touched(rows, touch):
    book = openpyxl.load_workbook(io.BytesIO(workbook(要件=rows)))
    touch(book.worksheets[0])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def read_book(content, told=None):
    return read_requirements(content, "a.xlsx", ColumnMapping.from_json(told or {}))


def ids(found):
    assert found.is_clear, [*map(str, found.unclear), *map(str, found.errors)]
    return [each.requirement_id for each in found.drafts]


def hide_row(page):
    page.row_dimensions[3].hidden = True


def test_hidden_rows_are_read_or_left_out_only_as_told():
    content = touched(PLAIN, hide_row)
    asked = questions(read_book(content))
    assert "隠れている行が1行（3行目など）" in asked
    assert ids(read_book(content, {"hidden": "skip"})) == ["A-1", "A-3"]
    assert ids(read_book(content, {"hidden": "read"})) == ["A-1", "A-2", "A-3"]


def test_a_hidden_column_that_would_be_read_is_asked_about():
    rows = [[*PLAIN[0], "区分"], *([*row, "任意"] for row in PLAIN[1:])]

    def hide(page):
        page.column_dimensions["C"].hidden = True

    content = touched(rows, hide)
    assert "隠れている列が1列（実装区分）" in questions(read_book(content))
    assert classes(read_book(content, {"hidden": "skip"})) == [MAY, MAY, MAY]
    assert classes(read_book(content, {"hidden": "read", "columns": {"class": "実装区分"}})) == [
        MUST, MUST, MAY,
    ]  # fmt: skip
    unread = touched(PLAIN, lambda page: page.column_dimensions.__getitem__("D"))
    assert read_book(unread).is_clear


def test_struck_letters_are_dropped_or_kept_only_as_told():
    def strike(page):
        gone = TextBlock(InlineFont(strike=True), "3")
        page["B2"] = CellRichText("届出を", gone, TextBlock(InlineFont(b=True), "5"), "日で登録。")
        for cell in page[3]:
            cell.font = Font(strike=True)

    content = touched(PLAIN, strike)
    assert "取消し線の引かれた文字のあるセルが4個（B2など）" in questions(read_book(content))
    dropped = read_book(content, {"struck": "drop"})
    assert ids(dropped) == ["A-1", "A-3"]
    assert dropped.drafts[0].text == "届出を5日で登録。"
    kept = read_book(content, {"struck": "keep"})
    assert kept.drafts[0].text == "届出を35日で登録。"
    assert ids(kept) == ["A-1", "A-2", "A-3"]


def test_colours_say_nothing():
    rows = [["凡例：赤は必須、緑は任意", ""], *[row[:2] for row in PLAIN]]

    def colour(page):
        page["A3"].fill = PatternFill("solid", fgColor="FFFF0000")
        page["A4"].fill = PatternFill("solid", fgColor="FF00FF00")

    assert "実装区分（どの団体も同じ）の列が分かりません" in questions(
        read_book(touched(rows, colour))
    )


FORMS = [
    ["帳票要件一覧", "", "", ""],
    ["帳票ID", "帳票名称", "帳票の説明文", "実装区分"],
    ["T001", "住民票の写し", "住民票の写しを出力できること。", "実装必須"],
    ["T002", "除票の写し", "除票の写しを出力できること。", "標準オプション"],
]
HISTORY = [["改定日", "版", "内容"], ["2025-01-01", "1.0", "初版"]]


def test_a_sheet_with_ids_and_classes_is_not_passed_over():
    content = workbook(改定履歴=HISTORY, 機能要件=PLAIN, 帳票要件=FORMS)
    asked = questions(read_book(content))
    assert "シート「帳票要件」にも要件IDと実装区分がありますが" in asked
    assert "帳票の説明文" in asked
    both = {
        "sheets": ["機能要件", "帳票要件"],
        "by_sheet": {"帳票要件": {"columns": {"text": "帳票の説明文"}}},
    }
    found = read_book(content, both)
    assert ids(found) == ["A-1", "A-2", "A-3", "T001", "T002"]
    assert [each.kind.value for each in found.drafts][2:] == ["function", "form", "form"]
    assert found.drafts[3].text == "住民票の写しを出力できること。"
    assert read_book(content, found.mapping.to_json()).drafts == found.drafts
    assert ids(read_book(content, {"sheets": ["機能要件"]})) == ["A-1", "A-2", "A-3"]


@pytest.mark.sqlite_only  # what a page chooses beforehand: the same on both
def test_the_page_chooses_nothing_that_is_in_doubt(as_person):
    other = [["帳票ID", "帳票要件", "要否"], ["T1", "出力できること。", "必須"]]
    content = workbook(機能要件=PLAIN, 帳票要件=other)
    browser = as_person("reviewer")
    sent = browser.submit(START, {"file": (io.BytesIO(content), "a.xlsx")})
    facts = {"code": "X", "label": "1"}
    refused = browser.submit(sent.location, facts, button="下書きとして")
    assert refused.status_code == 422
    with db.reading() as session:
        assert queries.find_specification(session, "X") is None
    page = browser.page(sent.location)
    fields = {
        each.get("value"): each.get("name")
        for each in page.iter("input")
        if (each.get("name") or "").startswith("sheet-")
    }
    chosen = {fields[name]: name for name in ("機能要件", "帳票要件")}
    done = browser.submit(sent.location, facts | chosen, button="下書きとして")
    assert done.status_code == 303
    with db.reading() as session:
        version = queries.find_version(session, "X", "1")
        assert version is not None
        kept = queries.list_requirements(session, version.id)
    assert [each.requirement_id for each in kept] == ["A-1", "A-2", "A-3", "T1"]


@pytest.mark.sqlite_only  # one select of the page more
def test_hidden_rows_are_chosen_on_the_page(as_person):
    browser = as_person("reviewer")
    content = touched(PLAIN, hide_row)
    sent = browser.submit(START, {"file": (io.BytesIO(content), "a.xlsx")})
    assert "隠れている行が1行" in text_of(browser.page(sent.location))
    browser.submit(sent.location, {"mapping-hidden": "skip"}, button="この読み取り方で読み直す")
    assert "2件の要件を、誤りなく読み取りました" in text_of(browser.page(sent.location))


RIVALS = {
    "further bodies": (
        ["機能ID", "機能要件", "指定都市", "中核市", "施行時特例市", "一般市", "町村"],
        ["A-1", "検索できること。", "◎", "◎", "◎", "○", "×"],
        ["A-2", "印刷できること。", "◎", "○", "○", "○", "○"],
        "「施行時特例市」「町村」にも区分の言葉があり、「一般市」と違います",
        {"columns": {"class_designated_city": "指定都市", "class_core_city": "中核市",
                     "class_other": "町村"}},
        [MUST_NOT, MAY],
    ),
    "two versions": (
        ["機能ID", "機能要件", "実装区分", "旧実装区分"],
        ["A-1", "検索できること。", "必須", "任意"],
        ["A-2", "印刷できること。", "任意", "任意"],
        "「旧実装区分」にも区分の言葉があり",
        {"columns": {"class": "実装区分"}},
        [MUST, MAY],
    ),
    "state": (
        ["ID", "Requirement", "Status", "Obligation"],
        ["1", "Search residents.", "Required", "Optional"],
        ["2", "Print a list.", "Optional", "Required"],
        "「Status」にも区分の言葉があり",
        {"columns": {"class": "Obligation"}},
        [MAY, MUST],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RIVALS)
def test_a_second_column_of_classes_is_asked_about(case):
    head, first, second, words, told, expected = RIVALS[case]
    if case == "two versions":
        first[3], second[3] = "任意", "必須"
    rows = [head, first, second]
    found = read_requirements(csv_bytes(rows), "a.csv")
    assert words in questions(found)
    again = read_requirements(csv_bytes(rows), "a.csv", found.mapping)
    assert again.drafts == ()  # the mapping as read does not answer what was asked
    assert classes(read(rows, told)) == expected


@pytest.mark.parametrize("heading", ["対応可否", "回答", "Vendor response", "備考", "判定"])
def test_marks_that_may_be_answers_are_no_classes(heading):
    marks = zip("◎○×◎", ("検索", "印刷", "出力", "表示"), strict=True)
    rows = [["No", "機能要件", heading], *([str(n), f"{what}できること。", mark]
            for n, (mark, what) in enumerate(marks))]  # fmt: skip
    found = read_requirements(csv_bytes(rows), "a.csv")
    assert f"「{heading}」が実装区分か、事業者の回答や評価などか分かりません" in questions(found)
    assert read_requirements(csv_bytes(rows), "a.csv", found.mapping).drafts == ()
    assert classes(read(rows, {"columns": {"class": heading}})) == [MUST, MAY, MUST_NOT, MUST]
    legend = [["凡例　◎：必須　○：任意　×：実装不可", "", ""], *rows]
    if heading == "判定":
        assert classes(read(legend)) == [MUST, MAY, MUST_NOT, MUST]


def test_sheets_that_each_number_from_one_are_told_apart():
    lists = [["No", "機能要件"], ["1", "検索できること。"], ["2", "印刷できること。"]]
    content = workbook(必須機能=lists, 選択機能=lists)
    assert "実装区分（どの団体も同じ）の列が分かりません" in questions(read_book(content))
    plain = {
        "必須機能": {"constants": {"class": "must"}},
        "選択機能": {"constants": {"class": "may"}},
    }
    errors = "".join(map(str, read_book(content, {"by_sheet": plain}).errors))
    assert "番号がシートごとに付いているなら、対応表の by_sheet に id_prefix" in errors
    told = {"by_sheet": {name: {**own, "id_prefix": f"{name[0]}-"} for name, own in plain.items()}}
    found = read_book(content, told)
    assert ids(found) == ["必-1", "必-2", "選-1", "選-2"]
    assert classes(found) == [MUST, MUST, MAY, MAY]
    assert read_book(content, found.mapping.to_json()).drafts == found.drafts


def test_letters_mean_what_the_table_says_of_them():
    rows = [["ID", "Requirement", "Class"], ["1", "Search.", "O"], ["2", "Print.", "M"]]
    assert classes(read(rows)) == [MAY, MUST]
    assert classes(read([["O: obligatory, M: may", "", ""], *rows])) == [MUST, MAY]
    strange = [["O：外部、M：主要", "", ""], *rows]
    assert "「O」が実装必須か標準オプションか実装不可か分かりません" in questions(read(strange))


def test_a_mark_of_repetition_says_what_stands_above():
    rows = [
        ["大項目", "機能ID", "機能要件", "実装区分"],
        ["住民", "A-1", "検索できること。", "必須"],
        ["〃", "A-2", "同上", "〃"],
    ]
    second = read(rows).drafts[1]
    assert (second.chapter, second.text, second.class_other) == ("住民", "検索できること。", MUST)


def test_a_table_without_a_heading_loses_no_row():
    rows = [["1.1", "検索できること。", "必須"], ["1.2", "印刷できること。", "任意"]]
    letters = {"columns": {"requirement_id": "A列", "text": "B列", "class": "C列"}}
    asked = read_requirements(csv_bytes(rows), "a.csv", ColumnMapping.from_json(letters))
    assert "見出しの行が分かりません（1行目を見出しと読みました）" in questions(asked)
    found = read(rows, {"no_heading": True, **letters})
    assert ids(found) == ["1.1", "1.2"]
    assert classes(found) == [MUST, MAY]


def test_what_is_told_of_unseen_rows_holds_for_one_file_alone():
    told = ColumnMapping.from_json(
        {"hidden": "skip", "struck": "drop", "by_sheet": {"a": {"hidden": "skip", "none": "may"}}}
    )
    assert told.portable().to_json() == {"by_sheet": {"a": {"none": "may"}}}


def test_texts_that_say_several_classes_are_asked_about():
    rows = [
        ["ID", "Description"],
        ["SRS-1", "The system shall store logs."],
        ["SRS-2", "The system may export logs that must be kept."],
        ["SRS-3", "The system shall not show keys."],
    ]
    found = read_requirements(csv_bytes(rows), "a.csv")
    assert "強さの違う語（SHALL と MAY など）のある行が1行あります（SRS-2など）" in questions(found)
    assert read_requirements(csv_bytes(rows), "a.csv", found.mapping).drafts == ()
    assert classes(read(rows, {"class_from_text": True})) == [MUST, MUST, MUST_NOT]


GRADES = [
    ["項番", "大項目", "中項目", "小項目", "メトリクス", *(f"レベル{n}" for n in range(4)), "選択レベル"],
    ["A.1.1.1", "可用性", "継続性", "運用スケジュール", "運用時間（通常）", "規定無し", "定時内", "夜間停止", "24時間", "2"],
    ["A.1.1.2", "可用性", "継続性", "運用スケジュール", "運用時間（特定日）", "規定無し", "定時内", "夜間停止", "24時間", "3"],
    ["B.1.1.1", "性能", "業務処理量", "通常時", "ユーザ数", "特定のみ", "上限あり", "不特定多数", "", "1"],
]  # fmt: skip


def test_a_list_of_grades_takes_the_words_of_the_chosen_level():
    asked = questions(read_requirements(csv_bytes(GRADES), "a.csv"))
    assert "「選択レベル」は、説明のある段階（レベル0、レベル1、レベル2、レベル3）" in asked
    told = {
        "columns": {"name": "小項目", "text": "メトリクス", "subsection": None},
        "constants": {"class": "must", "kind": "non_functional"},
        "chosen_level": "選択レベル",
    }
    found = read(GRADES, told)
    assert [each.text for each in found.drafts] == [
        "運用時間（通常）\nレベル2：夜間停止",
        "運用時間（特定日）\nレベル3：24時間",
        "ユーザ数\nレベル1：上限あり",
    ]
    wrong = [*GRADES[:3], [*GRADES[3][:-1], "3"]]
    [error] = read(wrong, told).errors
    assert "J4（4行目「選択レベル」）：選んだ段階は、この行に説明のある段階" in str(error)


def test_an_export_with_headings_and_remarks_is_read_by_the_kind_of_its_rows():
    rows = [
        ["ReqIF.ForeignID", "ReqIF.ChapterName", "ReqIF.Text", "Object Type"],
        ["1", "1 General", "", "Heading"],
        ["2", "", "The system shall run.", "Requirement"],
        ["3", "", "For information only.", "Information"],
        ["4", "", "The system should search.", "Requirement"],
    ]
    assert not read_requirements(csv_bytes(rows), "a.csv").is_clear
    found = read(rows, {"only": {"Object Type": ["Requirement"]}, "class_from_text": True})
    assert classes(found) == [MUST, MAY]
    assert found.left[0].excluded == [2, 4]
    absent = read_requirements(
        csv_bytes(rows), "a.csv", ColumnMapping.from_json({"only": {"Art": ["x"]}})
    )
    assert "対応表の見出し「Art」が表にありません" in questions(absent)


@pytest.mark.parametrize(
    "spoilt", [date(2026, 1, 10), "1月10日", "10-Jan", "Jan-10", "1.20E+10", "2026/1/10"]
)
def test_ids_that_a_spreadsheet_has_changed_are_errors(spoilt):
    rows = [*PLAIN[:2], [spoilt, "印刷できること。", "任意"]]
    [error] = read_book(workbook(要件=rows)).errors
    assert "シート「要件」A3（3行目「機能ID」）" in str(error)
    assert "列の書式を文字列にして" in str(error)


def test_a_number_that_lost_its_zero_is_told():
    rows = [PLAIN[0], *([number, "検索できること。", "必須"] for number in (1.1, 1.2, 1.10))]
    [error] = read_book(workbook(要件=rows)).errors
    assert "「1.1」はシート「要件」の2行目にもあります" in str(error)
    assert "1.10のような番号が数として1.1になったのなら" in str(error)


def test_footnotes_with_a_mark_for_an_id_are_no_requirements():
    notes = [["※1", "A4に限る。", ""], ["注2", "別表のとおり。", ""], ["*", "出典：見本府省", ""]]
    found = read([*PLAIN, ["", "", ""], *notes])
    assert classes(found) == [MUST, MUST, MAY]
    assert found.left[0].notes == [6, 7, 8]


def test_a_ministrys_workbook_with_merged_paths_and_classes_for_each_kind_of_body():
    rows = [
        ["住民記録システム標準仕様書（見本）", *[""] * 8],
        ["凡例　◎：実装必須機能　○：標準オプション機能　×：実装不可機能　－：対象外", *[""] * 8],
        ["大項目", "中項目", "小項目", "機能ID", "機能要件", "実装区分", "", "", "備考"],
        ["", "", "", "", "", "指定都市", "中核市", "一般市区町村", ""],
        ["1 管理", "1.1 住民", "1.1.1 基本", "0010001", "次を管理できること。\n・氏名", "◎", "◎", "◎", ""],
        ["", "", "", "0010002", "異動を管理できること。", "◎", "◎", "○", ""],
        ["", "", "1.1.2 番号", "0010003", "番号を表示できること。", "◎", "○", "×", ""],
        ["", "1.2 区", "1.2.1 行政区", "0010004", "行政区を管理できること。", "◎", "－", "－", ""],
    ]  # fmt: skip
    merged = [
        "A1:I1", "A2:I2", "A3:A4", "B3:B4", "C3:C4", "D3:D4", "E3:E4", "F3:H3", "I3:I4",
        "A5:A8", "B5:B7", "C5:C6",
    ]  # fmt: skip
    found = read(rows, merged=merged)
    assert ["実装区分が空です" in str(each) for each in found.errors] == [True]
    told = read(rows, {"none": "may"}, merged=merged)
    assert [each.classes for each in told.drafts] == [
        (MUST, MUST, MUST), (MUST, MUST, MAY), (MUST, MAY, MUST_NOT), (MUST, MAY, MAY),
    ]  # fmt: skip
    last = told.drafts[-1]
    assert (last.chapter, last.section, last.subsection) == ("1 管理", "1.2 区", "1.2.1 行政区")
    assert told.drafts[0].requirement_id == "0010001"


def test_nested_baselines_under_a_head_with_a_title_and_a_second_baseline():
    rows = [
        ["Control Baselines", *[""] * 5],
        ["Control Identifier", "Control (or Control Enhancement) Name", "Privacy Control Baseline",
         "Security Control Baselines", "", ""],
        ["", "", "", "Low", "Moderate", "High"],
        ["AC-1", "Policy and Procedures", "x", "x", "x", "x"],
        ["AC-2(1)", "Automated Account Management", "", "", "x", "x"],
        ["AC-2(10)", "Shared Credential Change", "", "", "", ""],
        ["AC-2(11)", "Usage Conditions", "", "", "", "x"],
    ]  # fmt: skip
    merged = ["A1:F1", "D2:F2", "A2:A3", "B2:B3", "C2:C3"]
    name = "Control (or Control Enhancement) Name"
    told = {
        "columns": {"text": name, "name": None},
        "levels": {"columns": ["Low", "Moderate", "High"], "must": "Moderate"},
        "none": "skip",
    }
    asked = questions(read(rows, merged=merged))
    assert "どの段階までを実装必須とするか分かりません" in asked
    found = read(rows, told, merged=merged)
    assert classes(found) == [MUST, MUST, MAY]
    assert found.left[0].without_class == [6]
    assert "Privacy Control Baseline" in found.reading.ignored


@pytest.mark.parametrize(
    ("encoding", "mark"), [("cp932", ","), ("cp932", "\t"), ("utf-8", ";"), ("utf-8-sig", ",")]
)
def test_letters_of_one_maker_and_other_marks_between_cells(encoding, mark):
    text = "髙﨑㈱の№Ⅳ、①～③の㎡を扱え、氏名, 住所; 電話を表示できること。"
    lines = [["機能ID", "機能要件", "実装区分"], ["①-1", text, "実装必須"], ["①-2", text, "任意"]]
    content = "\r\n".join(mark.join(f'"{cell}"' for cell in line) for line in lines)
    found = read_requirements(content.encode(encoding), "a.csv")
    assert classes(found) == [MUST, MAY]
    assert [each.text for each in found.drafts] == [text, text]


def test_a_tick_under_a_heading_that_is_a_class_needs_no_legend():
    rows = [["要件ID", "機能要件", "必須"], ["A-1", "検索できること。", "○"], ["A-2", "印刷。", ""]]
    found = read_requirements(csv_bytes(rows), "a.csv")
    assert not found.unclear
    assert [each.class_other for each in found.drafts] == [MUST]
    assert "none" in found.errors[0].reason
    told = ColumnMapping.from_json({"none": "may"})
    found = read_requirements(csv_bytes(rows), "a.csv", told)
    assert [each.class_other for each in found.drafts] == [MUST, MAY]
    rows[2][2] = "△"  # a second mark makes both doubtful again
    assert "「○」が" in str(read_requirements(csv_bytes(rows), "a.csv").unclear[0])


def test_the_only_column_like_ids_is_named_in_the_question():
    rows = [["Control", "Title", "Class"], ["AC-1", "Policy of access", "must"]]
    rows += [["AC-2", "Accounts of users", "may"], ["AC-3", "Enforcement of access", "must"]]
    asked = [str(each) for each in read_requirements(csv_bytes(rows), "a.csv").unclear]
    assert "「Control」（AC-1など）でしょうか" in asked[0]
