"""Files that cannot be imported: each is refused in a sentence, and nothing is changed."""

import io
import re
import zipfile

import openpyxl
import pytest
from click.testing import CliRunner

from app import cli
from catalog.specifications import queries
from catalog.specifications.importing import read_requirements
from core import db
from tests.catalog.specifications.conftest import SHARED, csv_bytes
from tests.page_checks import parse_page, text_of

# Words and refusals: the same on both databases, so asked once.
pytestmark = pytest.mark.sqlite_only

NAMED = re.compile(r"(?:(?:シート「(.+?)」)?([A-Z]+\d+)（(\d+行目)「(.+?)」）：)?(.+)")
START = "/manage/specifications/import"
HEAD = ["機能ID", "機能要件", "実装区分", "適合基準日"]
GOOD = ["A-1", "検索できること。", "実装必須", "R8.4.1"]


def table(*rows):
    return csv_bytes([HEAD, GOOD, *rows])


def book(*rows, touch=None):
    workbook = openpyxl.Workbook()
    page = workbook.worksheets[0]
    page.title = "要件"
    for row in (HEAD, GOOD, *rows):
        page.append(row)
    target = io.BytesIO()
    if touch is not None:
        touch(page)
    workbook.save(target)
    return target.getvalue()


def bomb():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    return target.getvalue()


