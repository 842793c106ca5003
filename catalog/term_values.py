"""The terms of a listing version in words, for tables that set them side by side."""

from collections.abc import Mapping
from datetime import date

from accounts.models import BodyKind
from catalog.columns import Column
from catalog.conditions import Conditions
from catalog.offerings.models import ListingVersion, OfferingVersion
from catalog.offerings.rows import read_accreditations, read_categories
from catalog.price_plan import ComponentKind
from catalog.terms import (
    AccessibilityLevel,
    Authentication,
    Language,
    SizeClass,
    hosting_label,
    size_class_for,
)
from catalog.yardsticks import ExitTerms, judge_exit, switching_charge
from core.clock import today_jst
from core.japanese import format_yen

_NETWORKS = {"lgwan": "LGWAN", "internet": "インターネット", "closed": "閉域網"}


def vendor_words(version: ListingVersion) -> str:
    """Return the seller, with the maker where another one makes the software."""
    seller, maker = version.listing.seller, version.listing.offering.maker
    return seller.name if seller.id == maker.id else f"{seller.name}（開発：{maker.name}）"


def term_values(column: Column) -> Mapping[str, str | None]:
    """Return the terms of a listing version in words; None where the vendor told nothing."""
    version, offering = column.version, column.version.offering_version
    return {
        "seller": vendor_words(version),
        "hosting": _join("・", _hosting(offering), offering.hosting_region),
        "networks": _join("、", *(_NETWORKS.get(each, each) for each in offering.networks)),
        "sizes": _join("、", *(each.label for each in SizeClass if each in offering.size_classes)),
        "kinds": _join("、", *(BodyKind(each).label for each in offering.body_kinds)),
        "languages": _join("、", *(Language(each).label for each in offering.languages)),
        "accessibility": AccessibilityLevel(offering.accessibility_level).label
        if offering.accessibility_level
        else None,
        "training": version.training,
        "maintenance": _count(version.maintenance_notice_days, "日前まで"),
        "data_location": offering.data_location,
        "authentication": _join("、", *(Authentication(e).label for e in offering.authentication)),
        "accreditations": _accreditations(offering),
        "categories": _join("\n", *(e.words for e in read_categories(offering.data_categories))),
        "onboarding": _count(version.onboarding_weeks, "週間"),
        "api": offering.api_specification,
        "availability": _availability(version),
        "rto": _count(version.rto_hours, "時間以内"),
        "rpo": _count(version.rpo_hours, "時間前まで"),
        "support": version.support_hours,
        "boundary": version.responsibility_boundary,
        "minimum_term": _count(version.minimum_term_months, "か月")
        if version.minimum_term_months
        else "なし",
        "notice": _count(version.notice_months, "か月前"),
        "transition": _count(version.transition_days, "日間"),
        "retrieval": _count(version.retrieval_days, "日間"),
        "imports": offering.import_formats,
        "exports": offering.export_formats,
        "export_charge": _charge(version.export_charge_yen),
        "deletion": _choice(version.deletion_certificate, "出す", "出さない"),
        "parallel": _choice(version.parallel_running, "できる", "できない"),
        "escrow": _choice(version.escrow, "あり", "なし"),
        "exit_note": version.exit_note,
    }


def misfit_words(offering: OfferingVersion, conditions: Conditions) -> str:
    """Say that the vendor does not name such a body among those it serves; empty where it does."""
    kind = conditions.body.body_kind if conditions.body else None
    told = []
    if conditions.population is not None and offering.size_classes:
        size = size_class_for(conditions.population)
        sizes = "、".join(each.label for each in SizeClass if each in offering.size_classes)
        told += [f"対応する人口は{sizes}"] if size not in offering.size_classes else []
    if kind is not None and offering.body_kinds and kind not in offering.body_kinds:
        kinds = "、".join(BodyKind(each).label for each in offering.body_kinds)
        told.append(f"対応する団体は{kinds}")
    if not told:
        return ""
    return (
        f"{conditions.body_label}は、事業者が対応するとしている団体に入っていません（{'。'.join(told)}）。"
        "金額は料金表どおりの計算です。使えるかどうかを事業者に確かめてください。"
    )


def yardstick_values(column: Column, day: date) -> dict[str, str | None]:
    """Return the terms for leaving beside the yardsticks, by key; None where the vendor told nothing.

    How soon a body may switch and how long a transition takes at most are not part of what vendors
    publish here: their notice is of the end of the service, their days are those of their help.
    """
    version = column.version
    terms = ExitTerms(
        retrieval_days=version.retrieval_days,
        switching_charge=_switching_charge(column),
    )
    cells = judge_exit(terms, day)
    return {each.key: None if each.value is None else each.words for each in cells}


def _switching_charge(column: Column) -> int | None:
    """Return what leaving costs: the charge for returning data or what the price list asks, if any."""
    told = column.version.export_charge_yen
    if all(each.kind is not ComponentKind.EXIT for each in column.plan.components):
        return told
    return switching_charge(told, column.cost.exit_charge)


def _accreditations(offering: OfferingVersion) -> str | None:
    """Return what is held today and what was, each with number, body, last day and scope."""
    told, today = read_accreditations(offering.accreditations), today_jst()
    held = [each.words for each in told if each.is_held_on(today)]
    lapsed = [f"期限切れ：{each.words}" for each in told if not each.is_held_on(today)]
    if lapsed and not held:
        held = ["有効なものはありません"]
    return _join("\n", *held, *lapsed)


def _hosting(offering: OfferingVersion) -> str:
    return hosting_label(offering.hosting_provider) if offering.hosting_provider else ""


def _join(mark: str, *words: str) -> str | None:
    return mark.join(word for word in words if word) or None


def _count(number: int | None, unit: str) -> str | None:
    return None if number is None else f"{number:,}{unit}"


def _charge(amount: int | None) -> str | None:
    if amount is None:
        return None
    return format_yen(amount) if amount else "無料"


def _choice(value: bool | None, yes: str, no: str) -> str | None:  # noqa: FBT001 - a stored fact
    return None if value is None else (yes if value else no)


def _availability(version: ListingVersion) -> str | None:
    """Return 99.5%（予定提供時間に対して：…）: a rate without its denominator means nothing."""
    if version.availability_basis_points is None:
        return None
    whole, rest = divmod(version.availability_basis_points, 100)
    rate = f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
    return f"{rate}%（予定提供時間に対して：{version.planned_service_hours}）"
