"""What this reader keeps for computing costs: in the profile, or without one in the browser's session.

An address that names a body is complete in itself: it shows the same to everyone. Otherwise each
word that it leaves out is taken from what the reader keeps.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from flask import session as browser_session
from sqlmodel import Session
from werkzeug.datastructures import MultiDict

from accounts.auth import actor
from catalog.bodies import acting_body, find_body
from catalog.conditions import Conditions, read_conditions
from catalog.kept import services
from catalog.kept.queries import find_profile
from catalog.schemas import CostQuerySchema
from catalog.what_if import Baseline
from core import web
from core.clock import day_in_japan
from core.db import now, transaction
from core.errors import Invalid

Words = dict[str, str | list[str]]
_COOKIE_KEY = "cost_conditions"
_LONGEST = 1_400  # bytes as packed; the whole cookie holds 4,096
# A word of the address replaces what is kept together with what says where that comes from.
_TOGETHER = (
    frozenset({"population", "population_on", "population_from"}),
    frozenset({"usd", "usd_on", "usd_from"}),
)
TOO_LONG = (
    "サインインしていないときは、ここまで長い条件を覚えられません。"
    "選ぶオプションを減らすか、覚えずに計算してください。"
)


def keepable(conditions: Conditions) -> Words:
    """Return the words to keep: all but the day of the price lists, which is that of one question."""
    words = {name: value for name, value in conditions.parts().items() if name != "on"}
    return {
        name: [str(each) for each in value] if isinstance(value, list) else str(value)
        for name, value in words.items()
    }


def has_profile_place() -> bool:
    """Tell whether this reader keeps things in a profile: acts for an organisation."""
    return actor().organisation_id is not None


def find_words() -> Words:
    """Return the words that this reader keeps, without what can no longer be read."""
    session, acting = web.read_session(), actor()
    if has_profile_place():
        profile = find_profile(session, acting)
        acting_body(session, acting)  # what is kept for it mostly names it
        return usable(session, profile.conditions) if profile else {}
    return usable(session, browser_session.get(_COOKIE_KEY, {}))


def usable(session: Session, words: Mapping[str, str | list[str]]) -> Words:
    """Return kept words without those that today's address does not know, or a start that has passed."""
    if not words:
        return {}
    dropped = set(CostQuerySchema().validate(dict(words)))
    if "body" in words and not _is_body(session, str(words["body"])):
        dropped.add("body")
    if str(words.get("start", "9999"))[:7] < f"{day_in_japan(now(session)):%Y-%m}":
        dropped.add("start")
    return _without(words, dropped)


def complete(given: MultiDict[str, str]) -> MultiDict[str, str]:
    """Return the words of an address with the kept ones in place of those that it leaves out."""
    if "body" in given:
        return given
    found = MultiDict(given)
    for name, value in _without(find_words(), set(given)).items():
        found.setlist(name, value if isinstance(value, list) else [value])
    return found


def own_conditions(session: Session) -> Conditions:
    """Return for whom this reader computes where no address says it."""
    words = find_words()
    asked = CostQuerySchema().load(words)
    return read_conditions(session, actor(), asked, names_body="body" in words)


def keep(words: Words, baseline: Baseline | None) -> None:
    """Keep words in place of those kept before; Invalid when the browser cannot hold them."""
    if has_profile_place():
        _write(lambda session: services.keep(session, actor(), words, baseline))
    elif len(zlib.compress(json.dumps(words).encode())) > _LONGEST:
        raise Invalid({"o": TOO_LONG})
    else:
        browser_session[_COOKIE_KEY] = words


def forget() -> None:
    """Drop what is kept."""
    browser_session.pop(_COOKIE_KEY, None)
    if has_profile_place():
        _write(lambda session: services.forget(session, actor()))


def _write(act: Callable[[Session], object]) -> None:
    with transaction() as session:
        act(session)


def _is_body(session: Session, text: str) -> bool:
    try:
        find_body(session, text)
    except Invalid:
        return False
    return True


def _without(words: Mapping[str, str | list[str]], names: set[str]) -> Words:
    gone: set[Any] = names | {each for group in _TOGETHER if group & names for each in group}
    return {name: value for name, value in words.items() if name not in gone}
