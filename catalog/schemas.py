"""What a reader may ask of the comparison and the cost page."""

import re
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validate

from catalog.price_plan import MAXIMUM_TERM_MONTHS
from core import fields as forms
from core import japanese
from core.fields import FormSchema

_MONTH = re.compile(r"(\d{4})-(\d{1,2})")
_YEARS = range(2000, 2101)


class Month(fields.Field[date]):
    """A month as 2027-04; its value is the first day."""

    def _deserialize(self, value: Any, *_rest: Any, **_kwargs: Any) -> date:
        found = _MONTH.fullmatch(japanese.normalise_nfc(str(value)).strip())
        year, month = (int(part) for part in found.groups()) if found else (0, 0)
        if year not in _YEARS or not 1 <= month <= 12:
            raise ValidationError("利用を始める月は2027-04のように、年と月で入力してください。")
        return date(year, month, 1)

    def _serialize(self, value: date | None, *_rest: Any, **_kwargs: Any) -> str | None:
        return None if value is None else f"{value:%Y-%m}"


class Columns(fields.Field[tuple[int, ...]]):
    """Numbers of columns to show, as 1,3 or as repeated values."""

    def _deserialize(self, value: Any, *_rest: Any, **_kwargs: Any) -> tuple[int, ...]:
        words = [word.strip() for word in ",".join(value).split(",") if word.strip()]
        numbers = sorted({int(word) for word in words if word.isascii() and word.isdigit()})
        if len(numbers) < len(set(words)) or len(numbers) < 2:
            raise ValidationError("表示するサービスを2件以上選択してください。")
        return tuple(numbers)


def _flag() -> fields.String:
    words = "diffとmustに指定できるのは1だけです。"
    return fields.String(load_default="", validate=validate.OneOf(["1", "0", ""], error=words))


class CostQuerySchema(FormSchema):
    """For whom and for how long costs are computed; `l` are listing versions."""

    l = fields.List(fields.UUID(), load_default=list)  # noqa: E741 - the name in the address
    body = fields.String(
        load_default="", validate=validate.Length(max=100), metadata={"label": "団体"}
    )
    start = Month(load_default=None, metadata={"label": "利用を始める月"})
    months = forms.whole("利用する期間", required=False, minimum=1, maximum=MAXIMUM_TERM_MONTHS)


class ComparisonQuerySchema(CostQuerySchema):
    """The same for several listing versions, and which rows and columns are shown."""

    diff = _flag()
    must = _flag()
    page = fields.String(load_default="1")
    show = Columns(load_default=())
