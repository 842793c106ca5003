import csv
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from accounts.models import BodyKind

ROOT = Path(__file__).resolve().parents[2]
BODY_DATA = ROOT / "accounts" / "data"
REAL_BODIES = ROOT.parent / "shared" / "data" / "bodies.csv"


def read_rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


BODIES = read_rows(BODY_DATA / "bodies.csv")


def test_every_body_that_contracts_is_there_once():
    kinds = Counter(row["kind"] for row in BODIES)
    assert len({row["code"] for row in BODIES}) == len(BODIES) == 1_788
    assert kinds == {
        "prefecture": 47, "designated_city": 20, "core_city": 62, "city": 710,
        "special_ward": 23, "town": 743, "village": 183,
    }  # fmt: skip
    assert set(kinds) == {kind.value for kind in BodyKind}
    assert not any("016951" <= row["code"] <= "017001" for row in BODIES)


def test_code_of_every_body_ends_in_its_check_digit():
    for row in BODIES:
        digits = [int(digit) for digit in row["code"]]
        total = sum(digit * weight for digit, weight in zip(digits, (6, 5, 4, 3, 2), strict=False))
        assert len(digits) == 6, row
        assert digits[5] == (11 - total % 11) % 10, row


def test_every_body_has_a_reading_and_a_known_prefecture():
    prefectures = {row["code"][:2]: row["name"] for row in BODIES if row["kind"] == "prefecture"}
    for row in BODIES:
        assert row["prefecture"] == prefectures[row["code"][:2]], row
        assert re.fullmatch("[ぁ-ゖー]+", row["kana"]), row


def test_core_cities_are_cities_with_the_day_each_began():
    by_code = {row["code"]: row for row in BODIES}
    rows = read_rows(BODY_DATA / "core_cities.csv")
    assert len(rows) == 62
    for row in rows:
        body = by_code[row["code"]]
        assert (body["name"], body["kind"]) == (row["name"], "core_city")
        assert date(1996, 4, 1) <= date.fromisoformat(row["since"]) <= date(2021, 4, 1)


def test_population_always_comes_with_its_date_and_source():
    known = [row for row in BODIES if row["population"]]
    assert len(known) == 12
    assert {row["kind"] for row in known} == {kind.value for kind in BodyKind}
    for row in BODIES:
        dated = (row["population_date"], row["population_source"])
        census = ("2020-10-01", "令和2年国勢調査（人口速報集計）")
        assert dated == (census if row["population"] else ("", "")), row


def test_bodies_agree_with_the_official_list():
    if not REAL_BODIES.exists():
        pytest.skip("the shared data folder with bodies.csv is not there")
    official = {
        row["code6"]: row
        for row in read_rows(REAL_BODIES)
        if row["type"] != "ward" and row["type"] != "designated_ward"
        and row["northern_territories"] != "1"
    }  # fmt: skip
    assert {row["code"]: row["name"] for row in BODIES} == {
        c: row["name"] for c, row in official.items()
    }
    for row in BODIES:
        assert row["prefecture"] == official[row["code"]]["pref"]
        assert row["population"] in {"", official[row["code"]]["population_2020"]}
