"""What the comparison, the cost page and their conditions share: one blueprint, addresses, words."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Blueprint, get_template_attribute, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema

from accounts.auth import actor
from catalog.columns import refusal_of_number, was_shown
from catalog.comparison_tables import Links
from catalog.condition_words import condition_rows
from catalog.conditions import Conditions, read_conditions
from catalog.cost_words import length_words, term_words
from catalog.kept.remembering import complete, work_of
from catalog.offerings import queries as offers
from catalog.offerings.models import ListingVersion
from catalog.schemas import ComparisonQuerySchema
from catalog.specifications.models import SpecificationVersion
from core import web
from core.db import now
from core.forms import Form

blueprint = Blueprint("comparison", __name__)

_INVALID = 422
_NAMED = 20
_SHOWING = frozenset(ComparisonQuerySchema().fields) - {"sha"}
_COMPARING = {"show", "edit_conditions", "choose_options", "show_xlsx", "show_pdf"}


def read(form: Form) -> Conditions:
    """Return the conditions of an address; Invalid names what cannot be read in it."""
    names_body = form.posted is not None and "body" in form.posted
    return read_conditions(web.read_session(), actor(), form.data, names_body=names_body)


def ask(schema: Schema) -> Form:
    """Return the form of this address, completed by what the reader keeps."""
    return Form(schema, complete(request.args, work_of(_read_ids(request.args.getlist("l")))))


def _read_ids(given: Sequence[str]) -> list[UUID]:
    """Return the ids among the words of an address; none where it is whole, and nothing is looked up."""
    ids = []
    for each in () if "body" in request.args else given[:_NAMED]:
        with suppress(ValueError):
            ids.append(UUID(each))
    return ids


def parts_of(target: str, chosen: list[UUID], conditions: Conditions) -> dict[str, Any]:
    """Return the words of an address that shows the same to anyone; None leaves a part out."""
    parts: dict[str, Any] = {"l": chosen, **conditions.parts()}
    if target in _COMPARING:
        parts["used"] = "1" if conditions.only_used else None
        parts["gaps"] = "1" if conditions.only_gaps else None
        parts["diff"] = "1" if conditions.only_differences else None
        parts["must"] = "1" if conditions.only_must else None
        parts["show"] = ",".join(map(str, conditions.shown)) or None
    return parts


def address(target: str, chosen: list[UUID], conditions: Conditions, **changes: Any) -> str:
    """Return the address that shows the same to anyone; None leaves a part out."""
    return url_for(f"comparison.{target}", **{**parts_of(target, chosen, conditions), **changes})


def hidden_fields(
    chosen: list[UUID], conditions: Conditions, *left_out: str
) -> list[tuple[str, Any]]:
    """Return the same words as a form sends them along, without those that it asks for."""
    parts = parts_of("show", chosen, conditions)
    kept = {
        name: value for name, value in parts.items() if value is not None and name not in left_out
    }
    several = {name: v if isinstance(v, list) else [v] for name, v in kept.items()}
    return [(name, value) for name, values in several.items() for value in values]


def read_chosen(form: Form, *, valid: bool) -> tuple[list[UUID], str | None]:
    """Return the listing versions to compare, each once, and why that is impossible."""
    chosen: list[UUID] = list(dict.fromkeys(form.data.get("l", ())))
    if "l" in form.errors:
        return (
            chosen,
            "比較するサービスの番号を読み取れません。検索からもう一度選んでください。",
        )
    return chosen, refusal_of_number(len(chosen)) if valid else None


def listing_address(version: ListingVersion) -> str:
    """Return the address of a listing's own page."""
    return url_for("offerings.show_listing", listing_id=version.listing_id)


def links() -> Links:
    """Return where the words of the tables lead."""
    return Links(
        listing=listing_address,
        requirements=_requirement_links,
        mark=get_template_attribute("components/conformance.html", "conformance_mark"),
    )


def _requirement_links(version: SpecificationVersion) -> Callable[[str], str]:
    """Return where requirements lead: a long table asks for hundreds, which differ in their end."""
    target, parts = "specifications.show_requirement", version.specification
    start = url_for(target, code=parts.code, label=version.label, requirement_id="-")[:-1]
    return lambda requirement_id: f"{start}{quote(requirement_id, safe='')}"


def common(conditions: Conditions) -> dict[str, Any]:
    """Return what every page of costs says of its conditions."""
    body = conditions.body
    return {
        "conditions": conditions,
        "condition_rows": condition_rows(conditions),
        "body": body,
        "term_words": term_words(conditions.term),
        "length_words": length_words(conditions.term.months),
        "computed_at": now(web.read_session()),
    }


def refuse_number(
    chosen: list[UUID], sentence: str, heading: str = "この数のサービスは比較できません"
) -> ResponseReturnValue:
    """Answer 422 with the names of what was chosen, each with a way to leave it out and keep the rest."""
    found = offers.load_listing_versions(web.read_session(), chosen[:_NAMED]) if chosen else {}
    named = [found[each] for each in chosen if each in found and was_shown(found[each])]
    ids = [version.id for version in named]
    kept: dict[str, Any] = {
        word: values for word, values in request.args.lists() if word in _SHOWING
    }
    rows = [
        {
            "name": version.offering_version.name,
            "seller": version.listing.seller.name,
            "href": url_for(
                "comparison.show", **{**kept, "l": [each for each in ids if each != version.id]}
            ),
        }
        for version in named
    ]
    return web.render_page(
        "comparison/refused.html", _INVALID, heading=heading, sentence=sentence, rows=rows
    )
