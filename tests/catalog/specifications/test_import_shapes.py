"""Requirement lists of shapes that ministries and others use, each made here and read whole."""

import io
from datetime import date
from typing import Any

import openpyxl
import pytest

from catalog.specifications.importing import read_requirements
from catalog.specifications.mapping import ColumnMapping
from catalog.terms import RequirementClass, RequirementKind
from tests.catalog.specifications.conftest import csv_bytes

MUST, MAY, MUST_NOT = RequirementClass
TEXT = "住民の情報を検索し、一覧で表示できること。"


def workbook(merged=(), **sheets) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    for reference in merged:
        book.worksheets[-1].merge_cells(reference)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def read(rows, told=None, merged=None):
    """Read a table, and again by the mapping that the first reading found: it says all of it."""
    content, name = csv_bytes(rows), "table.csv"
    if merged is not None:
        content, name = workbook(merged, 一覧=rows), "table.xlsx"
    found = read_requirements(content, name, ColumnMapping.from_json(told or {}))
    again = read_requirements(content, name, ColumnMapping.from_json(found.mapping.to_json()))
    assert again.drafts == found.drafts
    return found


def classes(found):
    assert found.is_clear, [*map(str, found.unclear), *map(str, found.errors)]
    return [each.class_other for each in found.drafts]


def questions(found):
    assert found.drafts == ()
    return "\n".join(map(str, found.unclear))


LEVELS = {
    "レベル": (["レベル1", "レベル2", "レベル3"], "○", ""),
    "metals": (["Bronze", "Silver", "Gold"], "x", ""),
    "asvs": (["L1", "L2", "L3"], "✓", ""),
    "wide": (["Ｌ１", "Ｌ２", "Ｌ３"], "●", "－"),
    "nist": (
        [
            "Security Control Baseline - Low",
            "Security Control Baseline - Moderate",
            "Security Control Baseline - High",
        ],
        "x",
        "",
    ),
}


@pytest.mark.parametrize("shape", LEVELS)
def test_cumulative_levels_in_columns(shape):
    heads, tick, none = LEVELS[shape]
    rows = [
        ["Requirement ID", "Description", *heads],
        ["V1.1", TEXT, tick, tick, tick],
        ["V1.2", TEXT, none, tick, tick],
        ["V1.3", TEXT, none, none, tick],
    ]
    refused = read(rows)
    assert "どの段階までを実装必須とするか" in questions(refused)
    assert heads[0] in questions(refused)
    assert refused.unclear[0].example == {"levels": {"must": heads[0]}}
    assert classes(read(rows, {"levels": {"must": heads[1]}})) == [MUST, MUST, MAY]
    by_body = {"designated_city": heads[2], "core_city": heads[1], "other": heads[0]}
    found = read(rows, {"levels": {"must": by_body}})
    assert [each.classes for each in found.drafts] == [
        (MUST, MUST, MUST),
        (MUST, MUST, MAY),
        (MUST, MAY, MAY),
    ]
    told = {
        "levels": {
            "columns": heads,
            "classes": dict(zip(heads, ("must", "may", "must_not"), strict=True)),
        }
    }
    assert classes(read(rows, told)) == [MUST, MAY, MUST_NOT]


def test_a_hole_in_nested_levels_is_an_error_by_its_cell():
    rows = [
        ["ID", "Requirement", "L1", "L2", "L3"],
        *([f"V{i}", TEXT, "x", "x", "x"] for i in range(9)),
    ]
    rows.append(["V9", TEXT, "x", "", "x"])
    found = read(rows, {"levels": {"must": "L1"}})
    assert [(e.address, e.row) for e in found.errors] == [("D11", 11)]
    assert "上の段階は下の段階を含みます" in str(found.errors[0])
    rows = [
        ["ID", "Requirement", "L1", "L2"],
        ["1", TEXT, "x", ""],
        ["2", TEXT, "", "x"],
        ["3", TEXT, "x", "x"],
    ]
    assert "入れ子になっていません" in questions(read(rows, {"levels": {"must": "L2"}}))
    told = {"levels": {"must": "L2", "nested": False}}
    assert classes(read(rows, told)) == [MAY, MUST, MUST]


