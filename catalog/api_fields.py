"""The fields of the API's answers: always present, null where nothing is told."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from marshmallow import fields, validate

from core.state_machine import LabelledCode

_SHA256 = "^[0-9a-f]{64}$"


def about(words: str) -> dict[str, str]:
    """Return the words that the description of the API shows of a field."""
    return {"description": words}


def text(words: str = "", **options: Any) -> fields.String:
    """Declare a text that is always there."""
    return fields.String(required=True, metadata=about(words) if words else {}, **options)


def optional(words: str = "情報がないときはnull") -> fields.String:
    """Declare a text that may be null."""
    return fields.String(required=True, allow_none=True, metadata=about(words))


def number(words: str = "", *, nullable: bool = False) -> fields.Integer:
    """Declare a whole number."""
    return fields.Integer(
        required=True, allow_none=nullable, strict=True, metadata=about(words) if words else {}
    )


def truth(*, nullable: bool = False) -> fields.Boolean:
    """Declare yes or no."""
    return fields.Boolean(required=True, allow_none=nullable)


def code(
    codes: Iterable[StrEnum] | tuple[str, ...],
    words: str = "",
    *,
    nullable: bool = False,
    **options: Any,
) -> fields.String:
    """Declare one of some codes; what each means is told beside them."""
    told = list(codes)
    labels = {each.value: each.label for each in told if isinstance(each, LabelledCode)}
    said = "。".join(each for each in (words, explain(labels)) if each)
    return fields.String(
        required=True,
        allow_none=nullable,
        validate=validate.OneOf([str(each) for each in told]),
        metadata=about(said) if said else {},
        **options,
    )


def explain(labels: Mapping[str, str]) -> str:
    """Say what codes mean."""
    return "、".join(f"{code}は{label}" for code, label in labels.items())


def identifier(*, nullable: bool = False) -> fields.UUID:
    """Declare an id."""
    return fields.UUID(required=True, allow_none=nullable)


def day(words: str = "", *, nullable: bool = True) -> fields.Date:
    """Declare a day, which may be null."""
    return fields.Date(required=True, allow_none=nullable, metadata=about(words) if words else {})


def moment(*, nullable: bool = True) -> fields.DateTime:
    """Declare a time in UTC, which may be null."""
    return fields.DateTime(required=True, allow_none=nullable)


def digest() -> fields.String:
    """Declare a SHA-256, which may be null."""
    return fields.String(required=True, allow_none=True, metadata={"pattern": _SHA256})
