"""What people type about the rules of a body."""

import re
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from catalog.price_plan import TaxRounding
from core.fields import FormSchema, checked, choice, day, line, lines, whole, yen
from core.state_machine import LabelledCode
from procurement.bodies.models import NUMBER_PATTERN, ContractCategory
from procurement.bodies.services import CEILING_FIELDS, RouteBand

BANDS = (1, 2, 3)  # the last one is without limit
_LAST = BANDS[-1]
_MOST_BOXES = 6
_LONGEST_TITLE = 40
_PARTED = re.compile(r"[、,，\n]")
_STEP_FIELDS: dict[str, fields.Field[Any]] = {}
for _band in BANDS:
    if _band != _LAST:
        _STEP_FIELDS[f"upto_{_band}"] = yen(f"経路{_band}の金額", required=False, minimum=1)
    _STEP_FIELDS[f"examiners_{_band}"] = line(
        f"経路{_band}の審査する職", maximum=200, required=False
    )
    _STEP_FIELDS[f"joiners_{_band}"] = line(f"経路{_band}の合議する職", maximum=200, required=False)
    _STEP_FIELDS[f"decider_{_band}"] = line(
        f"経路{_band}の決裁する職", maximum=_LONGEST_TITLE, required=_band == _LAST
    )


class LongTermRule(LabelledCode):
    """Whether an ordinance of the body allows long-term contracts (地方自治法 234条の3)."""

    NONE = "none", "条例で定めていない"
    ALLOWED = "allowed", "条例で定めている"


class RulesSchema(FormSchema):
    """The rules of a body, from a day on."""

    valid_from = day("有効になる日")
    source = line("根拠となる規則", maximum=300)
    saas_category = choice("サービスの利用の契約の種類", ContractCategory)
    rounding = choice("消費税の端数", TaxRounding)
    ceiling_services = yen("限度額（役務など）", required=False, minimum=1)
    ceiling_lease = yen("限度額（物件の借入れ）", required=False, minimum=1)
    quotes_at_least = whole("見積合わせの数", minimum=2, maximum=10)
    single_quote_up_to = yen("1者の見積でよい金額", required=False)
    sheet_omitted_up_to = yen("予定価格調書を省略できる金額", required=False)
    designated_at_least = whole("指名競争入札で指名する数", minimum=2, maximum=20)
    long_term = choice("長期継続契約", LongTermRule)
    long_term_max_months = whole("上限の月数", required=False, minimum=1, maximum=120)
    long_term_source = line("条例の名称と条", maximum=300, required=False)
    number_pattern = line("番号の形", maximum=60)
    head_title = line("差出人の職", maximum=40)
    head_name = line("差出人の氏名", maximum=60)
    department = line("担当の部署", maximum=100)
    address = line("所在地", maximum=200)
    phone = line("電話番号", maximum=40)
    locals().update(_STEP_FIELDS)

    @validates_schema
    def _check_bands(self, data: dict[str, Any], **_kwargs: Any) -> None:
        errors = {}
        below = 0
        for band in BANDS:
            upto, decider = data.get(f"upto_{band}"), data.get(f"decider_{band}", "")
            typed = decider or _split(data, "examiners", band) or _split(data, "joiners", band)
            if band != _LAST and upto is None and typed:
                errors[f"upto_{band}"] = f"経路{band}を使うときは、いくらまでかを入力してください。"
            if upto is not None:
                if not decider:
                    errors[f"decider_{band}"] = f"経路{band}の決裁する職を入力してください。"
                if upto <= below:
                    errors[f"upto_{band}"] = "金額は、前の経路より大きくしてください。"
                below = upto
            for kind in ("examiners", "joiners"):
                titles = _split(data, kind, band)
                if len(titles) > _MOST_BOXES or any(len(each) > _LONGEST_TITLE for each in titles):
                    errors[f"{kind}_{band}"] = (
                        f"職は{_MOST_BOXES}個まで、それぞれ{_LONGEST_TITLE}文字以内で、読点で区切ってください。"
                    )
        if errors:
            raise ValidationError({name: [sentence] for name, sentence in errors.items()})


def _split(data: dict[str, Any], kind: str, band: int) -> tuple[str, ...]:
    typed = data.get(f"{kind}_{band}") or ""
    return tuple(each.strip() for each in _PARTED.split(typed) if each.strip())


def values_of(typed: dict[str, Any]) -> dict[str, Any]:
    """Return what was typed as the service takes it."""
    data = dict(typed)
    bands = [
        RouteBand(
            data.get(f"upto_{band}"),
            _split(data, "examiners", band),
            _split(data, "joiners", band),
            data[f"decider_{band}"],
        )
        for band in BANDS
        if band == _LAST or data.get(f"upto_{band}") is not None
    ]
    kept = {name: value for name, value in data.items() if name not in _STEP_FIELDS}
    allowed = kept.pop("long_term") is LongTermRule.ALLOWED
    ceilings = {category: kept.pop(name) for category, name in CEILING_FIELDS.items()}
    if not allowed:
        kept |= {"long_term_max_months": None, "long_term_source": ""}
    return {**kept, "long_term_allowed": allowed, "ceilings": ceilings, "bands": bands}


FIRST_VALUES = {
    "quotes_at_least": 2,
    "designated_at_least": 3,
    "number_pattern": NUMBER_PATTERN,
    "rounding": TaxRounding.WHOLE,
    "long_term": LongTermRule.NONE,
}


class RulesConfirmSchema(FormSchema):
    """The confirm page of rules."""

    version = whole("版", minimum=1)
    confirmed = checked("規則の内容を、団体の規則と照らして確かめました")


class RulesWithdrawSchema(FormSchema):
    """Why proposed rules are taken back."""

    version = whole("版", minimum=1)
    confirmed = checked("この案を取り下げることを確かめました")
    reason = lines("理由", maximum=1_000)
