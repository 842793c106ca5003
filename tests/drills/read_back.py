"""Papers of 100 generated projects, read back from PDF, DOCX and XLSX: word for word the record."""

import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from bench.measures import measure
from core import db
from core.documents import canonical_json
from core.paper import (
    Amounts,
    Block,
    Facts,
    Lines,
    Listing,
    Paper,
    Price,
    Seals,
    describe_paper,
    render_paper,
)
from procurement.estimates import vault
from tests.databases import SqliteDatabase
from tests.drills.both import build_town, open_both
from tests.drills.generated_purchase import Purchase, generate, words
from tests.drills.paper_reading import (
    Made,
    copies_naming_another,
    differences,
    lacks,
    request_differences,
)

PROJECTS = 100
# The papers of a purchase with their formats, and what was typed or reckoned that each has to say.
_EDITED, _TABLE = {"docx", "pdf"}, {"pdf", "xlsx"}
PAPERS: dict[str, tuple[set[str], tuple[str, ...]]] = {
    "comparison_table": (_TABLE, ("title",)),
    "search_record": (_TABLE, ("title", "need", "budget_line", "exclusion", "start")),
    "selection_record": (
        _EDITED,
        ("title", "need", "budget_line", "reason", "total", "start", "end"),
    ),
    "usage_contract_request": ({"docx"}, ("title", "budget_line", "total", "start", "end")),
}
OF_QUOTES: dict[str, tuple[set[str], tuple[str, ...]]] = {
    "quote_request": (_EDITED, ("title", "need", "message", "contact", "deadline")),
    "estimated_price_sheet": (
        _EDITED,
        ("title", "budget_line", "estimate", "basis", "nonce", "commitment", "start", "end"),
    ),
}
MOMENT = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)


def make_paper(seed: int) -> Paper:
    """Make a paper with every kind of block, of any length."""
    chance = random.Random(seed)

    def row(cells: int, most: int) -> list[str]:
        return [words(chance, most) for _ in range(cells)]

    def pair() -> tuple[str, str]:
        return words(chance, 12), words(chance, 300)

    def money() -> str | int:
        return chance.randint(0, 10**12) if chance.random() < 0.5 else "見積が必要"

    wide = chance.randint(2, 6)
    blocks: list[Block] = [
        Facts(words(chance, 20), [pair() for _ in range(chance.randint(1, 4))]),
        Lines("", ["\n".join(row(3, 400)) for _ in range(chance.randint(1, 2))]),
        Listing(
            words(chance, 20),
            row(wide, 8),
            [row(wide, 60) for _ in range(chance.randint(1, 12))],
            [1] * wide,
        ),
        Amounts(
            words(chance, 20),
            row(3, 8),
            [[words(chance, 20), money(), money()] for _ in range(chance.randint(1, 9))],
            ["合計", money(), money()],
        ),
        Price(words(chance, 10), f"金{chance.randint(1, 10**9):,}円", "10円", words(chance, 50)),
        Seals([(role, words(chance, 6), "令和8年11月22日") for role in ("決裁", "審査", "起案")]),
    ]
    return Paper(
        kind="generated",
        title=words(chance, 12),
        number=f"令和8-{seed:04d}",
        date="令和8年11月22日",
        letterhead=row(chance.randint(1, 4), 30),
        addressee=row(chance.randint(0, 2), 30),
        blocks=blocks,
        notes=row(chance.randint(0, 2), 100),
        evidence_label="検索証跡 SHA-256",
        evidence_hash=chance.randbytes(32).hex(),
        made_at=MOMENT,
        sample=chance.random() < 0.5,
        landscape=chance.random() < 0.5,
        restricted=chance.random() < 0.5,
    )


def render(paper: Paper) -> Made:
    """Make the record and all three files of a paper."""
    files = render_paper(paper, ("pdf", "docx", "xlsx"))
    payload = canonical_json(describe_paper(paper))
    return Made(payload, {str(name): made.content for name, made in files.items()})


