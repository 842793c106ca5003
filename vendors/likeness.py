"""Names that can be taken for one another: pure, over skeletons (core.japanese.name_skeleton)."""

from collections.abc import Set as AbstractSet

# Of a shorter name one letter is too much of it: 日本化薬 is not 日本農薬.
NEAR_FROM = 5


def is_alike(one: str, other: str) -> bool:
    """Tell whether two skeletons are equal, or one letter apart and long enough for that to be little."""
    if one == other:
        return True
    if min(len(one), len(other)) < NEAR_FROM or abs(len(one) - len(other)) > 1:
        return False
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) == 1
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return shorter in one_fewer(longer)


def one_fewer(text: str) -> AbstractSet[str]:
    """Return what is left of a text when any one of its letters is taken out."""
    return {text[:i] + text[i + 1 :] for i in range(len(text))}
