"""Reading tables of many shapes into requirements, without a database."""

import io
import re
import zipfile
from dataclasses import fields
from datetime import date

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.specifications.documents import version_csv
from catalog.specifications.importing import SpecificationImportError, read_requirements
from catalog.specifications.mapping import CLASS_TARGETS, ColumnMapping, Levels
from catalog.specifications.models import Requirement
from catalog.specifications.schemas import LONGEST, RequirementSchema, is_plainly_sound
from catalog.specifications.words import TARGET_LABELS
from catalog.terms import RequirementClass, RequirementKind
from core.errors import Invalid
from core.tables import TableError, column_letter
from tests.catalog.specifications.conftest import HERE, SAMPLE, csv_bytes, sample_rows

HEAD = ["機能ID", "機能名称", "機能要件", "実装区分"]
MUST, MAY, MUST_NOT = RequirementClass


def read(rows, mapping=None, name="table.csv", encoding="utf-8-sig"):
    return read_requirements(csv_bytes(rows, encoding), name, mapping)


def test_the_sample_is_read_whole():
    found = read_requirements(SAMPLE.read_bytes(), SAMPLE.name)
    assert found.is_clear
    assert len(found.drafts) == 60
    counts = [sum(each.class_other is one for each in found.drafts) for one in RequirementClass]
    assert counts == [40, 14, 6]
    first = found.drafts[0]
    assert (first.requirement_id, first.chapter) == ("SY-0010", "1. 利用者の管理")
    assert first.conformity_date == date(2025, 4, 1)


def test_the_real_specification_is_read_whole(real_file):
    found = read_requirements(real_file.read_bytes(), real_file.name)
    assert found.is_clear
    assert len(found.drafts) == 197
    counts = [sum(each.class_other is one for each in found.drafts) for one in RequirementClass]
    assert counts == [132, 18, 47]
    first = found.drafts[0]
    assert (first.chapter, first.section, first.subsection) == (
        "1. 管理項目",
        "1.1. 住民データ",
        "1.1.1",
    )
    assert max(len(each.text) for each in found.drafts) > 1_200
    assert "\n" in first.text
    assert found.reading.ignored == ("label_v1",)


def test_every_broken_row_is_named_as_the_spreadsheet_counts():
    rows = [
        HEAD,
        ["A-1", "一", "一行目\n二行目\n三行目", "実装必須"],
        ["A-2", "二", "本文", "どちらでも"],
        ["A-3", "三", "", "実装必須"],
        ["A-1", "四", "本文", "オプション"],
    ]
    found = read(rows)
    assert [(e.row, e.column, e.value) for e in found.errors] == [
        (3, "実装区分", "どちらでも"),
        (4, "機能要件", ""),
        (5, "機能ID", "A-1"),
    ]
    with pytest.raises(SpecificationImportError) as refusal:
        found.require_clear()
    assert refusal.value.table_errors == found.errors
    for place in ("3行目", "4行目", "5行目", "2行目にもあります"):
        assert place in refusal.value.message


def test_one_row_may_have_several_errors():
    rows = [[*HEAD, "適合基準日", "種別"], ["", "名", "", "×○", "令和9年2月30日", "たぶん機能"]]
    found = read(rows)
    assert {e.column for e in found.errors} == {
        "機能ID",
        "機能要件",
        "実装区分",
        "適合基準日",
        "種別",
    }
    assert {e.row for e in found.errors} == {2}


def test_marks_are_classes_when_the_double_circle_is_there():
    rows = [HEAD, ["1", "a", "本文", "◎"], ["2", "b", "本文", "○"], ["3", "c", "本文", "×"]]
    assert [each.class_other for each in read(rows).drafts] == [MUST, MAY, MUST_NOT]


