"""Which real company names would be shown to a reviewer, and that none of them is refused."""

import csv
from collections import Counter, defaultdict
from itertools import combinations

import pytest

from core.japanese import name_skeleton
from tests.conftest import SHARED
from vendors.likeness import is_alike, one_fewer
from vendors.schemas import RegisterSchema

REST = {"kana": "みほん", "person_name": "見本 花子", "email": "a@example.jp", "password": "x" * 12}


@pytest.mark.shared_data
def test_every_real_company_may_register_and_few_are_shown_to_a_reviewer():
    with (SHARED / "data" / "companies.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7258
    schema = RegisterSchema()
    for row in rows:
        values = {"name": row["name"], "corporate_number": row["corporate_number"], **REST}
        assert schema.validate(values) == {}, row
    names = [name_skeleton(row["name"]) for row in rows]
    sizes = Counter(names)
    twins = sum(size > 1 for size in sizes.values())
    near = _one_letter_apart(set(names))
    shown = sum(sizes[name] > 1 or name in near for name in names)
    assert (twins, shown) == (48, 481)
    assert shown / len(rows) < 0.08


def _one_letter_apart(skeletons):
    buckets = defaultdict(set)
    for skeleton in skeletons:
        for key in {skeleton, *one_fewer(skeleton)}:
            buckets[key].add(skeleton)
    pairs = {pair for bucket in buckets.values() for pair in combinations(sorted(bucket), 2)}
    return {name for pair in pairs if is_alike(*pair) for name in pair}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("株式会社見本川ソフト", "見本川ソフト合同会社", True),
        ("見本川ソフト", "見本山ソフト", True),
        ("見本川ソフト", "見本川ソフトウ", True),
        ("見本川ソフト", "見本山ソフトウ", False),
        ("日本化薬", "日本農薬", False),
        ("BEAM", "ВЕАМ", True),
        ("HAKATA", "НАКАТА", True),
    ],
)
def test_names_one_letter_apart_are_alike(one, other, alike):
    pair = name_skeleton(one), name_skeleton(other)
    assert is_alike(*pair) is alike
    assert is_alike(*reversed(pair)) is alike