@pytest.mark.parametrize(
    ("head", "values", "level"),
    [
        ("Level", ["1", "2", "3"], "2"),
        ("レベル", ["レベル１", "レベル２", "レベル３"], "レベル2"),
        ("BASELINE-IMPACT", ["LOW MODERATE HIGH", "MODERATE,HIGH", "HIGH"], "Moderate"),
        ("Tier", ["Bronze", "Silver", "Gold"], "silver"),
        ("Conformance Level", ["A", "AA", "AAA"], "AA"),
        ("適用の目安", ["低", "中", "高"], "中"),
    ],
)
def test_levels_in_one_column(head, values, level):
    rows = [["ID", "Name", "Text", head], *([f"A-{i}", "n", TEXT, v] for i, v in enumerate(values))]
    assert "どの段階までを" in questions(read(rows))
    assert classes(read(rows, {"levels": {"must": level}})) == [MUST, MUST, MAY]


def test_a_requirement_in_no_baseline_is_asked_about_and_taken_as_told():
    rows = [
        ["Control Identifier", "Control Name", "Control Text", "Low", "Moderate", "High"],
        ["AC-1", "Policy", TEXT, "x", "x", "x"],
        ["AC-2", "Accounts", TEXT, "", "x", "x"],
        ["AC-2(1)", "Automation", TEXT, "", "", ""],
        ["AC-3", "Retired", TEXT, "", "", ""],
    ]
    level = {"levels": {"must": "Moderate"}}
    found = read(rows, level)
    assert [e.row for e in found.errors] == [4, 5]
    assert "none" in str(found.errors[0])
    assert classes(read(rows, {**level, "none": "may"})) == [MUST, MUST, MAY, MAY]
    skipped = read(rows, {**level, "none": "skip"})
    assert [each.requirement_id for each in skipped.drafts] == ["AC-1", "AC-2"]
    assert skipped.left[0].without_class == [4, 5]
    inherited = read(rows[:4], {"levels": {"must": "Low"}, "none": "inherit"})
    assert classes(inherited) == [MUST, MAY, MAY]


def test_english_priorities():
    rows = [
        ["No.", "Title", "Description", "Priority"],
        *(
            [str(i), f"Title {i}", f"Long description {i} of what is needed.", p]
            for i, p in enumerate(["Must", "SHOULD", "Could", "MUST NOT", "may"])
        ),
    ]
    found = read(rows)
    assert classes(found) == [MUST, MAY, MAY, MUST_NOT, MAY]
    assert (found.drafts[0].requirement_id, found.drafts[0].name) == ("0", "Title 0")
    for row, word in zip(rows[1:], ("High", "High", "Medium", "Low", "Low"), strict=True):
        row[3] = word
    assert "どの段階までを" in questions(read(rows))
    assert classes(read(rows, {"levels": {"must": "Medium"}})) == [MUST, MUST, MUST, MAY, MAY]


def test_modal_verbs_within_the_text():
    rows = [
        ["Req. ID", "Requirement"],
        ["R1", "The system MUST keep a log."],
        ["R2", "The system SHALL NOT delete it."],
        ["R3", "An operator SHOULD read it and may note it."],
        ["R4", "The log MAY be exported."],
    ]
    assert classes(read(rows)) == [MUST, MUST_NOT, MAY, MAY]
    rows.append(["R5", "Nothing is said here."])
    found = read(rows)
    assert [(e.row, e.address) for e in found.errors] == [(6, "B6")]
    assert "MUST、SHALL、SHOULD、MAY のどれもない" in str(found.errors[0])
    japanese = [
        ["番号", "要件"],
        ["1", "保存すること。"],
        ["2", "選べることが望ましい。"],
        ["3", "消してはならない。"],
    ]
    assert "実装区分" in questions(read(japanese))
    assert classes(read(japanese, {"class_from_text": True})) == [MUST, MAY, MUST_NOT]


def test_numbered_headings_continuations_and_notes():
    rows = [
        ["住民記録システム 要件一覧", "", ""],
        ["凡例", "◎：実装必須　○：標準オプション　△：標準オプション　×：実装不可", ""],
        ["項番", "要件", "区分"],
        ["１", "住民データの管理", ""],
        ["１．１", "検索", ""],
        ["１．１．１", "検索できること。", "◎"],
        ["", "・氏名で検索できること。", ""],
        ["", "・住所で検索できること。", ""],
        ["１．１．２", "並べ替えできること。", "○"],
        ["１．２", "印刷", ""],
        ["１．２．１", "印刷できること。", "△"],
        ["２", "異動", ""],
        ["２．１．１", "削除しないこと。", "×"],
        ["※ この表は見本です。", "", ""],
    ]
    found = read(rows)
    assert classes(found) == [MUST, MAY, MAY, MUST_NOT]
    first, _, third, last = found.drafts
    assert first.requirement_id == "1.1.1"
    assert first.text == "検索できること。\n・氏名で検索できること。\n・住所で検索できること。"
    assert (first.chapter, first.section) == ("1 住民データの管理", "1.1 検索")
    assert (third.section, last.chapter, last.section) == ("1.2 印刷", "2 異動", "")
    left = found.left[0]
    assert (left.headings, left.continued, left.notes) == ([4, 5, 10, 12], [7, 8], [14])


