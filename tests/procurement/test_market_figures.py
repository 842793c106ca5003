"""Market figures over HTTP, against an example computed by hand: the page, the spreadsheet, the API."""

import csv
import io

import pytest

from tests.api.world import Api
from tests.page_checks import text_of
from tests.procurement.market_world import CODE, NOW, make_figures_world
from tests.stages import Stages

PLACE = f"/specifications/{CODE}/market"


@pytest.fixture
def world(database, hold_clock, tmp_path, run_folder, worker_id):
    """The market, made once per worker and brought back for each test."""
    folder = run_folder / f"{worker_id}-{database.kind}-stages"
    with Stages(database, tmp_path / "data", folder) as stages:
        made = stages.build("market_figures", make_figures_world)
    hold_clock(NOW)
    return made


@pytest.fixture
def api(client):
    """Fetch from the API and hold what comes back against the description."""
    return Api(client)


def spread(low, high, untold=0):
    return {"low": low, "high": high, "untold": untold}


def test_the_figures_are_those_computed_by_hand(api, world):
    told = api.json(PLACE)
    assert len(api.client.statements) <= 10, api.client.statements
    assert (told["specification_version"]["version"], told["as_of"]) == ("第1.0版", "2026-11-21")
    # 甲 of A is sold by R as well: one service. The suspended vendor's, drafts, the old version: absent.
    assert told["supply"] == {"services": 6, "makers": 3, "sellers": 4, "resellers": 1}
    assert told["certified_supply"] == {"services": 4, "makers": 3, "sellers": 4, "resellers": 1}
    assert {each["state"]: each["services"] for each in told["certification"]} == {
        "certified": 3, "conditional": 1, "claimed": 1, "expired": 1,
        "unknown": 0, "suspended": 0, "revoked": 0,
    }  # fmt: skip
    assert [tuple(each.values()) for each in told["size_classes"]] == [
        ("under_10k", 1, 1, 1, "one"),
        ("10k", 4, 3, 2, "several"),
        ("50k", 1, 1, 1, "one"),
        ("200k", 1, 1, 1, "one"),
        # 己 is certified and does not say for whom: nobody knows.
        ("500k", 0, 0, 0, "unknown"),
    ]
    assert told["size_class_unknown"] == {"services": 2, "certified": 1}
    assert told["body_kind_unknown"] == {"services": 5, "certified": 3}
    kinds = {each["body_kind"]: each["choice"] for each in told["body_kinds"]}
    assert (kinds["city"], kinds["town"], kinds["village"]) == ("one", "one", "unknown")
    # 甲 meets everything, 乙 all but R-006; 丙 and 己 answered nothing, and meet nothing.
    assert told["coverage"] == {
        "certified_without_answers": 2,
        "classes": [
            {"class": "must", "total": 4, "several": 4, "one": 0, "none": 0, "every": 0},
            {"class": "may", "total": 2, "several": 1, "one": 1, "none": 0, "every": 0},
            {"class": "must_not", "total": 1, "several": 1, "one": 0, "none": 0, "every": 0},
        ],
        "scarce": [{"requirement_id": "R-006", "class": "may", "maker_id": world.makers["A"]}],
    }
    # 10,000 people: 甲, 乙, 丙 are certified for them, 己 does not say; 丁 is claimed only.
    assert told["replaceability"] == {
        "fewest_other_makers": 2,
        "certified": 3,
        "unsure": 1,
        "services": 4,
        "without_other_maker": 0,
        "few": 3,
        "entry": spread(0, 300_000, 2),
        "running": spread(120_000, 360_000, 1),
    }
    assert [(e["key"], e["yes"], e["no"], e["untold"]) for e in told["exit_terms"]] == [
        ("retrieval_days", 6, 1, 0),
        ("switching_charge", 0, 0, 7),
        ("data_conformity", 0, 3, 4),
        ("deletion_certificate", 7, 0, 0),
        ("parallel_running", 0, 0, 7),
        ("escrow", 0, 1, 6),
    ]
    assert set(told["published_contracts"].values()) == {0}
    assert [(e["month"], e["services"], e["makers"], e["begun"]) for e in told["months"]] == [
        *((f"2026-{month:02}", 1, 1, int(month == 1)) for month in range(1, 6)),
        ("2026-06", 2, 2, 1), ("2026-07", 2, 2, 0), ("2026-08", 2, 2, 0),
        ("2026-09", 3, 3, 1), ("2026-10", 5, 4, 2), ("2026-11", 4, 3, 1),
    ]  # fmt: skip
    assert [each["is_now"] for each in told["months"]].index(True) == 10


