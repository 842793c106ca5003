"""Who could replace whom, at what cost, for bodies of one size class. Pure; terms as in catalog.market.

What could replace a service is other software that is certified for the same version and serves
bodies of the same size class; options, data and prices say what that would mean.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from catalog.market import ALL_DATA, RequirementSet, Service, Spread, join
from catalog.offerings.rows import DataCategory
from catalog.terms import DataConformity, RequirementClass, SizeClass

# With fewer other makers than this a body that must switch has no competition any more.
FEWEST_OTHERS = 2


class DataWay(StrEnum):
    """How data of one category could go over."""

    STANDARD = "standard"
    FORMAT = "format"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DataPath:
    """Of so many categories of data, how many the other service takes in, and in which formats.

    Who tells no categories has one for all its data (`by_category` is false).
    """

    total: int
    ready: int
    untold: int
    formats: tuple[str, ...]
    by_category: bool = True

    @property
    def is_whole(self) -> bool:
        """Tell whether all data go over."""
        return self.ready == self.total


def find_path(old: Service, new: Service) -> DataPath | None:
    """Return how the data of one service get into another; None where one of the two told nothing.

    A category goes over when both keep to the data requirement of the standard, or when the one
    gives it out in a format that the other takes in. Formats told for all data alone show that some
    go over, never that others do not.
    """
    if not old.categories or not new.categories:
        return None
    taken = {_fold(each.name): each for each in new.categories}
    formats: dict[str, str] = {}
    ways = []
    for each in old.categories:
        other = taken.get(_fold(each.name)) or taken.get(ALL_DATA)
        shared = _shared_formats(each, other) if other else {}
        formats |= shared
        ways.append(_way(each, other, is_shared=bool(shared)))
    ready = sum(way in {DataWay.STANDARD, DataWay.FORMAT} for way in ways)
    return DataPath(
        total=len(ways),
        ready=ready,
        untold=ways.count(DataWay.UNKNOWN),
        formats=tuple(sorted(formats.values())),
        by_category=old.categories[0].name != ALL_DATA,
    )


def _way(old: DataCategory, new: DataCategory | None, *, is_shared: bool) -> DataWay:
    if new is None:
        return DataWay.UNKNOWN
    if old.conformity is DataConformity.CONFORMS and new.conformity is DataConformity.CONFORMS:
        return DataWay.STANDARD
    if is_shared:
        return DataWay.FORMAT
    return DataWay.UNKNOWN if new.name == ALL_DATA else DataWay.NONE


def _shared_formats(old: DataCategory, new: DataCategory) -> dict[str, str]:
    taken = _read_formats(new.imports)
    return {key: told for key, told in _read_formats(old.exports).items() if key in taken}


@lru_cache(maxsize=4_096)
def _read_formats(text: str) -> Mapping[str, str]:
    """Return the formats of a text such as 「CSV、XML」, as they are compared and as they are written."""
    plain = unicodedata.normalize("NFKC", text)
    for mark in "、・/;,／":
        plain = plain.replace(mark, "\n")
    words = [each.strip() for each in plain.split("\n")]
    return {each.casefold(): each for each in words if each}


@lru_cache(maxsize=4_096)
def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


@dataclass(frozen=True, slots=True)
class Substitute:
    """A service that could take another's place, and what that would mean; None is not known.

    `missing_options` counts the standard options that the old one meets and this one does not;
    `switching` is leaving the old and beginning here, `difference` what a year then costs more.
    """

    service: Service
    is_same_maker: bool
    missing_options: int | None
    path: DataPath | None
    switching: Spread | None
    difference: Spread | None


@dataclass(frozen=True, slots=True)
class Pool:
    """The certified services for bodies of one class: what could replace what.

    `unsure` certified services do not say which sizes they serve, so that nobody knows of them.
    """

    size: SizeClass
    services: tuple[Service, ...]
    unsure: int
    options: int

    def list_others(self, old: Service) -> list[Service]:
        """Return the other software of the pool."""
        return [each for each in self.services if each.offering_id != old.offering_id]

    def serves(self, old: Service) -> bool | None:
        """Tell whether a service is for bodies of this class; None where its vendor told no sizes."""
        return self.size in old.sizes if old.sizes else None

    def list_substitutes(self, old: Service) -> list[Substitute]:
        """Return what could replace a service, each with what that would mean."""
        return [self.weigh(old, each) for each in self.list_others(old)]

    def weigh(self, old: Service, new: Service) -> Substitute:
        """Return what taking one service instead of another would mean."""
        answered = old.met is not None and new.met is not None
        lost = (old.met or 0) & ~(new.met or 0) & self.options
        return Substitute(
            service=new,
            is_same_maker=new.maker_id == old.maker_id,
            missing_options=lost.bit_count() if answered else None,
            path=find_path(old, new),
            switching=old.leaving + new.entry if old.leaving and new.entry else None,
            difference=new.running.beyond(old.running) if old.running and new.running else None,
        )


def make_pool(services: Iterable[Service], size: SizeClass, asked: RequirementSet) -> Pool:
    """Return what bodies of a class could choose instead of what they use."""
    trusted = [each for each in services if each.is_trusted]
    return Pool(
        size=size,
        services=tuple(each for each in trusted if size in each.sizes),
        unsure=sum(not each.sizes for each in trusted),
        options=asked.bits.get(RequirementClass.MAY, 0),
    )


@dataclass(frozen=True, slots=True)
class Replaceability:
    """How well one service could be replaced for bodies of a class; None: it is not for them.

    `whole_options` and `whole_data` count the others that meet every standard option it meets, and
    that take in all its data; `data_untold` those of which the data say nothing.
    """

    service: Service
    serves: bool | None
    others: int | None
    other_makers: int | None
    whole_options: int | None
    whole_data: int | None
    data_untold: int | None
    entry: Spread | None
    switching: Spread | None
    difference: Spread | None

    @property
    def is_few(self) -> bool:
        """Tell whether too few other makers remain (`FEWEST_OTHERS`)."""
        return self.other_makers is not None and self.other_makers < FEWEST_OTHERS


def measure_replaceability(pool: Pool, old: Service) -> Replaceability:
    """Measure how well a service could be replaced for the bodies of a pool."""
    serves = pool.serves(old)
    if serves is False:
        return Replaceability(old, serves, *(None,) * 8)
    found = pool.list_substitutes(old)
    makers = {each.service.maker_id for each in found if not each.is_same_maker}
    paths = [each.path for each in found]
    answered = old.met is not None
    unsure = sum(each is None or bool(each.untold and not each.is_whole) for each in paths)
    return Replaceability(
        service=old,
        serves=serves,
        others=len(found),
        other_makers=len(makers),
        whole_options=sum(each.missing_options == 0 for each in found) if answered else None,
        whole_data=None
        if unsure and unsure == len(found)
        else sum(each is not None and each.is_whole for each in paths),
        data_untold=unsure,
        entry=join(each.service.entry for each in found),
        switching=join(each.switching for each in found),
        difference=join(each.difference for each in found),
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """Of the services for bodies of a class: how many have no other maker left, and how many too few."""

    services: int
    without: int
    few: int


def tally_replaceability(pool: Pool, services: Iterable[Service]) -> Tally:
    """Count of the services that serve a class how many could be replaced by another maker's."""
    makers = {each.maker_id for each in pool.services}
    others = [len(makers - {each.maker_id}) for each in services if pool.serves(each)]
    few = sum(each < FEWEST_OTHERS for each in others)
    return Tally(len(others), others.count(0), few)
