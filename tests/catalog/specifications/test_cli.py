"""narabi specifications import."""

import json

import pytest
from click.testing import CliRunner

from app import cli
from catalog.specifications import queries
from catalog.specifications.models import Pattern, SpecificationState
from core import db
from tests import factories
from tests.catalog.specifications.conftest import SAMPLE, csv_bytes, sample_rows

# Words and refusals of pages: the same on both databases, so asked once.
pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def narabi(database, monkeypatch, tmp_path):
    """Run the command over the database under test."""
    monkeypatch.setenv("NARABI_ENV", "development")
    monkeypatch.setenv("NARABI_DATABASE_URL", database.url)
    monkeypatch.setenv("NARABI_DATA_DIR", str(tmp_path / "data"))

    def run(*arguments):
        return CliRunner().invoke(cli, ["specifications", "import", *map(str, arguments)])

    return run


def find(code, label):
    with db.reading() as session:
        version = queries.find_version(session, code, label)
        return version, queries.list_requirements(session, version.id) if version else []


def test_the_real_specification_becomes_a_draft_of_its_reviewer(narabi, agency, real_file):
    done = narabi(
        real_file, "--code", "JYUKI", "--version", "1.0", "--actor", agency.reviewer.email
    )
    assert done.exit_code == 0, done.output
    assert "197件" in done.output
    version, requirements = find("JYUKI", "1.0")
    assert version.state is SpecificationState.DRAFT
    assert version.last_editor_id == agency.reviewer.id
    assert version.specification.pattern is Pattern.STANDARDISED
    assert [each.position for each in requirements] == list(range(1, 198))


def test_facts_are_taken_from_the_options(narabi):
    done = narabi(
        *(SAMPLE, "--code", "MIHON", "--version", "1.0", "--name", "見本仕様書", "--field", "施設"),
        *("--ministry", "見本府省", "--pattern", "b", "--applies-from", "R9.4.1", "--sample"),
    )
    assert done.exit_code == 0, done.output
    version, requirements = find("MIHON", "1.0")
    assert len(requirements) == 60
    specification = version.specification
    assert (specification.name, specification.field, specification.ministry) == (
        "見本仕様書",
        "施設",
        "見本府省",
    )
    assert (specification.pattern, specification.is_sample) == (Pattern.COMMON_B, True)
    assert str(version.applies_from) == "2027-04-01"
    assert version.last_editor_id is None


def test_three_broken_rows_are_named_and_nothing_is_imported(narabi, tmp_path):
    rows = sample_rows()
    rows[3][6], rows[4][4], rows[9][0] = "たぶん", "", rows[1][0]
    rows[1][4] = "一行目\n二行目"
    broken = tmp_path / "broken.csv"
    broken.write_bytes(csv_bytes(rows))
    done = narabi(broken, "--code", "MIHON", "--version", "1.0")
    assert done.exit_code != 0
    for words in (
        "4行目「実装区分」",
        "たぶん",
        "5行目「機能要件」",
        "10行目「要件ID」",
        "SY-0010",
    ):
        assert words in done.output
    assert find("MIHON", "1.0") == (None, [])


def test_a_second_import_replaces_the_draft_and_a_broken_one_leaves_it(narabi, tmp_path):
    shorter, broken = tmp_path / "shorter.csv", tmp_path / "broken.csv"
    shorter.write_bytes(csv_bytes(sample_rows()[:6]))
    broken.write_bytes(csv_bytes([*sample_rows()[:3], sample_rows()[1]]))
    codes = []
    for file, expected in ((SAMPLE, 60), (shorter, 5), (broken, 5)):
        codes.append(narabi(file, "--code", "MIHON", "--version", "1.0").exit_code)
        assert len(find("MIHON", "1.0")[1]) == expected
    assert codes == [0, 0, 1]


def test_a_published_version_is_refused(narabi):
    with db.transaction() as session:
        factories.specification(session, code="PUB", label="1.0")
    done = narabi(SAMPLE, "--code", "PUB", "--version", "1.0")
    assert done.exit_code != 0
    assert "新しい版として取り込んでください" in done.output
    assert len(find("PUB", "1.0")[1]) == 6


def test_a_mapping_file_answers_what_is_unclear(narabi, tmp_path):
    rows = sample_rows()
    rows[0][0], rows[0][6] = "A欄", "B欄"
    for row in rows[1:]:
        row[6] = {"実装必須": "甲", "標準オプション": "乙", "実装不可": "丙"}[row[6]]
    table, mapping = tmp_path / "table.csv", tmp_path / "mapping.json"
    table.write_bytes(csv_bytes(rows))
    refused = narabi(table, "--code", "MIHON", "--version", "1.0")
    assert refused.exit_code != 0
    assert "要件IDの列が分かりません" in refused.output
    told = {
        "columns": {"requirement_id": "A欄", "class": "B欄"},
        "classes": {"甲": "must", "乙": "may", "丙": "must_not"},
    }
    mapping.write_text(json.dumps(told, ensure_ascii=False))
    done = narabi(table, "--code", "MIHON", "--version", "1.0", "--mapping", mapping)
    assert done.exit_code == 0, done.output
    assert len(find("MIHON", "1.0")[1]) == 60


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--actor", "nobody@example.jp", "審査員はいません"),
        ("--code", "住基", "半角の英字"),
        ("--version", "1/2", "斜線"),
        ("--applies-from", "いつか", "適用の始まる日"),
    ],
)
def test_wrong_options_are_answered_in_a_sentence(narabi, option, value, words):
    options = {"--code": "MIHON", "--version": "1.0", option: value}
    done = narabi(SAMPLE, *[part for pair in options.items() for part in pair])
    assert done.exit_code == 1
    assert words in done.output
    assert find("MIHON", "1.0") == (None, [])


