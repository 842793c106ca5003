"""What differs between two versions, as page, workbook and JSON."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from accounts.auth import access
from accounts.permissions import Permission
from catalog.specifications import change_documents, change_rows, outline, revisions
from catalog.specifications.difference import Change, ChangeKind
from catalog.specifications.models import Requirement, SpecificationVersion
from catalog.specifications.negotiation import answer_data, answer_page, wanted_format
from catalog.specifications.views import find_visible_version, read_page_number, visible_versions
from core import web
from core.db import now
from core.errors import BadRequest, NotFound

blueprint = Blueprint("specification_changes", __name__)


@blueprint.get("/specifications/<code>/<label>/changes")
@access(Permission.CATALOG_READ)
def show(code: str, label: str) -> ResponseReturnValue:
    """Compare a version with any other (?from=), else with the one before it."""
    chosen = request.args.get("to", label)
    if chosen != label:
        return web.see_other(_address(code, chosen, **{"from": request.args.get("from")}))
    session = web.read_session()
    after = find_visible_version(session, code, label)
    versions = visible_versions(session, after.specification)[::-1]
    before = find_other(after, versions, request.args.get("from"))
    kind = wanted_format("html", "json", "xlsx")
    if before is None:
        return _answer_nothing(after, versions, kind)
    difference = revisions.compare_versions(session, before, after, versions)
    states = outline.states_on(versions, now(session))
    pair = ((before, states[before.id]), (after, states[after.id]))
    is_public = before.is_published and after.is_published
    if kind == "json":
        content = change_documents.changes_json(*pair, difference)
        return answer_data("json", content, is_public=is_public)
    if kind == "xlsx":
        content = change_documents.changes_xlsx(*pair, difference)
        name = f"{code}-{before.label}-{after.label}.xlsx"
        return answer_data("xlsx", content, filename=name, is_public=is_public)
    shown = _Page(before, after, change_rows.of_kinds(difference.changes, _read_kinds()))
    page = web.render_page(
        "specifications/changes.html",
        version=after,
        before=before,
        versions=versions,
        states=states,
        difference=difference,
        shown=shown,
        changed_texts=change_rows.changed_texts,
        changed_facts=change_rows.changed_facts,
        class_words=outline.class_words,
    )
    return answer_page(page)


def _answer_nothing(
    after: SpecificationVersion, versions: Sequence[SpecificationVersion], kind: str
) -> ResponseReturnValue:
    """Answer for the only version, in the form that was asked for."""
    if kind == "json":
        state = outline.states_on([after], now(web.read_session()))[after.id]
        content = change_documents.nothing_json(after, state)
        return answer_data("json", content, is_public=after.is_published)
    if kind == "xlsx":
        raise NotFound("比べられる版は、まだありません。次の版が公表されてから開いてください。")
    return answer_page(
        web.render_page("specifications/changes_none.html", version=after, versions=versions)
    )


def find_other(
    after: SpecificationVersion, versions: Sequence[SpecificationVersion], asked: str | None
) -> SpecificationVersion | None:
    """Return the version to compare with: as asked, else the one before, else the one after.

    Raises NotFound when the one asked for is none of the versions.
    """
    if asked:
        found = next((each for each in versions if each.label == asked), None)
        if found is None:
            raise NotFound("比べる版がありません。版を選び直してください。")
        return found
    others = [each for each in versions if each.id != after.id]
    return revisions.version_before(after, versions) or next(iter(others), None)


def _read_kinds() -> tuple[ChangeKind, ...]:
    asked = dict.fromkeys(request.args.getlist("kind"))
    known = {kind.value: kind for kind in ChangeKind}
    if not set(known).issuperset(asked):
        raise BadRequest("違いの種類の指定を読み取れません。絞り込みから選び直してください。")
    return tuple(known[each] for each in asked)


def _address(code: str, label: str, **values: Any) -> str:
    return url_for("specification_changes.show", code=code, label=label, **values)


class _Page:
    """One page of changes with the addresses of the others; a page beyond the last is absent."""

    def __init__(
        self,
        before: SpecificationVersion,
        after: SpecificationVersion,
        changes: Sequence[Change[Requirement]],
    ) -> None:
        self._before, self._after = before, after
        self.kinds = _read_kinds()
        self.found = len(changes)
        self.number = read_page_number()
        self.page_count = max(1, -(-len(changes) // change_rows.PAGE_SIZE))
        if self.number > self.page_count:
            raise NotFound
        first = (self.number - 1) * change_rows.PAGE_SIZE
        self.changes = changes[first : first + change_rows.PAGE_SIZE]

    def href(self, number: int) -> str:
        """Return the address of a page with the kinds kept."""
        return self._with(self.kinds, page=number if number > 1 else None)

    def without_kind(self, kind: ChangeKind) -> str:
        """Return the address without one of the kinds."""
        return self._with([each for each in self.kinds if each is not kind])

    def cleared(self) -> str:
        """Return the address with all kinds."""
        return self._with(())

    def data(self, kind: str) -> str:
        """Return the address of the whole difference as data."""
        return self._with((), format=kind)

    def _with(self, kinds: Sequence[ChangeKind], **values: Any) -> str:
        return _address(
            self._after.specification.code,
            self._after.label,
            **{"from": self._before.label, "kind": [each.value for each in kinds] or None},
            **values,
        )
