"""5,000 requirements by the command, with bars in a terminal; in a pipe there are none.

A process of its own for the terminal; what is stored is tried on both databases elsewhere.
"""

import io
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress

import pytest
from click.testing import CliRunner

from app import cli
from bench.specification_import import large_workbook
from catalog.specifications import queries
from catalog.specifications.models import MOST_REQUIREMENTS
from core import db

pytestmark = pytest.mark.sqlite_only

COUNT = 5_000
COMMAND = (sys.executable, "-c", "from app import cli; cli()", "specifications", "import")


@pytest.fixture
def environment(database, tmp_path):
    told = {
        "NARABI_ENV": "development",
        "NARABI_DATABASE_URL": database.url,
        "NARABI_DATA_DIR": str(tmp_path),
    }
    return {**os.environ, **told, "COLUMNS": "100", "TERM": "xterm"}


def test_a_terminal_shows_how_far_the_import_is(environment, tmp_path):
    workbook = tmp_path / "large.xlsx"
    workbook.write_bytes(large_workbook(COUNT))
    mine, theirs = pty.openpty()
    command = [*COMMAND, str(workbook), "--code", "LARGE", "--version", "1.0"]
    with subprocess.Popen(command, env=environment, stdout=theirs, stderr=theirs) as running:
        os.close(theirs)
        seen = bytearray()
        with suppress(OSError):  # the terminal is gone when its last writer is
            while part := os.read(mine, 65_536):
                seen += part
        os.close(mine)
    words = seen.decode()
    assert running.returncode == 0, words
    for label in ("表を読んでいます", "要件を確かめています"):
        steps = [int(each) for each in re.findall(rf"{label}\s+\[[#-]+\]\s+(\d+)%", words)]
        assert len(set(steps)) > 10, label
        assert steps == sorted(steps)
        assert steps[-1] == 100
    assert f"{COUNT}件の要件を取り込みました" in words
    with db.reading() as session:
        version = queries.find_version(session, "LARGE", "1.0")
        assert version is not None
        kept = queries.list_requirements(session, version.id)
    assert [each.position for each in kept] == list(range(1, COUNT + 1))
    assert (kept[0].requirement_id, kept[-1].requirement_id) == ("K00000", "K04999")
    assert {each.class_other.value for each in kept} == {"must", "may", "must_not"}


def test_a_pipe_gets_words_and_no_bar(environment, tmp_path):
    table = tmp_path / "large.csv"
    count = 1_000  # the bar of a terminal moves on many times in so many
    lines = [f"R-{number},検索できること。,必須" for number in range(count)]
    table.write_text("\n".join(["機能ID,機能要件,実装区分", *lines]))
    command = ["specifications", "import", str(table), "--code", "LARGE", "--version", "1.0"]
    done = CliRunner().invoke(cli, [*command, "--dry-run"], env=environment)
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    assert f"要件は{count}件です" in done.stdout
    assert "%" not in done.stdout
    assert "\x1b" not in done.stdout


def test_more_than_a_version_may_have_is_refused_whole_and_never_cut(
    environment, tmp_path, as_person
):
    count = MOST_REQUIREMENTS + 1
    lines = [f"R-{number},検索できること。,必須" for number in range(count)]
    content = "\n".join(["機能ID,機能要件,実装区分", *lines]).encode()
    table = tmp_path / "larger.csv"
    table.write_bytes(content)
    command = ["specifications", "import", str(table), "--code", "LARGE", "--version", "1.0"]
    done = CliRunner().invoke(cli, command, env=environment)
    assert done.exit_code == 1
    said = (f"要件が{count:,}件あります", "10,000件までです", "別の仕様書コードで取り込んで")
    for words in said:
        assert words in done.stderr
    browser = as_person("reviewer")
    sent = browser.submit(
        "/manage/specifications/import?code=LARGE&label=1.0",
        {"file": (io.BytesIO(content), "larger.csv")},
    )
    refused = browser.submit(sent.location, {}, button="下書きとして")
    assert refused.status_code == 422
    for words in said:
        assert words in refused.text
    with db.reading() as session:
        assert queries.find_specification(session, "LARGE") is None