def test_each_service_is_told_with_what_could_replace_it(api, world):
    first_page = api.json(f"{PLACE}/services?limit=4")
    second_page = api.json(f"{PLACE}/services?limit=4&cursor={first_page['next']}")
    items = first_page["items"] + second_page["items"]
    assert second_page["next"] is None
    assert [each["offering_id"] for each in items] == sorted(
        world.ids[name] for name in "甲乙丙丁戊己"
    )
    by_id = {each["offering_id"]: each for each in items}
    first, second, claimed, untold = (by_id[world.ids[name]] for name in "甲乙丁戊")
    counts = ("others", "other_makers", "whole_options", "whole_data", "data_untold")
    # 甲 could become 乙 (other maker, loses R-006, takes all data in) or 丙 (same maker, says nothing).
    assert [first[name] for name in counts] == [2, 1, 0, 1, 1]
    assert first["leaving"] == spread(50_000, 50_000, 1)
    assert first["entry"] == spread(0, 0, 1)
    assert first["switching"] == spread(50_000, 50_000, 2)
    # A asks 360,000 a year, R 300,000; 乙 120,000.
    assert first["difference"] == spread(-240_000, -180_000, 1)
    assert [(e["running"], e["entry"], e["leaving"]) for e in first["sellers"]] in (
        [(360_000, 300_000, 50_000), (300_000, None, None)],
        [(300_000, None, None), (360_000, 300_000, 50_000)],
    )
    # 乙 gives 履歴 out as XML, which 甲 does not take in.
    assert [second[name] for name in counts] == [2, 1, 1, 0, 1]
    assert (second["leaving"], second["switching"]) == (
        spread(30_000, 30_000),
        spread(330_000, 330_000, 2),
    )
    assert [claimed["others"], claimed["other_makers"], claimed["serves"]] == [3, 2, True]
    assert [untold["others"], untold["serves"]] == [3, None]
    whole = api.json(f"{PLACE}/services/{world.ids['甲']}")
    assert {**first, "substitutes": whole["substitutes"]} == whole
    found = {each["offering_id"]: each for each in whole["substitutes"]}
    assert set(found) == {world.ids["乙"], world.ids["丙"]}
    other = found[world.ids["乙"]]
    assert (other["missing_options"], other["is_same_maker"]) == (1, False)
    assert other["data"] == {"total": 2, "ready": 2, "untold": 0, "formats": ["CSV", "XML"]}
    assert other["switching"] == spread(50_000, 50_000, 1)
    silent = found[world.ids["丙"]]
    assert (silent["missing_options"], silent["switching"]) == (None, None)
    plain = api.json(f"{PLACE}/services/{world.ids['丁']}")["substitutes"]
    (taken,) = [each["data"] for each in plain if each["offering_id"] == world.ids["丙"]]
    assert taken == {"total": 1, "ready": 1, "untold": 0, "formats": ["CSV"]}
    # 丙 tells of all its data that it takes in CSV: of 履歴 (XML) nobody knows.
    assert silent["data"] == {"total": 2, "ready": 1, "untold": 1, "formats": ["CSV"]}