def test_a_clerk_is_no_actor_for_an_import(narabi):
    from accounts.models import Role

    with db.transaction() as session:
        clerk = factories.person(session, Role.CLERK)
    done = narabi(SAMPLE, "--code", "MIHON", "--version", "1.0", "--actor", clerk.email)
    assert done.exit_code == 1
    assert find("MIHON", "1.0") == (None, [])


def test_a_dry_run_shows_what_would_change_and_changes_nothing(narabi, tmp_path):
    assert narabi(SAMPLE, "--code", "MIHON", "--version", "1.0").exit_code == 0
    rows = sample_rows()
    changed = [*rows[:5], ["SY-9999", *rows[5][1:]], *rows[6:]]
    changed[1] = [*rows[1][:4], f"{rows[1][4]}追記", *rows[1][5:]]
    file = tmp_path / "next.csv"
    file.write_bytes(csv_bytes(changed))
    first, gone = rows[1][0], rows[5][0]
    for options in (("1.0", "--dry-run"), ("2.0", "--dry-run", "--against", "1.0")):
        done = narabi(file, "--code", "MIHON", "--version", *options)
        assert done.exit_code == 0, done.output
        for words in (
            "何も変えていません",
            "追加 1件：SY-9999",
            "変更 1件",
            f"  {first} ",
            "（機能要件（本文））",
            f"削除 1件：{gone}",
            "同じ 58件",
        ):
            assert words in done.output
    assert find("MIHON", "2.0") == (None, [])
    unknown = narabi(file, "--code", "MIHON", "--version", "2.0", "--dry-run", "--against", "9")
    assert (unknown.exit_code, "「9」がありません" in unknown.output) == (1, True)
    file.write_bytes(csv_bytes([*changed, ["SY-1", "", "", "", "", "", "？"]]))
    broken = narabi(file, "--code", "MIHON", "--version", "2.0", "--dry-run")
    assert (broken.exit_code, "G62（62行目" in broken.output) == (1, True)


def test_a_refusal_shows_the_mapping_to_write_and_toml_is_taken(narabi, tmp_path):
    table, mapping = tmp_path / "table.csv", tmp_path / "mapping.toml"
    rows = [
        ["ID", "Requirement", "L1", "L2"],
        ["1", "Keep a log.", "x", "x"],
        ["2", "Read it.", "", "x"],
    ]
    table.write_bytes(csv_bytes(rows))
    refused = narabi(table, "--code", "ASVS", "--version", "1")
    assert refused.exit_code == 1
    assert '{"levels": {"must": "L1"}}' in refused.output
    mapping.write_text('[levels]\nmust = "L1"\n[constants]\nkind = "non_functional"\n')
    done = narabi(table, "--code", "ASVS", "--version", "1", "--mapping", mapping)
    assert done.exit_code == 0, done.output
    _, found = find("ASVS", "1")
    assert [(each.class_other.value, each.kind.value) for each in found] == [
        ("must", "non_functional"),
        ("may", "non_functional"),
    ]
    shown = CliRunner().invoke(cli, ["specifications", "mapping", str(table)])
    assert json.loads(shown.stdout)["levels"] == {"columns": ["L1", "L2"]}
    assert "どの段階までを" in shown.stderr
    mapping.write_text('[levels]\nmust = "L9"\n')
    wrong = narabi(table, "--code", "ASVS", "--version", "2", "--mapping", mapping)
    assert (wrong.exit_code, "段階「L9」が表にありません" in wrong.output) == (1, True)
    mapping.write_text("levels = 3")
    wrong = narabi(table, "--code", "ASVS", "--version", "2", "--mapping", mapping)
    assert (wrong.exit_code, "名前と値の組" in wrong.output) == (1, True)


def test_a_file_that_is_no_table_is_refused(narabi, tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "a.json").write_text("not json")
    pdf = narabi(tmp_path / "a.pdf", "--code", "MIHON", "--version", "1.0")
    assert (pdf.exit_code, "CSVかXLSX" in pdf.output) == (1, True)
    mapped = narabi(SAMPLE, "--code", "MIHON", "--version", "1.0", "--mapping", tmp_path / "a.json")
    assert (mapped.exit_code, "JSONではありません" in mapped.output) == (1, True)


def test_a_dry_run_shows_the_effect_beside_the_errors(narabi, tmp_path):
    told = ("--code", "DRY", "--version", "1")
    table = tmp_path / "table.csv"
    rows = [["機能ID", "機能要件", "実装区分"], ["1", "検索", "必須"], ["2", "印刷", "必須"]]
    table.write_bytes(csv_bytes(rows))
    assert narabi(table, *told).exit_code == 0
    table.write_bytes(
        csv_bytes([rows[0], ["1", "検索", "任意"], ["3", "出力", "たぶん"], ["4", "表示", "不可"]])
    )
    done = narabi(table, *told, "--dry-run")
    assert done.exit_code == 1
    for words in (
        "「たぶん」は分からない言葉です",
        "追加 1件：4",
        "変更 1件",
        "削除 1件：2",
        "誤りが1件",
    ):
        assert words in done.output
    assert [each.requirement_id for each in find("DRY", "1")[1]] == ["1", "2"]
