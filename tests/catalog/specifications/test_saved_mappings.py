"""A mapping that a reviewer corrected is saved for the ministry and used the next time.

Words of pages are asked on SQLite alone; saving and recalling on both.
"""

import io

import openpyxl
import pytest
from click.testing import CliRunner

from app import cli
from catalog.specifications import queries
from core import db
from tests.catalog.specifications.conftest import csv_bytes

START = "/manage/specifications/import"
ROWS = [
    ["ID", "Requirement", "L1", "L2", "L3"],
    ["V1", "Keep a log of all acts.", "x", "x", "x"],
    ["V2", "Show the log to auditors.", "", "x", "x"],
    ["V3", "Export the log.", "", "", "x"],
]


def upload(browser, content, path=START):
    return browser.submit(path, {"file": (io.BytesIO(content), "table.csv")})


def classes_of(code, label):
    with db.reading() as session:
        version = queries.find_version(session, code, label)
        found = queries.list_requirements(session, version.id)
    return [tuple(one.value for one in each.classes) for each in found]


@pytest.mark.query_budget(32)  # three acts in one: the import, its upload and the saved mapping
def test_levels_are_chosen_on_the_page_saved_and_recalled(
    as_person, database, monkeypatch, tmp_path
):
    browser = as_person("reviewer")
    sent = upload(browser, csv_bytes(ROWS))
    assert "どの段階までを実装必須とするか" in browser.get(sent.location).text
    levels = {"must-designated_city": "L3", "must-core_city": "L2", "must-other": "L1"}
    browser.submit(sent.location, levels, button="この読み取り方で読み直す")
    assert "3件の要件を、誤りなく読み取りました" in browser.get(sent.location).text
    facts = {"code": "ASVS", "label": "1", "save-mapping": "yes"}
    refused = browser.submit(sent.location, facts, button="下書きとして")
    assert (refused.status_code, "所管府省を入力してください" in refused.text) == (422, True)
    done = browser.submit(sent.location, {**facts, "ministry": "見本府省"}, button="下書きとして")
    assert done.status_code == 303
    expected = [("must", "must", "must"), ("must", "must", "may"), ("must", "may", "may")]
    assert classes_of("ASVS", "1") == expected
    # Another ministry's file of the same shape is not read so by itself: the mapping is offered.
    four = csv_bytes([*ROWS, ["V4", "Sign the log.", "x", "x", "x"]])
    sent = upload(browser, four)
    assert "どの段階までを実装必須とするか" in browser.get(sent.location).text
    taken = browser.submit(sent.location, {"label": "9"}, button="見本府省の対応表で読み直す")
    assert taken.status_code == 303
    page = browser.get(sent.location).text
    assert "見本府省の保存した対応表で読み取りました" in page
    assert "4件の要件を、誤りなく読み取りました" in page
    assert 'value="9"' in page
    # The next file of the same ministry is read in the same way from the beginning.
    sent = upload(browser, four, f"{START}?code=ASVS")
    page = browser.get(sent.location).text
    assert "見本府省の保存した対応表で読み取りました" in page
    assert "4件の要件を、誤りなく読み取りました" in page
    file = tmp_path / "next.csv"
    file.write_bytes(csv_bytes(ROWS))
    monkeypatch.setenv("NARABI_ENV", "development")
    monkeypatch.setenv("NARABI_DATABASE_URL", database.url)
    monkeypatch.setenv("NARABI_DATA_DIR", str(tmp_path / "data"))
    told = [
        "specifications",
        "import",
        str(file),
        "--code",
        "ASVS",
        "--version",
        "2",
        "--save-mapping",
    ]
    printed = CliRunner().invoke(cli, told)
    assert printed.exit_code == 0, printed.output
    assert "見本府省の保存した対応表で読み取ります" in printed.stderr
    assert classes_of("ASVS", "2") == expected
    with db.reading() as session:
        [saved] = queries.list_saved_mappings(session, queries_fingerprint(file.read_bytes()))
    assert (saved.ministry, saved.version) == ("見本府省", 2)