def test_marks_without_a_legend_are_asked_about():
    rows = [
        ["No.", "要件", "区分"],
        ["1", TEXT, "◎"],
        ["2", TEXT, "○"],
        ["3", TEXT, "△"],
        ["4", TEXT, "×"],
    ]
    text = questions(read(rows))
    for mark in "◎○△":
        assert f"「{mark}」" in text
    told = {"classes": {"◎": "must", "○": "must", "△": "may"}}
    assert classes(read(rows, told)) == [MUST, MUST, MAY, MUST_NOT]
    rows[0][2] = "区分（◎必須、○推奨、△任意、×不可）"
    assert classes(read(rows)) == [MUST, MAY, MAY, MUST_NOT]


def test_two_row_heading_with_merged_groups_and_filled_items():
    rows: list[list[Any]] = [
        ["見本標準仕様書　機能要件一覧", None, None, None, None, None, None, None, None],
        [None],
        ["大項目", "中項目", "小項目", "機能ID", "機能要件", "実装区分", None, None, "適合基準日"],
        [None, None, None, None, None, "指定都市", "中核市", "その他", None],
        [
            "1. 管理",
            "1.1. 検索",
            "1.1.1",
            "A-001",
            "検索できること。\n氏名を含む。",
            "◎",
            "◎",
            "○",
            date(2026, 4, 1),
        ],
        [None, None, "1.1.2", "A-002", TEXT, "実装必須", "標準オプション", "実装不可", 46113],
        [None, "1.2. 印刷", None, "A-003", TEXT, "◎", "○", "×", "令和８年４月１日"],
        ["2. 異動", "2.1. 転入", None, "A-004", "一つめ。", "◎", "◎", "◎", "R8.4.1"],
        [None, None, None, None, "二つめ。", None, None, None, None],
    ]
    merged = ["A1:I1", "A3:A4", "B3:B4", "C3:C4", "D3:D4", "E3:E4", "F3:H3", "I3:I4"]
    merged += ["A5:A7", "B5:B6", "A8:A9", "B8:B9", "D8:D9", "F8:F9", "G8:G9", "H8:H9", "I8:I9"]
    found = read(rows, merged=merged)
    assert found.is_clear, [*map(str, found.unclear), *map(str, found.errors)]
    assert [each.classes for each in found.drafts] == [
        (MUST, MUST, MAY),
        (MUST, MAY, MUST_NOT),
        (MUST, MAY, MUST_NOT),
        (MUST, MUST, MUST),
    ]
    assert {each.conformity_date for each in found.drafts} == {date(2026, 4, 1)}
    assert [(each.chapter, each.section, each.subsection) for each in found.drafts] == [
        ("1. 管理", "1.1. 検索", "1.1.1"),
        ("1. 管理", "1.1. 検索", "1.1.2"),
        ("1. 管理", "1.2. 印刷", ""),
        ("2. 異動", "2.1. 転入", ""),
    ]
    assert found.drafts[3].text == "一つめ。\n二つめ。"
    assert found.reading.layout.heading_rows == (3, 4)
    # The same as CSV, where merging is lost and only the first cells hold something.
    plain = [["" if cell is None else str(cell) for cell in row] for row in rows]
    assert [each.classes for each in read(plain).drafts] == [each.classes for each in found.drafts]
    assert read(plain).drafts[2].section == "1.2. 印刷"


def test_one_column_per_class_and_a_branch_number():
    rows = [
        ["機能ID", "枝番", "機能要件", "実装必須", "標準オプション", "実装不可"],
        ["001", "1", TEXT, "○", "", ""],
        ["001", "2", TEXT, "", "○", ""],
        ["002", "1", TEXT, "", "", "○"],
    ]
    found = read(rows)
    assert classes(found) == [MUST, MAY, MUST_NOT]
    assert [each.requirement_id for each in found.drafts] == ["001-1", "001-2", "002-1"]
    rows[1][4] = "○"
    assert "両方に印があります" in str(read(rows).errors[0])


