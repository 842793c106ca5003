"""What a search address may hold: one schema for the page and the API."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import ValidationError, fields, validate

from core.errors import BadRequest
from core.fields import FormSchema, Line, Whole
from search.engine import FACETS, MAX_QUERY_CHARS, REFERENCE_POPULATIONS, SEEDS, SORTS

_NUMBER: dict[str, Any] = {"invalid": "数字で指定してください。"}
_LABELS = {
    "q": "キーワード",
    "sort": "並べ替え",
    "seed": "並び順の番号",
    "page": "ページ",
    "population": "費用を計算する人口",
    "project": "案件",
}


class SearchSchema(FormSchema):
    """The parameters of a search; unknown ones are refused by name."""

    q = Line(
        load_default="",
        metadata={"label": "検索語"},
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
        validate=validate.OneOf(SORTS, error="「{input}」という並べ替えはありません。"),
    )
    seed = Whole(
        load_default=None,
        error_messages=_NUMBER,
        validate=validate.Range(0, SEEDS - 1, error="0から30までの数字で指定してください。"),
    )
    page = Whole(
        load_default=1,
        error_messages=_NUMBER,
        validate=validate.Range(1, 1_000_000, error="1以上の数字で指定してください。"),
    )
    population = Whole(
        load_default=None,
        error_messages=_NUMBER,
        validate=validate.OneOf(REFERENCE_POPULATIONS, error="選べる人口の中から選んでください。"),
    )
    project = fields.UUID(load_default=None, error_messages={"invalid_uuid": "案件がありません。"})


def read_parameters(arguments: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Read the parameters of an address (name -> all its values); raises BadRequest naming one."""
    values: dict[str, Any] = {}
    for name, given in arguments.items():
        kept = [value for value in given if value.strip()]
        if name in FACETS:
            values[name] = kept
        elif len(kept) > 1:
            raise BadRequest(f"「{name}」は一つだけ指定してください。")
        elif kept or name not in _LABELS:
            values[name] = kept[0] if kept else ""
    try:
        loaded: dict[str, Any] = SearchSchema().load(values)
    except ValidationError as error:
        raise _refusal(error) from error
    return loaded


def _refusal(error: ValidationError) -> BadRequest:
    messages = dict(error.messages_dict)
    name = min(messages)
    if name not in SearchSchema().fields:
        return BadRequest(
            f"「{name}」という指定はありません。アドレスを確かめて、検索をやり直してください。"
        )
    first = messages[name]
    sentence = first[0] if isinstance(first, list) else "指定を読み取れませんでした。"
    return BadRequest(f"{_LABELS.get(name, name)}（{name}）：{sentence}")
