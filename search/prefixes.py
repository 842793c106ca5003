"""Names as keys for completion: folded like every search, letters only, one kana; pure."""

import re

from search.spelling import normalise

BEGIN = "^"
MAX_KEY = 40

_NO_LETTER = re.compile(r"[\W_]+")
_TO_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}


def fold_key(text: str) -> str:
    """Fold a name or what is typed of it: まいな, マイナ and ﾏｲﾅ have one key."""
    folded = normalise(text)
    kana = folded.translate(_TO_KATAKANA)
    # Folding what is folded changes nothing: a name without hiragana is done.
    return _NO_LETTER.sub("", folded if kana == folded else normalise(kana))


def key_tokens(name: str) -> list[str]:
    """Give the tokens of a name to index: its marked first letter, then each pair of letters."""
    key = fold_key(name)
    if not key:
        return []
    return [BEGIN + key[0], *(key[at : at + 2] for at in range(len(key) - 1))]


def beginning(key: str) -> list[str]:
    """Give the tokens that stand in this order where a name begins with the key."""
    return [BEGIN + key[0], *inside(key)]


def inside(key: str) -> list[str]:
    """Give the tokens that stand in this order where a name holds the key; none for one letter."""
    return [key[at : at + 2] for at in range(len(key) - 1)]
