"""From a loaded listing version to its search record; pure: rows in, values out, no database."""

from dataclasses import dataclass
from datetime import date
from functools import cache

from catalog.certification.queries import Standing
from catalog.offerings.listed import Listed
from catalog.offerings.prices import plan_of
from catalog.offerings.rows import list_held
from catalog.price_bands import first_year_costs
from catalog.price_plan import PricePlan, Volumes
from catalog.terms import HOSTING_CODES, Authentication, Network, hosting_label
from search.analysis import analysis_version, searchable_text
from search.engine import REFERENCE_POPULATIONS, SearchRecord
from search.facets import read_facets

_BODIES = {population: Volumes(population=population) for population in REFERENCE_POPULATIONS}


@dataclass(frozen=True, slots=True)
class Zones:
    """The three texts of a listing: names, what surrounds it, what it does."""

    hi: str
    lo: str
    ft: str


def build_record(
    version: Listed, standing: Standing, day: date, analysed: str | None = None
) -> SearchRecord:
    """Return what the index holds on a day of a listing version whose certification stands so.

    Its text is read, and analysed if need be, unless one is given.
    """
    plan = plan_of(version)
    return SearchRecord(
        listing_version_id=str(version.id),
        listing_id=str(version.listing_id),
        offering_id=str(version.offering_id),
        analysed=text_of(version, day) if analysed is None else analysed,
        facets=read_facets(version, standing.state, day, plan),
        yearly_costs=yearly_costs(plan),
        name=version.name,
        maker=version.maker_name,
        maker_id=str(version.maker_id),
        certified_on=standing.certified_on,
    )


@cache
def current_rules() -> str:
    """Name the rules of analysis of this process; asking the dictionary for them takes milliseconds."""
    return analysis_version()


def text_of(version: Listed, day: date) -> str:
    """Return the stored analysed text, or one of the day when the rules of analysis have changed."""
    return stored_text(version) or analyse(version, day)


def stored_text(version: Listed) -> str:
    """Return the stored analysed text; empty if it is missing or of other rules."""
    return version.search_text if version.search_text_version == current_rules() else ""


def analyse(version: Listed, day: date) -> str:
    """Analyse the texts of a listing version anew, as they are on a day."""
    zones = read_texts(version, day)
    return searchable_text(zones.hi, zones.lo, zones.ft)


def read_texts(version: Listed, day: date) -> Zones:
    """Return the texts searched on a day; each fact stands once, so that length wins nothing.

    Named are the accreditations that count on the day: when one ends, a message has it read anew.
    """
    around = [
        version.maker_name,
        "" if version.seller_id == version.maker_id else version.seller_name,
        version.summary,
        version.specification_code,
        _hosting(version.hosting_provider),
        version.hosting_region,
        *(Network(network).label for network in version.networks if network in set(Network)),
        *(held.kind.label for held in list_held(version.accreditations, day)),
        *(way.label for way in Authentication if way in version.authentication),
    ]
    return Zones(
        hi=_join([version.name, version.specification_name, version.specification_field]),
        lo=_join(around),
        ft=_join([*version.features, version.description]),
    )


def yearly_costs(plan: PricePlan) -> dict[int, int]:
    """Return the first twelve months without tax, initial charge apart, by reference population."""
    prices = zip(_BODIES, first_year_costs(plan, _BODIES.values()), strict=True)
    return {population: price.running for population, price in prices if price.running is not None}


def _hosting(code: str) -> str:
    return hosting_label(code) if code in HOSTING_CODES else ""


def _join(parts: list[str]) -> str:
    return "。".join(part.strip() for part in dict.fromkeys(parts) if part.strip())
