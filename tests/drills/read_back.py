"""Papers of 100 generated projects, read back from PDF, DOCX and XLSX: word for word the record."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

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
from procurement.projects import queries
from tests.drills.both import build_town, open_both
from tests.drills.paper_reading import Made, differences
from tests.procurement import conftest as purchase
from tests.procurement.conftest import Market

PROJECTS = 100
# Comparison and search record, the record of the choice, the request (its PDF is the vendor's copy).
FILES = [["docx"], ["docx", "pdf"], ["pdf", "xlsx"], ["pdf", "xlsx"]]
MOMENT = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
LETTERS = (
    "見本町住民記録予約しくみ髙﨑𠮷ABCxyz0123（）・、。「」＝=+-@&<>\"'#$*_`~[]\\/|{}^%；：－～"
)


def words(chance: random.Random, most: int) -> str:
    """Return some words as a person may type them, signs of every markup among them."""
    text = "".join(chance.choice(LETTERS) for _ in range(chance.randint(1, most)))
    return text.strip() or "語"


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
    base=f"{PROJECTS} generated projects on SQLite, every kept paper, and {PROJECTS} generated papers",
)
def count_differences() -> float:
    """Return how many files say anything else than the record of their paper."""
    return rehearse(PROJECTS)


def rehearse(projects: int) -> int:
    """Generate so many projects and as many papers; counts the files that differ."""
    wrong = sum(len(differences(render(make_paper(seed)))) for seed in range(projects))
    for database, settings in open_both("sqlite"):
        town = build_town(database, settings)
        db.current().dispose()
        database.keep("prepared")
        for seed in range(projects):
            db.current().dispose()
            database.reset("prepared")
            papers = make_project(town, random.Random(seed))
            kept_as = [sorted(made.files) for made in papers]
            assert sorted(kept_as) == FILES, "a paper that is not kept is not read back"
            wrong += sum(len(differences(made)) for made in papers)
    return wrong


def make_project(town: Market, chance: random.Random) -> list[Made]:
    """Take a purchase with random words from need to approved request; returns its kept papers."""
    typed = {"PROJECT": ("title", "need", "budget_line"), "SELECTION": ("reason",)}
    kept: dict[str, dict[str, Any]] = {name: getattr(purchase, name) for name in typed}
    try:
        for name, fields in typed.items():
            most = {"need": 1_500, "reason": 1_500}
            said = {field: words(chance, most.get(field, 60)) for field in fields}
            setattr(purchase, name, {**kept[name], **said})
        town.reach_locked()
        _exclude_some(town, chance)
        ahead = replace(town, is_locked=True)
        ahead.reach_approved()
    finally:
        for name, values in kept.items():
            setattr(purchase, name, values)
    with db.reading() as session:
        papers = queries.list_papers(session, town.project().id)
        files = queries.list_paper_files(session, [paper.id for paper in papers])
    return [
        Made(
            paper.payload.encode(),
            {each.format: each.content for each in files if each.paper_id == paper.id},
        )
        for paper in papers
    ]


def _exclude_some(town: Market, chance: random.Random) -> None:
    for version in (town.other, town.dear):
        if chance.random() < 0.5:
            continue
        town.leave_out(version, reason=words(chance, 900))
