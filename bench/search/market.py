"""Generated listings, the same for the same size: skewed words and facets, sellers in groups."""

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Generic, TypeVar

from bench.search import words
from catalog.terms import HOSTING_CODES, SizeClass

SPECIFICATIONS = 40
SEED = 20261122
_CLASSES = tuple(size.value for size in SizeClass)
_CHARACTERS = 480

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Software:
    """One offering with its text; what its sellers share."""

    id: uuid.UUID
    version_id: uuid.UUID
    maker: int
    specification: int
    state: str
    name: str
    summary: str
    description: str
    features: tuple[str, ...]
    hosting: str
    region: str
    networks: tuple[str, ...]
    sizes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One listing: a seller's terms for a software, yen without tax."""

    id: uuid.UUID
    version_id: uuid.UUID
    software: Software
    seller: int
    initial: int
    monthly: int
    per_person: int | None


class Skew(Generic[T]):
    """Draws the first of its values most often, as words and choices really fall (Zipf)."""

    def __init__(self, values: Sequence[T], steepness: float = 0.8) -> None:
        self.values = values
        weights = [1 / (rank + 2) ** steepness for rank in range(len(self.values))]
        self.cumulative = list(accumulate(weights))

    def draw(self, dice: random.Random) -> T:
        """Draw one value."""
        return dice.choices(self.values, cum_weights=self.cumulative)[0]


class Market:
    """The listings of one size; the first listings of a larger market differ from a smaller one's."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.vendors = max(20, size // 50)
        self._dice = random.Random(f"{SEED} {size}")
        self._makers = Skew(range(self.vendors), 0.6)
        self._specifications = Skew(range(SPECIFICATIONS), 1.0)
        self._affairs = Skew(words.AFFAIRS, 0.9)
        self._kinds, self._brands = Skew(words.KINDS), Skew(words.BRANDS, 0.3)
        self._objects, self._acts = Skew(words.OBJECTS), Skew(words.ACTS)
        self._ways, self._with = Skew(words.WAYS), Skew(words.WITH)
        self._reasons, self._promises = Skew(words.REASONS), Skew(words.PROMISES)
        self._hosting = Skew(HOSTING_CODES, 1.2)

    @cached_property
    def company_names(self) -> list[str]:
        """The names of the vendors, by number."""
        dice = random.Random(SEED)
        return [
            f"{dice.choice(words.PLACES)}{dice.choice(words.BRANDS)}"
            f"{dice.choice(words.COMPANY_KINDS)}{number}株式会社"
            for number in range(self.vendors)
        ]

    def entries(self) -> Iterator[Entry]:
        """Give every listing; the sellers of one software follow each other."""
        left = self.size
        while left:
            software = self._software()
            group = self._dice.choices((1, 2, 3, 5, 8, 20), (88, 7, 3, 1.2, 0.5, 0.3))[0]
            sellers = [software.maker]
            while len(sellers) < group:
                seller = self._dice.randrange(self.vendors)
                if seller not in sellers:
                    sellers.append(seller)
            for seller in sellers[:left]:
                yield self._entry(software, seller)
            left -= min(group, left)

    def _id(self) -> uuid.UUID:
        return uuid.UUID(int=self._dice.getrandbits(128), version=4)

    def _entry(self, software: Software, seller: int) -> Entry:
        dice = self._dice
        return Entry(
            id=self._id(),
            version_id=self._id(),
            software=software,
            seller=seller,
            initial=dice.randrange(0, 300) * 10_000,
            monthly=round(10_000 * dice.lognormvariate(1.5, 1.0)),
            per_person=dice.choice((None, 1, 2, 3, 5, 8)),
        )

    def _software(self) -> Software:
        dice = self._dice
        affair = self._affairs.draw(dice)
        first = dice.randrange(len(_CLASSES))
        sizes = _CLASSES[first : first + dice.choices((1, 2, 3, 5), (2, 4, 3, 2))[0]]
        features, description = self._texts(affair)
        return Software(
            id=self._id(),
            version_id=self._id(),
            maker=self._makers.draw(dice),
            specification=self._specifications.draw(dice),
            state=dice.choices(
                ("certified", "claimed", "conditional", "unknown", "expired"), (45, 25, 15, 10, 5)
            )[0],
            name=f"{self._brands.draw(dice)}{affair}{self._kinds.draw(dice)}",
            summary=f"{affair}の{self._objects.draw(dice)}を{self._ways.draw(dice)}{self._acts.draw(dice)}。",
            description=description,
            features=features,
            hosting=self._hosting.draw(dice),
            region=dice.choice(words.PLACES),
            networks=tuple(
                name
                for name, share in (("lgwan", 0.7), ("internet", 0.5), ("closed", 0.1))
                if dice.random() < share
            ),
            sizes=sizes,
        )

    def _texts(self, affair: str) -> tuple[tuple[str, ...], str]:
        """Give feature sentences and a description, together about 480 characters."""
        features = tuple(self._feature() for _ in range(self._dice.randint(3, 7)))
        wanted = _CHARACTERS - sum(map(len, features))
        sentences = [f"{affair}の事務を支えるサービスです。"]
        while wanted > 0:
            sentences.append(self._sentence())
            wanted -= len(sentences[-1])
        return features, "".join(sentences)

    def _feature(self) -> str:
        dice = self._dice
        return f"{self._objects.draw(dice)}を{self._ways.draw(dice)}{self._acts.draw(dice)}"

    def _sentence(self) -> str:
        dice = self._dice
        if dice.random() < 0.3:
            return self._promises.draw(dice)
        reason = self._reasons.draw(dice) if dice.random() < 0.6 else ""
        affair = f"{self._affairs.draw(dice)}の" if dice.random() < 0.5 else ""
        return f"{reason}{affair}{self._objects.draw(dice)}を{self._with.draw(dice)}{self._acts.draw(dice)}。"
