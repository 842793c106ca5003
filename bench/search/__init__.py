"""The search over 10,000 and 100,000 generated listings, held against the raw engine and Datasette."""

from bench.search import building, completion, datasette, shares, speed

__all__ = ["building", "completion", "datasette", "shares", "speed"]
