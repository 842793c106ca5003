"""What a search address may hold: one schema for the page and the API."""

from typing import Any

from marshmallow import fields, validate
from werkzeug.datastructures import MultiDict

from core.fields import FormSchema, Line, Whole
from core.forms import read_address
from search.engine import MAX_QUERY_CHARS, REFERENCE_POPULATIONS, SEEDS, SORTS

_NUMBER: dict[str, Any] = {"invalid": "数字で指定してください。"}


class SearchSchema(FormSchema):
    """The parameters of a search; unknown ones are refused by name."""

    q = Line(
        load_default="",
        metadata={"label": "キーワード"},
        validate=validate.Length(
            max=MAX_QUERY_CHARS, error=f"検索語は{MAX_QUERY_CHARS}文字以内で入力してください。"
        ),
    )
    specification = fields.List(fields.String(), load_default=list)
    certification = fields.List(fields.String(), load_default=list)
    hosting = fields.List(fields.String(), load_default=list)
    size_class = fields.List(fields.String(), load_default=list)
    price_band = fields.List(fields.String(), load_default=list)
    seller_kind = fields.List(fields.String(), load_default=list)
    sort = fields.String(
        load_default="relevance",
        metadata={"label": "並べ替え"},
        validate=validate.OneOf(SORTS, error="「{input}」という並べ替えはありません。"),
    )
    seed = Whole(
        load_default=None,
        metadata={"label": "並び順の番号"},
        error_messages=_NUMBER,
        validate=validate.Range(0, SEEDS - 1, error="0から30までの数字で指定してください。"),
    )
    page = Whole(
        load_default=1,
        metadata={"label": "ページ"},
        error_messages=_NUMBER,
        validate=validate.Range(1, 1_000_000, error="1以上の数字で指定してください。"),
    )
    population = Whole(
        load_default=None,
        metadata={"label": "費用を計算する人口"},
        error_messages=_NUMBER,
        validate=validate.OneOf(REFERENCE_POPULATIONS, error="選べる人口の中から選んでください。"),
    )
    project = fields.UUID(
        load_default=None,
        metadata={"label": "案件"},
        error_messages={"invalid_uuid": "案件がありません。"},
    )


def read_parameters(arguments: MultiDict[str, str]) -> dict[str, Any]:
    """Read the parameters of an address; raises BadRequest naming one that cannot be used."""
    return read_address(SearchSchema(), arguments)
