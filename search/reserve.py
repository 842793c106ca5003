"""The search server with a reserve: the embedded index on this machine answers when it cannot."""

from collections.abc import Iterable
from dataclasses import replace

import structlog

from search.engine import (
    CatchUp,
    Completions,
    EngineHealth,
    IndexMissing,
    SearchEngine,
    SearchQuery,
    SearchRecord,
    SearchResult,
    SearchUnavailable,
    no_changes,
)

_log = structlog.get_logger()


class EngineWithReserve:
    """A SearchEngine over two that hold the same: the reserve is asked when the server fails.

    Both are fed by the outbox. The reserve gets the whole question, every filter of it; where it
    has no index either, the question is refused rather than answered wider.
    """

    def __init__(self, server: SearchEngine, reserve: SearchEngine) -> None:
        self.server = server
        self.reserve = reserve

    def search(self, query: SearchQuery) -> SearchResult:
        """Answer one page with facet counts; raises SearchUnavailable."""
        try:
            return self.server.search(query)
        except SearchUnavailable as failure:
            return self._fall_back(query, failure, everything=False)

    def search_all(self, query: SearchQuery) -> SearchResult:
        """Answer every listing that matches, in the same order, without page and facet counts."""
        try:
            return self.server.search_all(query)
        except SearchUnavailable as failure:
            return self._fall_back(query, failure, everything=True)

    def _fall_back(
        self, query: SearchQuery, failure: SearchUnavailable, *, everything: bool
    ) -> SearchResult:
        _log.warning("search.server_away", error=repr(failure.__cause__ or failure))
        try:
            answer = self.reserve.search_all(query) if everything else self.reserve.search(query)
        except IndexMissing:
            raise _for_readers(failure) from None
        return replace(answer, fallback=True)

    def complete(self, key: str, *, seed: int, limit: int) -> Completions:
        """Give listings and makers whose name begins with or else holds a folded key."""
        try:
            return self.server.complete(key, seed=seed, limit=limit)
        except SearchUnavailable as failure:
            try:
                return self.reserve.complete(key, seed=seed, limit=limit)
            except IndexMissing:
                raise _for_readers(failure) from None

    def upsert(self, records: Iterable[SearchRecord]) -> None:
        """Add all listings of some software in place of what it had; visible when it returns."""
        held = list(records)
        self.reserve.upsert(held)
        self.server.upsert(held)

    def delete(self, listing_ids: Iterable[str]) -> None:
        """Remove listings; ids that the index does not hold are passed over."""
        held = list(listing_ids)
        self.reserve.delete(held)
        self.server.delete(held)

    def rebuild(self, records: Iterable[SearchRecord], catch_up: CatchUp = no_changes) -> int:
        """Build both anew from records that are held in memory; `indexer.rebuild` reads them twice."""
        held = list(records)
        self.reserve.rebuild(held, catch_up)
        return self.server.rebuild(held, catch_up)

    def fingerprints(self) -> dict[str, str]:
        """Give what the server holds."""
        return self.server.fingerprints()

    def health(self) -> EngineHealth:
        """Say whether the server can be asked; never raises."""
        return self.server.health()


def _for_readers(failure: SearchUnavailable) -> SearchUnavailable:
    """Say what a reader can do; which setting or key is wrong is for the log and the doctor."""
    return failure if isinstance(failure, IndexMissing) else SearchUnavailable()


def parts_of(engine: SearchEngine) -> tuple[SearchEngine, ...]:
    """Give the indexes that have to be fed, the one on this machine first."""
    if isinstance(engine, EngineWithReserve):
        return engine.reserve, engine.server
    return (engine,)