def broken_inside():
    """Return a workbook whose sheet is no XML."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book())) as old, zipfile.ZipFile(target, "w") as new:
        for part in old.infolist():
            content = old.read(part)
            new.writestr(part, content[:200] if "sheet1" in part.filename else content)
    return target.getvalue()


BROKEN = {
    "wrong encoding": (
        "a.csv",
        lambda: table() + b"A-2,\xff\xfe\xfa,x\r\n",
        "3行目：文字として読めない符号",
    ),
    "UTF-16": (
        "a.csv",
        lambda: "機能ID,要件".encode("utf-16"),
        "CSV（UTF-8かシフトJIS）ではありません",
    ),
    "no zip": ("a.xlsx", lambda: b"not a workbook", "壊れているか"),
    "cut": ("a.xlsx", lambda: book()[:3000], "壊れているか"),
    "no XML inside": ("a.xlsx", broken_inside, "壊れているか"),
    "ratio bomb": ("a.xlsx", bomb, "展開すると大きすぎます"),
    "encrypted": (
        "a.xlsx",
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        "パスワードで保護",
    ),
    "empty": ("a.csv", lambda: b"", "空です"),
    "blank": ("a.csv", lambda: b",,\r\n\r\n", "表がありません"),
    "only a heading": ("a.csv", lambda: csv_bytes([HEAD]), "要件の行がありません"),
    "formula error": (
        "a.xlsx",
        lambda: book(
            ["A-2", "#REF!", "実装必須"], touch=lambda page: setattr(page["B3"], "data_type", "e")
        ),
        "B3（3行目「機能要件」）：計算の誤り（#REF!）",
    ),
    "formula without result": (
        "a.xlsx",
        lambda: book(["A-2", "=B2", "実装必須"]),
        "B3（3行目「機能要件」）：計算式の結果が保存されていません",
    ),
    "id twice": ("a.csv", lambda: table(GOOD), "A3（3行目「機能ID」）：「A-1」は2行目にもあります"),
    "wide id twice": ("a.csv", lambda: table(["Ａ－１", *GOOD[1:]]), "「A-1」は2行目にもあります"),
    "no text": (
        "a.csv",
        lambda: table(["A-2", "", "実装必須", ""]),
        "B3（3行目「機能要件」）：機能要件を入力",
    ),
    "no id": (
        "a.csv",
        lambda: table(["", "表示", "実装必須", ""]),
        "A3（3行目「機能ID」）：要件IDを入力",
    ),
    "unknown class": (
        "a.xlsx",
        lambda: book(["A-2", "表示", "たぶん", ""]),
        "シート「要件」C3（3行目「実装区分」）：「たぶん」は分からない言葉",
    ),
    "no class": (
        "a.csv",
        lambda: table(["A-2", "表示", "", ""]),
        "C3（3行目「実装区分」）：実装区分が空です",
    ),
    "impossible day": (
        "a.csv",
        lambda: table(["A-2", "表示", "実装必須", "令和9年2月30日"]),
        "D3（3行目「適合基準日」）：適合基準日の「令和9年2月30日」はありません",
    ),
    "two headings": (
        "a.csv",
        lambda: table(["実装区分", "機能ID", "機能要件", "備考"], ["必須", "B-1", "表示", ""]),
        "1行目と3行目",
    ),
    "two id columns": (
        "a.csv",
        lambda: csv_bytes([["機能ID", "要件ID", *HEAD[1:]], ["1", *GOOD], ["2", "A-2", *GOOD[1:]]]),
        "「機能ID」と「要件ID」のどれが",
    ),
    "too long": ("a.csv", lambda: table(["A-2", "あ" * 20_001, "実装必須", ""]), "20000文字以内"),
    "over-long cell": (
        "a.csv",
        lambda: table(["A-2", "あ" * 140_000, "実装必須", ""]),
        "3行目：引用符",
    ),
    "control character": (
        "a.csv",
        lambda: table(["A-2", "表\x07示", "実装必須", ""]),
        "B3（3行目「機能要件」）：機能要件の2文字目に画面に見えない制御文字（U+0007）",
    ),
    "bidi": (
        "a.xlsx",
        lambda: book(["A-2", "表\u202e示", "実装必須", ""]),
        "画面に見えない書式文字（U+202E）",
    ),
    "merged id with two classes": (
        "a.xlsx",
        lambda: book(
            ["A-2", "表示", "実装必須"],
            ["", "印刷", "実装不可"],
            touch=lambda page: page.merge_cells("A3:A4"),
        ),
        "実装区分が分かれています",
    ),
    "another kind of file": ("a.pdf", lambda: b"%PDF-1.7", "CSVかXLSXを選んでください"),
}


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory):
    return tmp_path_factory.mktemp("broken")


def test_each_broken_file_is_refused_and_nothing_is_imported(database, monkeypatch, nowhere):
    monkeypatch.setenv("NARABI_ENV", "development")
    monkeypatch.setenv("NARABI_DATABASE_URL", database.url)
    monkeypatch.setenv("NARABI_DATA_DIR", str(nowhere / "data"))
    for case, (name, make, words) in BROKEN.items():
        path = nowhere / name
        path.write_bytes(make())
        arguments = ["specifications", "import", str(path), "--code", "X", "--version", "1"]
        done = CliRunner().invoke(cli, arguments)
        assert done.exit_code == 1, case
        assert words in done.output, (case, done.output)
        assert "Traceback" not in done.output
        with db.reading() as session:
            assert queries.find_specification(session, "X") is None, case


def test_each_broken_file_is_refused_by_the_page_in_the_same_words(as_person):
    browser = as_person("reviewer")
    for case, (name, make, words) in BROKEN.items():
        sent = browser.submit(START, {"file": (io.BytesIO(make()), name)})
        if sent.status_code == 422:  # no table at all: said beside the field
            assert words in text_of(parse_page(sent.text)), case
            continue
        assert sent.status_code == 303, case
        page = text_of(browser.page(sent.location))
        for part in filter(None, NAMED.fullmatch(words).groups()):  # one cell of the page each
            assert part in page, (case, part)
        facts = {"code": "X", "label": "1"}
        assert browser.submit(sent.location, facts, button="下書きとして").status_code == 422, case
        with db.reading() as session:
            assert queries.find_specification(session, "X") is None, case


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["services_real.csv", "bodies.csv", "companies.csv"])
def test_lists_of_another_kind_are_asked_about_and_never_guessed(name):
    file = SHARED.with_name(name)
    found = read_requirements(file.read_bytes(), file.name)
    assert found.drafts == ()
    assert "機能要件（本文）の列が分かりません" in "\n".join(map(str, found.unclear))
