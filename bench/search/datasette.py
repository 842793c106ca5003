"""Datasette over the same rows, with full-text search and the same facets, counting everything."""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.measures import measure
from bench.search import raw
from bench.search.requests import SIX, Request, Requests
from bench.search.world import ROOT, Site, World, free_port, large, running, served, wait_for
from search.analysis import plan_query, read_zones
from search.engine import REFERENCE_POPULATIONS, SearchRecord
from search.indexer import stream_records

_VERSION = "0.65.1"
_HOME = ROOT / "build" / f"datasette-{_VERSION}"
_ASKED, _CLIENTS = 16, 2
_NO_LIMIT = "600000"
_COSTS = [f"cost_{population}" for population in REFERENCE_POPULATIONS]


@measure("search_datasette", goal=">= 5", unit="×", base="throughput of Datasette, same 100k rows")
def compare_throughput() -> float:
    """Return our searches a second over HTTP against Datasette's; fails where it is not installed."""
    program = _install()
    world = large()
    requests = _requests()
    path = world.folder / "datasette.db"
    if not path.exists():
        _write(path)
    with served(world) as site:
        site.get("/api/v1/search")
        ours, counted = _time(site, [each.address for each in requests])
    with _serving(program, path) as site:
        site.get("/datasette/listings.json?_size=1")
        theirs, told = _time(site, [_address(each) for each in requests])
    _compare(world, requests, counted, told)
    return theirs / ours


def _install() -> str:
    """Install Datasette in an environment of its own; fails when that cannot be done."""
    program = _HOME / "bin" / "datasette"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(_HOME)], check=True)
        package = f"datasette=={_VERSION}"
        subprocess.run([str(_HOME / "bin" / "pip"), "install", "-q", package], check=True)
    return str(program)


@lru_cache
def _requests() -> list[Request]:
    """Draw requests that both understand: one word, at most one population class, sorted by a cost."""
    searcher = large().searcher()
    found: list[Request] = []
    for drawn in Requests("datasette").draw(100 * _ASKED):
        sizes = dict(drawn.filters).get("size_class", ())
        if len(found) == _ASKED:
            return found
        both_can = len(sizes) < 2 and "cost" in drawn.sort and _is_word(drawn)
        if both_can and raw.count_text(searcher, drawn):
            found.append(drawn)
    raise RuntimeError("too few requests that both understand")


def _is_word(request: Request) -> bool:
    """Tell whether the text is a single word without other ways to say it."""
    terms = plan_query(request.text).terms
    variants = [variant for term in terms for variant in term.variants]
    atoms = [atom for variant in variants for atom in variant.atoms]
    return len(atoms) == 1 and atoms[0].kind == "words" and " " not in atoms[0].text


# --- the same rows -------------------------------------------------------------------------------


def _write(path: Path) -> None:
    """Write the rows with an FTS5 index over their words, as our analysis cut them."""
    with sqlite3.connect(path) as database:
        names = ["id", "words", *SIX, *_COSTS]
        database.execute(f"CREATE TABLE listings ({', '.join(names)}, PRIMARY KEY (id))")
        marks = ", ".join("?" * len(names))
        database.executemany(f"INSERT INTO listings VALUES ({marks})", map(_row, stream_records()))  # noqa: S608
        for name in (*SIX, *_COSTS):
            database.execute(f"CREATE INDEX by_{name} ON listings ({name})")
        database.execute('CREATE VIRTUAL TABLE listings_fts USING fts5 (words, content="listings")')
        database.execute(
            "INSERT INTO listings_fts (rowid, words) SELECT rowid, words FROM listings"
        )
    database.close()


def _row(record: SearchRecord) -> tuple[Any, ...]:
    words = " ".join(zone.words for zone in read_zones(record.analysed).values())
    facets = [_facet(name, record) for name in SIX]
    costs = [record.yearly_costs.get(population) for population in REFERENCE_POPULATIONS]
    return (record.listing_version_id, words, *facets, *costs)


def _facet(name: str, record: SearchRecord) -> str:
    values = sorted(record.facets.get(name, ()))
    return json.dumps(values) if name == "size_class" else ", ".join(values)


# --- the same requests ---------------------------------------------------------------------------


def _address(request: Request) -> str:
    (word,) = [
        atom.text for term in plan_query(request.text).terms[:1] for atom in term.variants[0].atoms
    ]
    pairs = [
        ("_search", word),
        ("_fts_table", "listings_fts"),
        ("_sort", request.sort),
        ("_size", "20"),
    ]
    for name, values in request.filters:
        if name == "size_class":
            pairs.append(("size_class__arraycontains", values[0]))
        else:
            pairs.append((f"{name}__in", json.dumps(values)))
    pairs += [("_facet_array" if name == "size_class" else "_facet", name) for name in SIX]
    return f"/datasette/listings.json?{urlencode(pairs)}"


@contextmanager
def _serving(program: str, path: Path) -> Iterator[Site]:
    port = free_port()
    limits = {
        "sql_time_limit_ms": _NO_LIMIT,
        "facet_time_limit_ms": _NO_LIMIT,
        "default_facet_size": "1000",
        "suggest_facets": "off",
    }
    settings = [part for name, value in limits.items() for part in ("--setting", name, value)]
    with running([program, "-i", str(path), "-p", str(port), *settings], {}) as process:
        wait_for(port, process)
        yield Site(port, process.pid)


def _time(site: Site, addresses: list[str]) -> tuple[float, list[Any]]:
    """Ask by some clients at once; gives the seconds for all, and the answers."""
    with ThreadPoolExecutor(_CLIENTS) as pool:
        start = time.perf_counter()
        parts = [addresses[each::_CLIENTS] for each in range(_CLIENTS)]
        asked = [pool.submit(_ask, site.another(), part) for part in parts]
        answers = [each.result() for each in asked]
        seconds = time.perf_counter() - start
    return seconds, [answers[at % _CLIENTS][at // _CLIENTS] for at in range(len(addresses))]


def _ask(site: Site, addresses: list[str]) -> list[Any]:
    return [site.ask(address)[1] for address in addresses]


def _compare(world: World, requests: list[Request], ours: list[Any], theirs: list[Any]) -> None:
    """Fail unless both found the same listings and Datasette counted every facet to the end."""
    for request, mine, other in zip(requests, ours, theirs, strict=True):
        listings = world.engine.search_all(request.query).total
        counted = other["facet_results"]
        # A facet that ran out of time is left out of the answer.
        if set(counted) != set(SIX) or any(each["truncated"] for each in counted.values()):
            raise AssertionError(f"Datasette did not count everything: {request}")
        if other["filtered_table_rows_count"] != listings or bool(mine["items"]) != bool(listings):
            found = other["filtered_table_rows_count"]
            raise AssertionError(f"{listings} listings here, {found} there: {request}")
