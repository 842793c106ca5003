"""What the page of conditions shows: the fields as typed, the options of the compared lists, what is kept."""

import uuid
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from flask import request, url_for
from marshmallow import ValidationError
from sqlmodel import Session
from werkzeug.datastructures import MultiDict

from accounts import queries as people
from accounts.auth import actor
from accounts.models import Organisation
from catalog.bodies import acting_body, find_body
from catalog.columns import was_shown
from catalog.condition_words import condition_rows, work_words
from catalog.conditions import DEFAULT_MONTHS, QUANTITIES, Conditions, default_start
from catalog.kept import remembering
from catalog.kept.queries import load_baseline, works_of
from catalog.offerings import queries as offers
from catalog.offerings.models import ListingVersion
from catalog.offerings.prices import plan_of
from catalog.price_plan import Currency, TaxRounding
from catalog.specifications.models import StandardSpecification
from catalog.specifications.queries import find_specification, list_specifications
from catalog.what_if import Baseline
from core import web
from core.clock import day_in_japan
from core.db import now
from core.errors import Invalid, NotFound
from core.forms import Form
from core.japanese import format_date, format_yen

OWN = "own_conditions"
# What the page carries on without a field of its own.
_CARRIED = ("l", "diff", "must", "used", "gaps", "show", "use")
_DAYS = ("start", "population_on", "usd_on", "on", "baseline_ends_on")
_PARTS = ("era", "year", "month", "day")
_POPULATION = ("population", "population_on", "population_from")
_FOLDED = ("rounding", "exit", "on", "usd", "usd_on", "usd_from")
_NOT_GENERAL = frozenset({"オプション", "料金表"})
_ASKED = frozenset(
    {
        "work",
        "body",
        "months",
        "o",
        "population_from",
        "baseline_yearly",
        *QUANTITIES,
        *_DAYS,
        *_FOLDED,
    }
)


def typed_of(conditions: Conditions, baseline: Baseline | None) -> dict[str, Any]:
    """Return what stands in the fields when the page is opened."""
    rates = conditions.rates
    return {
        **conditions.parts(),
        "body": conditions.body.label if conditions.body else "",
        "start": conditions.term.start,
        "population_on": conditions.entered_on,
        "usd_on": rates[Currency.USD].as_of if rates else None,
        "on": conditions.priced_on,
        "baseline_yearly": baseline and baseline.yearly_with_tax,
        "baseline_ends_on": baseline and baseline.ends_on,
    }


def find_work(code: str) -> StandardSpecification | None:
    """Return the specification of a code in an address, None without one; NotFound for none."""
    if not code:
        return None
    found = find_specification(web.read_session(), code)
    if found is None:
        raise NotFound(
            "この業務の標準仕様書は見つかりません。計算の条件のページで選び直してください。"
        )
    return found


def work_of_services(given: Sequence[str]) -> StandardSpecification | None:
    """Return the work of the services of an address, None where they are for several."""
    found = works_of(web.read_session(), _read_ids(given))
    works = {each.code: each for each in found.values()}
    return next(iter(works.values())) if len(works) == 1 else None


def load_shown_baseline(target: str, work: StandardSpecification | None) -> Baseline | None:
    """Return today's contract of a work; on the own page without one, that of which nobody told it."""
    if work is None and target != OWN:
        return None
    return load_baseline(web.read_session(), actor(), work.code if work else "")


def page_context(session: Session, form: Form, target: str) -> dict[str, Any]:
    """Return the context of the page; errors of what has no field stand in the summary."""
    sent = request.form if request.method == "POST" else request.args
    is_own = target == OWN
    work = _find_shown_work(form, sent, is_own=is_own)
    if form.posted is not None and request.method == "GET":
        form.posted = _filled(session, form, load_shown_baseline(target, work))
    stray = {name: form.errors.pop(name) for name in list(form.errors) if name not in _ASKED}
    form.extra_summary.extend(("main", sentence) for sentence in stray.values())
    versions = _load_versions(session, sent.getlist("l"))
    body = _read_body(session, form)
    foreign = _is_foreign(versions)
    return {
        "target": target,
        "action": url_for(f"comparison.{_edit_of(target)}"),
        "is_own": is_own,
        "back": sent.get("next", ""),
        "here": _here(target, sent),
        "carried": [*_carry(sent, stray), *_carry_own(form, is_own=is_own)],
        "work": work,
        **_choose_work(session, form, work, is_own=is_own),
        "has_several_works": bool(versions) and work is None,
        "untold": _untold(is_shown=is_own and not form.value("opened")),
        "registered": body if body and body.population is not None else None,
        "unregistered": body if body and body.population is None else None,
        "unfolds_population": (body is not None and body.population is None)
        or any(form.error(name) or form.value(name) for name in _POPULATION)
        or bool(form.value("population_on-year")),
        "has_own": acting_body(session, actor()) is not None,
        "options": _list_options(versions, form.values("o")),
        "knows_lists": bool(versions),
        "roundings": [(each.value, each.label) for each in TaxRounding],
        "asks_rate": foreign,
        "is_unfolded": any(form.error(name) or form.value(name) for name in _FOLDED)
        or any(form.value(f"{name}-year") for name in ("on", "usd_on")),
        "suggestions": people.list_body_labels(session),
        "kept_rows": _kept_rows(session),
        "kept_works": _list_kept_works(sent.get("next", "")),
        "keeps_in_profile": remembering.has_profile_place(),
    }


def _choose_work(
    session: Session, form: Form, work: StandardSpecification | None, *, is_own: bool
) -> dict[str, Any]:
    """Return the works to choose from; what was typed for one must not be kept for another."""
    works = [(each.code, each.name) for each in list_specifications(session)] if is_own else []
    return {"works": works, "fixes_work": work is not None and form.value("opened") == work.code}


