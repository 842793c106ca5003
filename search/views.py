"""The search page: every state of it is an address."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Flask, Response, current_app, make_response, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session
from werkzeug.datastructures import MultiDict
from werkzeug.urls import iri_to_uri

from accounts.auth import access, actor, settings
from accounts.permissions import Permission, can
from core import web
from core.clock import day_in_japan
from core.db import now
from core.errors import BadRequest, NotFound, Unavailable
from core.forms import Form
from search.choices import name_values
from search.engine import REFERENCE_POPULATIONS, SearchUnavailable
from search.facets import FACET_LABELS, MANY_VALUED, Choices
from search.marking import Marker
from search.panel import SORT_WORDS, Address, Pages, Panel, values_to_show
from search.queries import (
    count_without,
    find_listings,
    get_engine,
)
from search.readers import Reader, ask, drop_unknown_size, kept_body, read_reader
from search.results import FoundPage, next_reference, population_words
from search.saved.conditions import kept_address
from search.schemas import TypedSchema, read_parameters
from search.suggestions import suggest

VALUES_PER_PAGE = 200
CASES = "search cases"

blueprint = Blueprint("search", __name__)


@blueprint.get("/search")
@access(Permission.CATALOG_READ)
def index() -> ResponseReturnValue:
    """Find listings by words and facets."""
    form, values = _read()
    session = web.read_session()
    reader = read_reader(session, form, values)
    values = _keep_own_case(session, drop_unknown_size(form, reader, values))
    query, choices = ask(session, reader, values)
    engine = get_engine(settings())
    found = find_listings(session, engine, query, costing=reader.costing)
    if form.errors:
        found = replace(found, rows=())
    choices = _name_shown(session, found, choices, values)
    address = Address({**values, "page": None, **kept_body(reader, values)})
    panel = Panel(choices, query, found, address, reader.own)
    is_empty = not (found.total or form.errors)
    advice = count_without(session, engine, query, costing=reader.costing) if is_empty else []
    context = {
        "form": form,
        "save_href": _save_href(form, address),
        "advice": panel.advise(advice),
        **_page_context(panel, values["project"]),
        "conditions_href": url_for(
            "comparison.own_conditions", work=_only_work(values), next=_unnamed(address)
        ),
        **_population_context(reader),
    }
    return _answer(form, address.href(page=query.page), context)


@blueprint.errorhandler(SearchUnavailable)
@blueprint.errorhandler(BadRequest)
def _answer_refused(error: Unavailable | BadRequest) -> ResponseReturnValue:
    """Say that search cannot answer, or not this, and keep what was typed to be sent again."""
    status = web.status_of(type(error))
    is_away = isinstance(error, Unavailable)
    kept = [each for each in request.args.items(multi=True) if each[0] not in {"q", "page"}]
    return web.render_page(
        "search/unavailable.html",
        status,
        title=error.title,
        message=error.message,
        typed=request.args.get("q", ""),
        kept=kept if is_away else [],
        request_id=web.current_request_id(),
        code=status,
    )


def _is_live() -> bool:
    """Tell whether a script wants a part of the page; a page of the history is wanted whole."""
    is_restored = "HX-History-Restore-Request" in request.headers
    return request.headers.get("HX-Request") == "true" and not is_restored


def _answer(form: Form, href: str, context: Mapping[str, Any]) -> Response:
    """Answer with the whole page; a live update with the parts that change, and their address."""
    if _is_live() and form.errors:
        # The whole page shows what to mend, with all that was typed: it is in the address.
        response = Response(status=204, headers={"HX-Redirect": iri_to_uri(request.full_path)})
    elif _is_live():
        response = make_response(web.render_page("search/_live.html", **context))
        is_there = request.headers.get("HX-Current-URL", "").endswith(href)
        response.headers["HX-Replace-Url" if is_there else "HX-Push-Url"] = href
    else:
        response = make_response(web.render_page("search/index.html", form.status, **context))
    response.vary.add("HX-Request")
    return response


@blueprint.get("/search/suggestions")
@access(Permission.CATALOG_READ)
def list_suggestions() -> ResponseReturnValue:
    """Complete what is being typed, as options for the search box; elsewhere it is searched for."""
    typed = request.args.get("q", "")
    if not _is_live():
        return web.see_other(url_for("search.index", q=typed or None))
    session = web.read_session()
    found = suggest(session, get_engine(settings()), typed, day=day_in_japan(now(session)))
    return web.render_page("search/_suggestions.html", suggestions=found)


@blueprint.get("/search/values/<facet>")
@access(Permission.CATALOG_READ)
def show_values(facet: str) -> ResponseReturnValue:
    """List every value of a facet that has too many for the panel; each adds itself to the search."""
    if facet not in MANY_VALUED:
        raise NotFound
    session = web.read_session()
    values = _keep_own_case(session, read_parameters(request.args))
    reader = read_reader(session, None, values)
    query, _ = ask(session, reader, {**values, "page": 1})
    found = find_listings(session, get_engine(settings()), query, costing=reader.costing)
    counts = found.facets.get(facet, {})
    named = [pair for pair in name_values(session, facet, counts) if pair[0] in counts]
    page_count = max(1, -(-len(named) // VALUES_PER_PAGE))
    if values["page"] > page_count:
        raise NotFound(f"一覧は{page_count}ページまでです。")
    start = (values["page"] - 1) * VALUES_PER_PAGE
    address = Address({**values, "page": None, **kept_body(reader, values)})
    return web.render_page(
        "search/values.html",
        label=FACET_LABELS[facet],
        query=query,
        total=len(named),
        rows=[
            (label, counts[value], _toggle(address, facet, value), value in values[facet])
            for value, label in named[start : start + VALUES_PER_PAGE]
        ],
        pages=ValuePages(values["page"], page_count, address, facet),
        back_href=address.href(),
    )


@dataclass(frozen=True, slots=True)
class ValuePages:
    """The pages of the list of values."""

    number: int
    page_count: int
    address: Address
    facet: str

    def href(self, number: int) -> str:
        """Return the address of one page."""
        return self.address.of_values(self.facet, number)


def _toggle(address: Address, facet: str, value: str) -> str:
    if value in address.values[facet]:
        return address.without(facet, value)
    return address.with_value(facet, value)


def _read() -> tuple[Form, dict[str, Any]]:
    """Read the address; what people type is answered in its field, all else refused by name."""
    typed = MultiDict(
        (name, request.args[name]) for name in TypedSchema.NAMES if name in request.args
    )
    form = Form(TypedSchema(), typed)
    form.validate()
    known: MultiDict[str, str] = MultiDict(
        (name, value) for name, value in request.args.items(multi=True) if name not in form.errors
    )
    return form, read_parameters(known)


def use_cases(app: Flask, source: Callable[[Session, uuid.UUID], bool]) -> None:
    """Tell who knows whether the reader may keep a search on a case."""
    app.extensions[CASES] = source


def _keep_own_case(session: Session, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values without a case on which the reader may not keep a search, or that is none."""
    may_keep: Callable[[Session, uuid.UUID], bool] | None = current_app.extensions.get(CASES)
    case = values["project"]
    if case is None or (may_keep and may_keep(session, case)):
        return values
    return {**values, "project": None}


