"""Which words of a text are the same, removed or added."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

Segment = tuple[str, str]
SAME, ADDED, REMOVED = "same", "added", "removed"
# With more pairs of equal words than this, sentences are compared, so that no text occupies a worker.
_MOST_PAIRS = 200_000
_WORD = re.compile(
    r"[々〆㐀-䶿一-鿿豈-﫿]+|[ァ-ヺー]+|[ぁ-ゖゝゞ]+|[A-Za-zＡ-Ｚａ-ｚ]+|[0-9０-９]+(?:[,.][0-9]+)*|\s+|.",
    re.DOTALL,
)
_SENTENCE = re.compile(r"[^。\n]*[。\n]|[^。\n]+")


def compare_texts(before: str, after: str) -> tuple[Segment, ...]:
    """Return the text as runs of words that are the same, removed or added, in reading order."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    middle = (old[head : len(old) - tail], new[head : len(new) - tail])
    if _count_pairs(*middle) > _MOST_PAIRS:
        middle = (_sentences(middle[0]), _sentences(middle[1]))
    found = [(SAME, "".join(old[:head]))]
    found += _compare_words(*middle)
    found.append((SAME, "".join(old[len(old) - tail :])))
    return tuple(_joined(found))


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def _count_pairs(first: Sequence[str], second: Sequence[str]) -> int:
    others = Counter(second)
    return sum(count * others[word] for word, count in Counter(first).items())


def _sentences(words: Sequence[str]) -> list[str]:
    return _SENTENCE.findall("".join(words))


def _compare_words(old: Sequence[str], new: Sequence[str]) -> Iterator[Segment]:
    if not 0 < _count_pairs(old, new) <= _MOST_PAIRS:  # nothing in common, or too much to compare
        yield (REMOVED, "".join(old))
        yield (ADDED, "".join(new))
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield (SAME, "".join(old[i1:i2]))
            continue
        yield (REMOVED, "".join(old[i1:i2]))
        yield (ADDED, "".join(new[j1:j2]))


def _joined(segments: Iterable[Segment]) -> Iterator[Segment]:
    kind, text = SAME, ""
    for each, part in segments:
        if each == kind:
            text += part
        elif part:
            if text:
                yield (kind, text)
            kind, text = each, part
    if text:
        yield (kind, text)
