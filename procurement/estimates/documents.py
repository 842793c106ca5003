"""The 予定価格調書: drawn when a named person asks for it, and never kept."""

from sqlmodel import Session

from catalog.cost_rules import TAX_RATE_BASIS_POINTS
from core.clock import day_in_japan
from core.documents import RenderedDocument
from core.japanese import format_date, format_datetime, format_formal_yen, format_yen
from core.paper import Facts, Format, Lines, Paper, Price, render_paper
from procurement.estimates.models import EstimatedPrice
from procurement.estimates.vault import Content
from procurement.projects import queries as project_queries
from procurement.projects.costs import term_of
from procurement.projects.letterhead import letterhead_of, seals_of

TITLE = "予定価格調書"
FORMATS: tuple[Format, ...] = ("pdf", "docx")
_WHOLE = 10_000
_CARE = "この調書は、見られる人として決めた人だけが扱います。ほかの人に見せたり、写しを残したりしないでください。"
_CHECK = (
    "各ページの下の確認値は、金額、算定の根拠と確認のための乱数から計算した値です。"
    "確定したときの操作の記録に残る値と同じなら、あとから変わっていません。"
)


def split_tax(amount: int) -> tuple[int, int]:
    """Return an amount with tax without it, rounded down, and the tax in it."""
    net = amount * _WHOLE // (_WHOLE + TAX_RATE_BASIS_POINTS)
    return net, amount - net


def make_sheet(
    session: Session, estimate: EstimatedPrice, content: Content, fixed_by: str
) -> dict[Format, RenderedDocument]:
    """Return the sheet of a fixed price in each of its formats; equal facts give equal bytes."""
    return render_paper(describe_sheet(session, estimate, content, fixed_by), FORMATS)


def describe_sheet(
    session: Session, estimate: EstimatedPrice, content: Content, fixed_by: str
) -> Paper:
    """Return the words of the sheet of a fixed price; raises ValueError before it is fixed."""
    if estimate.fixed_at is None:
        msg = "an estimated price has no sheet before it is fixed"
        raise ValueError(msg)
    pack = project_queries.latest_pack(session, estimate.project_id)
    evidence_sha256 = pack.sha256 if pack else ""
    project, fixed_at = estimate.project, estimate.fixed_at
    day = format_date(day_in_japan(fixed_at))
    record = [
        ("定めた日時", format_datetime(fixed_at)),
        ("定めた人", fixed_by),
        ("確認のための乱数", content.nonce.hex()),
    ]
    return Paper(
        kind="estimated_price_sheet",
        title=TITLE,
        number=project.number,
        date=day,
        letterhead=letterhead_of(session, project),
        blocks=(
            Lines("", [_CARE]),
            Facts("1　案件", _list_facts(estimate, evidence_sha256)),
            _price(content.amount),
            Lines("2　算定の根拠", content.basis.splitlines()),
            Facts("3　確定の記録", record),
            seals_of(session, project, content.amount, prepared=(fixed_by, day)),
        ),
        notes=(_CHECK,),
        evidence_label="予定価格の確認値 SHA-256",
        evidence_hash=estimate.commitment,
        made_at=fixed_at,
        sample=project.owner.is_sample,
        restricted=True,
    )


def _price(amount: int) -> Price:
    net, tax = split_tax(amount)
    parts = 100 + TAX_RATE_BASIS_POINTS * 100 // _WHOLE
    rule = f"税抜の額{format_yen(net)}は、税込の額を{parts}分の100にし、1円未満を切り捨てた額です。"
    label = "予定価格（利用期間の合計）"
    return Price(label, format_formal_yen(amount), format_yen(tax), rule)


def _list_facts(estimate: EstimatedPrice, evidence_sha256: str) -> list[tuple[str, str]]:
    project = estimate.project
    term = term_of(project)
    span = f"{format_date(term.start)}から{format_date(term.end)}まで（{term.months}か月）"
    return [
        ("件名", project.title),
        ("利用期間", span),
        ("期間の根拠", project.term_basis.label),
        ("予算科目", project.budget_line),
        ("契約の種類", project.category.label),
        ("検索証跡 SHA-256", evidence_sha256 or "検索結果はまだ確定していません"),
    ]
