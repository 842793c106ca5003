"""What people say of an API client."""

from marshmallow import fields

from accounts.clients.models import AuthMethod
from accounts.identity import Scope
from core.fields import FormSchema, checked, choice, line, lines, options, whole
from core.state_machine import LabelledCode


class Ending(LabelledCode):
    """When the present secret ends."""

    OVERLAP = "overlap", "24時間後に終える"
    AT_ONCE = "at_once", "今すぐ終える"


def _password() -> fields.String:
    return fields.String(load_default="", metadata={"label": "パスワード"})


class NewClientSchema(FormSchema):
    """A new client."""

    name = line("名前", maximum=60)
    scopes = options("できること（範囲）", [scope.value for scope in Scope])
    auth_method = choice("確かめ方", AuthMethod)
    jwks = lines("公開鍵", maximum=20_000, required=False)
    password = _password()


class ChangedClientSchema(FormSchema):
    """Another name, other scopes."""

    name = line("名前", maximum=60)
    scopes = options("できること（範囲）", [scope.value for scope in Scope])
    version = whole("版番号", minimum=1)
    password = _password()


class SecretSchema(FormSchema):
    """Another secret."""

    ending = choice("今の秘密", Ending)
    confirmed = checked("プログラムの秘密を入れ替える準備ができています")
    password = _password()


class KeysSchema(FormSchema):
    """Other public keys."""

    jwks = lines("公開鍵", maximum=20_000)
    confirmed = checked("今の鍵が使えなくなることを確かめました")
    password = _password()


class RevokeSchema(FormSchema):
    """The end of a client."""

    confirmed = checked("このクライアントを使うプログラムが止まることを確かめました")
    password = _password()
