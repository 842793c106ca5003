"""What people type about their account."""

from marshmallow import fields

from core.forms import FormSchema, line


class SignInSchema(FormSchema):
    """Address and password; where to go afterwards."""

    email = line("メールアドレス", maximum=254)
    password = fields.String(
        required=True,
        metadata={"label": "パスワード"},
        error_messages={"required": "パスワードを入力してください。"},
    )
    next = line("戻り先", maximum=2000, required=False)


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
