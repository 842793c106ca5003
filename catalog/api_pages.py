"""Lists of the API: a page in a fixed order, and where the next one begins."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from flask import Response
from marshmallow import fields, validate

from catalog import api_fields as f
from core import api
from core.fields import FormSchema

MAXIMUM_PAGE = 100

T = TypeVar("T")


def page_limit(default: int = 50, maximum: int = MAXIMUM_PAGE) -> fields.Integer:
    """Declare how many rows a page has at most."""
    words = f"1以上{maximum:,}以下の数字で指定してください。"
    return fields.Integer(
        load_default=default,
        validate=validate.Range(1, maximum, error=words),
        error_messages={"invalid": words},
    )


class PageQuerySchema(FormSchema):
    """How many, and after which."""

    limit = page_limit()
    cursor = fields.String(
        load_default=None, validate=validate.Length(1, 400), metadata=f.about("前の答えのnext")
    )


def asked_codes(codes: Iterable[str], words: str, **options: Any) -> fields.List[Any]:
    """Declare codes of which several may be asked for; the refusal names those that there are."""
    known = [str(each) for each in codes]
    sentence = f"{'、'.join(known)}のどれかを指定してください。"
    return fields.List(
        fields.String(validate=validate.OneOf(known, error=sentence)),
        load_default=list,
        metadata=f.about(f"{words}。繰り返して指定できる"),
        **options,
    )


def cut_page(
    rows: Iterable[T], query: Mapping[str, Any], key: Callable[[T], str]
) -> tuple[list[T], str | None]:
    """Return the rows of a page in the order of their keys, and the cursor of the next one.

    A key is unique among the rows and stays with its row.
    """
    after = api.read_cursor(query["cursor"])[0] if query["cursor"] else ""
    left = sorted((row for row in rows if key(row) > after), key=key)
    shown = left[: query["limit"]]
    return shown, api.make_cursor(key(shown[-1])) if len(left) > len(shown) else None


def answer_page(items: list[dict[str, Any]], following: str | None, **beside: Any) -> Response:
    """Answer a page of a list; one that is not the last has `next` and a Link."""
    response = api.json_response({**beside, "items": items, "next": following})
    return api.link_next(response, cursor=following) if following else response
