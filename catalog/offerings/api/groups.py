"""One resource per question group of a draft: read it, change it, put it back with If-Match."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.identity import Scope
from accounts.permissions import Permission
from catalog.api_values import plain
from catalog.offerings import schemas, services
from catalog.offerings.api import convert, shapes
from catalog.offerings.api.frame import Content, blueprint, load_as_form, load_parts
from catalog.offerings.discount_schemas import DiscountsSchema
from catalog.offerings.models import ListingVersion, OfferingVersion
from catalog.offerings.price_schemas import price_schema
from catalog.offerings.row_schemas import ACCREDITATIONS, CATEGORIES, RowKind, rows_schema
from catalog.offerings.rules import OFFERING_GROUPS, Group
from catalog.offerings.schemas import split_features
from catalog.offerings.words import show_percent
from catalog.price_plan import PartMonth, TaxRounding
from core import api, web
from core.api_writes import Answer, acting, check_match
from core.fields import FormSchema

_EDIT, _READ = Permission.OFFERING_EDIT, Permission.OFFERING_READ_DRAFT
_OF_THE_PAGE = frozenset({"version", "step", "rows"})
Row = OfferingVersion | ListingVersion


@dataclass(frozen=True, slots=True)
class Part:
    """A group's JSON: what a row shows, and how what is sent becomes the facts to store."""

    group: Group
    body: type[FormSchema]
    show: Callable[[Any], Content]
    read: Callable[[Mapping[str, Any]], Content]

    @property
    def is_of_offering(self) -> bool:
        """Tell whether it is about the software, not about the maker's terms."""
        return self.group in OFFERING_GROUPS

    def pick(self, version: OfferingVersion, terms: ListingVersion) -> Row:
        """Return the row that holds the group."""
        return version if self.is_of_offering else terms


def _simple(group: Group, body: type[FormSchema], form: type[Schema], **how: Any) -> Part:
    """Describe a group whose JSON has the names of its form; `how` changes single values."""
    names = list(body().fields)
    shown, typed = how.get("shown", {}), how.get("typed", {})

    def show(row: Row) -> Content:
        return {name: shown.get(name, plain)(getattr(row, name)) for name in names}

    def read(sent: Mapping[str, Any]) -> Content:
        raw = {name: typed.get(name, _same)(value) for name, value in sent.items()}
        return load_as_form(form(), raw, _same)

    return Part(group, body, show, read)


def _same(value: Any) -> Any:
    return value


def _rows(group: Group, body: type[FormSchema], kind: RowKind) -> Part:
    def read(sent: Mapping[str, Any]) -> Content:
        rows = sent[kind.target]
        raw = convert.rows_to_form(kind, rows)
        form = rows_schema(kind, max(len(rows), 1))
        loaded = load_as_form(form, raw, lambda field: convert.place_in_rows(kind, field))
        return {kind.target: loaded[kind.target]}

    return Part(group, body, lambda row: convert.show_rows(kind, getattr(row, kind.target)), read)


def _read_overview(sent: Mapping[str, Any]) -> Content:
    raw = {**sent, "features": "\n".join(sent["features"])}
    loaded = load_as_form(schemas.OverviewSchema(), raw, _same)
    return {**loaded, "features": split_features(loaded["features"])}


def _read_prices(sent: Mapping[str, Any]) -> Content:
    raw = convert.prices_to_form(sent)
    loaded = load_as_form(price_schema(raw["rows"]), raw, convert.place_in_prices)
    return {
        "components": loaded["components"],
        "minimum_term_months": loaded["minimum_term_months"] or 0,
        "tax_rounding": loaded["tax_rounding"] or TaxRounding.WHOLE,
        "part_month": loaded["part_month"] or PartMonth.WHOLE,
    }


def _read_discounts(sent: Mapping[str, Any]) -> Content:
    raw = convert.discounts_to_form(sent)
    return load_as_form(DiscountsSchema(), raw, convert.place_in_discounts)


def _percent(points: int | None) -> str | None:
    return None if points is None else show_percent(points)


_OVERVIEW = _simple(Group.OVERVIEW, shapes.OverviewBody, schemas.OverviewSchema)
PARTS: tuple[Part, ...] = (
    Part(Group.OVERVIEW, shapes.OverviewBody, _OVERVIEW.show, _read_overview),
    _simple(Group.HOSTING, shapes.HostingBody, schemas.HostingSchema),
    _simple(Group.USERS, shapes.UsersBody, schemas.UsersSchema),
    _rows(Group.DATA, shapes.DataBody, CATEGORIES),
    _rows(Group.ACCREDITATIONS, shapes.AccreditationsBody, ACCREDITATIONS),
    Part(Group.PRICES, shapes.PricesBody, convert.show_prices, _read_prices),
    Part(Group.DISCOUNTS, shapes.DiscountsBody, convert.show_discounts, _read_discounts),
    _simple(
        Group.OPERATION,
        shapes.OperationBody,
        schemas.OperationSchema,
        typed={"availability_basis_points": _percent},
    ),
    _simple(Group.EXIT, shapes.ExitBody, schemas.ExitSchema),
)


def show_parts(version: OfferingVersion, terms: ListingVersion) -> Content:
    """Return all groups of a draft but its answers, by the name of the group."""
    return {part.group.value: part.show(part.pick(version, terms)) for part in PARTS}


def _save(session: Session, part: Part, row: Row, sent: Mapping[str, Any]) -> None:
    facts = {name: each for name, each in part.read(sent).items() if name not in _OF_THE_PAGE}
    if isinstance(row, OfferingVersion):
        services.edit_offering_version(session, actor(), row, version=row.version, **facts)
    elif part.group is Group.PRICES:
        services.save_prices(session, actor(), row, version=row.version, **facts)
    else:
        services.edit_listing_version(session, actor(), row, version=row.version, **facts)


def _add_routes(part: Part) -> None:
    """Open a group for reading and for putting it back."""
    rule, name = f"/drafts/<uuid:offering_version_id>/{part.group.value}", part.group.value

    @api.endpoint(
        f"下書きの{part.group.label}",
        answer=part.body,
        problems=(401, 403, 404),
        needs=Scope.OFFERING_WRITE,
    )
    def show_part(offering_version_id: uuid.UUID, query: dict[str, Any]) -> Content:
        del query
        parts = load_parts(web.read_session(), offering_version_id, _READ)
        return part.show(part.pick(*parts))

    @acting(
        f"下書きの{part.group.label}を入れ替える",
        needs=Scope.OFFERING_WRITE,
        body=part.body,
        answer=part.body,
        problems=(409, 412, 428),
    )
    def put_part(
        session: Session, offering_version_id: uuid.UUID, query: dict[str, Any], body: Content
    ) -> Answer:
        del query

        def load() -> Row:
            return part.pick(*load_parts(session, offering_version_id, _EDIT))

        row = load()
        check_match(part.show(row), lambda: part.show(load()))
        _save(session, part, row, body)
        return Answer(part.show(row))

    blueprint.add_url_rule(
        rule, f"show_{name}", access(_READ, write=_EDIT)(show_part), methods=["GET"]
    )
    blueprint.add_url_rule(
        rule, f"put_{name}", access(_EDIT, write=_EDIT)(put_part), methods=["PUT"]
    )


for _part in PARTS:
    _add_routes(_part)
