"""Requirement lists in the layouts of standards bodies: read right, or asked about; never wrong unsaid."""

import pytest

from catalog.specifications.importing import read_requirements
from catalog.specifications.mapping import ColumnMapping
from catalog.specifications.rows import describe
from tests.catalog.specifications.test_import_shapes import (
    MAY,
    MUST,
    MUST_NOT,
    TEXT,
    questions,
    read,
    workbook,
)

ALWAYS = {"constants": {"class": "must"}}


def ids(found):
    assert not found.unclear, [str(each) for each in found.unclear]
    assert not found.errors, [str(error) for error in found.errors]
    return [draft.requirement_id for draft in found.drafts]


def classes(found):
    assert ids(found)
    return [draft.classes for draft in found.drafts]


def test_a_dash_in_the_legend_is_a_class_and_no_blank():
    rows = [
        ["凡例", "◎：実装必須機能　○：標準オプション機能　―：実装不可機能", "", "", ""],
        ["機能ID", "機能要件", "指定都市", "中核市", "一般市"],
        ["1", TEXT, "◎", "○", "―"],
        ["2", TEXT, "◎", "◎", "○"],
    ]
    assert classes(read(rows)) == [(MUST, MAY, MUST_NOT), (MUST, MUST, MAY)]


@pytest.mark.parametrize(
    ("told", "how"),
    [(ALWAYS, "constant"), ({"class_from_text": True, "none": "may"}, "none told")],
)
def test_a_parent_without_a_class_of_its_own_is_asked_about(told, how):
    rows = [
        ["Req #", "Requirement"],
        ["1", "Network security"],
        ["1.1", "Processes are defined."],
        ["1.1.1", "Policies must be documented."],
        ["1.1.2", "Roles must be assigned."],
    ]
    asked = read(rows, told)
    assert asked.unclear[0].example == {"parents": "heading"}, how
    assert "「1、1.1」など2行" in questions(asked)
    headed = read(rows, told | {"parents": "heading"})
    assert ids(headed) == ["1.1.1", "1.1.2"]
    assert headed.drafts[0].chapter == "1 Network security"
    assert headed.drafts[0].section == "1.1 Processes are defined."
    assert len(ids(read(rows, told | {"parents": "requirement"}))) == 4


def test_a_blank_part_before_another_goes_on_from_the_row_above():
    rows = [
        ["大項目", "", "中項目", "", "小項目", "", "要求仕様", "区分"],
        ["No", "名称", "No", "名称", "No", "名称", "", ""],
        ["1", "受付", "1", "申請", "1", "入力", TEXT, "必須"],
        ["", "", "", "", "2", "照会", TEXT, "任意"],
        ["", "", "2", "届出", "1", "入力", TEXT, "必須"],
        ["2", "審査", "1", "判定", "1", "自動", TEXT, "必須"],
    ]
    parts = ("大項目", "中項目", "小項目")
    columns = {"requirement_id": [f"{part}／No" for part in parts], "name": "小項目／名称"}
    columns |= {"chapter": "大項目／名称", "section": "中項目／名称"}
    found = read(rows, {"columns": columns})
    assert ids(found) == ["1-1-1", "1-1-2", "1-2-1", "2-1-1"]
    assert [draft.chapter for draft in found.drafts] == ["受付", "受付", "受付", "審査"]


def test_the_highest_criticality_counts_first_and_the_order_can_be_told():
    rows = [["ID", "Requirement", "Criticality"], ["P1", TEXT, "High"], ["P2", TEXT, "Low"]]
    rows += [["P3", TEXT, "Moderate"]]
    asked = read(rows)
    assert "「High、Moderate、Low」" in questions(asked)
    assert classes(read(rows, {"levels": {"must": "High"}})) == [
        (each,) * 3 for each in (MUST, MAY, MAY)
    ]
    other = {"levels": {"order": ["Low", "Moderate", "High"], "must": "Moderate"}}
    assert classes(read(rows, other)) == [(each,) * 3 for each in (MAY, MUST, MUST)]


def test_ids_before_the_text_are_parted_from_it():
    rows = [
        ["The framework", "", ""],
        ["Function", "Category", "Subcategory"],
        ["GOVERN (GV): Strategy", "", ""],
        ["", "Context (GV.OC): Circumstances", ""],
        ["", "", "GV.OC-01: The mission is understood"],
        ["", "", "GV.OC-02: Stakeholders are understood"],
    ]
    asked = read(rows)
    assert "「Subcategory」の文の初めにあるもの（GV.OC-01など）" in questions(asked)
    one = {"requirement_id": "Subcategory", "text": "Subcategory"}
    found = read(rows, ALWAYS | {"columns": {**one, "chapter": "Function", "section": "Category"}})
    assert ids(found) == ["GV.OC-01", "GV.OC-02"]
    assert found.drafts[0].text == "The mission is understood"
    assert found.drafts[1].section == "Context (GV.OC): Circumstances"


