"""The fields of the API's answers: always present, null where nothing is told."""

from enum import StrEnum
from typing import Any

from marshmallow import fields, validate

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


def code(codes: type[StrEnum] | tuple[str, ...], words: str = "") -> fields.String:
    """Declare one of some codes."""
    values = [str(each) for each in codes]
    return fields.String(
        required=True, validate=validate.OneOf(values), metadata=about(words) if words else {}
    )


def identifier(*, nullable: bool = False) -> fields.UUID:
    """Declare one of some codes."""
    return fields.UUID(required=True, allow_none=nullable)


def day() -> fields.Date:
    """Declare an id."""
    return fields.Date(required=True, allow_none=True)


def moment(*, nullable: bool = True) -> fields.DateTime:
    """Declare a day that may be null."""
    return fields.DateTime(required=True, allow_none=nullable)


def digest() -> fields.String:
    """Declare a time."""
    return fields.String(
        required=True, allow_none=True, metadata={"pattern": _SHA256, "description": "SHA-256"}
    )
