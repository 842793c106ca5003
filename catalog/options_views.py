"""Which standard options the body uses: chosen on a page, kept in the address."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask.typing import ResponseReturnValue

from accounts.auth import access
from accounts.permissions import Permission
from catalog.columns import Comparison, load_comparison
from catalog.comparison import Chapter, Row
from catalog.comparison_frame import (
    address,
    blueprint,
    common,
    hidden_fields,
    links,
)
from catalog.comparison_views import answer_comparison
from catalog.conditions import Conditions
from catalog.schemas import UsedOptionsQuerySchema
from catalog.terms import RequirementClass
from catalog.used_options import write_used
from core import web
from core.errors import Invalid
from core.forms import Form

_UNKNOWN = "選んだ標準オプションのうち、この標準仕様書にないものがあります。選び直してください。"


@blueprint.get("/compare/options")
@access(Permission.CATALOG_READ)
def choose_options() -> ResponseReturnValue:
    """Ask which standard options the body uses; what is ticked leads back to the comparison."""
    return answer_comparison(UsedOptionsQuerySchema(), "choose_options", _choose_options)


def _choose_options(form: Form, chosen: list[UUID], conditions: Conditions) -> ResponseReturnValue:
    found = load_comparison(web.read_session(), chosen, conditions)
    if found.whole is None:
        return web.see_other(address("show", chosen, conditions))
    version = found.columns[0].specification_version
    ids = [row.requirement.id for row in found.whole.rows]
    if form.data["done"] == "1":
        used = _read_ticks(form.data, found.whole.chapters, ids)
        word = write_used(str(version.id), ids, used)
        return web.see_other(address("show", chosen, conditions, use=word, used="1"))
    return web.render_page(
        "comparison/options.html",
        found=found,
        version=version,
        chapters=_chapters(found),
        total=sum(map(_is_option, found.whole.rows)),
        fields=hidden_fields(chosen, conditions, "use", "used"),
        back=address("show", chosen, conditions),
        conditions_address=address("edit_conditions", chosen, conditions),
        **common(conditions),
    )


def _is_option(row: Row) -> bool:
    return row.requirement_class is RequirementClass.MAY


def _read_ticks(
    ticked: dict[str, Any], chapters: Sequence[Chapter], ids: Sequence[str]
) -> frozenset[str]:
    """Return the options that were ticked one by one or with their chapter."""
    numbers, places = ticked["r"], ticked["c"]
    rows = [row for chapter in chapters for row in chapter.rows]
    if not all(0 <= number < len(ids) and _is_option(rows[number]) for number in numbers):
        raise Invalid({"r": _UNKNOWN})
    if not all(0 <= place < len(chapters) for place in places):
        raise Invalid({"c": _UNKNOWN})
    whole = [
        row.requirement.id for each in places for row in chapters[each].rows if _is_option(row)
    ]
    return frozenset([*(ids[number] for number in numbers), *whole])


def _chapters(found: Comparison) -> list[dict[str, Any]]:
    """Return the chapters that hold options, with the number of each option in the version."""
    lead = links().requirements(found.columns[0].specification_version)
    used, chapters, number = found.used or frozenset(), [], 0
    for place, chapter in enumerate(found.whole.chapters if found.whole else ()):
        options: list[dict[str, Any]] = []
        for row in chapter.rows:
            if _is_option(row):
                entry = row.requirement
                options.append(
                    {
                        "number": number,
                        "code": entry.id,
                        "words": entry.name or entry.text,
                        "href": lead(entry.id),
                        "used": entry.id in used,
                    }
                )
            number += 1
        if options:
            chapters.append(
                {
                    "place": place,
                    "title": chapter.title or "章のない要件",
                    "options": options,
                    "used": sum(bool(each["used"]) for each in options),
                }
            )
    return chapters
