"""Which addresses may be told: judged by their letters here, and by their number at every try."""

from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from core.http import is_outward, origin_of

_HTTPS, _FIRST_FREE_PORT = 443, 1024
_INNER_NAMES = {"localhost", "local", "internal", "lan"}
_LIKE = "例：https://example.jp/hooks/narabi"


def find_fault(address: str, allowed_origins: Collection[str]) -> str | None:
    """Return the sentence that says how to mend an address, None for one that can be told.

    `allowed_origins` are those of a closed network, which the operator has named.
    """
    try:
        parts, origin = urlsplit(address), origin_of(address)
        port = parts.port or _HTTPS
    except ValueError:
        return f"通知先のアドレスは、{_LIKE}のように入力してください。"
    if parts.username is not None or parts.fragment or not address.isascii():
        return f"通知先のアドレスには、「@」の付いた利用者名、「#」、日本語を入れないでください。{_LIKE}"
    if origin in allowed_origins:
        return None
    return _find_outer_fault(parts, port)


def _find_outer_fault(parts: SplitResult, port: int) -> str | None:
    if parts.scheme != "https" or not parts.hostname:
        return f"通知先のアドレスは、https://で始まるアドレスを入力してください。{_LIKE}"
    if port != _HTTPS and port < _FIRST_FREE_PORT:
        return f"通知先のアドレスのポートは、443か1024以上にしてください。{_LIKE}"
    if _is_inward(parts.hostname):
        return (
            "通知先のアドレスには、インターネットから届くアドレスを入力してください。"
            "組織の中だけのアドレスには送れません。"
        )
    return None


def _is_inward(host: str) -> bool:
    try:
        return not is_outward(host)
    except ValueError:  # a name: what it stands for is looked up when something is sent
        labels = host.rstrip(".").lower().split(".")
        is_number = labels[-1][:1].isdigit()  # 0177.1 and 0x7f.1 are 127.0.0.1 to a resolver
        return len(labels) == 1 or is_number or labels[-1] in _INNER_NAMES
