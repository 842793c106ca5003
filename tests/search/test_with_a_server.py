"""The search server that NARABI_TEST_MEILISEARCH_URL names: it runs the contract, and agrees enough."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from search.embedded import EmbeddedEngine
from search.engine import SearchQuery
from tests.search.conftest import SERVER, make_for
from tests.search.corpus import CORPUS
from tests.search.fake_meilisearch import run_fake
from tests.search.pairs import FALSE_FRIENDS, VARIANTS, make_pairs
from tests.search.test_engine_contract import QUERIES

LEAST = 0.6
PAIRS = [*(query for query, _, _ in FALSE_FRIENDS), *(group[0] for group in VARIANTS)]
SENTENCES = [
    "市民が引っ越しのとき、どうすれば手続を予約できるか教えてください。",
    "サーバの監視をしたい",
]


@pytest.mark.meilisearch
@pytest.mark.parametrize("number", [0, 1], ids=["corpus", "pairs"])
def test_the_first_ten_rows_overlap(request, tmp_path, number):
    records, queries = [(CORPUS, QUERIES[::2] + SENTENCES), (make_pairs()[0], PAIRS[::2])][number]
    engines = [EmbeddedEngine(tmp_path), make_for("server", request, tmp_path)]
    for engine in engines:
        engine.rebuild(records)
    shares = {}
    for query in queries:
        own, other = (set(e.search(SearchQuery(text=query, per_page=10)).ids) for e in engines)
        shares[query] = len(own & other) / max(len(own | other), 1) if own | other else 1.0
    mean = sum(shares.values()) / len(shares)
    assert mean >= LEAST, (mean, sorted(shares.items(), key=lambda row: row[1])[:10])


def test_the_contract_runs_on_the_server_that_the_variable_names():
    """Here the fake stands for it, over HTTP and in another process, with its key."""
    files = [f"tests/search/test_{name}.py" for name in ("with_a_server", "engine_contract")]
    names = "corpus or kyoto or rebuild"
    command = [sys.executable, "-m", "pytest", *files, "-m", "meilisearch", "-k", names]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with run_fake() as (fake, url):
        done = subprocess.run(
            [*command, "-q", "-p", "no:randomly", "-p", "no:cacheprovider"],
            cwd=Path(__file__).resolve().parents[2],
            env={**kept, SERVER: url, "NARABI_TEST_MEILISEARCH_KEY": "key of the tests"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-3000:]
    assert done.stdout.splitlines()[-1].startswith("5 passed"), done.stdout
    assert fake.callers == {"key of the tests"}
    assert fake.indexes == {}, "an index was left behind"
    touched = {path.split("/")[2] for _, path, _ in fake.requests if path.startswith("/indexes/")}
    assert touched
    assert all(name.startswith("test_") for name in touched)
