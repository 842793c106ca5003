"""Columns read as the database gives them: decoded is only what is looked at, which of many rows is little."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from json import JSONDecoder
from typing import Any

from sqlalchemy import JSON, Dialect, Enum, type_coerce
from sqlalchemy.types import NullType

Decoder = Callable[[Any], Any] | None
"""What makes a value of what the database gave; None where that is the value."""

Decoders = Sequence[Decoder]

_JSON = JSONDecoder()


def undecoded(columns: Iterable[Any]) -> list[Any]:
    """Return columns to select as the database gives them."""
    return [type_coerce(column, NullType()) for column in columns]


@cache
def decoders_of(dialect: Dialect, columns: tuple[Any, ...]) -> Decoders:
    """Return what makes values of these columns in a database."""
    return tuple(_decoder(column.type, dialect) for column in columns)


def decode(value: Any, decoder: Decoder) -> Any:
    """Make a value of what the database gave."""
    return value if decoder is None or value is None else decoder(value)


def decode_row(values: Sequence[Any], decoders: Decoders) -> list[Any]:
    """Make values of as many columns as there are decoders."""
    return [
        value if decoder is None or value is None else decoder(value)
        for value, decoder in zip(values, decoders, strict=False)
    ]


def _decoder(kind: Any, dialect: Dialect) -> Decoder:
    if isinstance(kind, Enum) and kind.enum_class is not None:
        return {each.value: each for each in kind.enum_class}.__getitem__
    decoder: Decoder = kind.dialect_impl(dialect).result_processor(dialect, None)
    # Where the database gives the text of JSON, it is what this program wrote: without blanks around.
    return decoder and _read_json if isinstance(kind, JSON) else decoder


def _read_json(text: str) -> Any:
    return _JSON.raw_decode(text)[0]