def _name_shown(
    session: Session, found: FoundPage, choices: Choices, values: Mapping[str, Any]
) -> Choices:
    """Add the values of the facets that are as many as vendors write, as far as they are shown."""
    named = {
        name: name_values(session, name, values_to_show(found, name, values[name]))
        for name in sorted(MANY_VALUED)
    }
    return {**choices, **named}


def _page_context(panel: Panel, project: Any) -> dict[str, Any]:
    query, found, address = panel.query, panel.found, panel.address
    return {
        "query": query,
        "found": found,
        "rows": found.rows,
        "marker": Marker(query, found.relaxed),
        "groups": panel.groups(),
        "chips": panel.chips(),
        "near_codes": [] if found.total else panel.near_codes(),
        "clear_href": address.bare,
        "pages": Pages(query.page, found.page_count, address, found.seed),
        "permanent_href": address.href(
            page=None if query.page == 1 else query.page, seed=found.seed
        ),
        "sorts": _sorts(panel),
        "address": address,
        "project": project,
        "project_href": project and _project_href(project, panel),
    }


def _unnamed(address: Address) -> str:
    """Return the address of the same search for whom the reader is about to say."""
    return Address({**address.values, "body": "", "population": None}).href()


def _only_work(values: Mapping[str, Any]) -> str | None:
    """Return the code of the specification that is searched for, where it is one alone."""
    codes = {value.partition("|")[0] for value in values["specification"]}
    return codes.pop() if len(codes) == 1 else None


def _save_href(form: Form, address: Address) -> str:
    """Return the page that keeps this search: for whoever may, or has yet to sign in; not in a case."""
    is_open = not actor().is_signed_in or can(actor(), Permission.SAVED_SEARCH_EDIT)
    return kept_address(address) if is_open and not form.errors else ""


def _project_href(project: Any, panel: Panel) -> str:
    """Return the address that keeps these conditions on a project, whose own body then counts."""
    left_out = {"project", "page", "seed", "body", "population"}
    values = panel.address.values
    kept = {name: value for name, value in values.items() if name not in left_out and value}
    kept["size_class"] = sorted(panel.query.filters.get("size_class", ()))
    kept["sort"] = "cost" if panel.query.cost_population else panel.query.sort
    return url_for("projects.search", project_id=project, **kept)


def _sorts(panel: Panel) -> list[dict[str, Any]]:
    """Return the orders that can be chosen, the one in force first."""
    query = panel.query
    words = SORT_WORDS if query.text else {**SORT_WORDS, "relevance": "抽選の順"}
    now_sorted = "cost" if query.cost_population else query.sort
    return [
        {
            "name": name,
            "label": label,
            "current": name == now_sorted,
            "href": panel.address.href(sort=None if name == "relevance" else name, seed=None),
        }
        for name, label in words.items()
    ]


def _population_context(reader: Reader) -> dict[str, Any]:
    reference = next_reference(reader.population)
    return {
        "body": reader.body,
        "kept": reader.kept,
        "kept_words": reader.costing.words,
        "counted_for_own": reader.is_for_body,
        "population_on": reader.population_on,
        "population": reader.population,
        "population_label": population_words(reader.population),
        "reference": reference,
        "reference_label": population_words(reference),
        "populations": [(each, population_words(each)) for each in REFERENCE_POPULATIONS],
    }
