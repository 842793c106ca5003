"""Import of a real specification and of 5,000 requirements by the command's own path."""

import io
import tempfile
import time
import uuid
from datetime import date
from pathlib import Path

import openpyxl

from accounts.identity import CONSOLE
from bench.measures import measure
from catalog.specifications import services
from catalog.specifications.importing import read_requirements
from core import cli, db
from core.documents import sha256_hex

_ROOT = Path(__file__).resolve().parent.parent
_REAL = _ROOT.parent / "shared" / "data" / "specification_jyuki_v1.csv"
_SAMPLE = _ROOT / "catalog" / "data" / "sample_specification.csv"


def import_once(content: bytes, name: str, label: str) -> int:
    """Read a file and import it as a new draft; returns the number of requirements."""
    drafts = read_requirements(content, name).require_clear()
    facts = services.ImportFacts(code="BENCH", label=label)
    source = services.ImportedFile(name, sha256_hex(content))
    with db.transaction() as session:
        services.import_requirements(session, CONSOLE, facts, drafts=drafts, source=source)
    return len(drafts)


def slowest_of(content: bytes, name: str, runs: int) -> float:
    """Return the slowest of several imports into a fresh database on disk."""
    with tempfile.TemporaryDirectory() as folder:
        database = db.configure(f"sqlite:///{folder}/bench.db")
        cli.upgrade_database()
        durations = []
        for _ in range(runs):
            start = time.perf_counter()
            import_once(content, name, uuid.uuid4().hex[:8])
            durations.append(time.perf_counter() - start)
        database.dispose()
    return max(durations)


def large_workbook(count: int) -> bytes:
    """Return an XLSX of a ministry's shape: ten columns, texts of 150 letters, real dates."""
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("機能要件")
    page.append(
        [
            "機能ID",
            "大項目",
            "中項目",
            "小項目",
            "機能名称",
            "機能要件",
            "実装区分",
            "考え方・理由",
            "適合基準日",
            "改定種別",
        ]
    )
    classes = ("実装必須", "標準オプション", "実装不可")
    for number in range(count):
        path = [f"{number // 500 + 1}. 章", f"{number // 50 + 1} 節", f"{number // 10} 項"]
        text = f"要件{number}について、以下の項目を管理し、一覧で表示できること。\n" * 4
        page.append(
            [
                f"K{number:05}",
                *path,
                f"機能{number}",
                text,
                classes[number % 3],
                "理由の文。" * 8,
                date(2026, 4, 1),
                "新規",
            ]
        )
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


@measure("specification_import", goal="<= 1", unit="s", base="197 requirements, SQLite on disk")
def import_specification() -> float:
    """Return the slowest of three imports in seconds; the sample stands in for an absent file."""
    file = _REAL if _REAL.exists() else _SAMPLE
    return slowest_of(file.read_bytes(), file.name, 3)


@measure("specification_import_5000", goal="<= 5", unit="s", base="5,000-row XLSX, SQLite on disk")
def import_large_specification() -> float:
    """Return the slower of two imports of 5,000 requirements from a workbook, in seconds."""
    return slowest_of(large_workbook(5_000), "large.xlsx", 2)
