"""The JSON of the question groups: the fields of the web forms themselves, with lists instead of rows.

Every field is told and has to be sent; null says that nothing is told. Values are checked by the
very schema of the page, so that a program, a spreadsheet and a person are refused alike.
"""

import copy
from collections.abc import Mapping
from typing import Any, cast

from marshmallow import Schema, fields, missing

from catalog.offerings import schemas
from catalog.offerings.row_schemas import ACCREDITATIONS, CATEGORIES, RowKind
from catalog.price_plan import (
    ComponentKind,
    Currency,
    Interval,
    PartMonth,
    TaxRounding,
    TierMode,
    Unit,
)
from catalog.terms import SizeClass
from core.fields import FormSchema, choice, day, label_of, line, lines, options, whole, yen

# The page sends along which version it showed, which button was pressed and how many rows it has.
_OF_THE_PAGE = frozenset({"version", "step", "rows"})
_RATE = "予定提供時間に対する率。9950は99.5%"


def body_of(name: str, form: type[Schema], **replaced: fields.Field[Any]) -> type[FormSchema]:
    """Return the JSON shape of a form: its fields, those named replaced, all of them required."""
    declared = {
        each: _required(replaced.get(each, field))
        for each, field in form().fields.items()
        if each not in _OF_THE_PAGE
    }
    return make_shape(name, declared)


def make_shape(name: str, declared: Mapping[str, fields.Field[Any]]) -> type[FormSchema]:
    """Return a schema with these fields."""
    kind = type(name, (FormSchema,), {**declared, "__doc__": f"{name}."})
    return cast("type[FormSchema]", kind)


def rows_of(name: str, kind: RowKind) -> type[FormSchema]:
    """Return the JSON shape of a group that is rows of one kind."""
    parts = {part.name: _required(part.declare(part.label)) for part in kind.parts}
    row = make_shape(f"{name}Row", parts)
    return make_shape(f"{name}Body", {kind.target: _required(_list(fields.Nested(row), "行"))})


def _required(field: fields.Field[Any]) -> fields.Field[Any]:
    """Return a copy of a form's field that has to be sent; what a page may leave blank may be null."""
    made = copy.deepcopy(field)
    label = label_of(made)
    may_be_open = not made.required and not isinstance(made, fields.List)
    words = {
        "required": f"{label}を送ってください。{'ないときはnullです。' if may_be_open else ''}",
        "null": f"{label}をnullにはできません。",
    }
    made.error_messages = {**made.error_messages, **words}
    made.metadata = {"description": label, **made.metadata}
    made.allow_none = may_be_open
    made.required, made.load_default = True, missing
    return made


def _list(inner: fields.Field[Any], label: str) -> fields.List[Any]:
    sentence = f"{label}は、値を並べた配列にしてください。"
    return fields.List(inner, metadata={"label": label}, error_messages={"invalid": sentence})


def feature_list() -> fields.List[Any]:
    """Declare the main functions, one text each."""
    return _list(line("主な機能", maximum=100), "主な機能")


def basis_points(label: str) -> fields.Integer:
    """Declare a rate in basis points."""
    made = whole(label, required=False, minimum=0, maximum=10_000)
    made.metadata = {**made.metadata, "description": _RATE}
    return made


def _shape(title: str, /, **declared: fields.Field[Any]) -> type[FormSchema]:
    return make_shape(title, {each: _required(field) for each, field in declared.items()})


# A unit price from a quantity on (inclusive); the first begins at 0.
TierBody = _shape("TierBody", **{"from": whole("段階の始まり"), "unit_price": yen("単価（税抜）")})
ComponentBody = _shape(
    "ComponentBody",
    kind=choice("種類", ComponentKind),
    name=line("名前", maximum=100, required=False),
    unit=choice("単位", Unit),
    interval=choice("回数", Interval),
    tier_mode=choice("段階の数え方", TierMode, required=False),
    tiers=_list(fields.Nested(TierBody), "段階"),
    minimum=yen("1回の最低額（税抜）", required=False),
    maximum=yen("1回の最高額（税抜）", required=False, minimum=1),
    size_classes=options("対象の人口", list(SizeClass), required=False),
    valid_from=day("料金の始まる日", required=False),
    valid_to=day("料金の終わる日", required=False),
    currency=choice("通貨", Currency, required=False),
)
PricesBody = _shape(
    "PricesBody",
    minimum_term_months=whole("最低利用期間", required=False, maximum=600),
    tax_rounding=choice("消費税の計算", TaxRounding, required=False),
    part_month=choice("月の一部を使うときの料金", PartMonth, required=False),
    components=_list(fields.Nested(ComponentBody), "料金の行"),
)
DiscountBody = _shape(
    "DiscountBody",
    from_bodies=whole("団体の数", minimum=2, maximum=2_000),
    basis_points=whole("割引率（500は5%）", minimum=1, maximum=9_999),
)
DiscountsBody = _shape(
    "DiscountsBody",
    discounts=_list(fields.Nested(DiscountBody), "割引"),
    state_support_yen=yen("国の支援の額（税抜）", required=False, minimum=1),
    state_support_until=day("支援の期限", required=False),
    state_support_note=lines("支援の説明", maximum=500, required=False),
)
OverviewBody = body_of("OverviewBody", schemas.OverviewSchema, features=feature_list())
HostingBody = body_of("HostingBody", schemas.HostingSchema)
UsersBody = body_of("UsersBody", schemas.UsersSchema)
OperationBody = body_of(
    "OperationBody",
    schemas.OperationSchema,
    availability_basis_points=basis_points("稼働率の目標"),
)
ExitBody = body_of("ExitBody", schemas.ExitSchema)
AccreditationsBody = rows_of("Accreditation", ACCREDITATIONS)
DataBody = rows_of("DataCategory", CATEGORIES)
