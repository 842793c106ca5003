"""The framework agreement (基本契約): its editions, which counts on a day, what a vendor must accept; pure."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

LABEL = "1.0"
_CONTENT = (Path(__file__).parent / f"framework_agreement_{LABEL}.txt").read_bytes()
SHA256 = hashlib.sha256(_CONTENT).hexdigest()


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of the agreement; the first one applies from the beginning and replaces nothing.

    `applies_from` and `accept_by` are Japanese days; until the end of the latter, vendors under an
    older edition may go on.
    """

    label: str
    text: str
    sha256: str
    applies_from: date | None = None
    accept_by: date | None = None
    note: str = ""

    def applies(self, today: date) -> bool:
        """Tell whether it applies on a Japanese day."""
        return self.applies_from is None or self.applies_from <= today


ORIGINAL = Edition(LABEL, _CONTENT.decode("utf-8"), SHA256)


@dataclass(frozen=True, slots=True)
class AgreementStanding:
    """Where a vendor stands on a day: what it accepted last, what is newer, what it can accept now."""

    accepted: Edition | None
    newer: tuple[Edition, ...]
    offered: Edition | None
    today: date

    @property
    def accept_by(self) -> date | None:
        """The last day under the accepted edition; None while nothing newer was issued."""
        return min((each.accept_by for each in self.newer if each.accept_by), default=None)

    @property
    def is_held(self) -> bool:
        """Tell whether the vendor may publish and accept requests."""
        if self.accepted is None:
            return False
        return self.accept_by is None or self.today <= self.accept_by

    @property
    def is_lapsed(self) -> bool:
        """Tell whether it accepted an edition that has run out for it."""
        return self.accepted is not None and not self.is_held


def judge(editions: Sequence[Edition], labels: Collection[str], today: date) -> AgreementStanding:
    """Return where a vendor that accepted these labels stands; `editions` in the order they apply.

    A label that is none of the editions' is one from before the first.
    """
    places = [place for place, each in enumerate(editions) if each.label in labels]
    held = max(places, default=0 if labels else -1)
    current = max(place for place, each in enumerate(editions) if each.applies(today))
    newer = tuple(editions[held + 1 :])
    offered = editions[current] if held < current else next(iter(newer), None)
    return AgreementStanding(editions[held] if held >= 0 else None, newer, offered, today)


def in_force(editions: Sequence[Edition], today: date) -> Edition:
    """Return the edition that applies on a day."""
    return [each for each in editions if each.applies(today)][-1]


def hash_text(text: str) -> str:
    """Return the SHA-256 by which an acceptance names a text."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def list_paragraphs(text: str) -> list[tuple[str, str]]:
    """Return (heading, text) of each article; blank lines part them, a lone line has no text below.

    The first block is the title, the lone lines after it have no heading.
    """
    title, *blocks = text.strip().split("\n\n")
    return [(title, ""), *map(_article, blocks)]


def _article(block: str) -> tuple[str, str]:
    heading, _, body = block.strip().partition("\n")
    return (heading, body) if body else ("", heading)
