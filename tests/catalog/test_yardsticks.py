"""Terms for leaving beside the yardsticks: kept, not kept, and what nobody told."""

from datetime import date

import pytest

from catalog.yardsticks import YARDSTICKS, ExitTerms, Meets, judge_exit

DAY = date(2030, 3, 31)


def judged(day=DAY, **terms):
    return {each.key: each for each in judge_exit(ExitTerms(**terms), day)}


@pytest.mark.parametrize(
    ("key", "kept", "broken"),
    [
        ("switching_notice_months", (0, 2), (3, 12)),
        ("transition_days", (0, 30), (31, 90)),
        ("retrieval_days", (30, 365), (29, 0)),
        ("switching_charge", (0,), (1, 500_000)),
    ],
)
def test_each_term_has_its_bound(key, kept, broken):
    for values, meets in ((kept, Meets.YES), (broken, Meets.NO)):
        for value in values:
            cell = judged(**{key: value})[key]
            assert cell.meets is meets
            assert cell.words == f"{meets.label}（{cell.value}）"


def test_what_nobody_told_is_neither_kept_nor_broken():
    cells = judged()
    assert [each.meets for each in cells.values()] == [Meets.UNKNOWN] * len(YARDSTICKS)
    assert {each.words for each in cells.values()} == {"情報なし"}
    assert {each.value for each in cells.values()} == {None}


def test_charges_are_measured_from_the_day_on_which_the_rule_begins():
    for day, meets in ((date(2027, 1, 11), Meets.UNKNOWN), (date(2027, 1, 12), Meets.NO)):
        assert judged(day, switching_charge=80_000)["switching_charge"].meets is meets
    assert judged(date(2026, 12, 31), switching_charge=0)["switching_charge"].meets is Meets.YES
    early = judged(date(2027, 1, 11), switching_charge=80_000)["switching_charge"]
    assert early.words == "80,000円（令和9年1月11日には、この目安はまだありません）"


def test_a_yardstick_names_its_limit_and_source():
    assert [each.limit_words for each in YARDSTICKS] == [
        "2か月以内",
        "30日以内",
        "30日以上",
        "令和9年1月12日からは無料",
    ]
    assert {each.source for each in YARDSTICKS} == {"EUデータ法（Data Act）"}
