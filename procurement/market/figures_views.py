"""Public pages on a market: whether there is a choice, and who could replace whom at what cost."""

import uuid
from typing import Any
from unicodedata import normalize

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.bodies import acting_body
from catalog.market_reading import POPULATIONS, REFERENCE_POPULATION
from catalog.replaceability import measure_replaceability
from catalog.specifications.models import SpecificationState
from catalog.specifications.negotiation import answer_data, answer_page, wanted_format
from core import paging, web
from core.documents import write_csv
from core.errors import BadRequest, NotFound
from procurement.market import figures_words as words
from procurement.market.figures import Figures, find_figures
from procurement.market.views import blueprint

_ROWS = 20
_MOST_PEOPLE = 20_000_000
_SCARCE_SHOWN = 50


@blueprint.get("/specifications/<code>/market")
@access(Permission.CATALOG_READ)
def show_figures(code: str) -> ResponseReturnValue:
    """Show supply, choice by size, coverage, leaving, substitutes and development of a market."""
    session = web.read_session()
    figures, state = _find(session, code)
    match wanted_format("html", "csv", "xlsx"):
        case "csv":
            content = write_csv([words.SERVICE_HEAD, *words.service_rows(figures)])
            return answer_data("csv", content, filename=f"{code}-market.csv", is_public=True)
        case "xlsx":
            content = words.market_workbook(figures, state, request.base_url)
            return answer_data("xlsx", content, filename=f"{code}-market.xlsx", is_public=True)
    rows = paging.cut(figures.services, _ROWS, anchor="others-title")
    page = web.render_page(
        "market/figures.html",
        page=rows,
        measured=[measure_replaceability(figures.pool, each) for each in rows.rows],
        makers={each.maker_id: each.maker for each in figures.services},
        scarce=figures.scarce[:_SCARCE_SHOWN],
        chart=words.month_chart(figures.market.months),
        **_shared(session, figures, state),
    )
    return answer_page(page)


@blueprint.get("/specifications/<code>/market/<uuid:offering_id>")
@access(Permission.CATALOG_READ)
def show_substitutes(code: str, offering_id: uuid.UUID) -> ResponseReturnValue:
    """Show what could replace one service for bodies of a size, each with what that would mean."""
    session = web.read_session()
    figures, state = _find(session, code)
    service = figures.find_service(offering_id)
    if service is None:
        raise NotFound
    serves = figures.pool.serves(service) is not False
    found = figures.pool.list_substitutes(service) if serves else []
    return web.render_page(
        "market/substitutes.html",
        service=service,
        measured=measure_replaceability(figures.pool, service),
        page=paging.cut(found, _ROWS, anchor="substitutes-title"),
        **_shared(session, figures, state),
    )


def _find(session: Session, code: str) -> tuple[Figures, SpecificationState]:
    return find_figures(session, code, request.args.get("version") or None, _read_population())


def _read_population() -> int:
    """Return the population asked about, without one the reference's."""
    asked = normalize("NFKC", request.args.get("population", "")).replace(",", "").strip()
    if not asked:
        return REFERENCE_POPULATION
    if not (asked.isascii() and asked.isdigit()) or not 1 <= int(asked[:9]) <= _MOST_PEOPLE:
        raise BadRequest(
            f"人口は1以上{_MOST_PEOPLE:,}以下の数字で指定してください。一覧から選び直してください。"
        )
    return int(asked)


def _shared(session: Session, figures: Figures, state: SpecificationState) -> dict[str, Any]:
    """Return what both pages show: the version, for whom it is counted, and the words."""
    body = acting_body(session, actor())
    own = body.population if body else None
    asked = figures.market.population
    version = figures.market.version
    return {
        "figures": figures,
        "market": figures.market,
        "version": version,
        "state": state,
        "words": words,
        "own_label": body.label if body and own == asked else None,
        "populations": sorted({*POPULATIONS, asked, *([own] if own else [])}),
        "own_population": own,
        "here": url_for("market.show_figures", code=version.specification.code),
    }
