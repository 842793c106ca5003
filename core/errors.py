"""Domain errors: what can go wrong in an act, in sentences a reader can use; no HTTP in here."""

from collections.abc import Mapping, Sequence
from typing import Any


class DomainError(Exception):
    """Base of every refusal that a person or program is told about."""

    code = "domain_error"
    title = "この操作はできません"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(DomainError):
    """The subject is absent, or the actor may not know that it exists."""

    code = "not_found"
    title = "ページが見つかりません"

    def __init__(self, message: str = "このページは存在しないか、見る権限がありません。") -> None:
        super().__init__(message)


class Gone(DomainError):
    """The subject existed and was withdrawn."""

    code = "gone"
    title = "提供を終了しました"


class Forbidden(DomainError):
    """The actor may see the subject but not do this."""

    code = "forbidden"
    title = "この操作をする権限がありません"


class SignInRequired(DomainError):
    """An anonymous actor asked for something that needs a sign-in."""

    code = "sign_in_required"
    title = "サインインが必要です"

    def __init__(self, message: str = "この操作にはサインインが必要です。") -> None:
        super().__init__(message)


class ReauthenticationRequired(DomainError):
    """A legal act needs a sign-in at most a few minutes old."""

    code = "reauthentication_required"
    title = "パスワードをもう一度確かめます"

    def __init__(
        self, message: str = "サインインから時間がたっています。パスワードを入力してください。"
    ) -> None:
        super().__init__(message)


class Invalid(DomainError):
    """Values do not fit; `errors` maps a field name to a sentence."""

    code = "invalid"
    title = "確認が必要な入力があります"

    def __init__(self, errors: Mapping[str, str], message: str | None = None) -> None:
        super().__init__(message or next(iter(errors.values()), self.title))
        self.errors = dict(errors)


class StaleVersion(DomainError):
    """Somebody else changed the row first."""

    code = "stale_version"
    title = "ほかの人が先に更新しました"

    def __init__(
        self,
        message: str = "ほかの人が先に更新しました。入力した内容は消えていません。"
        "見比べて、残すほうを選んでください。",
        *,
        current: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.current = dict(current or {})


class WrongState(DomainError):
    """The subject's state does not allow the action."""

    code = "wrong_state"
    title = "今の状態ではこの操作はできません"

    def __init__(self, message: str, *, state: str) -> None:
        super().__init__(message)
        self.state = state


class GuardFailed(DomainError):
    """Conditions of an act are not met; `reasons` lists all (field or anchor, sentence)."""

    code = "guard_failed"
    title = "足りないものがあります"

    def __init__(self, reasons: Sequence[tuple[str, str]]) -> None:
        super().__init__(reasons[0][1] if reasons else self.title)
        self.reasons = list(reasons)


class Conflict(DomainError):
    """The act collides with another fact, such as a duplicate registration."""

    code = "conflict"
    title = "ほかの登録と重なっています"


class BadRequest(DomainError):
    """The request itself cannot be understood, such as an unknown query parameter."""

    code = "bad_request"
    title = "この指定は使えません"


class TooLarge(DomainError):
    """What was sent, or what would be answered, is over the limit."""

    code = "too_large"
    title = "大きすぎます"


class LengthRequired(DomainError):
    """A body came without Content-Length."""

    code = "length_required"
    title = "長さの指定が必要です"


class Unavailable(DomainError):
    """A part of the system cannot answer now; nothing was changed."""

    code = "unavailable"
    title = "いまは利用できません"


class TooMany(DomainError):
    """Too many attempts; try again later."""

    code = "too_many"
    title = "回数の上限をこえました"
