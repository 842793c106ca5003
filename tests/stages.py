"""Stages of a story that many tests begin from: walked once, then brought back in milliseconds."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from sqlalchemy import Engine, event

from core import clock
from tests.databases import DatabaseUnderTest

T = TypeVar("T")
# What the walks of this worker returned, by the folder of the stage.
_made: dict[Path, object] = {}
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)


class Stages:
    """Database rows and files as they were when a stage was first reached by this worker.

    A stage is brought back only over the very state from which it was once reached; after any
    other write, or under a held clock, it is walked again.
    """

    def __init__(self, database: DatabaseUnderTest, files: Path, folder: Path) -> None:
        self._database = database
        self._files = files
        self._folder = folder
        self._at = "empty"
        self._writes = 0

    def __enter__(self) -> Self:
        event.listen(Engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        event.remove(Engine, "before_cursor_execute", self._note)

    def reach(self, stage: str, walk: Callable[[], object]) -> None:
        """Bring the stage back, or walk there and keep it."""
        if clock.is_fixed() or self._writes:
            walk()
            return
        name = f"{self._at}_{stage}"
        if (self._folder / name).exists():
            self._bring_back(name)
        else:
            walk()
            self._keep(name)
        self._at, self._writes = name, 0

    def build(self, stage: str, make: Callable[[], T]) -> T:
        """Reach a stage by making something; returns what the walk made, now or when it was kept."""
        made: list[T] = []
        self.reach(stage, lambda: made.append(make()))
        if not made:
            return cast("T", _made[self._folder / self._at])
        if not self._writes:
            _made[self._folder / self._at] = made[0]
        return made[0]

    def start_over(self, stage: str) -> None:
        """Bring back the first stage, whatever was written since."""
        self._at, self._writes = f"empty_{stage}", 0
        self._bring_back(self._at)

    def _bring_back(self, name: str) -> None:
        self._database.configure()
        self._database.reset(name)
        shutil.rmtree(self._files, ignore_errors=True)
        shutil.copytree(self._folder / name, self._files)

    def _keep(self, name: str) -> None:
        self._database.configure()
        self._database.keep(name)
        self._files.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self._files, self._folder / name)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if _WRITES.match(statement):
            self._writes += 1
