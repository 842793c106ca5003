"""What of the site the canary crawl asks for, and what of an answer counts."""

import re
from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule
from werkzeug.test import TestResponse

SMALLEST_CANARY = 1_000_000
_OWN = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{12,64}|令和\d+-\d+(-\d+)?"
    r"|\d+:\d+(:[\d.+:]+)?|(csrf_token|form_key)\"[^>]*|nonce-[^\" ]+"
)
OF_PURCHASE = frozenset(
    {"projects", "requests", "contracts", "notices", "proof", "home", "quoting"}
)
FILES = ("/pack", ".pdf", ".docx", ".xlsx")


def choose_rules(*, everywhere: bool, only: tuple[str, ...]) -> Callable[[Rule, str], bool]:
    """Choose what is asked: everything, or the pages and files of a purchase."""

    def choose(rule: Rule, method: str) -> bool:
        if only:
            return rule.rule.endswith(only)
        is_ours = rule.endpoint.partition(".")[0] in OF_PURCHASE
        return everywhere or (is_ours and (method == "GET" or rule.rule.endswith(FILES)))

    return choose


def list_amounts(value: Any) -> list[int]:
    """List every number in a quote that is large enough to be met by no accident."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return [each for part in parts for each in list_amounts(part)]
    return [value] if isinstance(value, int) and value > SMALLEST_CANARY else []


def seen_from_outside(answer: TestResponse) -> tuple[int, str | None, str | None]:
    """Return what an onlooker learns without reading; the length of packed files follows their ids."""
    length = answer.headers.get("Content-Length") if answer.mimetype == "text/html" else None
    return answer.status_code, answer.headers.get("ETag"), length


def leave_out_own(text: str) -> str:
    """Leave out what two requests of one kind differ in: ids, hashes, numbers of purchases, tokens."""
    return _OWN.sub("", text)
