"""A purchase with words, amounts and ways as nobody foresaw them, and everything that was typed."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from accounts.models import Role
from core import db
from core.clock import fixed_at
from core.documents import canonical_json
from core.paper import describe_paper
from procurement.estimates import queries as estimate_queries
from procurement.estimates import services as estimates
from procurement.estimates import vault
from procurement.estimates.documents import describe_sheet, make_sheet
from procurement.projects import queries
from procurement.projects import services as project_services
from procurement.proof.queries import list_approved
from procurement.quoting.services.deciding import keep_letter
from tests.drills.paper_reading import Made
from tests.procurement import conftest as purchase
from tests.procurement import quoted_way
from tests.procurement.conftest import Market
from tests.procurement.quoting import AFTER, Quoting

LETTERS = (
    "見本町住民記録予約しくみ髙﨑𠮷ABCxyz0123（）・、。「」＝=+-@&<>\"'#$*_`~[]\\/|{}^%；：－～"
)
MONTHS = 36


def words(chance: random.Random, most: int) -> str:
    """Return some words as a person may type them, signs of every markup among them."""
    text = "".join(chance.choice(LETTERS) for _ in range(chance.randint(1, most)))
    return text.strip() or "語"


@dataclass
class Purchase:
    """What came of it: papers by kind, the request, and what was typed or reckoned by hand."""

    papers: dict[str, Made] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    request_payload: str = ""
    request_pdf: bytes = b""


def generate(town: Market, chance: random.Random, *, is_quoted: bool) -> Purchase:
    """Take a purchase from need to approved request, at its list price or at an opened quote."""
    made = Purchase()
    # As a person reckons them: 36 months from April 2027, quotes until the end of March 2099.
    made.typed |= {"start": "令和9年4月1日", "end": "令和12年3月31日"}
    with _typing(chance, made.typed):
        town.reach_locked()
        _exclude_some(town, chance, made.typed, keep_other=is_quoted)
        ahead = replace(town, is_locked=True)
        if is_quoted:
            _choose_a_quote(ahead, chance, made)
        else:
            made.typed["total"] = "971,982円"  # 24,545 yen a month, as the market says
            ahead.reach_approved()
    _collect(town, made)
    return made


@contextmanager
def _typing(chance: random.Random, typed: dict[str, str]) -> Iterator[None]:
    most = {"need": 1_500, "reason": 1_500}
    fields = {"PROJECT": ("title", "need", "budget_line"), "SELECTION": ("reason",)}
    kept: dict[str, dict[str, Any]] = {name: getattr(purchase, name) for name in fields}
    try:
        for name, each in fields.items():
            said = {key: f"髙{words(chance, most.get(key, 60))}" for key in each}
            typed.update(said)
            setattr(purchase, name, {**kept[name], **said})
        yield
    finally:
        for name, values in kept.items():
            setattr(purchase, name, values)


def _exclude_some(
    town: Market, chance: random.Random, typed: dict[str, str], *, keep_other: bool
) -> None:
    for version in (town.dear,) if keep_other else (town.other, town.dear):
        if chance.random() < 0.5:
            continue
        typed[f"exclusion of {version.id}"] = said = f"髙{words(chance, 900)}"
        town.leave_out(version, reason=said)


def _choose_a_quote(town: Market, chance: random.Random, made: Purchase) -> None:
    """Fix a 予定価格, ask two by letter, open, and choose the lower quote."""
    price = chance.randint(20_000, 900_000)
    net = price * MONTHS
    made.typed["total"] = f"{net + net // 10:,}円"
    _compare(town)
    _fix_price(town, chance, made, net + net // 10)
    quoting = Quoting(town)
    made.typed["deadline"] = "令和81年3月31日 17:00"
    said = {"message": f"髙{words(chance, 900)}", "contact": f"髙{words(chance, 90)}"}
    made.typed.update(said)
    quoting.draft(**said)
    quoting.submit()
    quoting.approve(keep=keep_letter)
    quoting.quote(quoting.seller, town.cheap.id, price)
    quoting.quote(quoting.rival, town.other.id, price + chance.randint(1, 9_999))
    with fixed_at(AFTER):
        quoting.open(quoting.clerk)
        quoting.open(quoting.approver)
        for act in (quoted_way.propose, quoted_way.approve, quoted_way.draw_up):
            act(town)


def _compare(town: Market) -> None:
    clerk = town.actor(town.clerk, Role.CLERK)
    with db.transaction() as session:
        project = town._load(session)
        project_services.confirm_comparison(session, clerk, project, version=project.version)


def _fix_price(town: Market, chance: random.Random, made: Purchase, total: int) -> None:
    clerk = town.actor(town.clerk, Role.CLERK)
    amount, basis = total + chance.randint(0, 10**9), f"髙{words(chance, 900)}"
    with db.transaction() as session:
        opened = estimates.open_estimate(session, clerk, town._load(session), reader_ids=[])
        held = estimate_queries.get_estimate(session, opened.project_id, for_update=True)
        assert held is not None
        estimates.write_estimate(session, clerk, held, version=1, amount=amount, basis=basis)
        estimates.fix_estimate(session, clerk, held, version=2)
        content = vault.unlock(held)
        assert content is not None
        sheet = describe_sheet(session, held, content, town.clerk.name)
        files = make_sheet(session, held, content, town.clerk.name)
    sealed = (content.amount, content.basis, content.commitment)
    assert sealed == (amount, basis, held.commitment)
    said = {"estimate": f"金{amount:,}円", "basis": basis, "nonce": content.nonce.hex()}
    said["commitment"] = held.commitment
    made.typed.update(said)
    record = canonical_json(describe_paper(sheet))
    contents = {str(name): each.content for name, each in files.items()}
    made.papers["estimated_price_sheet"] = Made(record, contents)


def _collect(town: Market, made: Purchase) -> None:
    with db.reading() as session:
        papers = queries.list_papers(session, town.project().id)
        files = queries.list_paper_files(session, [paper.id for paper in papers])
        ((request, document),) = list_approved(session, town.project().id)
    made.request_payload, made.request_pdf = request.payload, document.content
    for paper in papers:
        contents = {each.format: each.content for each in files if each.paper_id == paper.id}
        made.papers[paper.kind.value] = Made(paper.payload.encode(), contents)
