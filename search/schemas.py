"""What a search address may hold: one schema for the page and the API."""

from typing import Any

from marshmallow import fields, validate
from werkzeug.datastructures import MultiDict

from core.fields import FormSchema, Line, Whole, Yen
from core.forms import read_address
from search.engine import MAX_QUERY_CHARS, REFERENCE_POPULATIONS, SEEDS, SORTS
from search.facets import FACET_LABELS

MOST_YEN = 100_000_000_000
_NUMBER: dict[str, Any] = {"invalid": "数字で指定してください。"}


_SORTED = "、".join(
    (
        "並べ替え。relevanceは検索語に近い順、newestは新しく公開した順、costは費用の安い順",
        *(f"cost_{each}は人口{each:,}人での費用の安い順" for each in REFERENCE_POPULATIONS),
    )
)


def _cost_max() -> Yen:
    return Yen(
        load_default=None,
        metadata={"label": "1年の費用の上限"},
        validate=validate.Range(
            0, MOST_YEN, error=f"1年の費用の上限は0円以上{MOST_YEN:,}円以下で入力してください。"
        ),
    )


def _body() -> Line:
    return Line(
        load_default="",
        metadata={"label": "団体"},
        validate=validate.Length(max=100, error="団体は100文字以内で入力してください。"),
    )


class SearchSchema(FormSchema):
    """The parameters of a search; unknown ones are refused by name."""

    # Each facet may be given repeatedly; its values are checked against the catalog.
    locals().update(
        (name, fields.List(fields.String(), load_default=list, metadata={"label": label}))
        for name, label in FACET_LABELS.items()
    )

    q = Line(
        load_default="",
        metadata={"label": "キーワード"},
        validate=validate.Length(
            max=MAX_QUERY_CHARS, error=f"検索語は{MAX_QUERY_CHARS}文字以内で入力してください。"
        ),
    )
    sort = fields.String(
        load_default="relevance",
        metadata={"label": "並べ替え", "description": _SORTED},
        validate=validate.OneOf([*SORTS, "cost"], error="「{input}」という並べ替えはありません。"),
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
        validate=validate.OneOf(
            REFERENCE_POPULATIONS,
            error=f"選べる人口（{'、'.join(map(str, REFERENCE_POPULATIONS))}）の中から選んでください。",
        ),
    )
    body = _body()
    cost_max = _cost_max()
    project = fields.UUID(
        load_default=None,
        metadata={"label": "案件"},
        error_messages={"invalid_uuid": "案件がありません。"},
    )


class TypedSchema(FormSchema):
    """What people type beside the keyword: answered in its field, not on a page of errors."""

    NAMES = ("body", "cost_max")

    body = _body()
    cost_max = _cost_max()


def read_parameters(arguments: MultiDict[str, str]) -> dict[str, Any]:
    """Read the parameters of an address; raises BadRequest naming one that cannot be used."""
    return read_address(SearchSchema(), arguments)