def test_a_lone_circle_is_asked_about_and_taken_as_told():
    rows = [HEAD, ["1", "a", "本文", "○"], ["3", "c", "本文", "×"]]
    found = read(rows)
    assert "「○」" in str(found.unclear[0])
    assert not found.is_clear
    told = ColumnMapping.from_json({"classes": {"○": "must"}})
    assert [each.class_other for each in read(rows, told).drafts] == [MUST, MUST_NOT]


def test_two_candidates_for_one_column_are_refused_by_name():
    rows = [["機能ID", "要件ID", "機能要件", "実装区分"], ["1", "2", "本文", "必須"]]
    found = read(rows)
    assert "「機能ID」と「要件ID」" in str(found.unclear[0])
    told = ColumnMapping.from_json({"columns": {"requirement_id": "要件ID"}})
    assert read(rows, told).drafts[0].requirement_id == "2"


def test_a_table_without_class_says_which_columns_it_has():
    found = read([["機能ID", "機能要件", "メモ"], ["1", "本文", ""]])
    assert "実装区分" in str(found.unclear[0])
    assert "メモ" in str(found.unclear[0])


def test_classes_per_kind_of_body_need_all_three():
    head = ["機能ID", "機能要件", "実装区分（指定都市）", "中核市", "一般市区町村"]
    found = read([head, ["1", "本文", "実装必須", "標準オプション", "実装不可"]])
    assert found.drafts[0].classes == (MUST, MAY, MUST_NOT)
    assert found.drafts[0].name == "本文"
    partial = read([head[:4], ["1", "本文", "実装必須", "標準オプション"]])
    assert "その他の団体" in str(partial.unclear[0])


def test_titles_above_the_heading_and_repeated_headings_are_passed_over():
    rows = [
        ["○○システム標準仕様書", "", "", ""],
        [],
        HEAD,
        ["1", "a", "本文", "必須"],
        HEAD,
        ["2", "b", "本文", "誤り"],
    ]
    found = read(rows)
    assert found.reading.heading_row == 3
    assert [each.requirement_id for each in found.drafts] == ["1"]
    assert [error.row for error in found.errors] == [6]


def test_abolished_requirements_are_left_out_and_counted():
    rows = [
        [*HEAD, "改定種別", "前版機能ID"],
        ["1", "a", "本文", "必須", "修正", "0"],
        ["2", "b", "", "―", "廃止", ""],
    ]
    found = read(rows)
    assert found.is_clear
    assert found.abolished == 1
    assert found.drafts[0].predecessor_requirement_id == "0"


def test_english_words_are_recognised():
    rows = [
        ["Requirement ID", "Chapter", "Name", "Requirement", "Class", "Kind"],
        ["1", "One", "a", "It shall …", "Must", "Non-functional"],
        ["2", "One", "b", "It may …", "OPTIONAL", "Form"],
        ["3", "One", "c", "It must not …", "must not", ""],
    ]
    found = read(rows)
    assert [each.class_other for each in found.drafts] == [MUST, MAY, MUST_NOT]
    assert found.drafts[0].kind is RequirementKind.NON_FUNCTIONAL


def test_shift_jis_is_read():
    assert len(read(sample_rows(), encoding="cp932").drafts) == 60


@pytest.mark.parametrize("requirement_id", ["..", "a/../b", "a//b", "/a", "a" * 61, "a\u202eb"])
def test_ids_that_make_no_address_are_refused(requirement_id):
    found = read([HEAD, [requirement_id, "a", "本文", "必須"]])
    assert [error.column for error in found.errors] == ["機能ID"]


def xlsx(rows, sheets=("要件",)):
    book = openpyxl.Workbook()
    book.active.title = "表紙" if len(sheets) > 1 else sheets[0]
    page = book.active if len(sheets) == 1 else book.create_sheet(sheets[1])
    for row in rows:
        page.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def test_xlsx_with_real_dates_and_a_named_sheet():
    rows = [[*HEAD, "適合基準日"], ["1", "a", "本文", "◎", date(2027, 4, 1)]]
    assert read_requirements(xlsx(rows), "a.xlsx").drafts[0].conformity_date == date(2027, 4, 1)
    several = xlsx(rows, ("表紙", "機能要件"))
    for told in (ColumnMapping(sheets=("機能要件",)), None):  # the cover is no table
        assert len(read_requirements(several, "a.xlsx", told).drafts) == 1


