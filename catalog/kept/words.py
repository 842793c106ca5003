"""Which words of an address count for every work, and which for the services of one alone. Pure."""

from collections.abc import Mapping

Words = dict[str, str | list[str]]
# How much is used differs from work to work; people and households are those of the body.
OF_WORK = frozenset({"ids", "counters", "gb", "cases", "hours", "o", "use"})


def general_words(words: Mapping[str, str | list[str]]) -> Words:
    """Return the words that count for every work."""
    return {name: value for name, value in words.items() if name not in OF_WORK}


def work_words(words: Mapping[str, str | list[str]]) -> Words:
    """Return the words that count for one work."""
    return {name: value for name, value in words.items() if name in OF_WORK}
