"""Which real company names would be shown to a reviewer, and that none of them is refused."""

import csv
from collections import Counter, defaultdict
from itertools import combinations

import pytest

from accounts.identity import ANONYMOUS
from core import db
from core.config import Settings
from core.japanese import name_skeleton
from tests.conftest import SHARED
from vendors import services
from vendors.likeness import is_alike, one_fewer
from vendors.schemas import ArrivalSchema, ChangeSchema, CompanySchema, RegisterSchema

REST = {"kana": "みほん", "person_name": "見本 花子", "email": "a@example.jp", "password": "x" * 12}
SAMPLE = 60  # of either kind, through the service


@pytest.fixture(scope="module")
def rows():
    with (SHARED / "data" / "companies.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.shared_data
def test_every_real_company_may_register_and_few_are_shown_to_a_reviewer(rows):
    assert len(rows) == 7258
    schema, others = RegisterSchema(), (ArrivalSchema(), CompanySchema(), ChangeSchema())
    for row in rows:
        reading = row["name_yomi"]
        values = {"name": row["name"], "corporate_number": row["corporate_number"], **REST}
        assert schema.validate({**values, "kana": reading}) == {}, row
        for each in others:
            refused = each.validate({"name": row["name"], "kana": reading})
            assert not refused.keys() & {"name", "kana"}, row
    names = [name_skeleton(row["name"]) for row in rows]
    sizes = Counter(names)
    twins = sum(size > 1 for size in sizes.values())
    near = {name for pair in _pairs(set(names)) for name in pair}
    shown = sum(sizes[name] > 1 or name in near for name in names)
    assert (twins, shown) == (48, 481)
    assert shown / len(rows) < 0.08


@pytest.mark.shared_data
def test_service_takes_real_names_and_marks_those_that_the_pairs_mark(rows, database, monkeypatch):
    """A spread sample by the path of the first page, on both databases: all pass, and look_alike_of agrees."""
    skeletons = [name_skeleton(row["name"]) for row in rows]
    near = {name for pair in _pairs(set(skeletons)) for name in pair}
    alike = [row for row, each in zip(rows, skeletons, strict=True) if each in near]
    chosen = alike[:: len(alike) // SAMPLE] + rows[:: len(rows) // SAMPLE]
    chosen = list({row["corporate_number"]: row for row in chosen}.values())
    for row in alike:  # the partner of a name that is near another belongs to the sample
        if len(chosen) < 3 * SAMPLE and row not in chosen:
            chosen.append(row)
    monkeypatch.setattr("accounts.services.hash_password", lambda _password: "unused")
    monkeypatch.setattr("accounts.services._matches", lambda *_: False)
    settings = Settings(env="development")
    marked, earlier = set(), []
    with db.transaction() as session:
        for number, row in enumerate(chosen):
            words = {"corporate_number": row["corporate_number"], "name": row["name"]}
            typed = RegisterSchema().load(
                {**REST, **words, "kana": row["name_yomi"], "email": f"p{number}@example.jp"}
            )
            made = services.register(session, ANONYMOUS, settings, **typed)
            mine = name_skeleton(typed["name"])
            expected = [name for name, other in earlier if is_alike(mine, other)]
            assert (made.look_alike_of in expected) if expected else made.look_alike_of == "", row
            if expected:
                marked.add(typed["name"])
            earlier.append((typed["name"], mine))
    assert len(marked) > SAMPLE // 3


def _pairs(skeletons):
    buckets = defaultdict(set)
    for skeleton in skeletons:
        for key in {skeleton, *one_fewer(skeleton)}:
            buckets[key].add(skeleton)
    pairs = {pair for bucket in buckets.values() for pair in combinations(sorted(bucket), 2)}
    return [pair for pair in pairs if is_alike(*pair)]


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
