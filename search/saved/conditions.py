"""From the address of a search to what is kept of it, and back; nothing is dropped without a word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from sqlmodel import Session

from accounts.auth import actor
from catalog.bodies import acting_body, find_body
from core.errors import Invalid
from core.japanese import format_yen
from search.choices import list_facet_choices
from search.engine import FACETS
from search.facets import OWN_SIZE, Choices
from search.panel import SORT_WORDS, Address, short_label
from search.readers import Reader
from search.results import population_words
from search.schemas import SearchSchema

Conditions = Sequence[Sequence[str]]
_LEFT_OUT = ("page", "seed", "project")
_SUGGESTED = 30  # characters of a name that is offered


@dataclass(frozen=True, slots=True)
class Restored:
    """A kept search as the search page would read it now; `dropped` are the words of what no longer is."""

    values: Mapping[str, Any]
    dropped: tuple[str, ...]

    @property
    def href(self) -> str:
        """The address of the search with all that is left of it."""
        return Address(self.values).href()


def list_conditions(values: Mapping[str, Any], choices: Choices, reader: Reader) -> Conditions:
    """Return (parameter, value, words) of everything an address asks for, without page and seed."""
    kept = [("q", values["q"], f"キーワード：{values['q']}")] if values["q"] else []
    for name in FACETS:
        labels = {OWN_SIZE: "計算する団体の人口", **dict(choices[name])}
        kept += [
            (name, each, f"{short_label(name)}：{labels[each]}")
            for each in dict.fromkeys(values[name])
        ]
    if values["cost_max"] is not None:
        most = format_yen(values["cost_max"])
        kept.append(("cost_max", str(values["cost_max"]), f"1年の費用：{most}以下"))
    if values["body"] and reader.body is not None:
        words = f"費用を計算する団体：{reader.body.label}"
        kept.append(("body", reader.body.code or values["body"], words))
    if values["population"]:
        words = f"費用を計算する人口：{population_words(values['population'])}"
        kept.append(("population", str(values["population"]), words))
    if values["sort"] != "relevance":
        kept.append(("sort", values["sort"], f"並び順：{_sort_words(values['sort'])}"))
    return kept


def _sort_words(sort: str) -> str:
    population = sort.removeprefix("cost_")
    if population.isdecimal():
        return f"人口{population_words(int(population))}の団体の費用の安い順"
    return SORT_WORDS[sort]


def kept_address(address: Address) -> str:
    """Return the page that keeps the search of an address."""
    kept = dict.fromkeys(_LEFT_OUT)
    return url_for("saved_searches.create", **address.parameters(kept))


def suggest_name(conditions: Conditions) -> str:
    """Return a name made of the first conditions, for the reader to keep or change."""
    name = ""
    for parameter, _, words in conditions:
        longer = "・".join(filter(None, (name, words.partition("：")[2])))
        if parameter in ("body", "population", "sort") or len(longer) > _SUGGESTED:
            break
        name = longer
    return name


def restore(session: Session, conditions: Conditions) -> Restored:
    """Return a kept search as far as its conditions can still be asked for, and what was dropped."""
    left = [list(each) for each in conditions]
    left = _without(left, SearchSchema().validate(_gather(left)))
    values: dict[str, Any] = SearchSchema().load(_gather(left))
    body = acting_body(session, actor())
    if values["body"]:
        try:
            body = find_body(session, values["body"])
        except Invalid:
            body = None
            left = _without(left, ["body"])
    knows_size = body is not None and body.population is not None
    choices = list_facet_choices(session, values)
    known = {name: {value for value, _ in choices[name]} for name in FACETS}
    known["size_class"] |= {OWN_SIZE} if knows_size else set()
    left = [each for each in left if each[0] not in known or each[1] in known[each[0]]]
    kept = {tuple(each[:2]) for each in left}
    dropped = tuple(each[2] for each in conditions if tuple(each[:2]) not in kept)
    return Restored(SearchSchema().load(_gather(left)), dropped)


def _without(conditions: list[list[str]], names: Any) -> list[list[str]]:
    return [each for each in conditions if each[0] not in names]


def _gather(conditions: Conditions) -> dict[str, Any]:
    gathered: dict[str, Any] = {}
    for name, value, _ in conditions:
        if name in FACETS:
            gathered.setdefault(name, []).append(value)
        else:
            gathered[name] = value
    return gathered