def test_sheets_that_are_alike_are_read_together_and_others_asked_about():
    head = ["機能ID", "機能要件", "実装区分"]
    book: dict[str, Any] = {
        "表紙": [["見本標準仕様書"], ["令和8年4月"]],
        "機能要件": [head, ["A-1", TEXT, "必須"]],
        "帳票要件": [head, ["B-1", TEXT, "オプション"]],
    }
    found = read_requirements(workbook(**book), "a.xlsx")
    assert [(e.requirement_id, e.kind) for e in found.drafts] == [
        ("A-1", RequirementKind.FUNCTION),
        ("B-1", RequirementKind.FORM),
    ]
    book["帳票要件"].append(["A-1", "", "たぶん"])
    errors = read_requirements(workbook(**book), "a.xlsx").errors
    assert [(e.sheet, e.address) for e in errors] == [
        ("帳票要件", "C3"),
        ("帳票要件", "B3"),
        ("帳票要件", "A3"),
    ]
    assert "シート「帳票要件」C3（3行目「実装区分」）" in str(errors[0])
    assert "シート「機能要件」の2行目にもあります" in str(errors[2])
    book["帳票要件"] = [["帳票ID", "帳票名", "帳票要件", "区分"], ["B-1", "証明書", TEXT, "必須"]]
    assert "読むシートを選んで" in questions(read_requirements(workbook(**book), "a.xlsx"))
    told = ColumnMapping.from_json({"sheets": ["機能要件", "帳票要件"]})
    found = read_requirements(workbook(**book), "a.xlsx", told)
    assert [each.requirement_id for each in found.drafts] == ["A-1", "B-1"]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("令和8年4月1日", {}),
        ("令和８年４月１日", {}),
        ("R8.4.1", {}),
        ("2026/4/1", {}),
        ("20260401", {}),
        ("46113", {}),
        ("2026-04-01T00:00:00", {}),
        ("1 April 2026", {}),
        ("Apr 1, 2026", {}),
        ("1/4/2026", {"date_order": "dmy"}),
        ("4/1/2026", {"date_order": "mdy"}),
        ("即時", {"dates": {"即時": "R8.4.1"}}),
    ],
)
def test_days_as_they_are_written(written, told):
    rows = [
        ["ID", "要件", "区分", "適合基準日"],
        ["1", TEXT, "必須", written],
        ["2", TEXT, "必須", "―"],
    ]
    found = read(rows, told)
    assert [each.conformity_date for each in found.drafts] == [date(2026, 4, 1), None]


def test_a_day_of_which_nobody_knows_the_order_is_refused_by_its_cell():
    rows = [["ID", "要件", "区分", "適合基準日"], ["1", TEXT, "必須", "4/1/2026"]]
    error = read(rows).errors[0]
    assert (error.address, "date_order" in str(error)) == ("D2", True)


@pytest.mark.parametrize(
    ("mark", "encoding"), [("\t", "cp932"), (";", "utf-8"), (",", "utf-8-sig")]
)
def test_csv_parted_by_tabs_or_semicolons(mark, encoding):
    rows = [
        ["要件一覧、見本"],
        ["機能ID", "機能要件", "区分"],
        ["1", "検索, 表示", "必須"],
        ["2", "印刷", "任意"],
    ]
    text = "\r\n".join(mark.join(f'"{cell}"' for cell in row) for row in rows)
    found = read_requirements(text.encode(encoding), "table.csv")
    assert classes(found) == [MUST, MAY]


def test_our_mapping_is_asked_for_by_heading_column_and_constant():
    rows = [["甲", "乙", "丙", "丁"], ["1", TEXT, "Y", "x"], ["2", TEXT, "N", "y"]]
    text = questions(read(rows))
    assert "「甲」（1など）でしょうか" in text
    assert "「丙」（Y、N）" in text
    assert "要件IDの列が分かりません" in text
    assert "表の見出し：甲、乙、丙、丁" in text
    told = {
        "columns": {"requirement_id": "A列", "text": ["乙", "丁"], "class": "丙"},
        "classes": {"Y": "must", "N": "none"},
        "none": "must_not",
        "constants": {"kind": "data", "chapter": "1. 共通"},
    }
    found = read(rows, told)
    assert classes(found) == [MUST, MUST_NOT]
    first = found.drafts[0]
    assert (first.text, first.kind, first.chapter) == (
        f"{TEXT}\nx",
        RequirementKind.DATA,
        "1. 共通",
    )
    constant = {"columns": told["columns"] | {"class": None}, "constants": {"class": "may"}}
    assert classes(read(rows, constant)) == [MAY, MAY]
    assert ColumnMapping.from_json(
        ColumnMapping.from_json(told).to_json()
    ) == ColumnMapping.from_json(told)
