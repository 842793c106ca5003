"""How many PDFs of costs and comparisons are drawn for one person or one line, and how long ones."""

from flask import make_response, request
from flask.typing import ResponseReturnValue

from accounts.auth import actor, settings
from accounts.throttling import Limit, count_try, network_of
from core import web
from core.db import transaction

MOST_ROWS = 1_000
"""Rows of requirements in a PDF: more make a book, which takes long and nobody prints."""
_HOURS = 1
_SECONDS_OF_AN_HOUR = 3_600
_INVALID, _TOO_MANY = 422, 429


def is_too_long(rows: int) -> bool:
    """Tell whether so many requirements are too many for a PDF."""
    return rows > MOST_ROWS


def refuse_pdf(rows: int, page: str, workbook: str) -> ResponseReturnValue | None:
    """Count a PDF that is about to be drawn; the answer that leads to the workbook where it is not."""
    if is_too_long(rows):
        return _refuse(
            f"PDFにできる要件は{MOST_ROWS:,}件までです。この比較は{rows:,}件あります。"
            "違いだけなどに絞るか、全部の行をExcelで受け取ってください。",
            _INVALID,
            page,
            workbook,
        )
    with transaction() as session:
        limit = Limit("pdf", most=settings().pdf_per_hour, hours=_HOURS)
        source = str(actor().person_id or network_of(request.remote_addr))
        is_over = bool(count_try(session, settings(), limit, source))
    if not is_over:
        return None
    whose = "あなた" if actor().is_signed_in else "この回線"
    return _refuse(
        f"{whose}が{_HOURS}時間に作れるPDFの数（{settings().pdf_per_hour}）を超えました。"
        "時間をおいて開くか、同じ内容をExcelで受け取ってください。画面の印刷もできます。",
        _TOO_MANY,
        page,
        workbook,
    )


def _refuse(sentence: str, status: int, page: str, workbook: str) -> ResponseReturnValue:
    answer = make_response(
        web.render_page(
            "comparison/no_pdf.html", status, sentence=sentence, page=page, workbook=workbook
        )
    )
    if status == _TOO_MANY:  # the count begins anew so long after its first PDF, at the latest
        answer.headers["Retry-After"] = str(_HOURS * _SECONDS_OF_AN_HOUR)
    return answer
