"""Domain errors: what can go wrong in an act, in sentences a reader can use; no HTTP in here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class DomainError(Exception):
    """Base of every refusal that a person or program is told about."""

    code = "domain_error"
    title = "この操作はできません"
    meaning = "この操作はできないと判断されました。"
    remedy = "文に書かれた理由を確かめてください。"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def tell_more(self, problem: dict[str, Any]) -> None:
        """Add to the JSON of a refusal what a program acts on; most have nothing to add."""


class NotFound(DomainError):
    """The subject is absent, or the actor may not know that it exists."""

    code = "not_found"
    title = "ページが見つかりません"
    meaning = "アドレスの指すものがないか、見る権限がありません。"
    remedy = "アドレスと番号を確かめてください。公開をやめたものは現れません。"

    def __init__(self, message: str = "このページは存在しないか、見る権限がありません。") -> None:
        super().__init__(message)


class Gone(DomainError):
    """The subject existed and was withdrawn."""

    code = "gone"
    title = "公開を終えました"
    meaning = "以前はありましたが、提供や保存を終えました。"
    remedy = "控えから消し、代わりのものを探してください。"


class Forbidden(DomainError):
    """The actor may see the subject but not do this."""

    code = "forbidden"
    title = "この操作をする権限がありません"
    meaning = "あることは知られていますが、今の役割ではできません。"
    remedy = "担当の人に頼むか、役割を切り替えてください。"


class InsufficientScope(Forbidden):
    """A program's token lacks the scope that the act needs; `scopes` names those that would do."""

    code = "insufficient_scope"
    title = "トークンの範囲（scope）が足りません"
    meaning = "アクセストークンに、この操作のための範囲（scope）がありません。"
    remedy = "文に挙げた範囲を付けて、トークンを取り直してください。"

    def __init__(self, scopes: Sequence[str]) -> None:
        super().__init__(f"この操作には、範囲（scope）{'、'.join(scopes)} のトークンが必要です。")
        self.scopes = tuple(scopes)


class SignInRequired(DomainError):
    """An anonymous actor asked for something that needs a sign-in."""

    code = "sign_in_required"
    title = "サインインが必要です"
    meaning = "サインインしていない人には使えません。"
    remedy = "サインインしてから、もう一度開いてください。"

    def __init__(self, message: str = "この操作にはサインインが必要です。") -> None:
        super().__init__(message)


class TokenRequired(SignInRequired):
    """A program without a token asked for something that needs one."""

    code = "token_required"
    title = "アクセストークンが必要です"
    meaning = "このアドレスは、アクセストークンのない人には使えません。"
    remedy = "/oauth/token でトークンを取り、Authorization: Bearer に付けて送ってください。"

    def __init__(
        self, message: str = "Authorizationヘッダーにアクセストークンを付けて送ってください。"
    ) -> None:
        super().__init__(message)


class InvalidToken(SignInRequired):
    """A program showed a token that is unknown, has run out or was revoked."""

    code = "invalid_token"
    title = "アクセストークンが使えません"
    meaning = "アクセストークンが正しくないか、期限が切れたか、取り消されています。"
    remedy = "/oauth/token で新しいトークンを取ってください。取れないときは、組織の管理者に確かめてください。"

    def __init__(
        self,
        message: str = "アクセストークンが正しくないか、期限切れか、取り消されています。"
        "新しいトークンを取ってください。",
    ) -> None:
        super().__init__(message)


class ReauthenticationRequired(DomainError):
    """A legal act needs a sign-in at most a few minutes old."""

    code = "reauthentication_required"
    title = "パスワードをもう一度確かめます"
    meaning = "送信、認証の決定などの前に、10分以内の本人の確認が必要です。"
    remedy = "確認の画面でパスワードを入力して、もう一度行ってください。"

    def __init__(
        self, message: str = "サインインから時間がたっています。パスワードを入力してください。"
    ) -> None:
        super().__init__(message)


class Invalid(DomainError):
    """Values do not fit; `errors` maps a field name to a sentence, `codes` some of them to a code."""

    code = "invalid"
    title = "確認が必要な入力があります"
    meaning = "入力した値が決まりに合いません。"
    remedy = "errors に挙げた項目を直して、送り直してください。"

    def __init__(
        self,
        errors: Mapping[str, str],
        message: str | None = None,
        codes: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message or next(iter(errors.values()), self.title))
        self.errors = dict(errors)
        self.codes = dict(codes or {})

    def tell_more(self, problem: dict[str, Any]) -> None:
        """Name the kind of fault beside each field, where it has a code."""
        for each in problem["errors"]:
            if each["field"] in self.codes:
                each["code"] = self.codes[each["field"]]


