"""From a loaded listing version to its search record; pure: rows in, values out, no database."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from catalog.offerings.models import ListingVersion
from catalog.offerings.prices import plan_of
from catalog.price_plan import Volumes
from catalog.pricing import PRICE_BANDS, first_year_cost, price_band
from catalog.specifications.models import SpecificationVersion
from catalog.terms import (
    HOSTING_CODES,
    HOSTING_PROVIDERS,
    CertificationState,
    Network,
    SizeClass,
    hosting_label,
)
from search.analysis import analysis_version, searchable_text
from search.engine import REFERENCE_POPULATIONS, Filters, SearchRecord

SELLER_KINDS: Mapping[str, str] = MappingProxyType(
    {"direct": "開発した事業者が販売", "reseller": "ほかの事業者が販売"}
)
FACET_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "specification": "標準仕様書",
        "certification": "認証の状態",
        "hosting": "設置場所",
        "size_class": "対応する人口",
        "price_band": "1年目の費用（人口1万人・税抜・初期を除く）",
        "seller_kind": "販売する事業者",
    }
)


@dataclass(frozen=True, slots=True)
class Zones:
    """The three texts of a listing: names, what surrounds it, what it does."""

    hi: str
    lo: str
    ft: str


def build_record(version: ListingVersion, state: CertificationState) -> SearchRecord:
    """Return what the index holds of a listing version whose certification is in this state."""
    return SearchRecord(
        listing_version_id=str(version.id),
        listing_id=str(version.listing_id),
        offering_id=str(version.listing.offering_id),
        analysed=text_of(version),
        facets=read_facets(version, state),
        yearly_costs=yearly_costs(version),
        name=version.offering_version.name,
        maker=version.listing.offering.maker.name,
        maker_id=str(version.listing.offering.maker_id),
    )


@cache
def current_rules() -> str:
    """Name the rules of analysis of this process; asking the dictionary for them takes milliseconds."""
    return analysis_version()


def text_of(version: ListingVersion) -> str:
    """Return the stored analysed text, or a fresh one when the rules of analysis have changed."""
    if version.search_text and version.search_text_version == current_rules():
        return version.search_text
    return analyse(version)


def analyse(version: ListingVersion) -> str:
    """Analyse the texts of a listing version anew."""
    zones = read_texts(version)
    return searchable_text(zones.hi, zones.lo, zones.ft)


def read_texts(version: ListingVersion) -> Zones:
    """Return the searched texts; each fact stands once, so that length wins nothing."""
    offering = version.offering_version
    specification = offering.specification_version.specification
    maker, seller = version.listing.offering.maker, version.listing.seller
    around = [
        maker.name,
        "" if seller.id == maker.id else seller.name,
        offering.summary,
        specification.code,
        _hosting(offering.hosting_provider),
        offering.hosting_region,
        *(Network(network).label for network in offering.networks if network in set(Network)),
    ]
    return Zones(
        hi=_join([offering.name, specification.name, specification.field]),
        lo=_join(around),
        ft=_join([*offering.features, offering.description]),
    )


def read_facets(version: ListingVersion, state: CertificationState) -> Filters:
    """Return the values by which a listing version is filtered and counted."""
    offering = version.offering_version
    own = version.listing.seller_id == version.listing.offering.maker_id
    sizes = [size.value for size in SizeClass if size.value in offering.size_classes]
    return {
        "specification": frozenset({specification_value(offering.specification_version)}),
        "certification": frozenset({state.value}),
        "hosting": frozenset({offering.hosting_provider} & set(HOSTING_CODES)),
        "size_class": frozenset(sizes),
        "price_band": frozenset({price_band(plan_of(version)).code}),
        "seller_kind": frozenset({"direct" if own else "reseller"}),
    }


def yearly_costs(version: ListingVersion) -> dict[int, int]:
    """Return the first twelve months without tax, initial charge apart, by reference population."""
    plan = plan_of(version)
    costs = {
        population: first_year_cost(plan, Volumes(population=population)).running
        for population in REFERENCE_POPULATIONS
    }
    return {population: cost for population, cost in costs.items() if cost is not None}


def specification_value(version: SpecificationVersion) -> str:
    """Return the facet value of a specification version: code|label."""
    return f"{version.specification.code}|{version.label}"


def specification_label(version: SpecificationVersion) -> str:
    """Return how a specification version is named: 施設予約 第1.0版."""
    return f"{version.specification.name} {version.title}"


def facet_choices(
    specifications: list[SpecificationVersion],
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return every facet's (value, label) pairs in the order in which they are shown."""
    return {
        "specification": tuple(
            (specification_value(each), specification_label(each)) for each in specifications
        ),
        "certification": CertificationState.choices(),
        "hosting": tuple((each.code, each.label) for each in HOSTING_PROVIDERS),
        "size_class": SizeClass.choices(),
        "price_band": tuple((band.code, band.label) for band in PRICE_BANDS),
        "seller_kind": tuple(SELLER_KINDS.items()),
    }


def keeps(filters: Filters, facets: Filters) -> bool:
    """Tell whether a listing's facet values pass the filters: OR within one, AND across."""
    return all(facets.get(name, frozenset()) & wanted for name, wanted in filters.items())


def _hosting(code: str) -> str:
    return hosting_label(code) if code in HOSTING_CODES else ""


def _join(parts: list[str]) -> str:
    return "。".join(part.strip() for part in dict.fromkeys(parts) if part.strip())