def test_totals_notes_and_what_is_gone_are_no_requirements_but_a_function_to_delete_is():
    rows = [
        ["大項目", "要件ID", "要件", "区分"],
        ["受付", "1-1", TEXT, "必須"],
        ["※ 区分は見直すことがある。", "", "", ""],
        ["", "1-2", "削除", "任意"],
        ["", "1-3", "[DELETED, MERGED TO 1-1]", ""],
        ["", "1-4", "欠番", ""],
        ["", "合計", "2件", ""],
    ]
    found = read(rows)
    assert ids(found) == ["1-1", "1-2"]
    assert found.drafts[1].chapter == "受付"
    assert found.abolished == 2
    assert describe(found.left) == {"注などの行": 2, "廃止・削除の行（取り込まない）": 2}


def test_a_formula_without_a_value_is_an_error_and_no_continuation():
    rows = [["ID", "Requirement"], ["A-1", "Names must be kept."], ["A-2", "Files must be kept."]]
    content = workbook(一覧=[*rows, ['="A-"&3', "Logs must be kept."]])
    found = read_requirements(content, "table.xlsx", ColumnMapping())
    assert "計算式の結果が保存されていません" in str(found.errors[0])
    assert found.errors[0].address == "A4"


def test_one_set_of_ticked_columns_for_each_kind_of_body():
    ticks = {"M": ["○", None, None], "O": [None, "○", None], "X": [None, None, "○"]}
    rows = [
        [
            "項番",
            "機能要件",
            "指定都市",
            None,
            None,
            "中核市",
            None,
            None,
            "一般市区町村",
            None,
            None,
        ],
        [None, None, *["必須", "オプション", "不可"] * 3],
        *(
            [f"1.{n}", TEXT, *(t for c in word for t in ticks[c])]
            for n, word in enumerate(("MMM", "MOX"))
        ),
    ]
    merged = ["C1:E1", "F1:H1", "I1:K1"]
    assert classes(read(rows, merged=merged)) == [(MUST,) * 3, (MUST, MAY, MUST_NOT)]
    two = [row[:8] for row in rows]
    assert "そろっていません" in questions(read(two, merged=merged[:2]))


def baselines(**texts) -> bytes:
    head = ["ID", "Control Name", "Control Description"]
    low = [["AC-1", "Policy", texts.get("low", "a. Develop a policy.")]]
    moderate = [["AC-1", "Policy", "a. Develop a policy."], ["AC-7", "Logon", "Limit attempts."]]
    high = [*moderate, ["AC-10", "Sessions", "Limit the number of sessions."]]
    return workbook(**{"High Controls": [head, *high], "Moderate Controls": [head, *moderate], "Low Controls": [head, *low]})  # fmt: skip


def test_a_sheet_for_each_level_counts_a_requirement_once():
    order = ["Low Controls", "Moderate Controls", "High Controls"]

    def by(told, content=None):
        mapping = ColumnMapping.from_json(ALWAYS if told is None else {"levels": told})
        return read_requirements(content or baselines(), "table.xlsx", mapping)

    asked = by(None)
    assert asked.unclear[0].example == {"levels": {"sheets": order, "must": order[0]}}
    found = by({"sheets": order, "must": "Moderate Controls"})
    assert ids(found) == ["AC-1", "AC-7", "AC-10"]
    assert classes(found) == [(MUST,) * 3, (MUST,) * 3, (MAY,) * 3]
    assert describe(found.left) == {"下の段階のシートと同じ要件の行": 3}
    bodies = {"designated_city": order[2], "core_city": order[1], "other": order[0]}
    assert classes(by({"sheets": order, "must": bodies}))[1:] == [
        (MUST, MUST, MAY),
        (MUST, MAY, MAY),
    ]
    upside_down = by({"sheets": order[::-1], "must": order[0]})
    assert "シート「High Controls」にありますが" in str(upside_down.errors[0])
    differing = by({"sheets": order, "must": order[0]}, baselines(low="b. Another."))
    assert "本文がシート「Low Controls」の2行目と違います" in str(differing.errors[0])


def test_levels_that_are_described_are_not_ticked_and_may_not_is_no_option():
    grade = [
        ["項番", "メトリクス", *map(str, range(4)), "選択レベル"],
        *(
            [
                f"A.{n}",
                f"指標{n}の値を定めること。",
                *(f"水準{n}-{k}" for k in range(4)),
                str(n % 3),
            ]
            for n in range(6)
        ),
    ]
    grade[0][2:6] = [f"レベル{k}" for k in range(4)]
    assert "chosen_level にこの見出し" in questions(read(grade))
    rows = [["ID", "Requirement"], ["1", "Users may not erase logs."], ["2", "Users must sign in."]]
    found = read([*rows, ["3", "Users may sort lists."]])
    assert [error.row for error in found.errors] == [2]