def test_another_population_or_version_has_its_own_figures(api, world):
    told = api.json(f"{PLACE}?population=300000")
    assert (told["size_class"], told["replaceability"]["certified"]) == ("200k", 1)
    assert told["replaceability"]["without_other_maker"] == 1
    (item,) = [
        each
        for each in api.json(f"{PLACE}/services?population=300000")["items"]
        if each["offering_id"] == world.ids["甲"]
    ]
    assert (item["serves"], item["others"], item["entry"]) == (False, None, None)
    place = f"{PLACE}/services/{world.ids['甲']}?population=300000"
    assert api.json(place)["substitutes"] == []
    old = api.json(f"{PLACE}?version=第0.9版")
    assert [each["choice"] for each in old["size_classes"]] == ["none"] * 4 + ["one"]
    assert (old["supply"]["services"], old["specification_version"]["state"]) == (1, "superseded")
    tag = api.get(PLACE).headers["ETag"]
    api.get(PLACE, 304, headers={"If-None-Match": tag})
    for query, field in (
        ("population=0", "population"),
        ("population=x", "population"),
        ("x=1", "x"),
    ):
        assert [e["field"] for e in api.json(f"{PLACE}?{query}", 400)["errors"]] == [field]
    for path in (
        "/specifications/NONE/market",
        f"{PLACE}?version=第9版",
        f"{PLACE}/services/{world.version.id}",
    ):
        assert api.json(path, 404)["type"].endswith("#not_found")


def test_the_page_and_its_files_say_the_same_to_everyone(client, world):
    page = client.page(PLACE)
    assert len(client.statements) <= 10, client.statements
    told = text_of(page)
    for words in (
        "この版で認証されたサービスは4件、その開発者は3社です。",
        "50万人以上の団体に対応すると答えた認証されたサービスは、ありません。",
        "認証されたサービスのうち1件は、対応する人口を答えていません。",
        "1万人未満、5万人以上20万人未満、20万人以上50万人未満の団体に対応すると答えた認証されたサービスは、1社のものだけです。",
        "1万人以上5万人未満の団体が選べる認証されたサービスは3件（2社）です。",
        "対応する人口を答えていない認証されたサービスが1件",
        "180,000円から240,000円安い",
        "満たす開発者が1社だけか、いない要件を開く（1件）",
        "見本A社だけ",
        "公表された契約は、まだありません",
        "認証が有効なサービスは、令和8年1月末の1件から、いま4件になりました。",
    ):
        assert words in told, words
    for absent in ("停止中の事業者のもの", "下書き", "旧版のもの"):
        assert absent not in told
    found = client.page(f"{PLACE}/{world.ids['甲']}")
    substitutes = text_of(found)
    (link,) = found.findall(".//table[@id='substitutes']//a")[:1]
    compared = text_of(client.page(link.get("href")))
    assert "甲" in compared
    assert "人口10,000人の団体" in compared
    assert "2種類のうち2種類" in substitutes
    assert "共通の形式：CSV、XML" in substitutes
    assert "2件。ほかの開発者は1社です（少なくなっています）" in substitutes
    nobody = text_of(client.page(f"{PLACE}/{world.ids['甲']}?population=1000000"))
    assert "代わりになれるサービスは、いま0件です" in nobody
    rows = list(
        csv.DictReader(io.StringIO(client.get(f"{PLACE}?format=csv").text.lstrip("\ufeff")))
    )
    by_name = {row["サービス"]: row for row in rows}
    assert len(rows) == 6
    assert by_name["甲"]["やめる費用（最小・円・税抜）"] == "50000"
    assert by_name["甲"]["1年の差（最小）"] == "-240000"
    assert by_name["丙"]["うちデータをすべて渡せる"] == "情報なし"
    assert client.get(f"{PLACE}?format=xlsx").data[:2] == b"PK"
    assert "人口は1以上" in text_of(client.page(f"{PLACE}?population=many", status=400))
    assert client.get("/specifications/NONE/market").status_code == 404
    for path in (
        f"/specifications/{CODE}",
        f"/specifications/{CODE}/第1.0版",
        "/specifications",
        "/",
    ):
        assert f'href="{PLACE}' in client.get(path).text, path
