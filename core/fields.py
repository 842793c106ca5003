"""The field types of the house: what people write, cleaned and checked, with sentences that mend."""

from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from core import japanese

T = TypeVar("T")
_LAST_YEAR = 2200


class FormSchema(Schema):
    """Base of all schemas: unknown fields are refused by name, fields keep their order."""

    error_messages = {"unknown": "この項目は受け付けていません。"}  # noqa: RUF012 - marshmallow declares it on the instance

    class Meta:
        """Refuse what is not declared."""

        unknown = RAISE


class Line(fields.String):
    """One line of text, NFC, without control or bidirectional characters."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return _cleaned(japanese.clean_line, text, label_of(self))


class Lines(fields.String):
    """Text of several lines, NFC, without control or bidirectional characters."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return _cleaned(japanese.clean_text, text, label_of(self))


class Yen(fields.Integer):
    """An amount in yen as people write it: 120,000 / １２０，０００円."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str):
            return _cleaned(japanese.parse_yen, value, label_of(self))
        _refuse_part(self, value)
        return super()._deserialize(value, attr, data, **kwargs)


class Whole(fields.Integer):
    """A whole number as people write it, full width allowed."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str):
            value = (
                japanese.normalise_nfc(value).translate(_FULL_WIDTH_DIGITS).replace(",", "").strip()
            )
        _refuse_part(self, value)
        return super()._deserialize(value, attr, data, **kwargs)


def _refuse_part(field: fields.Integer, value: Any) -> None:
    """Refuse a number of JSON that would lose what stands behind its point."""
    if isinstance(value, float):
        raise field.make_error("invalid", input=value)


_FULL_WIDTH_DIGITS = str.maketrans("０１２３４５６７８９，", "0123456789,")


class Day(fields.Date):
    """A Japanese day: R8.10.1, 令和8年10月1日, 2026-10-01 or 2026/10/1."""

    def _deserialize(self, value: Any, *_rest: Any, **_kwargs: Any) -> date:
        label = label_of(self)
        day = _cleaned(japanese.parse_date, str(value), label)
        if day.year > _LAST_YEAR:  # a term added to it must still be a day
            raise ValidationError(f"{label}は西暦{_LAST_YEAR}年までの日付を入力してください。")
        return day

    def _serialize(self, value: date | None, *_rest: Any, **_kwargs: Any) -> str | None:
        return None if value is None else value.isoformat()


def _cleaned(clean: Callable[..., T], text: str, label: str) -> T:
    try:
        return clean(text, label=label)
    except japanese.JapaneseTextError as error:
        raise ValidationError(str(error)) from error


def label_of(field: fields.Field[Any]) -> str:
    """Return the Japanese label of a field."""
    return str(field.metadata.get("label", "この項目"))


def line(
    label: str, *, maximum: int, required: bool = True, kind: type[Line] = Line, **extra: Any
) -> Line:
    """Declare one line of text with its label and longest length."""
    return kind(**_text_options(label, maximum, required=required), **extra)


def lines(label: str, *, maximum: int, required: bool = True, **extra: Any) -> Lines:
    """Declare text of several lines with its label and longest length."""
    return Lines(**_text_options(label, maximum, required=required), **extra)


def _text_options(label: str, maximum: int, *, required: bool) -> dict[str, Any]:
    def check(value: str) -> None:
        if required and not value.strip():
            raise ValidationError(f"{label}を入力してください。")
        if len(value) > maximum:
            raise ValidationError(
                f"{label}は{maximum}文字以内で入力してください。現在{len(value)}文字です。"
            )

    return {**_presence(label, "入力", required=required, default=""), "validate": check}


def _presence(label: str, verb: str, *, required: bool, default: Any) -> dict[str, Any]:
    sentence = f"{label}を{verb}してください。"
    options: dict[str, Any] = {
        "metadata": {"label": label},
        "error_messages": {
            "required": sentence,
            "null": sentence,
            "invalid": f"{label}は{'文字' if default == '' else '数字'}で入力してください。",
        },
    }
    if required:
        options["required"] = True
    else:
        options["load_default"] = default
        options["allow_none"] = default is None
    return options


def yen(label: str, *, required: bool = True, minimum: int = 0, maximum: int = 2 * 10**9) -> Yen:
    """Declare an amount in yen within bounds; the largest fits the columns of both databases."""
    sentence = f"{label}は{minimum:,}円以上{maximum:,}円以下で入力してください。"
    return Yen(
        **_presence(label, "入力", required=required, default=None),
        validate=validate.Range(minimum, maximum, error=sentence),
    )


def whole(label: str, *, required: bool = True, minimum: int = 0, maximum: int = 10**9) -> Whole:
    """Declare a whole number within bounds."""
    sentence = f"{label}は{minimum:,}以上{maximum:,}以下の数字で入力してください。"
    return Whole(
        **_presence(label, "入力", required=required, default=None),
        validate=validate.Range(minimum, maximum, error=sentence),
    )


def day(label: str, *, required: bool = True, kind: type[Day] = Day) -> Day:
    """Declare a day."""
    return kind(**_presence(label, "入力", required=required, default=None))


def choice(
    label: str, enumeration: type[StrEnum], *, required: bool = True
) -> fields.Enum[StrEnum]:
    """Declare one value of an enumeration, posted by its code."""
    options = _presence(label, "選択", required=required, default=None)
    options["error_messages"]["unknown"] = f"{label}は一覧から選択してください。"
    return fields.Enum(enumeration, by_value=True, **options)


def option(label: str, codes: Sequence[str], *, required: bool = True) -> fields.String:
    """Declare one code of a list."""
    options = _presence(label, "選択", required=required, default="")
    allowed = codes if required else (*codes, "")
    check = validate.OneOf(allowed, error=f"{label}は一覧から選択してください。")
    return fields.String(**options, validate=check)


def code(label: str) -> fields.String:
    """Declare one code of a list that the service knows."""
    return fields.String(**_presence(label, "選択", required=True, default=""))


def row(label: str) -> fields.UUID:
    """Declare the id of a row that is chosen from a list."""
    options = _presence(label, "選択", required=True, default=None)
    options["error_messages"]["invalid_uuid"] = f"{label}は一覧から選択してください。"
    return fields.UUID(**options)


def options(label: str, codes: Sequence[str], *, required: bool = True) -> fields.List[str]:
    """Declare several codes of a list."""
    sentence = f"{label}を一つ以上選択してください。"
    inner = fields.String(
        validate=validate.OneOf(codes, error=f"{label}は一覧から選択してください。")
    )
    extra: dict[str, Any] = {"required": True} if required else {"load_default": list}
    checks = [validate.Length(min=1, error=sentence)] if required else []
    return fields.List(
        inner,
        metadata={"label": label},
        error_messages={"required": sentence, "invalid": sentence},
        validate=checks,
        **extra,
    )


def checked(label: str = "") -> fields.Boolean:
    """Declare a box that must be ticked; without a label its words are those of the page."""
    sentence = f"「{label}」を確認して、" if label else "内容を確認して、"
    sentence += "チェックを入れてください。"

    def check(value: bool) -> None:  # noqa: FBT001 - marshmallow's signature
        if not value:
            raise ValidationError(sentence)

    return fields.Boolean(
        required=True,
        metadata={"label": label or "確認"},
        error_messages={"required": sentence, "invalid": sentence},
        validate=check,
    )
