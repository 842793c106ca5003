"""The fake search server in a process of its own, so that it takes no turn from who measures."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

import click

from tests.drills.stage import ROOT
from tests.search.fake_meilisearch import run_fake


class FakeServer:
    """The process from outside: its address, and how to make it ill."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders, self._answers = process.stdin, process.stdout
        self.url = self._answers.readline().strip()

    def hold_still(self) -> None:
        """Let it work each answer out once: a healthy server shall not take the site's processor."""
        self._tell("remember")

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let it take every question and answer none, or trickle bytes without end."""
        self._tell("hang")
        yield
        self._tell("recover")

    def _tell(self, order: str) -> None:
        self._orders.write(f"{order}\n")
        self._orders.flush()
        self._answers.readline()


@contextmanager
def run_apart() -> Iterator[FakeServer]:
    """Start the process, and end it."""
    command = [sys.executable, "-m", "tests.drills.fake_server"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield FakeServer(process)
        finally:
            process.kill()


class Hanging:
    """Answers nothing to every other question, and trickles an answer to those between."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._numbers = count()

    def __call__(self, request: Any) -> bool:
        """Hold one request until all is well again."""
        request.close_connection = True
        if next(self._numbers) % 2:
            self.over.wait()
            return False
        with suppress(OSError):
            request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
            while not self.over.is_set():
                request.wfile.write(b" ")
                time.sleep(0.5)
        return False


def obey() -> None:
    """Serve, and follow the orders that come line by line."""
    with run_fake() as (fake, url):
        fake.description = None  # what a question must look like is for the suite
        click.echo(url)
        ill = Hanging()
        for order in map(str.strip, sys.stdin):
            ill.over.set()
            ill = Hanging()
            fake.illness = ill if order == "hang" else None
            if order == "remember":
                fake.answer = remember(fake.answer)
            click.echo("done")


def remember(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Give each answer again that was given once; for a server to which nobody writes any more."""
    known: dict[str, Any] = {}

    def give(*asked: Any, **options: Any) -> Any:
        key = json.dumps([asked, options], sort_keys=True)
        if key not in known:
            known[key] = answer(*asked, **options)
        return known[key]

    return give


if __name__ == "__main__":
    obey()
