"""What only the files of the embedded engine can get wrong."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from search.embedded import EmbeddedEngine
from search.engine import IndexMissing, SearchQuery, SearchUnavailable
from tests.search.corpus import make_record

ROOT = Path(__file__).parents[2]


def total(engine, text=""):
    return engine.search(SearchQuery(text=text)).total


def test_without_an_index_nothing_is_answered(tmp_path):
    engine = EmbeddedEngine(tmp_path)
    with pytest.raises(IndexMissing):
        engine.search(SearchQuery())
    with pytest.raises(IndexMissing):
        engine.upsert([make_record(1)])
    assert not engine.health().available
    assert engine.rebuild([make_record(1)]) == 1
    assert total(engine) == 1


def test_another_process_sees_a_write_at_once(tmp_path):
    writer, reader = EmbeddedEngine(tmp_path), EmbeddedEngine(tmp_path)
    writer.rebuild([])
    for number in range(5):
        writer.upsert([make_record(number)])
        assert total(reader) == number + 1
    writer.rebuild([make_record(9)])
    assert total(reader) == 1


def test_an_index_of_another_shape_is_rebuilt_not_read(tmp_path):
    engine = EmbeddedEngine(tmp_path)
    engine.rebuild([make_record(1)])
    folder = tmp_path / "search" / engine.health().generation
    (folder / "narabi.json").write_text('{"shape": "older"}')
    fresh = EmbeddedEngine(tmp_path)
    with pytest.raises(IndexMissing):
        fresh.search(SearchQuery())
    fresh.rebuild([make_record(1)])
    assert total(fresh) == 1


def test_a_lost_index_is_said_to_be_missing(tmp_path):
    engine = EmbeddedEngine(tmp_path)
    engine.rebuild([make_record(1)])
    (tmp_path / "search" / engine.health().generation / "meta.json").unlink()
    with pytest.raises(SearchUnavailable):
        EmbeddedEngine(tmp_path).search(SearchQuery())


def test_old_generations_are_cleared_away(tmp_path):
    engine = EmbeddedEngine(tmp_path)
    for number in range(5):
        engine.rebuild([make_record(number)])
    assert len([folder for folder in (tmp_path / "search").iterdir() if folder.is_dir()]) == 2


def test_writers_in_threads_take_turns(tmp_path):
    engine = EmbeddedEngine(tmp_path)
    engine.rebuild([])
    threads = [
        threading.Thread(target=lambda n=number: EmbeddedEngine(tmp_path).upsert([make_record(n)]))
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total(engine) == 6


def test_readers_in_threads_agree_while_one_writes(tmp_path):
    engine = EmbeddedEngine(tmp_path)
    engine.rebuild([make_record(number, hi="戸籍") for number in range(50)])
    seen: list[int] = []

    def read():
        seen.extend(total(engine, "戸籍") for _ in range(40))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(50, 56):
        engine.upsert([make_record(number, hi="戸籍")])
    for thread in threads:
        thread.join()
    assert len(seen) == 120
    assert set(seen) <= set(range(50, 57))


def _count_after_fork(engine, queue):
    queue.put(total(engine))


def test_an_engine_opened_before_a_fork_still_answers(tmp_path):
    engine = EmbeddedEngine(tmp_path)
    engine.rebuild([make_record(1)])
    assert total(engine) == 1
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_count_after_fork, args=(engine, queue))
    child.start()
    assert queue.get(timeout=20) == 1
    child.join()


# A new writer for each number on its input; forked, for what costs is to begin a Python.
WRITERS = """
import os, sys
from pathlib import Path
from search.embedded import EmbeddedEngine
from tests.search.corpus import make_record
for start in sys.stdin:
    if (writer := os.fork()) == 0:
        print(os.getpid(), flush=True)
        engine, number = EmbeddedEngine(Path(sys.argv[1])), int(start)
        while True:
            number += 1
            engine.upsert([make_record(number, hi="戸籍")])
            print(number, flush=True)
    os.waitpid(writer, 0)
    print("killed", flush=True)
"""


def test_a_killed_writer_loses_nothing_that_it_committed(tmp_path):
    engine = EmbeddedEngine(tmp_path)
    engine.rebuild([])
    committed: set[int] = set()
    writers = subprocess.Popen(
        [sys.executable, "-c", WRITERS, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    for round_number in range(10):
        print(round_number * 1000, file=writers.stdin, flush=True)
        writer = int(writers.stdout.readline())
        for _ in range(2 + round_number % 3):
            committed.add(int(writers.stdout.readline()))
        time.sleep(0.003 * round_number)  # another moment of its next write each time
        os.kill(writer, signal.SIGKILL)
        committed |= {int(line) for line in iter(writers.stdout.readline, "killed\n")}
        found = set(EmbeddedEngine(tmp_path).search_all(SearchQuery(text="戸籍")).ids)
        assert {make_record(number).listing_version_id for number in committed} <= found
        assert len(found) - len(committed) <= round_number + 1
    writers.communicate()
    engine.upsert([make_record(9999)])
    assert total(engine) >= len(committed) + 1
