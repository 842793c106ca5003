"""The lines of a long text as paragraphs, lists and captions, as its source broke them. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

_SHORT = 240  # characters that are shown before the rest is folded
_MARKER = re.compile(
    r"[・･○●◎◯■□◆◇▪•※＊*－\-](?!\d)|[①-⑳㋐-㋾]|[（(][0-9０-９ア-ンa-zａ-ｚ一二三四五六七八九十]{1,3}[)）]"
    r"|[0-9]{1,2}[.)）](?![0-9])|[０-９]{1,2}[．）－]|[ア-ン][．.、　)）]|例[0-9０-９]?[)）]"
)
_CAPTION = re.compile(r"(【[^】]{1,60}】|＜[^＞]{1,60}＞|≪[^≫]{1,60}≫|〔[^〕]{1,60}〕)")


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together: one paragraph or caption, or all rows of a list."""

    kind: str
    lines: tuple[str, ...]

    @property
    def length(self) -> int:
        """Characters of all its lines."""
        return sum(map(len, self.lines))


@dataclass(frozen=True, slots=True)
class Text:
    """What is shown at once, and what is folded behind a button."""

    shown: tuple[Block, ...]
    folded: tuple[Block, ...]

    @property
    def folded_length(self) -> int:
        """Characters behind the button."""
        return sum(block.length for block in self.folded)


def text_blocks(text: str) -> tuple[Block, ...]:
    """Give paragraphs, captions and lists in order; blank lines only part them."""
    lines = [line.strip() for line in text.splitlines()]
    blocks: list[Block] = []
    for kind, group in groupby(lines, _kind_of):
        blocks.extend(_gather(kind, group))
    return tuple(blocks)


def fold_text(text: str) -> Text:
    """Show a short text whole; of a longer one the first blocks, so that the form stays in sight."""
    blocks = text_blocks(text)
    if sum(block.length for block in blocks) <= 2 * _SHORT and len(blocks) <= 6:
        return Text(blocks, ())
    length, count = 0, 0
    for block in blocks:
        if count and length + block.length > _SHORT:
            break
        length, count = length + block.length, count + 1
    while count > 1 and blocks[count - 1].kind == "caption":
        count -= 1
    return Text(blocks[:count], blocks[count:])


def _kind_of(line: str) -> str:
    if not line:
        return ""
    if _CAPTION.fullmatch(line):
        return "caption"
    return "list" if _MARKER.match(line) else "paragraph"


def _gather(kind: str, lines: Iterable[str]) -> list[Block]:
    if not kind:
        return []
    if kind == "list":
        return [Block(kind, tuple(lines))]
    return [Block(kind, (line,)) for line in lines]
