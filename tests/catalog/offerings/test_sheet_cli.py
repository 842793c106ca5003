"""narabi offerings import."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from app import cli
from catalog.offerings import queries
from catalog.offerings.sheets.writing import sample_rows, write_workbook
from core import db
from tests import factories
from tests.catalog.offerings.conftest import make_company

# Words of a command: the same on both databases, so asked once.
pytestmark = pytest.mark.sqlite_only


def test_a_member_imports_from_the_command_line(
    database: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name, value in (("ENV", "development"), ("DATABASE_URL", database.url), ("DATA_DIR", tmp_path)):  # fmt: skip
        monkeypatch.setenv(f"NARABI_{name}", str(value))
    with db.transaction() as session:
        factories.specification(session, code="MADO", label="1.0")
        company, rival = make_company(session), make_company(session)

    def run(file: str, *more: str, email: str = company.member.email) -> Any:
        told = ["--vendor", company.vendor.corporate_number, "--actor", email]
        arguments = ["offerings", "import", str(tmp_path / file), *told, *more]
        return CliRunner().invoke(cli, arguments)

    def names() -> list[str]:
        with db.reading() as session:
            return [each.name for each in queries.list_versions_of(session, company.vendor.owner_id)]  # fmt: skip

    offering, (price,) = sample_rows("MADO 1.0")
    rows = [(offering | {"key": "A", "name": "見本の予約"}, [price | {"key": "A"}])]
    (tmp_path / "a.xlsx").write_bytes(write_workbook(rows, []))
    tried = run("a.xlsx", "--dry-run")
    assert (tried.exit_code, "何も変えていません" in tried.output, names()) == (0, True, [])
    assert "新しい下書き 1件" in run("a.xlsx").output
    assert names() == ["見本の予約"]
    again = run("a.xlsx")
    assert (again.exit_code, "シート「サービス」F2 2行目「サービスの名称」" in again.output) == (
        1,
        True,
    )
    assert "という人はいません" in run("a.xlsx", email=rival.member.email).output

    (tmp_path / "b.csv").write_text("製品,ひとこと\n見本の案内,便利です\n", "utf-8")
    assert "見出しが書式と違います" in run("b.csv").output
    told = {"columns": {"製品": "name", "ひとこと": "summary"}, "specification": "MADO 1.0"}
    (tmp_path / "m.json").write_text(json.dumps(told), "utf-8")
    assert run("b.csv", "--mapping", str(tmp_path / "m.json")).exit_code == 0
    (tmp_path / "m.json").write_text('{"columns": {"製品": "nonsense"}}', "utf-8")
    refused = run("b.csv", "--mapping", str(tmp_path / "m.json"))
    assert (refused.exit_code, "「製品」の項目がありません" in refused.output) == (1, True)
    assert sorted(names()) == ["見本の予約", "見本の案内"]
