"""Register a measure: a function that returns one number, with the goal it is held against."""

import operator
import time
from collections.abc import Callable
from dataclasses import dataclass

_COMPARISONS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, "==": operator.eq}


@dataclass(frozen=True, slots=True)
class Measure:
    """One number to take; `base` says what it is taken on or compared with."""

    name: str
    goal: str
    unit: str
    base: str
    take: Callable[[], float]

    def is_met_by(self, value: float) -> bool:
        """Tell whether the value reaches the goal, such as `<= 0.5`."""
        comparison, _, limit = self.goal.partition(" ")
        return bool(_COMPARISONS[comparison](value, float(limit)))


REGISTERED: list[Measure] = []


def measure(
    name: str, *, goal: str, unit: str, base: str
) -> Callable[[Callable[[], float]], Callable[[], float]]:
    """Register the decorated function; `goal` is a comparison and a number.

    Raises ValueError for a goal that cannot be compared or a name that is taken.
    """
    comparison, _, limit = goal.partition(" ")
    if comparison not in _COMPARISONS or any(one.name == name for one in REGISTERED):
        raise ValueError(f"cannot register {name} with the goal {goal!r}")
    float(limit)

    def register(take: Callable[[], float]) -> Callable[[], float]:
        REGISTERED.append(Measure(name, goal, unit, base, take))
        return take

    return register


def median_seconds(act: Callable[[], object], *, runs: int = 5, warm_up: int = 1) -> float:
    """Return the median duration of an act in seconds."""
    return _durations(act, runs, warm_up)[runs // 2]


def p95_seconds(act: Callable[[], object], *, runs: int = 100, warm_up: int = 1) -> float:
    """Return the duration in seconds that 95 % of the runs of an act do not exceed."""
    return _durations(act, runs, warm_up)[-(-runs * 95 // 100) - 1]


def _durations(act: Callable[[], object], runs: int, warm_up: int) -> list[float]:
    for _ in range(warm_up):
        act()
    durations = []
    for _ in range(runs):
        start = time.perf_counter()
        act()
        durations.append(time.perf_counter() - start)
    return sorted(durations)
