"""What this reader keeps for computing costs: in the profile, or without one in the browser's session.

Some of it counts for every work, some for the services of one standard specification alone: a work
is named by the code of its specification. An address that names a body is complete in itself: it
shows the same to everyone. What an address without a body leaves out is taken from what is kept.
"""

import json
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import session as browser_session
from sqlmodel import Session
from werkzeug.datastructures import MultiDict

from accounts.auth import actor
from catalog.bodies import acting_body, find_body
from catalog.conditions import Conditions, read_conditions
from catalog.kept import services
from catalog.kept.queries import find_profiles, list_names, load_baseline, works_of
from catalog.kept.services import Work
from catalog.kept.words import Words, general_words, work_words
from catalog.schemas import CostQuerySchema
from catalog.what_if import Baseline
from core import web
from core.clock import day_in_japan
from core.db import now, transaction
from core.errors import Invalid

_COOKIE_KEY, _COOKIE_WORKS = "cost_conditions", "cost_works"
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


@dataclass(frozen=True, slots=True)
class KeptWork:
    """What is kept for one work: counted quantities and options, and today's contract."""

    code: str
    name: str
    conditions: Conditions
    baseline: Baseline | None


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


def find_words(code: str = "") -> Words:
    """Return the words kept for every work and for the given one, as far as they can be read today."""
    session = web.read_session()
    if has_profile_place():
        acting_body(session, actor())  # what is kept for it mostly names it
    words = general_words(_stored(""))
    return usable(session, {**words, **work_words(_stored(code))} if code else words)


def find_untold() -> Words:
    """Return kept words that count for no work until somebody says for which."""
    return usable(web.read_session(), work_words(_stored("")))


def has_untold() -> bool:
    """Tell whether quantities or today's contract are kept of which nobody told the work."""
    return bool(find_untold() or load_baseline(web.read_session(), actor(), ""))


def list_codes() -> list[str]:
    """Return the works for which something is kept."""
    if has_profile_place():
        return list(find_profiles(web.read_session(), actor()).works)
    return sorted(browser_session.get(_COOKIE_WORKS, {}))


def work_of(listing_version_ids: Collection[UUID]) -> str:
    """Return the work that all of some services are for; empty when they are for several, or unknown."""
    if not listing_version_ids or not list_codes():
        return ""
    codes = {each.code for each in works_of(web.read_session(), listing_version_ids).values()}
    return codes.pop() if len(codes) == 1 else ""


def list_works() -> list[KeptWork]:
    """Return what is kept for each work, by the code of its specification."""
    codes, session = list_codes(), web.read_session()
    if not codes:
        return []
    in_profile = has_profile_place()
    names = find_profiles(session, actor()).names if in_profile else list_names(session, codes)
    return [
        KeptWork(
            code, names[code], own_conditions(session, code), load_baseline(session, actor(), code)
        )
        for code in codes
        if code in names
    ]


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


def complete(given: MultiDict[str, str], code: str = "") -> MultiDict[str, str]:
    """Return the words of an address with the kept ones in place of those that it leaves out."""
    if "body" in given:
        return given
    found = MultiDict(given)
    for name, value in _without(find_words(code), set(given)).items():
        found.setlist(name, value if isinstance(value, list) else [value])
    return found


def own_conditions(session: Session, code: str = "") -> Conditions:
    """Return for whom this reader computes, and how much for a work, where no address says it."""
    words = find_words(code)
    asked = CostQuerySchema().load(words)
    return read_conditions(session, actor(), asked, names_body="body" in words)


def keep(words: Words, work: Work | None, *, settles: bool = False) -> None:
    """Keep words in place of those kept before; Invalid when the browser cannot hold them."""
    if has_profile_place():
        _write(lambda session: services.keep(session, actor(), words, work, settles=settles))
        return
    general, works = general_words(words), dict(browser_session.get(_COOKIE_WORKS, {}))
    if not settles:
        general |= work_words(_stored(""))
    if work is not None:
        works.pop(work.code, None)
        if words := work_words(work.words):
            works[work.code] = words
    if len(zlib.compress(json.dumps([general, works]).encode())) > _LONGEST:
        raise Invalid({"o": TOO_LONG})
    browser_session[_COOKIE_KEY], browser_session[_COOKIE_WORKS] = general, works


def forget() -> None:
    """Drop what is kept."""
    for key in (_COOKIE_KEY, _COOKIE_WORKS):
        browser_session.pop(key, None)
    if has_profile_place():
        _write(lambda session: services.forget(session, actor()))


def _stored(code: str) -> Words:
    """Return what stands in the profile of a work or in the browser, read or not; in the general one without a code."""
    if has_profile_place():
        profile = find_profiles(web.read_session(), actor()).get(code)
        return profile.conditions if profile else {}
    if code:
        found: Words = browser_session.get(_COOKIE_WORKS, {}).get(code, {})
    else:
        found = browser_session.get(_COOKIE_KEY, {})
    return found


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