def bomb():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "a.csv"),
        (b"%PDF-1.7", "a.pdf"),
        (b"PK\x03\x04broken", "a.xlsx"),
        (b"PK\x03\x04", "a.csv"),
        (b"\x81", "a.csv"),
    ],
)
def test_what_is_no_table_raises_one_declared_error(content, name):
    with pytest.raises(TableError):
        read_requirements(content, name)


def test_a_bomb_is_refused_before_it_is_unpacked():
    with pytest.raises(TableError, match="大きすぎます"):
        read_requirements(bomb(), "a.xlsx")


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"columns": {"nonsense": "A"}},
        {"columns": {"text": 3}},
        {"classes": {"○": "maybe"}},
        {"unknown": {}},
    ],
)
def test_a_mapping_of_another_shape_is_refused(value):
    with pytest.raises(Invalid):
        ColumnMapping.from_json(value)


def test_the_page_on_mappings_names_every_key_and_its_examples_are_sound():
    text = (HERE.parents[3] / "docs" / "requirement-tables.md").read_text("utf-8")
    names = [*(each.name for each in (*fields(ColumnMapping), *fields(Levels))), *TARGET_LABELS]
    assert not [name for name in names if f"`{name}`" not in text]
    examples = re.findall(r"```(toml|json)\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 2
    for kind, example in examples:
        assert ColumnMapping.from_file(example.encode(), f"mapping.{kind}").columns


def test_a_mapping_names_a_heading_that_is_not_there():
    told = ColumnMapping.from_json({"columns": {"text": "本文欄"}})
    assert "本文欄" in str(read(sample_rows(), told).unclear[0])


def test_the_mapping_survives_its_file():
    told = ColumnMapping.from_json(
        {"columns": {"text": "要件", "name": None}, "classes": {"○": "may"}, "sheet": "一覧"}
    )
    assert ColumnMapping.from_json(told.to_json()) == told


def test_our_own_csv_is_read_back_the_same():
    rows = [HEAD, ["1", "-2を超えない", "=表示できること。\n+改行", "◎"]]
    draft = read(rows).drafts[0]
    requirement = Requirement(
        **{name: getattr(draft, name) for name in draft.__slots__}, position=1
    )
    again = read_requirements(version_csv([requirement]), "again.csv")
    assert again.is_clear
    assert again.drafts == (draft,)


def test_columns_are_named_as_a_spreadsheet_does():
    assert [column_letter(index) for index in (0, 25, 26, 701)] == ["A", "Z", "AA", "ZZ"]


_TEXTS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["a", "が", "か\u3099", "a\n", "\u200b", "\u3000", "a\tb", "x" * 301]),
)


@settings(max_examples=300, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(LONGEST, _TEXTS)))
def test_what_is_plainly_sound_is_what_the_schema_loads_unchanged(texts):
    codes = dict.fromkeys(CLASS_TARGETS, "must") | {"kind": "data", "conformity_date": None}
    if is_plainly_sound(texts):
        loaded = RequirementSchema().load({**texts, **codes})
        assert {name: loaded[name] for name in texts} == texts


def test_plain_requirements_take_the_short_way():
    texts = dict.fromkeys(LONGEST, "") | {
        "requirement_id": "A-1.2",
        "name": "名",
        "text": "本文\n二行",
    }
    assert is_plainly_sound(texts)
    for wrong in ({"text": ""}, {"requirement_id": ".."}, {"name": "二\n行"}, {"text": "\u202e"}):
        assert not is_plainly_sound(texts | wrong)
