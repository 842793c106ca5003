"""Evidence files: what is taken, what is refused, where it is kept and who may read it.

What a reader of files refuses is asked on SQLite alone.
"""

import hashlib
import io
import os
import struct
import zipfile
import zlib
from dataclasses import replace
from uuid import UUID

import pytest
import xlsxwriter
from click.testing import CliRunner, Result
from flask import Flask
from pypdf import PdfWriter
from sqlalchemy import func
from sqlmodel import select

from accounts.models import Organisation, OrganisationKind, Role
from catalog.certification.models import ReviewState
from catalog.offerings import evidence_check
from catalog.offerings.evidence_check import EvidenceRefused, check_evidence
from catalog.offerings.file_cli import files_group
from catalog.offerings.models import EvidenceFile, OfferingVersion
from catalog.offerings.queries.answers import list_answers, stream_files
from catalog.terms import EvidenceKind
from core import db, storage
from core.cli import Operation
from core.config import Settings
from tests import factories
from tests.catalog.offerings.conftest import Company, load, make_company, make_draft
from tests.client import CheckedClient
from tests.page_checks import parse_page, text_of


def png(width: int = 40, height: int = 30, *, said: tuple[int, int] | None = None) -> bytes:
    """Return an image; `said` is the size in its header when that lies."""
    rows = b"".join(b"\x00" + bytes(3 * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", *(said or (width, height)), 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def pdf(password: str = "") -> bytes:
    """Return a document of one page."""
    writer, out = PdfWriter(), io.BytesIO()
    writer.add_blank_page(200, 200)
    if password:
        writer.encrypt(password)
    writer.write(out)
    return out.getvalue()


def xlsx() -> bytes:
    """Return a small workbook."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        book.add_worksheet("結果").write_string(0, 0, "合格")
    return out.getvalue()


def archive(parts: dict[str, bytes]) -> bytes:
    """Return an archive of parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return out.getvalue()


def flipped(content: bytes, place: int) -> bytes:
    """Return content with one byte changed."""
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


SOUND = (
    ("画面.png", png(), EvidenceKind.PNG),
    ("試験結果.PDF", pdf(), EvidenceKind.PDF),
    ("結果.xlsx", xlsx(), EvidenceKind.XLSX),
    ("結果.csv", "番号,結果\r\n1,合格\r\n".encode(), EvidenceKind.CSV),
    ("結果2.csv", "番号,結果\r\n1,合格\r\n".encode("cp932"), EvidenceKind.CSV),
)
UNSOUND = (
    ("空.pdf", b"", "空です"),
    ("画面.gif", b"GIF89a" + bytes(50), "受け取れない種類"),
    ("実行.exe", b"MZ" + bytes(50), "受け取れない種類"),
    ("画面.pdf", png(), "中身はPDFではありません"),
    ("文書.png", pdf(), "中身はPNGではありません"),
    ("文書.csv", pdf(), "中身はCSVではありません"),
    ("ページ.csv", b"<html><script>alert(1)</script></html>", "中身が表ではありません"),
    ("値.csv", b'\n{"a": 1}', "中身が表ではありません"),
    ("実行.csv", b"MZ\x00\x01" + bytes(60), "CSVの文字ではありません"),
    ("頁.pdf", b"<html><script>alert(1)</script></html>", "中身はPDFではありません"),
    ("切れた.pdf", b"%PDF-1.7\n" + bytes(200), "壊れています"),
    ("鍵.pdf", pdf("secret"), "パスワード"),
    ("切れた.png", png()[:-20], "壊れています"),
    ("傷.png", flipped(png(), 60), "壊れています"),
    ("続き.png", png() + b"PK\x03\x04", "壊れています"),
    ("嘘.png", png(said=(41, 30)), "壊れています"),
    ("爆弾.png", png(said=(60_000, 60_000)), "画像が大きすぎます"),
    ("偽物.xlsx", archive({"a.txt": b"text"}), "壊れています"),
    ("傷.xlsx", flipped(xlsx(), 70), "壊れています"),
    ("爆弾.xlsx", archive({"xl/workbook.xml": bytes(60_000_000)}), "展開すると大きすぎます"),
    ("マクロ.xlsx", archive({"xl/vbaProject.bin": b"Sub"}), "マクロ"),
    ("引用.csv", b'1,"2\r\n3', "引用符"),
    ("大きい.csv", b"1,2\r\n" * 80_000, "大きすぎます"),
    ("a\u202egnp.exe.png", png(), "文字目"),
)


@pytest.fixture(autouse=True)
def small_sizes(monkeypatch) -> None:
    """Let a few hundred kilobytes be large, so that no test carries 20 MB."""
    assert evidence_check.LARGEST_EVIDENCE == 20_000_000
    monkeypatch.setattr(evidence_check, "LARGEST_EVIDENCE", 300_000)
    monkeypatch.setattr(storage, "CHUNK", 100_000)


def test_content_decides_what_a_file_is() -> None:
    for name, content, kind in SOUND:
        found = check_evidence(io.BytesIO(content), f"C:\\fakepath\\{name}")
        assert (found.name, found.kind, found.size) == (name, kind, len(content))
    for name, content, words in UNSOUND:
        with pytest.raises(EvidenceRefused, match=words):
            check_evidence(io.BytesIO(content), name)


def draft(company: Company) -> tuple[UUID, list[UUID]]:
    """Make a complete draft; returns its id and the requirement rows with an answer."""
    with db.transaction() as session:
        specification_id = factories.specification(session, requirements=4).id
        version_id = make_draft(session, company, specification_id)
    with db.reading() as session:
        return version_id, list(list_answers(session, [version_id])[version_id])


def facts(version_id: UUID) -> tuple[int, ...]:
    """Return the row version, the number of files, and of files beside answers."""
    with db.reading() as session:
        version = session.get_one(OfferingVersion, version_id).version
        files = session.exec(select(func.count()).select_from(EvidenceFile)).one()
        answers = list_answers(session, [version_id])[version_id].values()
        return (version, files, sum(len(each.evidence) for each in answers))


@pytest.mark.sqlite_only
@pytest.mark.acceptance(5)
def test_unsound_evidence_is_refused_and_the_offering_is_unchanged(
    client: CheckedClient, company: Company, app: Flask, settings: Settings
) -> None:
    version_id, requirements = draft(company)
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/offerings/{version_id}/evidence/{requirements[0]}"
    before = facts(version_id)
    for name, content, words in UNSOUND:
        refused = client.submit(path, {"file": (io.BytesIO(content), name)}, button="付ける")
        assert refused.status_code == 422, name
        assert words in text_of(parse_page(refused.text)), name
        assert 'href="#f-file"' in refused.text
    claimed = {"CONTENT_LENGTH": "21000000"}
    assert client.post(path, environ_overrides=claimed).status_code == 413
    assert client.submit(path, {}, button="付ける").status_code == 422
    assert facts(version_id) == before
    app.config["NARABI"] = settings.model_copy(update={"evidence_limit_bytes": 450_000})
    check_total(client, settings, version_id, requirements)


def check_total(client, settings, version_id, requirements) -> None:
    """All files of an offering together have a limit; what would pass it is not even kept."""
    first, second = (f"/vendor/offerings/{version_id}/evidence/{each}" for each in requirements[:2])
    files = {letter: f"{letter}\r\n".encode() * 80_000 for letter in "ab"}

    def send(path, letter):
        file = (io.BytesIO(files[letter]), f"{letter}.csv")
        return client.submit(path, {"file": file}, button="付ける")

    assert send(first, "a").status_code == 303
    held = {each.name for each in settings.data_dir.rglob("*") if each.is_file()}
    before = facts(version_id)
    refused = send(second, "b")
    assert refused.status_code == 422
    assert "合計が450KBを超えます。いまの合計は240KBです。" in text_of(parse_page(refused.text))
    assert facts(version_id) == before
    assert {each.name for each in settings.data_dir.rglob("*") if each.is_file()} == held
    assert send(second, "a").status_code == 303  # the same content is stored once
    assert "いまの合計は240KBです。" in text_of(client.page(second))


def test_evidence_is_stored_once_read_by_few_and_sent_safely(
    client: CheckedClient, new_client, company: Company
) -> None:
    version_id, requirements = draft(company)
    factories.sign_in_client(client, company.admin, company.home)
    content = "番号,結果\r\n".encode() + b"1,2\r\n" * 50_000
    for requirement_id in requirements[:2]:
        path = f"/vendor/offerings/{version_id}/evidence/{requirement_id}"
        sent = client.submit(path, {"file": (io.BytesIO(content), "証拠 1.csv")}, button="付ける")
        assert sent.status_code == 303
        assert "証拠 1.csv（CSV、251KB）" in text_of(client.page(path))
    again = client.submit(path, {"file": (io.BytesIO(content), "別名.csv")}, button="付ける")
    assert "同じ内容のファイル" in again.text
    assert facts(version_id)[1:] == (1, 2)

    links = [a.get("href", "") for a in client.page(path).iter("a")]
    link = next(each for each in links if each.startswith("/evidence-files/"))
    got = client.get(link)
    assert got.data == content
    assert got.headers["Content-Disposition"].startswith("attachment;")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert got.content_type == "text/csv"
    check_readers(new_client, link, version_id)

    doors = [a.get("href", "") for a in client.page(path).iter("a")]
    door = next(each for each in doors if each.endswith("/remove"))
    assert "証拠のファイルを外しますか" in text_of(client.page(door))
    assert client.submit(door, {}, button="ファイルを外す").status_code == 422
    assert facts(version_id)[1:] == (1, 2)
    agreed = {"confirmed": "yes"}
    assert client.submit(door, agreed, button="ファイルを外す").status_code == 303
    assert facts(version_id)[1:] == (1, 1)
    assert client.get(link).status_code == 404


def check_readers(new_client, link: str, version_id: UUID) -> None:
    """Assert that strangers, bodies and other reviewers get nothing, a lead and its reviewer do."""
    with db.transaction() as session:
        version = load(session, version_id)[0]
        review = factories.certification(session, version, ReviewState.ASSIGNED)
        agency = factories.organisation(session, OrganisationKind.AGENCY)
        lead = factories.person(session, Role.LEAD_REVIEWER, agency)
        reviewer = factories.person(session, Role.REVIEWER, agency)
        clerk = factories.person(session, Role.CLERK)
        rival = make_company(session)
        first = session.get_one(type(lead), review.first_reviewer_id)
    readers = ((lead, 200), (reviewer, 404), (clerk, 404), (rival.admin, 404), (first, 200))
    for person, status in readers:
        browser = new_client()
        factories.sign_in_client(browser, person)
        assert browser.get(link).status_code == status, person.name
    assert new_client().get(link).location.startswith("/sign-in")


def test_evidence_is_part_of_what_is_hashed(client: CheckedClient, company: Company) -> None:
    from catalog.offerings.content import hash_content, offering_content

    version_id, requirements = draft(company)

    def digest() -> str:
        with db.reading() as session:
            row = load(session, version_id)[0]
            return hash_content(offering_content(row, list_answers(session, [row.id])[row.id]))

    before = digest()
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/offerings/{version_id}/evidence/{requirements[0]}"
    client.submit(path, {"file": (io.BytesIO(png()), "画面.png")}, button="付ける")
    assert digest() != before
    with db.transaction() as session:
        organisation = session.get_one(Organisation, company.home.id)
        file = session.exec(select(EvidenceFile)).one()
        assert (file.owner_id, file.kind) == (organisation.id, EvidenceKind.PNG)


@pytest.mark.sqlite_only
def test_store_that_does_not_answer_changes_nothing_and_is_told(
    client: CheckedClient, app, settings, company: Company
) -> None:
    version_id, requirements = draft(company)
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/offerings/{version_id}/evidence/{requirements[0]}"
    client.submit(path, {"file": (io.BytesIO(png()), "画面.png")}, button="付ける")
    links = [a.get("href", "") for a in client.page(path).iter("a")]
    link = next(each for each in links if each.startswith("/evidence-files/"))
    before = facts(version_id)
    app.config["NARABI"] = settings.model_copy(
        update={"files_url": "s3://narabi", "files_endpoint": "http://127.0.0.1:9"}
    )
    refused = client.submit(path, {"file": (io.BytesIO(pdf()), "文書.pdf")}, button="付ける")
    assert refused.status_code == 503
    assert "ファイルをいま扱えません" in text_of(parse_page(refused.text))
    assert facts(version_id) == before
    assert client.get(link).status_code == 503
    assert client.get(path).status_code == 200


@pytest.mark.sqlite_only
def test_command_finds_lost_changed_and_unused_files(
    client: CheckedClient, settings, company: Company
) -> None:
    version_id, requirements = draft(company)
    factories.sign_in_client(client, company.admin, company.home)
    for requirement_id, content in zip(requirements, (png(), png(50), png(60)), strict=False):
        path = f"/vendor/offerings/{version_id}/evidence/{requirement_id}"
        client.submit(path, {"file": (io.BytesIO(content), "画面.png")}, button="付ける")

    operation = Operation(settings, {}, {}, named_files=stream_files)

    def check(*options: str) -> Result:
        return CliRunner().invoke(files_group, ["check", *options], obj=operation)

    sound = check()
    assert sound.exit_code == 0
    assert "3個を確かめ、0個に誤りがありました。" in sound.output
    lost, changed, kept = (hashlib.sha256(each).hexdigest() for each in (png(), png(50), png(60)))
    folder = settings.data_dir / "files"
    (folder / lost[:2] / lost).unlink()
    (folder / changed[:2] / changed).write_bytes(b"other")
    store = storage.get_store(settings)
    old, fresh = (hashlib.sha256(each).hexdigest() for each in (b"old", b"fresh"))
    store.keep(old, io.BytesIO(b"old"))
    store.keep(fresh, io.BytesIO(b"fresh"))
    os.utime(folder / old[:2] / old, (0, 0))
    found = check()
    assert found.exit_code == 1
    assert f"{lost}がありません" in found.output
    assert f"{changed}の中身が変わっています" in found.output
    assert "3個を確かめ、2個に誤りがありました。" in found.output
    assert "使われていないもの1個があります" in found.output
    assert "使われていないもの1個を消しました" in check("--remove-unused").output
    away = {"files_url": "s3://narabi", "files_endpoint": "http://127.0.0.1:9"}
    stopped = CliRunner().invoke(
        files_group,
        ["check"],
        obj=replace(operation, settings=settings.model_copy(update=away)),
    )
    assert stopped.exit_code == 1
    assert "いま答えません" in stopped.output
    assert "ありません。控え" not in stopped.output
    assert {each.sha256 for each in store.list()} == {changed, kept, fresh}
