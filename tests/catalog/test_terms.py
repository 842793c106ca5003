"""The words of the catalog: labels, allowed answers, size classes and hosting codes."""

import json
from datetime import date

import pytest

from catalog import conformance, price_plan, terms
from catalog.terms import (
    SIZE_LOWER_BOUNDS,
    Answer,
    HostingProvider,
    RequirementClass,
    SizeClass,
)
from core.state_machine import LabelledCode

CODES = {
    value
    for module in (terms, price_plan, conformance)
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, LabelledCode) and len(value)
}


@pytest.mark.parametrize("codes", sorted(CODES, key=repr), ids=lambda codes: codes.__name__)
def test_codes_are_plain_values_with_labels_of_their_own(codes):
    pairs = codes.choices()

    assert len({label for _, label in pairs}) == len(pairs)
    for code, label in pairs:
        assert codes(code).label == label != code or code.upper() == label
        assert json.dumps(codes(code)) == f'"{code}"'
        assert f"{codes(code)}" == code


def test_prohibition_has_its_own_two_answers():
    assert terms.answers_for(RequirementClass.MUST_NOT) == (
        Answer.NOT_IMPLEMENTED,
        Answer.VIOLATES,
    )
    assert [each.label for each in terms.answers_for(RequirementClass.MAY)] == [
        "適合",
        "条件付適合",
        "代替手段",
        "非適合",
        "対象外",
    ]
    assert terms.answers_for_any([RequirementClass.MUST, RequirementClass.MUST_NOT]) == tuple(
        Answer
    )
    assert terms.answers_for_any([]) == ()
    assert terms.answer_label(None) == "未回答"


@pytest.mark.parametrize(
    ("population", "label"),
    [
        (0, "1万人未満"),
        (9_999, "1万人未満"),
        (10_000, "1万人以上5万人未満"),
        (49_999, "1万人以上5万人未満"),
        (50_000, "5万人以上20万人未満"),
        (200_000, "20万人以上50万人未満"),
        (499_999, "20万人以上50万人未満"),
        (500_000, "50万人以上"),
    ],
)
def test_size_bounds_are_inclusive_below(population, label):
    assert terms.size_class_for(population).label == label


def test_size_bounds_cover_every_class_in_order():
    assert [size for size, _ in SIZE_LOWER_BOUNDS] == list(SizeClass)
    assert sorted(SIZE_LOWER_BOUNDS, key=lambda pair: pair[1]) == list(SIZE_LOWER_BOUNDS)
    with pytest.raises(ValueError, match="-1"):
        terms.size_class_for(-1)


def test_hosting_code_is_chosen_only_while_valid():
    dated = HostingProvider(
        "old",
        "旧",
        is_government_cloud=True,
        valid_from=date(2026, 4, 1),
        valid_to=date(2027, 3, 31),
    )

    days = [date(2026, 3, 31), date(2026, 4, 1), date(2027, 3, 31), date(2027, 4, 1)]
    assert [dated.is_valid_on(day) for day in days] == [False, True, True, False]
    assert terms.hosting_label("sakura") == "さくらのクラウド（条件付き）"
    assert [code for code, _ in terms.hosting_choices(days[0])] == list(terms.HOSTING_CODES)
    with pytest.raises(KeyError):
        terms.hosting_label("old")
