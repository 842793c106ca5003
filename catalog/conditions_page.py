"""What the page of conditions shows: the fields as typed, the options of the compared lists, what is kept."""

import uuid
from collections.abc import Sequence
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
from catalog.condition_words import condition_rows
from catalog.conditions import DEFAULT_MONTHS, QUANTITIES, Conditions, default_start
from catalog.kept import remembering
from catalog.kept.queries import load_baseline
from catalog.offerings import queries as offers
from catalog.offerings.models import ListingVersion
from catalog.offerings.prices import plan_of
from catalog.price_plan import Currency, TaxRounding
from catalog.what_if import Baseline
from core.clock import day_in_japan
from core.db import now
from core.errors import Invalid
from core.forms import Form

OWN = "own_conditions"
# What the page carries on without a field of its own.
_CARRIED = ("l", "diff", "must", "used", "gaps", "show", "use")
_DAYS = ("start", "population_on", "usd_on", "on", "baseline_ends_on")
_POPULATION = ("population", "population_on", "population_from")
_FOLDED = ("rounding", "exit", "on", "usd", "usd_on", "usd_from")
_ASKED = frozenset(
    {"body", "months", "o", "population_from", "baseline_yearly", *QUANTITIES, *_DAYS, *_FOLDED}
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


def page_context(session: Session, form: Form, target: str) -> dict[str, Any]:
    """Return the context of the page; errors of what has no field stand in the summary."""
    if form.posted is not None and request.method == "GET":
        form.posted = _filled(session, form)
    stray = {name: form.errors.pop(name) for name in list(form.errors) if name not in _ASKED}
    form.extra_summary.extend(("main", sentence) for sentence in stray.values())
    sent = request.form if request.method == "POST" else request.args
    versions = _load_versions(session, sent.getlist("l"))
    body = _read_body(session, form)
    foreign = _is_foreign(versions)
    return {
        "target": target,
        "action": url_for(f"comparison.{_edit_of(target)}"),
        "is_own": target == OWN,
        "back": sent.get("next", ""),
        "here": _here(target, sent),
        "carried": [(n, v) for n in _CARRIED if n not in stray for v in sent.getlist(n)],
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
        "suggestions": [each.label for each in people.list_bodies(session)],
        "kept_rows": _kept_rows(session),
        "keeps_in_profile": remembering.has_profile_place(),
    }


def _here(target: str, sent: MultiDict[str, str]) -> str:
    """Return the address of this page, with what it carries on where a form was sent."""
    if request.method == "GET":
        return request.full_path
    carried: dict[str, Any] = {name: sent.getlist(name) for name in _CARRIED if name in sent}
    return url_for(f"comparison.{_edit_of(target)}", **carried)


def _edit_of(target: str) -> str:
    """Return where the conditions of a page, or of one of its documents, are edited."""
    if target == OWN:
        return OWN
    return "edit_cost_conditions" if "cost" in target else "edit_conditions"


def _filled(session: Session, form: Form) -> MultiDict[str, str]:
    """Return the words of an address as the fields show them; what it leaves out as it is computed."""
    posted = MultiDict(form.posted or {})
    today = day_in_japan(now(session))
    posted.setdefault("start", f"{default_start(today):%Y-%m}")
    posted.setdefault("months", str(DEFAULT_MONTHS))
    baseline = load_baseline(session, actor())
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
    ids = []
    for each in given:
        with suppress(ValueError):
            ids.append(uuid.UUID(each))
    found = offers.load_listing_versions(session, ids[:20]) if ids else {}
    return [version for version in found.values() if was_shown(version)]


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
    if not remembering.find_words():
        return []
    with suppress(Invalid):
        return condition_rows(remembering.own_conditions(session))
    return []