@measure(
    "papers read back: files that differ from their record",
    goal="== 0",
    unit="files",
    base=f"{PROJECTS} generated projects on SQLite, every paper and request, {PROJECTS} generated papers",
)
def count_differences() -> float:
    """Return how many files say anything else than the record of their paper, or than was typed."""
    wrong = [said for seed in range(PROJECTS) for said in differences(render(make_paper(seed)))]
    for made, is_quoted in generate_all(PROJECTS):
        wrong += judge(made, is_quoted=is_quoted)
    for said in wrong:
        click.echo(f"tests.drills.read_back: {said}", err=True)
    return len(wrong)


@measure(
    "papers read back: planted differences that are found",
    goal="== 1",
    unit="share",
    base="a character, a year, an amount and a named PDF, for every file of two generated projects",
)
def find_planted() -> float:
    """Change 髙 to 高, then a digit, in what each file is held against: each time it is told."""
    told = [found for made, _ in generate_all(2) for found in plant(made)]
    return sum(told) / len(told)


def generate_all(projects: int) -> Iterator[tuple[Purchase, bool]]:
    """Generate so many projects, each second one at an opened quote; tells which."""
    for database, settings in open_both(SqliteDatabase.kind):
        vault.use_settings(settings)
        town = build_town(database, settings)
        db.current().dispose()
        database.keep("prepared")
        for seed in range(projects):
            db.current().dispose()
            database.reset("prepared")
            is_quoted = bool(seed % 2)
            yield generate(town, random.Random(seed), is_quoted=is_quoted), is_quoted


def judge(made: Purchase, *, is_quoted: bool) -> list[str]:
    """Say everything in which a file of a purchase differs from its record, or from what was typed."""
    wrong = request_differences(json.loads(made.request_payload), made.request_pdf)
    wanted = {**PAPERS, **(OF_QUOTES if is_quoted else {})}
    if set(made.papers) != set(wanted):
        wrong.append(f"a paper that is not read back: {sorted(set(made.papers) ^ set(wanted))}")
    for kind, (formats, names) in wanted.items():
        paper = made.papers[kind]
        if set(paper.files) != formats:
            wrong.append(f"{kind}: {sorted(paper.files)}")
        typed = [said for name, said in made.typed.items() if name.startswith(names)]
        pdf = paper.files.get("pdf", made.request_pdf)
        said = [*differences(paper), *lacks(paper, typed)]
        if kind != "estimated_price_sheet":  # drawn anew each time: no copy names another
            said += copies_naming_another(paper, pdf)
        wrong += [f"{kind}: {each}" for each in said]
    return wrong


def plant(made: Purchase) -> Iterator[bool]:
    """Tell for each file and each change whether it is found."""
    for paper in made.papers.values():
        known = paper.payload.decode()
        for suffix, content in paper.files.items():
            for change in (_change_character, _change_digit, _change_amount):
                record = change(known)
                if record != known:
                    yield bool(differences(Made(record.encode(), {suffix: content})))
    yield bool(copies_naming_another(made.papers["usage_contract_request"], b"another"))
    yield bool(copies_naming_another(made.papers["comparison_table"], b"another"))
    for change in (_change_character, _change_digit, _change_amount):
        payload = json.loads(change(made.request_payload))
        yield bool(request_differences(payload, made.request_pdf))


def _change_character(record: str) -> str:
    assert "髙" in record
    return record.replace("髙", "高", 1)


def _change_digit(record: str) -> str:
    """Change the first digit of a date in Japanese, which stands in every paper."""
    year = re.search(r"令和(\d+)年", record)
    assert year is not None
    return record.replace(year[0], f"令和{int(year[1]) + 1}年", 1)


def _change_amount(record: str) -> str:
    """Change the last digit of the first amount that is printed in yen, where there is one."""
    return re.sub(
        r"([1-9][0-9,]*)([0-9])円",
        lambda found: f"{found[1]}{(int(found[2]) + 1) % 10}円",
        record,
        count=1,
    )
