"""What a reader may ask of the comparison and the cost page."""

import re
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validate

from catalog.price_plan import MAXIMUM_TERM_MONTHS, TaxRounding
from core import fields as forms
from core import japanese
from core.fields import Day, FormSchema

_MONTH = re.compile(r"(\d{4})-(\d{1,2})")
_MONTHS = 12
_YEARS = range(2000, 2101)
_SHORT_NUMBER = re.compile(r"[0-9]{1,2}")  # a longer one may be too long to be read as a number
_START = "利用を始める日は2027-04-01のように、月だけなら2027-04のように入力してください。"
_RATE = re.compile(r"(\d{1,4})(?:\.(\d{1,2}))?")
_RATES = (100, 100_000)  # 1 to 1,000 yen
_MOST = 10**8  # of any quantity; more than anybody counts in Japan in a month
LONGEST_OPTIONS = 400  # of the names of options: nine bytes each in an address
_LONGEST_USE = 1_700  # a bit for each of the most requirements that a version has


class Start(Day):
    """The first day of a contract: a month as 2027-04, which begins on its first, or a day."""

    def _deserialize(self, value: Any, *rest: Any, **kwargs: Any) -> date:
        text = japanese.normalise_nfc(str(value)).strip()
        found = _MONTH.fullmatch(text)
        if found is None:
            # The parts of a date with the day left blank are a month as well.
            text = f"{text[:-1]}1日" if text.endswith("月日") else text
            day = super()._deserialize(text, *rest, **kwargs)
        else:
            year, month = (int(part) for part in found.groups())
            if not 1 <= month <= _MONTHS:
                raise ValidationError(_START)
            day = date(year, month, 1) if year in _YEARS else date.min
        if day.year not in _YEARS:
            raise ValidationError(_START)
        return day


class Rate(fields.Field[int]):
    """How many yen a dollar is worth, as 152.34; its value counts hundredths of a yen."""

    def _deserialize(self, value: Any, *_rest: Any, **_kwargs: Any) -> int:
        found = _RATE.fullmatch(japanese.normalise_nfc(str(value)).strip())
        yen, cents = found.groups(default="") if found else ("", "")
        hundredths = int(yen + f"{cents:0<2}") if found else 0
        if not _RATES[0] <= hundredths <= _RATES[1]:
            raise ValidationError(
                "1米ドルの円は152.34のように、1以上1,000以下の数字で入力してください。"
            )
        return hundredths


class Names(fields.List[str]):
    """Names of options in use; together short enough for an address."""

    def _deserialize(self, value: Any, *rest: Any, **kwargs: Any) -> list[str | None]:
        given = super()._deserialize(value, *rest, **kwargs)
        names = sorted({japanese.normalise_nfc(each or "").strip() for each in given} - {""})
        if sum(map(len, names)) > LONGEST_OPTIONS:
            raise ValidationError(
                f"オプションの名前が合わせて{LONGEST_OPTIONS}文字を超えています。選ぶオプションを減らしてください。"
            )
        return [*names]


class Columns(fields.Field[tuple[int, ...]]):
    """Numbers of columns to show, as 1,3 or as repeated values."""

    def _deserialize(self, value: Any, *_rest: Any, **_kwargs: Any) -> tuple[int, ...]:
        words = [word.strip() for word in ",".join(value).split(",") if word.strip()]
        numbers = sorted({int(word) for word in words if _SHORT_NUMBER.fullmatch(word)})
        if len(numbers) < len(set(words)) or len(numbers) < 2:
            raise ValidationError("表示するサービスを2件以上選択してください。")
        return tuple(numbers)


def _quantity(label: str) -> fields.Integer:
    return forms.whole(label, required=False, maximum=_MOST)


def _flag() -> fields.String:
    words = "表示を切り替える項目に指定できるのは1だけです。"
    return fields.String(load_default="", validate=validate.OneOf(["1", "0", ""], error=words))


class _WhomSchema(FormSchema):
    """What is computed, and for which body; `l` are listing versions."""

    l = fields.List(fields.UUID(), load_default=list)  # noqa: E741 - the name in the address
    body = fields.String(
        load_default="", validate=validate.Length(max=100), metadata={"label": "団体"}
    )


class QuantitiesSchema(FormSchema):
    """What a cost depends on besides body, term and price list."""

    population = _quantity("人口")
    population_on = forms.day("人口の日付", required=False)
    population_from = forms.line("人口の出どころ", maximum=100, required=False)
    households = _quantity("世帯数")
    ids = _quantity("使う人のID数")
    counters = _quantity("窓口数")
    gb = _quantity("保存する容量")
    cases = _quantity("1か月の件数")
    hours = _quantity("1か月の時間数")
    rounding = forms.choice("端数の決まり", TaxRounding, required=False)
    usd = Rate(load_default=None, allow_none=True, metadata={"label": "1米ドルの円"})
    usd_on = forms.day("換算する率の日付", required=False)
    usd_from = forms.line("換算する率の出どころ", maximum=100, required=False)


class CostQuerySchema(QuantitiesSchema, _WhomSchema):
    """For whom and for how long costs are computed."""

    start = Start(load_default=None, metadata={"label": "利用を始める日"})
    months = forms.whole("利用する期間", required=False, minimum=1, maximum=MAXIMUM_TERM_MONTHS)
    o = Names(fields.String(), load_default=list, metadata={"label": "オプション"})
    exit = _flag()
    on = forms.day("料金表の日", required=False)
    use = fields.String(load_default="", validate=validate.Length(max=_LONGEST_USE))


class CostFileSchema(CostQuerySchema):
    """The same for a file; who ticks `today` has today's contract, which nobody else sees, in it."""

    today = _flag()


class ComparisonQuerySchema(CostQuerySchema):
    """The same for several listing versions, and which rows and columns are shown."""

    diff = _flag()
    must = _flag()
    used = _flag()
    gaps = _flag()
    page = fields.String(load_default="1")
    all = _flag()
    sha = fields.String(load_default="", validate=validate.Length(max=60))
    show = Columns(load_default=())


class UsedOptionsQuerySchema(ComparisonQuerySchema):
    """The same with ticked standard options: `r` by position, `c` whole chapters by theirs."""

    r = fields.List(fields.Integer(strict=False), load_default=list)
    c = fields.List(fields.Integer(strict=False), load_default=list)
    done = _flag()
