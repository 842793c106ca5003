"""What the search page shows beside its rows: facets with counts, chips, what to drop at zero. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import url_for

from catalog.terms import CertificationState, size_class_for
from core.japanese import format_yen
from search.analysis import join_letters
from search.codes import list_near_codes
from search.engine import FACETS, SearchQuery, shuffle_rank
from search.facets import DEFINITIONS, EXIT, FACET_LABELS, MANY_VALUED, OWN_SIZE, Choices, Facet
from search.results import FoundPage
from search.spelling import normalise

OPEN_VALUES = 8
SORT_WORDS = {
    "relevance": "関連度の順",
    "cost": "費用の安い順",
    "newest": "新しく認証された順",
}
_RARE = frozenset({CertificationState.SUSPENDED.value, CertificationState.REVOKED.value})


@dataclass(frozen=True, slots=True)
class Address:
    """The state of the page as parameters of its address."""

    values: Mapping[str, Any]

    def href(self, **changes: Any) -> str:
        """Return this address with some parameters changed; None takes one away."""
        return url_for("search.index", **self.parameters(changes))

    def of_values(self, facet: str, page: int | None = None) -> str:
        """Return the address of the list of all values of a facet."""
        return url_for("search.show_values", facet=facet, **self.parameters({"page": page}))

    def parameters(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the address holds with some parameters changed, without what is usual."""
        merged = {"page": None, **self.values, **changes}
        usual = {"sort": "relevance", "page": 1}
        return {
            name: value
            for name, value in merged.items()
            if value not in (None, "", [], ()) and usual.get(name) != value
        }

    def without(self, facet: str, *values: str) -> str:
        """Return this address without some values of a facet."""
        return self.href(**{facet: [each for each in self.values[facet] if each not in values]})

    def with_value(self, facet: str, value: str) -> str:
        """Return this address with one more value of a facet."""
        return self.href(**{facet: [*self.values[facet], value]})

    @property
    def bare(self) -> str:
        """Return this address without any condition; the words stay."""
        return self.href(**dict.fromkeys((*FACETS, "cost_max")))


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pagination needs; the seed goes along, so that no row is met twice."""

    number: int
    page_count: int
    address: Address
    seed: int

    def href(self, number: int) -> str:
        """Return the address of one page."""
        return self.address.href(page=number, seed=self.seed)


@dataclass(frozen=True, slots=True)
class Panel:
    """The filters of one answer, in words."""

    choices: Choices
    query: SearchQuery
    found: FoundPage
    address: Address
    own: tuple[str, int] | None
    """The name and population of the body for which the reader asks."""

    @property
    def own_size(self) -> str | None:
        """The size class of the reader's body, if it is asked for."""
        asked = OWN_SIZE in self.address.values["size_class"]
        return size_class_for(self.own[1]).value if asked and self.own else None

    def groups(self) -> list[dict[str, Any]]:
        """Return the facets by group: the first stands open, then those with a condition."""
        names = dict.fromkeys(each.group for each in DEFINITIONS)
        made = [self._group(name) for name in names]
        return sorted(made, key=lambda group: bool(group["label"]) and not group["chosen"])

    def _group(self, name: str) -> dict[str, Any]:
        found = [self._facet(each) for each in DEFINITIONS if each.group == name]
        facets = [each for each in found if each["options"]]
        has_cap = any(each["name"] == "price_band" for each in facets)
        chosen = sum(option["selected"] for each in facets for option in each["options"])
        chosen += has_cap and self.query.price_cap is not None
        key = next(each.name for each in DEFINITIONS if each.group == name)
        return {"label": name, "key": key, "facets": facets, "has_cap": has_cap, "chosen": chosen}

    def _facet(self, facet: Facet) -> dict[str, Any]:
        counts = self.found.facets.get(facet.name, {})
        chosen = set(self.address.values[facet.name])
        options = [
            _option(value, label, counts.get(value, 0), selected=value in chosen)
            for value, label in self.choices[facet.name]
            if value not in _RARE or counts.get(value) or value in chosen
        ]
        if facet.name == "size_class" and self.own is not None:
            options.insert(0, self._own_option(counts, selected=OWN_SIZE in chosen))
        more = facet.name in MANY_VALUED and len(counts) > len(options)
        return {
            "name": facet.name,
            "label": facet.label,
            "options": options,
            "folds": facet.group == EXIT and not any(each["selected"] for each in options),
            "more_count": len(counts) if more else 0,
            "many": facet.name in MANY_VALUED,
            "more_href": self.address.of_values(facet.name),
        }

    def _own_option(self, counts: Mapping[str, int], *, selected: bool) -> dict[str, Any]:
        name, population = self.own or ("", 0)
        own = size_class_for(population)
        label = f"{name}の人口（{own.label}）"
        return _option(OWN_SIZE, label, counts.get(own.value, 0), selected=selected)

    def chips(self) -> list[dict[str, str]]:
        """Return the conditions in force, each with the address without it."""
        chips = []
        for name, values in self.query.active_filters.items():
            labels = dict(self.choices[name])
            for value in sorted(values, key=list(labels).index):
                gone = (value, OWN_SIZE) if value == self.own_size else (value,)
                label = f"{short_label(name)}：{labels[value]}"
                chips.append({"label": label, "href": self.address.without(name, *gone)})
        most = self.address.values["cost_max"]
        if most is not None:
            label = f"1年の費用：{format_yen(most)}以下"
            chips.append({"label": label, "href": self.address.href(cost_max=None)})
        return chips

    def advise(self, dropped: Iterable[tuple[tuple[str, ...], int]]) -> list[dict[str, Any]]:
        """Say what conditions hide: their words by condition, and how many rows come without them."""
        return [
            {
                "conditions": [self._words(name) for name in names],
                "count": count,
                "href": self.address.href(**dict.fromkeys(names)),
            }
            for names, count in dropped
        ]

    def near_codes(self) -> list[dict[str, str]]:
        """Name the codes that a slip in the words may have meant; none is found by itself."""
        words = self.query.text.split()
        return [
            {
                "label": code,
                "href": self.address.href(q=" ".join([*words[:at], code, *words[at + 1 :]])),
            }
            for at, word in enumerate(words)
            for code in list_near_codes(join_letters(normalise(word)))
        ]

    def _words(self, name: str) -> list[str]:
        if name == "q":
            return [self.query.text]
        if name == "cost_max":
            return [f"{format_yen(self.address.values[name])}以下"]
        wanted = self.query.filters[name]
        return [label for value, label in self.choices[name] if value in wanted]


def _option(value: str, label: str, count: int, *, selected: bool) -> dict[str, Any]:
    return {"value": value, "label": label, "count": count, "selected": selected}


def short_label(name: str) -> str:
    """Return the name of a facet without what stands in brackets."""
    return FACET_LABELS[name].partition("（")[0]


def values_to_show(found: FoundPage, name: str, chosen: Iterable[str]) -> list[str]:
    """Return the values of a facet that stand in the panel: the chosen, then the first of its order.

    Makers come in the drawn order of the rows, so that many offerings give nobody a place in front.
    """
    counts = found.facets.get(name, {})
    order = list(counts)
    if name == "maker":
        order.sort(key=lambda value: shuffle_rank(value, "", found.seed))
    first = list(dict.fromkeys(chosen))
    return [*first, *(each for each in order if each not in first)][: max(OPEN_VALUES, len(first))]
