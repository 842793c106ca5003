"""What differs between two versions: matching, kinds of change, words."""

from dataclasses import dataclass, replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.specifications.difference import (
    ChangeKind,
    apply_difference,
    compare,
    trace_origins,
)
from catalog.terms import RequirementClass, RequirementKind
from core.text_difference import compare_texts

K = ChangeKind
MUST, MAY = RequirementClass.MUST, RequirementClass.MAY


@dataclass(frozen=True)
class Row:
    requirement_id: str
    text: str = "本文"
    predecessor_requirement_id: str = ""
    chapter: str = "1 章"
    section: str = ""
    subsection: str = ""
    name: str = "名称"
    rationale: str = ""
    kind: RequirementKind = RequirementKind.FUNCTION
    classes: tuple[RequirementClass, RequirementClass, RequirementClass] = (MUST, MUST, MUST)
    conformity_date: date | None = None


def kinds_of(before, after, **options):
    changes = compare(before, after, **options).changes
    return {change.subject.requirement_id: set(change.kinds) for change in changes}


def test_a_requirement_differs_in_several_ways_at_once():
    old = [Row("A"), Row("B"), Row("C"), Row("D")]
    new = [
        Row("A", text="新しい本文", classes=(MUST, MAY, MUST), conformity_date=date(2027, 4, 1)),
        Row("B2", predecessor_requirement_id="B", chapter="2 章"),
        Row("D", kind=RequirementKind.FORM),
        Row("E"),
    ]
    assert kinds_of(old, new) == {
        "A": {K.CHANGED, K.RECLASSIFIED, K.REDATED},
        "B2": {K.RENAMED, K.MOVED},
        "C": {K.REMOVED},
        "D": {K.CHANGED},
        "E": {K.ADDED},
    }
    found = compare(old, new)
    assert found.same == 0
    assert [change.subject.requirement_id for change in found.changes] == ["A", "B2", "C", "D", "E"]
    counts = found.counts
    assert (counts[K.CHANGED], counts[K.ADDED], counts[K.REMOVED], counts[K.MOVED]) == (2, 1, 1, 1)


def test_only_what_changed_its_place_among_the_others_has_moved():
    old = [Row(each) for each in "ABCDE"]
    new = [Row(each) for each in "AEBCD"]
    assert kinds_of(old, new) == {"E": {K.MOVED}}


def test_ids_are_followed_through_versions_in_between_and_back():
    first = [Row("A"), Row("X")]
    second = [Row("B", predecessor_requirement_id="A"), Row("X")]
    third = [Row("C", predecessor_requirement_id="B"), Row("Y", predecessor_requirement_id="X")]

    def steps(*versions):
        return [
            [(each.requirement_id, each.predecessor_requirement_id) for each in version]
            for version in versions
        ]

    origins = trace_origins(["A", "X"], steps(second, third))
    assert origins == {"C": "A", "Y": "X"}
    assert kinds_of(first, third, origins=origins) == {"C": {K.RENAMED}, "Y": {K.RENAMED}}
    back = {old: new for new, old in origins.items()}
    assert kinds_of(third, first, origins=back) == {"A": {K.RENAMED}, "X": {K.RENAMED}}
    assert kinds_of(first, third) == {"A": {K.REMOVED}, "C": {K.ADDED}, "Y": {K.RENAMED}}


def test_a_split_continues_once_and_says_where_the_rest_came_from():
    old = [Row("A")]
    new = [Row("A"), Row("A2", predecessor_requirement_id="A")]
    (change,) = compare(old, new).changes
    assert (change.kinds, change.split_from) == ((K.ADDED,), "A")
    renamed = [Row("B", predecessor_requirement_id="A"), Row("A2", predecessor_requirement_id="A")]
    assert kinds_of(old, renamed) == {"B": {K.RENAMED}, "A2": {K.ADDED}}


def test_an_id_that_two_requirements_exchange_follows_the_predecessors():
    old = [Row("A", text="甲"), Row("B", text="乙")]
    new = [
        Row("B", text="甲", predecessor_requirement_id="A"),
        Row("A", text="乙", predecessor_requirement_id="B"),
    ]
    assert kinds_of(old, new) == {"A": {K.RENAMED}, "B": {K.RENAMED}}


def test_words_are_told_apart_as_a_reader_would():
    assert compare_texts(
        "住民票の写しを3日以内に交付できること。", "住民票の写しを5日以内に発行できること。"
    ) == (
        ("same", "住民票の写しを"),
        ("removed", "3"),
        ("added", "5"),
        ("same", "日以内に"),
        ("removed", "交付"),
        ("added", "発行"),
        ("same", "できること。"),
    )
    assert compare_texts("", "新規") == (("added", "新規"),)
    assert compare_texts("同じ", "同じ") == (("same", "同じ"),)


def test_a_long_text_without_common_words_is_compared_by_sentences():
    old = "".join(f"要件{number}は甲とする。" for number in range(2_000))
    new = "前文。" + old.replace("1999は甲", "1999は乙") + "末文。"
    found = compare_texts(old, new)
    assert found[0] == ("added", "前文。")
    assert ("removed", "要件1999は甲とする") in found
    whole = compare_texts("甲1。" * 2_000 + "末", "乙。甲1。" * 2_000)
    assert [kind for kind, _ in whole] == ["removed", "added"]


TEXTS = st.text(alphabet="甲乙 のA1。\n", max_size=12)
ROWS = st.builds(
    Row,
    requirement_id=st.sampled_from("ABCDEFGH"),
    text=TEXTS,
    predecessor_requirement_id=st.sampled_from(["", *"ABCDEFGH"]),
    chapter=st.sampled_from(["1 章", "2 章"]),
    classes=st.sampled_from([(MUST, MUST, MUST), (MUST, MAY, MAY)]),
    conformity_date=st.sampled_from([None, date(2027, 4, 1)]),
)
VERSIONS = st.lists(ROWS, max_size=8, unique_by=lambda row: row.requirement_id)


def content(rows):
    """Rows without what only tells of the revision."""
    return [replace(row, predecessor_requirement_id="") for row in rows]


@settings(max_examples=50)
@given(VERSIONS)
def test_a_version_does_not_differ_from_itself(rows):
    rows = content(rows)
    found = compare(rows, rows)
    assert found.changes == ()
    assert found.same == len(rows)


@settings(max_examples=50)
@given(VERSIONS, VERSIONS)
def test_the_older_version_and_the_difference_give_the_newer(before, after):
    found = compare(before, after)
    assert content(apply_difference(before, found)) == content(after)
    olds = [change.before.requirement_id for change in found.changes if change.before]
    assert len(olds) == len(set(olds))
    counts = found.counts
    assert len(before) - counts[K.REMOVED] == len(after) - counts[K.ADDED]


@given(TEXTS, TEXTS)
def test_the_words_give_both_texts_back(before, after):
    found = compare_texts(before, after)
    assert "".join(text for kind, text in found if kind != "added") == before
    assert "".join(text for kind, text in found if kind != "removed") == after
    if before == after:
        assert all(kind == "same" for kind, _ in found)
