"""The public page of equal words, and the pages on which leads change them."""

import uuid
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from core import paging, web
from core.errors import Forbidden, NotFound
from core.forms import Form
from search.synonyms import queries, services
from search.synonyms.models import SynonymChange, SynonymState
from search.synonyms.schemas import ApplySchema, DropSchema, EndSchema, ProposeSchema

blueprint = Blueprint("synonyms", __name__)
_EDIT = Permission.SYNONYM_EDIT


@blueprint.get("/search/synonyms")
@access(Permission.CATALOG_READ)
def index() -> ResponseReturnValue:
    """Show the groups that count and every change of them, to everybody."""
    session = web.read_session()
    return web.render_page(
        "search/synonyms/index.html",
        groups=queries.current_groups(session),
        page=paging.cut(queries.list_applied(session)[::-1], anchor="changes"),
        waiting=queries.list_waiting(session),
    )


@blueprint.route("/search/synonyms/new", methods=["GET", "POST"])
@access(_EDIT, write=_EDIT)
def propose() -> ResponseReturnValue:
    """Propose a new group, or other words for one that is named in the address."""
    before = _named_group()
    form = Form(ProposeSchema(), web.posted_form(), {"words": "\n".join(before)})

    def act(session: Session, **values: Any) -> tuple[str, ...]:
        made = services.propose(session, actor(), before=before, **values)
        return _address(made), "変更を提案しました", "もう一人の主任審査員の確認を待っています。"

    done = web.create_once(form, actor().person_id, act)
    return done or web.render_page(
        "search/synonyms/propose.html", form.status, form=form, before=before
    )


@blueprint.route("/search/synonyms/end", methods=["GET", "POST"])
@access(_EDIT, write=_EDIT)
def propose_end() -> ResponseReturnValue:
    """Propose that the words of a group are equal no longer."""
    before = _named_group()
    if not before:
        raise NotFound
    form = Form(EndSchema(), web.posted_form())

    def act(session: Session, *, reason: str, **_said: Any) -> tuple[str, ...]:
        made = services.propose(session, actor(), before=before, after=[], reason=reason)
        return _address(made), "変更を提案しました", "もう一人の主任審査員の確認を待っています。"

    done = web.create_once(form, actor().person_id, act)
    return done or web.render_page(
        "search/synonyms/end.html", form.status, form=form, before=before
    )


@blueprint.route("/search/synonyms/changes/<uuid:change_id>", methods=["GET", "POST"])
@access(_EDIT, write=_EDIT)
def show(change_id: uuid.UUID) -> ResponseReturnValue:
    """Show a proposed change to leads; the second one lets it count."""
    change = queries.get_change(web.read_session(), change_id)
    if change is None:
        raise NotFound
    form = Form(ApplySchema(), web.posted_form(), {"version": change.version})
    done = web.complete(
        form,
        lambda session, *, version, **_said: services.apply(
            session, actor(), change_id, version=version
        ),
        notice=("同義語を変更しました", "検索は、今からこのことばで探します。"),
        target=url_for("synonyms.index"),
    )
    return done or web.render_page(
        "search/synonyms/show.html",
        form.status,
        form=form,
        change=change,
        waits=change.state is SynonymState.PROPOSED,
        is_own=change.proposed_by_id == actor().person_id,
    )


@blueprint.post("/search/synonyms/changes/<uuid:change_id>/drop")
@access(_EDIT, write=_EDIT)
def drop(change_id: uuid.UUID) -> ResponseReturnValue:
    """Give a proposed change up."""
    if queries.get_change(web.read_session(), change_id) is None:
        raise NotFound
    form = Form(DropSchema(), web.posted_form())

    def act(session: Session, data: dict[str, Any]) -> bool:
        services.drop(session, actor(), change_id, version=data["version"])
        return True

    if not form.submit(act):
        raise Forbidden("取りやめられませんでした。ページを開き直して確かめてください。")
    web.leave_notice("done", "変更を取りやめました")
    return web.see_other(url_for("synonyms.index"))


def _named_group() -> tuple[str, ...]:
    """Return the group that holds the word of the address; none is named: nothing."""
    word = request.args.get("word", "")
    if not word:
        return ()
    groups = queries.current_groups(web.read_session())
    found = next((group for group in groups if word in group), None)
    if found is None:
        raise NotFound("このことばの組はありません。ほかの変更で変わったかもしれません。")
    return found


def _address(change: SynonymChange) -> str:
    return url_for("synonyms.show", change_id=change.id)
