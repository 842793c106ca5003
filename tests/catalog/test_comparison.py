"""Offerings side by side: rows, gaps, differences and terms."""

import string
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.comparison import (
    ComparedOffering,
    RequirementMatrix,
    build_requirement_matrix,
    build_terms_table,
    filter_rows,
)
from catalog.conformance import AnswerEntry, RequirementEntry, every_body
from catalog.terms import Answer, BodyClass, RequirementClass
from catalog.used_options import mark_version, read_used, write_used

MUST, MAY, MUST_NOT = RequirementClass
CITY = BodyClass.OTHER


def requirement(number, chapter="1. 管理項目", classes=None):
    return RequirementEntry(
        id=f"R{number}",
        position=number,
        chapter=chapter,
        subchapter="",
        name=f"機能{number}",
        text=f"要件{number}",
        classes=every_body(MUST) if classes is None else classes,
    )


def offering(name, **answers):
    entries = {
        key: value if isinstance(value, AnswerEntry) else AnswerEntry(value)
        for key, value in answers.items()
    }
    return ComparedOffering(name, name, entries)


def matrix_of(first, second, *others, requirements=None):
    entries = requirements or [requirement(1), requirement(2, "2. 検索"), requirement(3, "2. 検索")]
    return build_requirement_matrix(entries, [first, second, *others], CITY)


def differing_ids(matrix: RequirementMatrix):
    rows = (row for chapter in matrix.chapters for row in chapter.rows)
    return [row.requirement.id for row in rows if row.differs]


def test_rows_follow_the_specification_and_cells_the_chosen_order():
    matrix = matrix_of(
        offering("乙", R1=Answer.CONFORMS),
        offering("甲", R1=Answer.ALTERNATIVE),
        requirements=[requirement(3, "2. 検索"), requirement(1), requirement(2, "2. 検索")],
    )

    assert [chapter.title for chapter in matrix.chapters] == ["1. 管理項目", "2. 検索"]
    assert [row.requirement.id for row in matrix.chapters[1].rows] == ["R2", "R3"]
    cells = matrix.chapters[0].rows[0].cells
    assert [(cell.offering_id, cell.label) for cell in cells] == [
        ("乙", "適合"),
        ("甲", "代替手段"),
    ]


def test_missing_answer_is_a_value_of_its_own():
    matrix = matrix_of(offering("甲", R1=Answer.NOT_APPLICABLE), offering("乙"))

    first, second = matrix.chapters[0].rows[0].cells
    assert (first.label, first.is_unanswered) == ("対象外", False)
    assert (second.label, second.is_unanswered, second.answer) == ("未回答", True, None)
    assert (second.note, second.due) == ("", None)
    assert differing_ids(matrix) == ["R1"]
    assert (matrix.with_gaps, [each.with_gaps for each in matrix.chapters]) == (3, [1, 2])


def test_due_dates_differ_but_notes_do_not():
    def until(month, note):
        return AnswerEntry(Answer.CONDITIONAL, note, date(2027, month, 1))

    matrix = matrix_of(
        offering("甲", R1=until(4, "春"), R2=until(4, "春"), R3=Answer.CONFORMS),
        offering("乙", R1=until(4, "四月"), R2=until(10, "春"), R3=Answer.CONFORMS),
    )

    assert differing_ids(matrix) == ["R2"]
    assert matrix.chapters[0].rows[0].cells[1].note == "四月"
    assert matrix.chapters[1].rows[0].cells[1].due == date(2027, 10, 1)


def test_one_of_five_is_enough_to_differ():
    same = [offering(name, R1=Answer.CONFORMS) for name in "甲乙丙丁"]

    matrix = matrix_of(*same, offering("戊", R1=Answer.CONDITIONAL))

    assert differing_ids(matrix) == ["R1"]


def test_differences_only_folds_equal_chapters_and_keeps_counts():
    matrix = matrix_of(
        offering("甲", R1=Answer.CONFORMS, R2=Answer.CONFORMS, R3=Answer.CONFORMS),
        offering("乙", R1=Answer.CONFORMS, R2=Answer.CONFORMS, R3=Answer.NOT_CONFORMING),
    )

    filtered = filter_rows(matrix, only_differences=True)

    assert [chapter.is_folded for chapter in filtered.chapters] == [True, False]
    assert [row.requirement.id for row in filtered.chapters[1].rows] == ["R3"]
    assert [(each.total, each.differing) for each in filtered.chapters] == [(1, 0), (2, 1)]
    assert (filtered.total, filtered.differing, filtered.shown) == (3, 1, 1)
    assert (matrix.shown, any(chapter.is_folded for chapter in matrix.chapters)) == (3, False)


def test_class_is_that_of_the_kind_of_body():
    entries = [
        requirement(1, classes={BodyClass.DESIGNATED_CITY: MUST, BodyClass.OTHER: MAY}),
        requirement(2, classes=every_body(MUST_NOT)),
    ]
    pair = [offering("甲"), offering("乙")]

    def classes(body):
        rows = build_requirement_matrix(entries, pair, body).chapters[0].rows
        return [row.requirement_class for row in rows]

    assert classes(BodyClass.DESIGNATED_CITY) == [MUST, MUST_NOT]
    assert classes(BodyClass.OTHER) == [MAY, MUST_NOT]
    assert classes(BodyClass.CORE_CITY) == [None, MUST_NOT]


