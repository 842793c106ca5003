"""What people type about a company, cleaned and checked: its numbers, its name, how it is read, its expiry."""

import re
import unicodedata
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields

from core import clock, japanese
from core.fields import Day, Line, day, line
from vendors.completeness import tell_far_expiry

# Beside letters and digits; after the signs that a 商号 may hold (商業登記規則50条, 平成14年法務省告示315号:
# & ' , - . ・) and those that stand in names of real companies. Compared after NFKC.
_SIGNS = frozenset("&'’′,、.。・-‐‑–—―ー()「」/~〜 ")
_KANA = re.compile(r"[ぁ-ゖァ-ヺーゝゞヽヾ・\s\u3099\u309a]+")


class CorporateNumber(fields.String):
    """A 法人番号 as people write it; the 13 digits whose check digit fits."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return japanese.check_corporate_number(text)
        except japanese.NumberError as error:
            raise ValidationError(str(error)) from error


class InvoiceNumber(fields.String):
    """An invoice number (T and the 13 digits of the 法人番号) as people write it; blank is none."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return japanese.check_invoice_number(text) if text.strip() else ""
        except japanese.NumberError as error:
            raise ValidationError(str(error)) from error


class CompanyName(Line):
    """A 商号又は名称: something must be left of it without its legal form, and a register could hold it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        if refusal := refuse_name(name):
            raise ValidationError(refusal)
        return name


class Kana(Line):
    """How a name is read, in hiragana or katakana; blank is left to the caller."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        reading = super()._deserialize(value, attr, data, **kwargs)
        if reading and not _KANA.fullmatch(unicodedata.normalize("NFKC", reading)):
            raise ValidationError(
                "かなは、ひらがなかカタカナで入力してください。漢字、英字、数字も読みのとおりに書きます。例：かくうそふと"
            )
        return reading


class Expiry(Day):
    """The last day of a unified qualification, which no notice puts farther away than its term."""

    def _deserialize(self, value: Any, *rest: Any, **kwargs: Any) -> date:
        expires = super()._deserialize(value, *rest, **kwargs)
        if refusal := tell_far_expiry(expires, clock.today_jst()):
            raise ValidationError(refusal)
        return expires


def refuse_name(name: str) -> str:
    """Return the sentence that refuses a name, or nothing."""
    folded = unicodedata.normalize("NFKC", name)
    for character in folded:
        if unicodedata.category(character)[0] not in "LNM" and character not in _SIGNS:
            return (
                f"商号又は名称に「{character}」は使えません。登記のとおりの文字で入力してください。"
            )
    core = japanese.LEGAL_FORMS.sub("", folded)
    if name and not any(unicodedata.category(each)[0] in "LN" for each in core):
        return "会社の種類だけでは登録できません。商号又は名称の全体を、登記のとおりに入力してください。"
    return ""


def company_name() -> Line:
    """Declare the name of a company."""
    return line("商号又は名称", maximum=200, kind=CompanyName)


def kana(*, required: bool = True) -> Line:
    """Declare the reading of a company's name."""
    return line("かな", maximum=200, required=required, kind=Kana)


def expiry(*, required: bool = True) -> Day:
    """Declare the expiry of a unified qualification."""
    return day("資格の有効期限", required=required, kind=Expiry)
