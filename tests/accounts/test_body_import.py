"""The list of bodies comes from a file that is checked as a whole."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from accounts.cli import bodies_group
from accounts.models import OrganisationKind
from accounts.queries import find_body_by_code, list_bodies
from core import db
from tests import factories

BODIES = Path(__file__).resolve().parents[2] / "accounts" / "data" / "bodies.csv"
HEAD = "code,name,kana,prefecture,kind,population,population_date,population_source\n"
GOOD = "203840,飯島町,いいじままち,長野県,town,9007,2020-10-01,令和2年国勢調査\n"


def run(*arguments):
    return CliRunner().invoke(bodies_group, ["import", *map(str, arguments)])


def write(tmp_path, text):
    file = tmp_path / "bodies.csv"
    file.write_text(text, "utf-8")
    return file


def bodies():
    with db.reading() as session:
        return list_bodies(session)


def test_all_bodies_are_imported_once(database):
    result = run(BODIES)
    assert (result.exit_code, "1,788団体を追加" in result.output) == (0, True)
    assert len(bodies()) == 1_788
    again = run(BODIES)
    assert "0団体を追加、0団体を更新" in again.output
    with db.reading() as session:
        town = find_body_by_code(session, "203840")
        assert town is not None
        assert (town.label, town.population) == ("飯島町（長野県）", 9_007)


def test_second_import_updates_and_keeps_a_known_population(database, tmp_path):
    run(write(tmp_path, HEAD + GOOD))
    result = run(write(tmp_path, "code,name,prefecture,kind\n203840,飯島市,長野県,city\n"))
    assert "0団体を追加、1団体を更新" in result.output
    (town,) = bodies()
    assert (town.name, town.population, town.kana) == ("飯島市", 9_007, "いいじままち")


def test_conflict_with_another_organisation_is_told_in_a_sentence(database, tmp_path):
    with db.transaction() as session:
        factories.organisation(session, OrganisationKind.AGENCY, code="203840")
    result = run(write(tmp_path, HEAD + GOOD))
    assert result.exit_code == 1
    assert "Error: 同じ内容がすでに登録されている" in result.output
    assert isinstance(result.exception, SystemExit)
    assert bodies() == []


def test_every_broken_row_is_named_and_nothing_is_imported(database, tmp_path):
    broken = (
        HEAD
        + GOOD
        + "203841,検査町,,長野県,town,,,\n"
        + "204862,小谷村,,長野県,hamlet,,,\n"
        + "204854,白馬村,,長野県,village,8千,2020-10-01,令和2年国勢調査\n"
        + "202045,岡谷市,,群馬県,city,,,\n"
        + "202061,諏訪市,,長野県,city,48729,2199-10-01,令和2年国勢調査\n"
        + "203840,飯島町,,長野県,town,,,\n"
    )
    result = run(write(tmp_path, broken))
    assert result.exit_code == 1
    for words in (
        "3行目 code列の「203841」：団体コードの「203841」は最後の数字（検査数字）が合いません。",
        "4行目 kind列の「hamlet」：種別は一覧から選択してください。",
        "5行目 population列の「8千」：人口は数字で入力してください。",
        "6行目 prefecture列の「群馬県」：団体コードの先頭の2桁が都道府県と合いません。",
        "7行目 population_date列の「2199-10-01」：人口の基準日は今日までの日付にしてください。",
        "8行目 code列の「203840」：団体コードが2行目と同じです。",
        "確かめるところが6件あるため、何も登録していません。",
    ):
        assert words in result.output
    assert bodies() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "空です"),
        ("name,prefecture,kind\n", "code列の「code」：この列がありません。"),
        (HEAD.strip() + ",mayor\n", "mayor列の「mayor」：この列は受け付けていません。"),
        (HEAD + GOOD.strip() + ",more\n", "見出しのない列に値があります。"),
        (HEAD + "203840,飯島町,,長野県,town,9007,,\n", "基準日も入力してください。"),
    ],
)
def test_file_of_another_shape_is_refused(database, tmp_path, text, words):
    result = run(write(tmp_path, text))
    assert result.exit_code == 1
    assert words in result.output
    assert bodies() == []


def test_dry_run_imports_nothing(database, tmp_path):
    result = run("--dry-run", write(tmp_path, HEAD + GOOD))
    assert (result.exit_code, "1団体を確かめました" in result.output) == (0, True)
    assert bodies() == []


def test_five_digit_code_is_completed_and_an_ambiguous_one_refused(database, tmp_path):
    run(write(tmp_path, HEAD + "20384,飯島町,,長野県,town,,,\n"))
    assert [body.code for body in bodies()] == ["203840"]
    result = run(write(tmp_path, HEAD + "14583,東川町,,北海道,town,,,\n"))
    assert result.exit_code == 1
    assert "とも読めます。6桁で入力してください。" in result.output