def test_rows_can_be_limited_to_classes():
    entries = [
        requirement(number, classes=every_body(each))
        for number, each in enumerate([*RequirementClass])
    ]
    matrix = matrix_of(offering("甲"), offering("乙"), requirements=entries)

    filtered = filter_rows(matrix, classes=frozenset({MUST, MAY}))

    assert [row.requirement.id for row in filtered.chapters[0].rows] == ["R0", "R1"]
    assert (filtered.total, filtered.shown) == (3, 2)


@pytest.mark.parametrize("number", [0, 1, 6])
def test_comparison_takes_two_to_five(number):
    with pytest.raises(ValueError, match="2 to 5"):
        build_requirement_matrix([requirement(1)], [offering(str(i)) for i in range(number)], CITY)


def test_contradictory_input_is_refused():
    with pytest.raises(ValueError, match="itself"):
        matrix_of(offering("甲"), offering("甲"))
    with pytest.raises(ValueError, match="twice"):
        matrix_of(offering("甲"), offering("乙"), requirements=[requirement(1), requirement(1)])
    with pytest.raises(ValueError, match="R9"):
        matrix_of(offering("甲", R9=Answer.CONFORMS), offering("乙"))


ANSWERS = st.one_of(st.none(), st.sampled_from(Answer))


@st.composite
def matrices(draw):
    entries = [
        requirement(
            number,
            draw(st.sampled_from("あいう")),
            every_body(draw(st.sampled_from(RequirementClass))),
        )
        for number in range(draw(st.integers(1, 12)))
    ]
    offerings = []
    for name in "甲乙丙丁戊"[: draw(st.integers(2, 5))]:
        given_answers = {each.id: draw(ANSWERS) for each in entries}
        offerings.append(
            offering(name, **{key: each for key, each in given_answers.items() if each})
        )
    return build_requirement_matrix(entries, offerings, CITY)


IDS = st.frozensets(st.integers(0, 12).map("R{}".format))


@given(
    matrices(),
    st.booleans(),
    st.booleans(),
    st.one_of(st.none(), st.frozensets(st.sampled_from(RequirementClass))),
    st.one_of(st.none(), IDS),
)
def test_filters_only_leave_rows_out(matrix, only_differences, only_gaps, classes, used):
    asked = {
        "only_differences": only_differences,
        "only_gaps": only_gaps,
        "classes": classes,
        "used": used,
    }
    filtered = filter_rows(matrix, **asked)

    for before, after in zip(matrix.chapters, filtered.chapters, strict=True):
        kept = [
            row
            for row in before.rows
            if (not only_differences or row.differs)
            and (not only_gaps or any(cell.is_unanswered for cell in row.cells))
            and (classes is None or row.requirement_class in classes)
            and (used is None or row.requirement_class is not MAY or row.requirement.id in used)
        ]
        assert list(after.rows) == kept
        assert (after.title, after.total, after.differing, after.with_gaps) == (
            before.title,
            len(before.rows),
            sum(row.differs for row in before.rows),
            sum(row.has_gap for row in before.rows),
        )
    assert filtered.differing == len(differing_ids(matrix)) == matrix.differing
    assert filter_rows(filtered, **asked) == filtered


def test_a_requirement_out_of_the_bodys_scope_is_not_in_use():
    entries = [requirement(1, classes={BodyClass.DESIGNATED_CITY: MUST}), requirement(2)]
    matrix = matrix_of(offering("甲"), offering("乙"), requirements=entries)

    kept = filter_rows(matrix, used=frozenset({"R1", "R2"}))

    assert [row.requirement.id for row in kept.rows] == ["R2"]


@given(st.integers(1, 300), st.data())
def test_options_in_use_come_back_from_their_word(count, data):
    ids = [f"要件{number}" for number in range(count)]
    used = data.draw(st.frozensets(st.sampled_from(ids), max_size=40))
    word = write_used("版", ids, used)

    assert read_used(word, "版", ids) == used
    assert read_used(word, "次の版", ids) is None
    assert set(word) <= set(string.ascii_letters + string.digits + "-_.")


def test_a_word_for_options_that_nobody_wrote_is_refused():
    beyond = write_used("版", ["a", "b", "c"], {"c"})
    for word in (".AQ", "AQ", f"{mark_version('版')}.%%", f"{mark_version('版')}.あ"):
        with pytest.raises(ValueError, match=r"mark|base64url"):
            read_used(word, "版", ["a"])
    with pytest.raises(ValueError, match="beyond"):
        read_used(beyond, "版", ["a", "b"])
    with pytest.raises(ValueError, match="not of this version"):
        write_used("版", ["a"], {"x"})


def test_terms_stand_side_by_side_with_gaps_in_words():
    rows = build_terms_table(
        {"notice": "終了の予告", "format": "返却の形式", "escrow": "預託"},
        [
            ("甲", {"notice": "6か月", "format": "CSV", "secret": "x"}),
            ("乙", {"notice": "6か月", "format": " ", "escrow": None}),
        ],
    )

    assert [(row.label, row.differs) for row in rows] == [
        ("終了の予告", False),
        ("返却の形式", True),
        ("預託", False),
    ]
    assert [(cell.text, cell.is_unknown) for cell in rows[1].cells] == [
        ("CSV", False),
        ("情報なし", True),
    ]
    assert [cell.offering_id for cell in rows[2].cells if cell.is_unknown] == ["甲", "乙"]
