"""The vendor's list of its own offerings: by words, state and specification, with counts that hold."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields
from marshmallow.validate import OneOf

from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.offerings import queries
from catalog.offerings.models import OfferState
from catalog.offerings.queries import own
from catalog.offerings.queries.endings import list_endings
from catalog.offerings.queries.own import TermsOutline, VersionOutline
from catalog.offerings.views.frame import blueprint
from core import paging, web
from core.clock import day_in_japan
from core.db import now
from core.errors import NotFound
from core.forms import read_address
from core.japanese import name_skeleton
from core.state_machine import LabelledCode

UNDER_REVIEW = (OfferState.SUBMITTED, OfferState.IN_REVIEW, OfferState.APPROVED)


class Standing(LabelledCode):
    """Where one's own software stands; one that is public and being changed stands in two places."""

    PUBLISHED = "published", "公開中"
    DRAFT = "draft", "下書き"
    RETURNED = "returned", "差し戻し"
    REVIEW = "review", "審査中"
    APPROVED = "approved", "公開できる"
    TERMS = "terms", "料金・条件の変更中"
    ENDED = "ended", "提供を終えた"


_STANDINGS = {
    OfferState.DRAFT: Standing.DRAFT,
    OfferState.RETURNED: Standing.RETURNED,
    OfferState.SUBMITTED: Standing.REVIEW,
    OfferState.IN_REVIEW: Standing.REVIEW,
    OfferState.APPROVED: Standing.APPROVED,
}


@dataclass(slots=True)
class OwnOffering:
    """One software of the vendor: the version that buyers see and the one on its way."""

    newest: VersionOutline
    published: VersionOutline | None = None
    pending: VersionOutline | None = None
    terms_pending: TermsOutline | None = None

    @property
    def standings(self) -> set[str]:
        """Where it stands, as the filter names it."""
        found = set()
        if self.published:
            found.add(Standing.PUBLISHED.value)
        if self.pending:
            found.add(_STANDINGS[self.pending.state].value)
        if self.terms_pending:
            found.add(Standing.TERMS.value)
        return found or {Standing.ENDED.value}

    @property
    def specifications(self) -> set[str]:
        """The codes of the standard specifications of the versions that count."""
        counted = [self.published, self.pending]
        return {each.specification_code for each in counted if each} or {
            self.newest.specification_code
        }


class OwnListSchema(Schema):
    """What narrows the list down."""

    q = fields.String(load_default="", metadata={"label": "キーワード"})
    state = fields.List(
        fields.String(validate=OneOf([each.value for each in Standing], error="選べない値です。")),
        load_default=list,
        metadata={"label": "状況"},
    )
    specification = fields.List(
        fields.String(), load_default=list, metadata={"label": "標準仕様書"}
    )
    page = fields.String(load_default="1", metadata={"label": "ページ"})
    sold = fields.String(load_default="1", metadata={"label": "販売しているサービスのページ"})
    ending = fields.String(load_default="1", metadata={"label": "期限が近いもののページ"})
    asking = fields.String(load_default="1", metadata={"label": "確認を待つ会社のページ"})


@dataclass(frozen=True, slots=True)
class Facet:
    """One group of choices: its parameter, its words, and what a row has of it."""

    name: str
    label: str
    labels: dict[str, str]
    of: Callable[[OwnOffering], set[str]]
    chosen: set[str] = field(default_factory=set)

    def admits(self, row: OwnOffering) -> bool:
        """Tell whether a row has one of the chosen values; without a choice every row does."""
        return not self.chosen or bool(self.chosen & self.of(row))


@blueprint.get("/offerings")
@access(Permission.OFFERING_CREATE)
def index() -> ResponseReturnValue:
    """Show the vendor's own offerings and what it sells of others."""
    session = web.read_session()
    home = actor().organisation_id
    if home is None:
        raise NotFound
    asked = read_address(OwnListSchema(), request.args)
    rows = _gather(own.list_outlines(session, home), own.list_open_terms(session, home))
    facets = _facets(rows, asked)
    named = [row for row in rows if _is_named(row, asked["q"])]
    found = [row for row in named if all(facet.admits(row) for facet in facets)]
    sold = paging.fetch(
        own.count_sold(session, home),
        partial(own.list_sold, session, home),
        name="sold",
        anchor="sold",
    )
    unconfirmed = queries.list_unconfirmed(session, home)
    today = day_in_japan(now(session))
    ending = [each for each in list_endings(session, home) if each.is_near(today)]
    return web.render_page(
        "offerings/index.html",
        page=paging.cut(found),
        total=len(rows),
        asked=asked,
        facets=[_counted(facet, facets, named) for facet in facets],
        chips=list(_chips(facets, asked["q"])),
        clear_href=paging.address({"q": "", "state": "", "specification": "", "page": ""}),
        sold=sold,
        unconfirmed=paging.cut(unconfirmed, name="asking", anchor="asking"),
        names={row.newest.offering_id: row.newest.name for row in rows},
        under_review=UNDER_REVIEW,
        endings=paging.cut(ending, name="ending", anchor="endings-title"),
        today=today,
    )


def _gather(versions: Sequence[VersionOutline], terms: Sequence[TermsOutline]) -> list[OwnOffering]:
    rows: dict[uuid.UUID, OwnOffering] = {}
    changed = {each.offering_version_id: each for each in terms}
    for version in versions:
        row = rows.setdefault(version.offering_id, OwnOffering(version))
        if version.state is OfferState.PUBLISHED:
            row.published = version
            row.terms_pending = changed.get(version.id)
        elif version.state in queries.OPEN_STATES:
            row.pending = version
    return sorted(rows.values(), key=lambda row: (row.newest.name, str(row.newest.offering_id)))


def _is_named(row: OwnOffering, words: str) -> bool:
    """Tell whether a name of the software holds every word; width, case and kana do not matter."""
    names = [each.name for each in (row.newest, row.published, row.pending) if each]
    held = name_skeleton(" ".join(names))
    return all(name_skeleton(word) in held for word in words.split())


def _facets(rows: Iterable[OwnOffering], asked: dict[str, Any]) -> list[Facet]:
    titles = {
        each.specification_code: each.specification
        for row in rows
        for each in (row.newest, row.published, row.pending)
        if each
    }
    return [
        Facet(
            "state",
            "状況",
            {each.value: each.label for each in Standing},
            lambda row: row.standings,
            set(asked["state"]),
        ),
        Facet(
            "specification",
            "標準仕様書",
            dict(sorted(titles.items(), key=lambda item: item[1])),
            lambda row: row.specifications,
            set(asked["specification"]),
        ),
    ]


def _counted(facet: Facet, facets: Sequence[Facet], named: Sequence[OwnOffering]) -> dict[str, Any]:
    """Return a facet with the number of rows that each choice leads to, the other facets kept."""
    others = [other for other in facets if other is not facet]
    reached = [row for row in named if all(other.admits(row) for other in others)]
    options = [
        {
            "value": value,
            "label": label,
            "count": sum(value in facet.of(row) for row in reached),
            "selected": value in facet.chosen,
        }
        for value, label in facet.labels.items()
    ]
    return {"name": facet.name, "label": facet.label, "options": options}


def _chips(facets: Sequence[Facet], words: str) -> Iterable[dict[str, str]]:
    if words:
        yield {"label": f"「{words}」", "href": paging.address({"q": "", "page": ""})}
    for facet in facets:
        for value in sorted(facet.chosen):
            rest = [each for each in request.args.getlist(facet.name) if each != value]
            yield {
                "label": facet.labels.get(value, value),
                "href": paging.address({facet.name: rest, "page": ""}),
            }
