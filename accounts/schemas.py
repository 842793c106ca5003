"""What people type about their account, and the columns of the list of bodies."""

from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validate, validates, validates_schema

from accounts.models import BodyKind
from core import clock, japanese
from core.fields import (
    FormSchema,
    checked,
    choice,
    day,
    line,
    option,
    whole,
)


class SignInSchema(FormSchema):
    """Address and password; where to go afterwards."""

    email = line("メールアドレス", maximum=254)
    password = fields.String(
        required=True,
        metadata={"label": "パスワード"},
        error_messages={"required": "パスワードを入力してください。"},
    )
    next = fields.String(load_default="", metadata={"label": "戻り先"})
    carried = fields.String(load_default="", metadata={"label": "送り直す内容"})


class EndIdentitySchema(FormSchema):
    """The end of a bond to an identity provider."""

    confirmed = checked("解除したあとの方法を確かめました")
    password = fields.String(load_default="", metadata={"label": "パスワード"})


class DropDraftSchema(FormSchema):
    """Which page's draft is dropped."""

    address = line("画面のアドレス", maximum=300)


class WishSchema(FormSchema):
    """The answer to somebody who asks to join the company."""

    answer = option("回答", ["admit", "decline"])


class SwitchSchema(FormSchema):
    """The organisation to act as."""

    organisation_id = fields.UUID(
        required=True,
        metadata={"label": "団体"},
        error_messages={
            "required": "どの団体として操作するかを選択してください。",
            "invalid_uuid": "団体は一覧から選択してください。",
        },
    )


# In the order of their codes 01 to 47 (JIS X 0401).
# fmt: off
_PREFECTURES = (
    "北海道", "青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県", "茨城県",
    "栃木県", "群馬県", "埼玉県", "千葉県", "東京都", "神奈川県", "新潟県", "富山県",
    "石川県", "福井県", "山梨県", "長野県", "岐阜県", "静岡県", "愛知県", "三重県",
    "滋賀県", "京都府", "大阪府", "兵庫県", "奈良県", "和歌山県", "鳥取県", "島根県",
    "岡山県", "広島県", "山口県", "徳島県", "香川県", "愛媛県", "高知県", "福岡県",
    "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県",
)
# fmt: on


class BodyCode(fields.String):
    """A 全国地方公共団体コード as a spreadsheet may have left it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return japanese.complete_local_government_code(text)
        except japanese.NumberError as error:
            raise ValidationError(str(error)) from error


class BodySchema(FormSchema):
    """One local public body: a row of the list, named by its columns."""

    code = BodyCode(
        required=True,
        metadata={"label": "団体コード"},
        error_messages={"required": "団体コードを入力してください。"},
    )
    name = line("団体名", maximum=200)
    kana = line("かな", maximum=200, required=False)
    prefecture = fields.String(
        required=True,
        metadata={"label": "都道府県"},
        validate=validate.OneOf(
            _PREFECTURES, error="都道府県は「長野県」のように正式な名前で入力してください。"
        ),
        error_messages={"required": "都道府県を入力してください。"},
    )
    kind = choice("種別", BodyKind)
    population = whole("人口", required=False, maximum=20_000_000)
    population_date = day("人口の基準日", required=False)
    population_source = line("人口の出典", maximum=200, required=False)

    @validates("population_date")
    def check_date(self, value: date | None, data_key: str) -> None:
        """Refuse a census of tomorrow."""
        del data_key
        if value is not None and value > clock.today_jst():
            raise ValidationError("人口の基準日は今日までの日付にしてください。")

    @validates_schema
    def check_together(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Refuse a code of another prefecture, and a population without its day and source."""
        if _PREFECTURES[int(data["code"][:2]) - 1] != data["prefecture"]:
            raise ValidationError("団体コードの先頭の2桁が都道府県と合いません。", "prefecture")
        if data["population"] is None:
            return
        if data["population_date"] is None:
            raise ValidationError(
                "人口を入力するときは、基準日も入力してください。", "population_date"
            )
        if not data["population_source"]:
            raise ValidationError(
                "人口を入力するときは、出典も入力してください。", "population_source"
            )
