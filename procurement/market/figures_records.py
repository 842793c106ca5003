"""Market figures as JSON values: null where nobody told, never 0."""

from collections.abc import Iterable
from typing import Any

from catalog.market import Choice, SellerTerms, Service, Spread, Supply
from catalog.market_exit import judge_terms
from catalog.market_history import MonthCount
from catalog.replaceability import FEWEST_OTHERS, DataPath, Substitute, measure_replaceability
from catalog.specifications.models import SpecificationState
from procurement.market.figures import Figures


def market_record(figures: Figures, state: SpecificationState) -> dict[str, Any]:
    """Return all figures of a market but those of its single services."""
    market, version = figures.market, figures.market.version
    return {
        "specification": version.specification.code,
        "name": version.specification.name,
        "is_sample": version.specification.is_sample,
        "specification_version": {
            "id": str(version.id),
            "version": version.label,
            "state": state.value,
        },
        "as_of": market.day.isoformat(),
        "currency": "JPY",
        "tax_included": False,
        "population": market.population,
        "size_class": market.size.value,
        "supply": _supply(figures.supply),
        "certified_supply": _supply(figures.trusted_supply),
        "certification": [
            {"state": each.value, "services": number} for each, number in figures.states.items()
        ],
        "size_classes": _choices("size_class", figures.sizes),
        "size_class_unknown": _untold(figures.sizes_untold),
        "body_kinds": _choices("body_kind", figures.kinds),
        "body_kind_unknown": _untold(figures.kinds_untold),
        "coverage": _coverage(figures),
        "replaceability": _replaceability(figures),
        "exit_terms": [
            _fields(each, "key", "label", "yes", "no", "untold") for each in figures.exits
        ],
        "published_contracts": _fields(figures.notices, "notices", "bodies", "services", "largest"),
        "months": [_month(each) for each in market.months],
    }


def service_record(figures: Figures, service: Service) -> dict[str, Any]:
    """Return how well one service could be replaced."""
    found = measure_replaceability(figures.pool, service)
    counts = ("others", "other_makers", "whole_options", "whole_data", "data_untold")
    return {
        **_service_facts(service),
        "serves": found.serves,
        **_fields(found, *counts),
        "leaving": spread_record(service.leaving),
        "entry": spread_record(found.entry),
        "switching": spread_record(found.switching),
        "difference": spread_record(found.difference),
        "sellers": [_seller(figures, each) for each in service.sellers],
    }


def substitute_records(figures: Figures, service: Service) -> list[dict[str, Any]]:
    """Return what could replace a service; nothing where it is not for such bodies."""
    if figures.pool.serves(service) is False:
        return []
    return [_substitute(each) for each in figures.pool.list_substitutes(service)]


def spread_record(spread: Spread | None) -> dict[str, int] | None:
    """Return a spread of amounts, None where none is known."""
    return _fields(spread, "low", "high", "untold") if spread else None


def _fields(value: object, *names: str) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _supply(supply: Supply) -> dict[str, Any]:
    return _fields(supply, "services", "makers", "sellers", "resellers")


def _choices(name: str, choices: Iterable[Choice]) -> list[dict[str, Any]]:
    return [
        {
            name: each.code.value,
            "services": each.services,
            "certified": each.trusted,
            "makers": each.makers,
            "choice": each.verdict.value,
        }
        for each in choices
    ]


def _untold(counts: tuple[int, int]) -> dict[str, int]:
    return {"services": counts[0], "certified": counts[1]}


def _coverage(figures: Figures) -> dict[str, Any]:
    return {
        "certified_without_answers": figures.unanswered,
        "classes": [
            {
                "class": each.requirement_class.value,
                **_fields(each, "total", "several", "one", "none", "every"),
            }
            for each in figures.coverage
        ],
        "scarce": [
            {
                "requirement_id": each.requirement_id,
                "class": each.requirement_class.value,
                "maker_id": each.maker_id and str(each.maker_id),
            }
            for each in figures.scarce
        ],
    }


def _replaceability(figures: Figures) -> dict[str, Any]:
    return {
        "fewest_other_makers": FEWEST_OTHERS,
        "certified": len(figures.pool.services),
        "unsure": figures.pool.unsure,
        "services": figures.tally.services,
        "without_other_maker": figures.tally.without,
        "few": figures.tally.few,
        "entry": spread_record(figures.entry),
        "running": spread_record(figures.running),
    }


def _month(each: MonthCount) -> dict[str, Any]:
    told = _fields(each, "is_now", "services", "makers", "begun")
    return {"month": f"{each.month:%Y-%m}", **told}


def _service_facts(service: Service) -> dict[str, Any]:
    return {
        "offering_id": str(service.offering_id),
        "name": service.name,
        "maker_id": str(service.maker_id),
        "certification": service.state.value,
    }


def _seller(figures: Figures, terms: SellerTerms) -> dict[str, Any]:
    keeps = judge_terms(terms, figures.market.day)
    return {
        "listing_id": str(terms.listing_id),
        "listing_version_id": str(terms.listing_version_id),
        "seller_id": str(terms.seller_id),
        **_fields(terms, "running", "entry", "leaving"),
        "unlisted": [each.value for each in terms.unlisted],
        **{f"keeps_{key}": verdict for key, verdict in keeps.items()},
    }


def _substitute(found: Substitute) -> dict[str, Any]:
    return {
        **_service_facts(found.service),
        "is_same_maker": found.is_same_maker,
        "missing_options": found.missing_options,
        "data": _path(found.path),
        "entry": spread_record(found.service.entry),
        "switching": spread_record(found.switching),
        "difference": spread_record(found.difference),
    }


def _path(path: DataPath | None) -> dict[str, Any] | None:
    if path is None:
        return None
    return {**_fields(path, "total", "ready", "untold"), "formats": list(path.formats)}
