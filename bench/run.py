"""Run every measure that a package's modules register: python -m bench.run PACKAGE OUTPUT [NAME …]."""

import importlib
import json
import os
import pkgutil
import sys
import time
import traceback
from pathlib import Path

from bench.measures import REGISTERED, Measure

# A measure asks faster than any program may.
os.environ.setdefault("NARABI_API_ANONYMOUS_PER_MINUTE", "10000000")


def load_measures(package: str) -> list[Measure]:
    """Import the modules of a package; returns what they registered, in order."""
    try:
        root = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        return []
    for module in sorted(pkgutil.iter_modules(root.__path__), key=lambda found: found.name):
        if module.name not in {"run", "measures"}:
            importlib.import_module(f"{package}.{module.name}")
    return REGISTERED


def run_measures(measures: list[Measure]) -> tuple[dict[str, dict[str, object]], list[str]]:
    """Take every measure and print it; returns the values and the names that missed their goal."""
    values: dict[str, dict[str, object]] = {}
    missed = []
    for one in measures:
        start = time.perf_counter()
        try:
            value = round(float(one.take()), 4)
        except Exception:  # noqa: BLE001 - one broken measure must not hide the others
            traceback.print_exc()
            missed.append(one.name)
            print(f"✗ {one.name:<44} could not be taken (goal {one.goal} {one.unit})")
            continue
        met = one.is_met_by(value)
        missed += [] if met else [one.name]
        print(
            f"{'✓' if met else '✗'} {one.name:<44} {value:>10g} {one.unit:<6} goal {one.goal:<9}"
            f" {one.base} ({time.perf_counter() - start:.1f} s)",
            flush=True,
        )
        values[one.name] = {"value": value, "goal": one.goal, "unit": one.unit}
    return values, missed


def main() -> int:
    """Run, print, and write JSON; returns 1 when a goal is missed."""
    package, output, *names = sys.argv[1:]
    measures = [one for one in load_measures(package) if not names or one.name in names]
    values, missed = run_measures(measures)
    path = Path(output)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(values)} measures, {len(missed)} missed their goal → {output}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
