"""The searches that are timed: text, one to three filters, a sort; each asked once per server."""

import random
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from bench.search import words
from bench.search.market import SEED, SPECIFICATIONS, Skew
from catalog.price_bands import PRICE_BANDS
from catalog.terms import HOSTING_CODES, SizeClass
from search.engine import SearchQuery

ORDER_SEED = 7
_COMMON = (*words.OBJECTS[:14], "管理", "受付", "連携", "システム", "クラウド", "サービス")
_ABBREVIATIONS = (
    "住基",
    "国保",
    "ガバクラ",
    "書かない窓口",
    "オンライン申請",
    "AI-OCR",
    "RPA",
    "LGWAN",
)
_SORTS = ("relevance", "relevance", "relevance", "cost_5000", "cost_10000", "cost_100000")


@dataclass(frozen=True, slots=True)
class Request:
    """One search as a reader asks it."""

    text: str
    filters: tuple[tuple[str, tuple[str, ...]], ...]
    sort: str

    @property
    def query(self) -> SearchQuery:
        """The same for the engine."""
        filters = {name: frozenset(values) for name, values in self.filters}
        return SearchQuery(
            text=self.text, filters=filters, sort=self.sort, seed=ORDER_SEED, counted=SIX
        )

    @property
    def address(self) -> str:
        """The same for the API, which counts six facets."""
        pairs = [*self._pairs(), *(("facets", name) for name in SIX)]
        return f"/api/v1/search?{urlencode(pairs)}"

    @property
    def page_address(self) -> str:
        """The same for the page, which counts all facets."""
        return f"/search?{urlencode(self._pairs())}"

    def _pairs(self) -> list[tuple[str, str]]:
        pairs = [("q", self.text), ("sort", self.sort), ("seed", str(ORDER_SEED))]
        if self.query.cost_population:
            pairs.append(("population", str(self.query.cost_population)))
        return pairs + [(name, value) for name, values in self.filters for value in values]


class Requests:
    """Draws requests, each different from all others."""

    def __init__(self, name: str) -> None:
        self._dice = random.Random(f"{SEED} requests {name}")
        self._seen: set[Request] = set()

    def draw(self, number: int) -> list[Request]:
        """Draw so many new requests with filters and sort."""
        drawn: list[Request] = []
        while len(drawn) < number:
            one = Request(self._text(), self._filters(), self._dice.choice(_SORTS))
            if one not in self._seen:
                self._seen.add(one)
                drawn.append(one)
        return drawn

    def _text(self) -> str:
        dice = self._dice
        kind = dice.choices(
            ("affair", "common", "two", "brand", "short", "all"), (30, 20, 20, 10, 10, 10)
        )
        match kind[0]:
            case "affair":
                return self._affairs.draw(dice)
            case "common":
                return dice.choice(_COMMON)
            case "two":
                return f"{self._affairs.draw(dice)} {dice.choice(words.OBJECTS)}"
            case "brand":
                return dice.choice(words.BRANDS) + self._affairs.draw(dice)
            case "short":
                return dice.choice(_ABBREVIATIONS)
            case _:
                return ""

    @cached_property
    def _affairs(self) -> Skew[str]:
        return Skew(words.AFFAIRS, 0.5)

    def _filters(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        dice = self._dice
        names = dice.sample(sorted(_VALUES), dice.choices((1, 2, 3), (4, 4, 2))[0])
        return tuple(
            (name, tuple(sorted({_VALUES[name].draw(dice) for _ in range(dice.choice((1, 1, 2)))})))
            for name in sorted(names)
        )


_VALUES = {
    "specification": Skew([f"BENCH{number:02d}|第1.0版" for number in range(SPECIFICATIONS)], 1.0),
    "certification": Skew(("certified", "claimed", "conditional")),
    "hosting": Skew(HOSTING_CODES, 1.2),
    "size_class": Skew([size.value for size in SizeClass], 0.3),
    "price_band": Skew([band.code for band in PRICE_BANDS[:-1]], 0.3),
    "seller_kind": Skew(("direct", "reseller")),
}
SIX = tuple(_VALUES)
"""The six facets of the requests; pages and API may count more."""
