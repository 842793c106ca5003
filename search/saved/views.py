"""A person's saved searches: keep, list, see what changed, open, rename, delete."""

import uuid
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor, settings
from accounts.permissions import Permission, require
from core import web
from core.db import transaction
from core.errors import NotFound
from core.forms import Form
from search.costing import Costing
from search.engine import SearchUnavailable
from search.queries import get_engine
from search.readers import ask, read_reader
from search.saved import queries, services
from search.saved.conditions import Restored, list_conditions, restore, suggest_name
from search.saved.models import SavedSearch
from search.saved.queries import Matches
from search.saved.schemas import DeleteSchema, NameSchema, OpenSchema
from search.schemas import read_parameters

blueprint = Blueprint("saved_searches", __name__)
_READ, _EDIT = Permission.SAVED_SEARCH_READ, Permission.SAVED_SEARCH_EDIT


@blueprint.get("/search/saved")
@access(_READ)
def index() -> ResponseReturnValue:
    """List the searches that the person keeps for the acting organisation."""
    return web.render_page(
        "search/saved/index.html",
        saved=queries.list_own(web.read_session(), actor()),
        most=queries.MOST_SAVED,
    )


@blueprint.route("/search/saved/new", methods=["GET", "POST"])
@access(_EDIT, write=_EDIT)
def create() -> ResponseReturnValue:
    """Keep the search that the address holds under a name."""
    session = web.read_session()
    values = {**read_parameters(request.args), "page": 1, "seed": None}
    reader = read_reader(session, None, values)
    query, choices = ask(session, reader, values)
    conditions = list_conditions(values, choices, reader)
    form = Form(NameSchema(), web.posted_form(), {"name": suggest_name(conditions)})
    found = _find(session, query, reader.costing) if form.is_posted else None

    def act(writing: Session, *, name: str) -> tuple[str, ...]:
        services.save(writing, actor(), name=name, conditions=conditions, found=found)
        words = "検索を保存しました", f"「{name}」を開くと、前に開いたときからの変化が分かります。"
        return url_for("saved_searches.index"), *words

    done = web.create_once(form, actor().person_id, act)
    return done or web.render_page(
        "search/saved/create.html",
        form.status,
        form=form,
        conditions=conditions,
        back_href=restore(session, conditions).href,
    )


@blueprint.get("/search/saved/<uuid:saved_search_id>")
@access(_READ)
def show(saved_search_id: uuid.UUID) -> ResponseReturnValue:
    """Show a saved search, and what changed since it was last opened."""
    session = web.read_session()
    saved = _own(session, saved_search_id)
    restored = restore(session, saved.conditions)
    found = None if restored.dropped else _find_now(session, restored)
    return web.render_page(
        "search/saved/show.html",
        saved=saved,
        restored=restored,
        found=found,
        changes=found and queries.find_changes(session, saved, found),
        most_compared=queries.MOST_COMPARED,
    )


@blueprint.post("/search/saved/<uuid:saved_search_id>/open")
@access(_READ, write=_EDIT)
def open_results(saved_search_id: uuid.UUID) -> ResponseReturnValue:
    """Lead to the search page; what it finds now is what the next changes are counted from.

    A condition that no longer exists is never left out unasked: its page says so first.
    """
    session = web.read_session()
    restored = restore(session, _own(session, saved_search_id).conditions)
    if restored.dropped:
        return web.see_other(url_for("saved_searches.show", saved_search_id=saved_search_id))
    found = _find_now(session, restored)
    form = Form(OpenSchema(), web.posted_form())
    if found is not None and form.validate():
        with transaction() as writing:
            services.note_seen(writing, actor(), saved_search_id, found=found)
    return web.see_other(restored.href)


@blueprint.route("/search/saved/<uuid:saved_search_id>/rename", methods=["GET", "POST"])
@access(_EDIT, write=_EDIT)
def rename(saved_search_id: uuid.UUID) -> ResponseReturnValue:
    """Give a saved search another name."""
    saved = _own(web.read_session(), saved_search_id)
    form = Form(NameSchema(), web.posted_form(), {"name": saved.name})

    def act(session: Session, **values: Any) -> object:
        return services.rename(session, actor(), saved_search_id, **values)

    done = web.complete(
        form,
        act,
        notice=("検索の名前を変えました",),
        target=url_for("saved_searches.index"),
    )
    return done or web.render_page("search/saved/rename.html", form.status, form=form, saved=saved)


@blueprint.route("/search/saved/<uuid:saved_search_id>/delete", methods=["GET", "POST"])
@access(_EDIT, write=_EDIT)
def delete(saved_search_id: uuid.UUID) -> ResponseReturnValue:
    """Drop a saved search for good."""
    saved = _own(web.read_session(), saved_search_id)
    form = Form(DeleteSchema(), web.posted_form())

    def act(session: Session, **_said: Any) -> None:
        services.delete(session, actor(), saved_search_id)

    done = web.complete(
        form,
        act,
        notice=("検索を削除しました", f"「{saved.name}」を削除しました。"),
        target=url_for("saved_searches.index"),
    )
    return done or web.render_page("search/saved/delete.html", form.status, form=form, saved=saved)


def _own(session: Session, saved_search_id: uuid.UUID) -> SavedSearch:
    saved = queries.get_saved(session, saved_search_id)
    if saved is None:
        raise NotFound
    require(session, actor(), _READ, saved)
    return saved


def _find_now(session: Session, restored: Restored) -> Matches | None:
    reader = read_reader(session, None, restored.values)
    query, _ = ask(session, reader, restored.values)
    return _find(session, query, reader.costing)


def _find(session: Session, query: Any, costing: Costing) -> Matches | None:
    """Find what is matched now; None while the search cannot answer."""
    try:
        return queries.find_matches(session, get_engine(settings()), query, costing)
    except SearchUnavailable:
        return None
