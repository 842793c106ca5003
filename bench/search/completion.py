"""Suggestions while a reader types, over 100,000 listings, each held against the database."""

import random
import time
from datetime import date

from bench.measures import measure
from bench.search.speed import percentile
from bench.search.words import AFFAIRS
from bench.search.world import World, large
from core import db
from search.suggestions import suggest

_TAKEN = 200
_WARM_UP = 20
_DAY = date(2026, 11, 22)


def draw_typed() -> list[str]:
    """Draw what readers have typed so far: one to six letters of an affair or of a sample name."""
    dice = random.Random("typed")
    whole = [*AFFAIRS, *(f"見本{each}" for each in AFFAIRS)]
    return [dice.choice(whole)[: dice.randint(1, 6)] for _ in range(_WARM_UP + _TAKEN)]


def time_suggestions(world: World) -> list[float]:
    """Time suggestions in seconds, the first few left out."""
    engine, taken = world.use().engine, []
    for typed in draw_typed():
        start = time.perf_counter()
        with db.reading() as session:
            suggest(session, engine, typed, day=_DAY)
        taken.append(time.perf_counter() - start)
    return taken[_WARM_UP:]


@measure("search_suggestions_p50", goal="<= 0.02", unit="s", base="in process, 100k listings")
def time_median() -> float:
    """Return the median time of one list of suggestions."""
    return percentile(time_suggestions(large()), 0.5)