def queries_fingerprint(content):
    from catalog.specifications.importing import read_requirements

    return read_requirements(content, "table.csv").fingerprint


@pytest.mark.sqlite_only
def test_the_mapping_is_written_as_a_file_on_the_page(as_person):
    browser = as_person("reviewer")
    sent = upload(browser, csv_bytes(ROWS))
    again = browser.submit(
        sent.location,
        {"mapping-text": '{"levels": {"must": "L9"}'},
        button="書いた対応表で読み直す",
    )
    assert again.status_code == 422
    assert "はJSONではありません" in again.text
    assert "L9" in again.text
    absent = '{"sheets": ["無いシート"], "header_rows": [1]}'
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    stream.seek(0)
    other = browser.submit(START, {"file": (stream, "table.xlsx")})
    refused = browser.submit(
        other.location, {"mapping-text": absent, "code": "KEPT"}, button="書いた対応表で読み直す"
    )
    assert refused.status_code == 422
    for words in ("シート「無いシート」がありません", "無いシート&#34;]", 'value="KEPT"'):
        assert words in refused.text
    told = '{"levels": {"must": "L2"}, "constants": {"kind": "data"}, "columns": {"name": null}}'
    again = browser.submit(sent.location, {"mapping-text": told}, button="書いた対応表で読み直す")
    assert again.status_code == 303
    page = browser.get(sent.location).text
    for words in ("3件の要件を、誤りなく読み取りました", "データ 3件", "必須 2件"):
        assert words in page


@pytest.mark.sqlite_only
def test_an_import_is_compared_with_the_version_that_is_chosen(as_person):
    browser = as_person("reviewer")
    rows = [["機能ID", "機能要件", "実装区分"], ["1", "検索", "必須"], ["2", "印刷", "必須"]]
    for label, content in (("1", rows), ("2", rows[:2])):
        sent = upload(browser, csv_bytes(content), f"{START}?code=X&label={label}")
        browser.submit(sent.location, {}, button="下書きとして")
    changed = [rows[0], ["1", "検索", "任意"], ["3", "削除", "不可"]]
    sent = upload(browser, csv_bytes(changed), f"{START}?code=X&label=2")
    assert "追加 1件、変更 1件、なくなるもの 0件、同じもの 0件" in browser.get(sent.location).text
    browser.submit(sent.location, {"against": "1"}, button="この読み取り方で読み直す")
    page = browser.get(sent.location).text
    assert "追加 1件、変更 1件、なくなるもの 1件、同じもの 0件" in page
    assert "変更（実装区分）" in page


@pytest.mark.sqlite_only
def test_a_colleagues_draft_is_not_overwritten_without_a_word(as_person, agency):
    rows = [["機能ID", "機能要件", "実装区分"], ["1", "検索できること。", "必須"]]
    mine, theirs = as_person("reviewer"), as_person("lead")
    path = f"{START}?code=SHARED&label=1"
    sent = upload(mine, csv_bytes(rows), path)
    page = mine.page(sent.location)  # opened while there was no draft
    fields = {
        e.get("name"): e.get("value") or "" for e in page.iter("input")
        if e.get("name") in {"csrf_token", "seen", "code", "label", "mapping-kept"}
    }  # fmt: skip
    first = upload(theirs, csv_bytes([*rows, ["2", "印刷できること。", "任意"]]), path)
    assert theirs.submit(first.location, {}, button="下書きとして").status_code == 303
    day = {f"applies_from-{part}": "11" for part in ("year", "month", "day")}
    day["applies_from-era"] = "reiwa"
    stale = mine.post(sent.location, data={**fields, "act": "import", **day})
    assert stale.status_code == 412
    for words in (
        f"{agency.lead.name}さん",
        "table.csv、2件",
        "「table.csv」（1件）",
        'value="11"',
    ):
        assert words in stale.text
    assert len(classes_of("SHARED", "1")) == 2
    # Whoever was shown the draft replaces it.
    assert mine.submit(sent.location, {}, button="下書きとして").status_code == 303
    assert len(classes_of("SHARED", "1")) == 1