class StaleVersion(DomainError):
    """Somebody else changed the row first; `shown` is what a program is told of the present state."""

    code = "stale_version"
    title = "ほかの人が先に更新しました"
    meaning = "開いてから送るまでの間に、ほかの人が先に更新しました。"
    remedy = "新しい内容と見比べて、残すほうを選んでください。"

    def __init__(
        self,
        message: str = "ほかの人が先に更新しました。入力した内容は消えていません。"
        "見比べて、残すほうを選んでください。",
        *,
        current: Mapping[str, Any] | None = None,
        shown: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.current = dict(current or {})
        self.shown = shown

    def tell_more(self, problem: dict[str, Any]) -> None:
        """Show a program what stands there now."""
        if self.shown is not None:
            problem["current"] = self.shown


class PreconditionRequired(DomainError):
    """A change came without saying which text it was made from (RFC 6585 §3)."""

    code = "precondition_required"
    title = "If-Matchヘッダーが必要です"
    meaning = "変更や削除に、読んだときのETagが付いていません。"
    remedy = "先に読み、答えのETagをIf-Matchヘッダーに付けて送ってください。"


class WrongState(DomainError):
    """The subject's state does not allow the action."""

    code = "wrong_state"
    title = "今の状態ではこの操作はできません"
    meaning = "今の状態では、その操作はできません。"
    remedy = "文にある今の状態を確かめ、画面を開き直してください。"

    def __init__(self, message: str, *, state: str) -> None:
        super().__init__(message)
        self.state = state


class GuardFailed(DomainError):
    """Conditions of an act are not met; `reasons` lists all (field or anchor, sentence)."""

    code = "guard_failed"
    title = "足りないものがあります"
    meaning = "操作の条件がそろっていません。"
    remedy = "errors に挙げたものをすべて整えてから、やり直してください。"

    def __init__(self, reasons: Sequence[tuple[str, str]]) -> None:
        super().__init__(reasons[0][1] if reasons else self.title)
        self.reasons = list(reasons)


class Conflict(DomainError):
    """The act collides with another fact, such as a duplicate registration."""

    code = "conflict"
    title = "ほかの登録と重なっています"
    meaning = "ほかの登録や操作と重なりました。"
    remedy = "画面を開き直し、今の内容を確かめてからやり直してください。"


class BadRequest(DomainError):
    """The request itself cannot be understood, such as an unknown query parameter."""

    code = "bad_request"
    title = "この指定は使えません"
    meaning = "指定した内容を読み取れません。"
    remedy = "文に挙げた指定を直してください。"


class TooLarge(DomainError):
    """What was sent, or what would be answered, is over the limit."""

    code = "too_large"
    title = "大きすぎます"
    meaning = "送られたもの、または答えるものが上限をこえています。"
    remedy = "分けるか、条件を絞ってください。"


class AddressTooLong(DomainError):
    """The address with its query is longer than any page or program needs."""

    code = "address_too_long"
    title = "アドレスが長すぎます"
    meaning = "アドレスと、そのうしろの指定が上限をこえています。"
    remedy = "指定を減らすか、短いことばにして送り直してください。"


class HeadersTooLarge(DomainError):
    """The header lines of a request, such as its cookies, are over the limit."""

    code = "headers_too_large"
    title = "ブラウザーの送る情報が大きすぎます"
    meaning = "Cookieなどのヘッダーが上限をこえています。"
    remedy = "このサイトのCookieを消してから、もう一度開いてください。"


class LengthRequired(DomainError):
    """A body came without Content-Length."""

    code = "length_required"
    title = "長さの指定が必要です"
    meaning = "送る内容の長さ（Content-Length）が書かれていません。"
    remedy = "長さを付けて送り直してください。"


class Unavailable(DomainError):
    """A part of the system cannot answer now; nothing was changed."""

    code = "unavailable"
    title = "いまは利用できません"
    meaning = "システムの一部が今は答えられません。何も変わっていません。"
    remedy = "しばらくしてから、もう一度送ってください。"

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooMany(DomainError):
    """Too many attempts; try again later."""

    code = "too_many"
    title = "回数の上限をこえました"
    meaning = "短い時間に回数の上限をこえました。"
    remedy = (
        "時間をおいてから送ってください。APIでは、Retry-Afterに書かれた秒数だけ待ってください。"
    )

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def name_problems(
    sentences: Iterable[tuple[str, str]], codes: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return what is wrong as programs read it: field, sentence, and the code where it has one."""
    return [
        {"field": name, **({"code": codes[name]} if name in codes else {}), "message": text}
        for name, text in sentences
    ]