def _find_shown_work(
    form: Form, sent: MultiDict[str, str], *, is_own: bool
) -> StandardSpecification | None:
    """Return the work that the fields are for, as far as it is told."""
    if not is_own:
        return work_of_services(sent.getlist("l"))
    code = form.value("work") or sent.get("work", "")
    return find_specification(web.read_session(), code) if code else None


def _carry(sent: MultiDict[str, str], left_out: Collection[str]) -> list[tuple[str, str]]:
    """Return the words that the page carries on without a field of its own."""
    return [(name, v) for name in _CARRIED if name not in left_out for v in sent.getlist(name)]


def _carry_own(form: Form, *, is_own: bool) -> list[tuple[str, str]]:
    """Return what the own page carries on besides: the work that was shown, and its standard options."""
    if not is_own:
        return []
    used = form.value("use") if form.posted is None else ""
    return [("opened", form.value("opened")), *([("use", used)] if used else [])]


def _untold(*, is_shown: bool) -> str:
    """Tell of what is kept for no work: that it stands in the fields, or where; empty without any."""
    if not remembering.has_untold():
        return ""
    return "shown" if is_shown else "elsewhere"


def _here(target: str, sent: MultiDict[str, str]) -> str:
    """Return the address of this page with what was sent, but never with today's contract."""
    if request.method == "GET":
        return request.full_path
    named = {*_CARRIED, *_ASKED, *(f"{day}-{part}" for day in _DAYS for part in _PARTS)}
    carried: dict[str, Any] = {
        name: values
        for name, values in sent.lists()
        if name in named and not name.startswith("baseline_") and any(values)
    }
    return url_for(f"comparison.{_edit_of(target)}", **carried)


def _edit_of(target: str) -> str:
    """Return where the conditions of a page, or of one of its documents, are edited."""
    if target == OWN:
        return OWN
    return "edit_cost_conditions" if "cost" in target else "edit_conditions"


def _filled(session: Session, form: Form, baseline: Baseline | None) -> MultiDict[str, str]:
    """Return the words of an address as the fields show them; what it leaves out as it is computed."""
    posted = MultiDict(form.posted or {})
    today = day_in_japan(now(session))
    posted.setdefault("start", f"{default_start(today):%Y-%m}")
    posted.setdefault("months", str(DEFAULT_MONTHS))
    if baseline is not None:
        posted["baseline_yearly"] = str(baseline.yearly_with_tax)
        posted["baseline_ends_on"] = baseline.ends_on.isoformat()
    for name in _DAYS:
        if text := posted.get(name, ""):
            posted.update(_day_parts(form, name, text))
    return posted


def _day_parts(form: Form, name: str, text: str) -> dict[str, str]:
    """Return the parts of a date; what cannot be read stands in the year as it was written."""
    field = form.schema.fields.get(name)
    parts = {f"{name}-era": "western", f"{name}-year": text}
    with suppress(ValidationError):
        day = field.deserialize(text) if field else date.fromisoformat(text)
        written = {"year": day.year, "month": day.month, "day": day.day}
        parts |= {f"{name}-{part}": str(number) for part, number in written.items()}
    return parts


def _load_versions(session: Session, given: Sequence[str]) -> list[ListingVersion]:
    ids = _read_ids(given)
    found = offers.load_listing_versions(session, ids) if ids else {}
    return [version for version in found.values() if was_shown(version)]


def _read_ids(given: Sequence[str]) -> list[uuid.UUID]:
    ids = []
    for each in given:
        with suppress(ValueError):
            ids.append(uuid.UUID(each))
    return ids[:20]


def _read_body(session: Session, form: Form) -> Organisation | None:
    with suppress(Invalid):
        return find_body(session, form.value("body"))
    return None


def _list_options(
    versions: Sequence[ListingVersion], chosen: Sequence[str]
) -> list[tuple[str, str, str]]:
    """Return the options of the price lists by name, each with whose it is, and those in none of them."""
    named: dict[str, list[str]] = {}
    for version in versions:
        for name in sorted({each.name for each in plan_of(version).components if each.is_option}):
            named.setdefault(name, []).append(version.offering_version.name)
    options = [
        (name, name, "" if len(versions) == 1 else f"料金表にあるサービス：{'、'.join(whose)}")
        for name, whose in sorted(named.items())
    ]
    missing = "開いているサービスの料金表にはありません" if versions else "選んでいるオプション"
    return options + [(name, name, missing) for name in chosen if name not in named]


def _is_foreign(versions: Sequence[ListingVersion]) -> bool:
    plans = (plan_of(version) for version in versions)
    return any(each.currency is not Currency.JPY for plan in plans for each in plan.components)


def _kept_rows(session: Session) -> list[tuple[str, str]]:
    """Return what is kept for every work."""
    if not remembering.find_words():
        return []
    with suppress(Invalid):
        conditions = remembering.own_conditions(session)
        return [row for row in condition_rows(conditions) if row[0] not in _NOT_GENERAL]
    return []


def _list_kept_works(back: str) -> list[tuple[str, str, str]]:
    """Return what is kept for one work each: its name, the words, and where it is changed."""
    found = []
    for each in remembering.list_works():
        parts = [work_words(each.conditions)]
        if each.conditions.used:
            parts.append("使う標準オプション")
        if each.baseline is not None:
            paid, last = each.baseline.yearly_with_tax, each.baseline.ends_on
            parts.append(f"今の契約：年額{format_yen(paid)}（税込）、{format_date(last)}まで")
        href = url_for(f"comparison.{OWN}", work=each.code, next=back or None)
        found.append((each.name, "、".join(filter(None, parts)), href))
    return found
