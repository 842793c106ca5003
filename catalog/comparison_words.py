"""Which rows of a comparison are shown, in words: the same on the page, in its workbook and its PDF."""

from catalog.columns import Comparison


def filter_words(found: Comparison) -> list[str]:
    """Return by what the requirements are narrowed; empty: all are shown."""
    conditions = found.conditions
    asked = (
        (conditions.only_differences, "違いのある要件だけ"),
        (conditions.only_must, "必須の要件だけ"),
        (conditions.only_used and found.used is not None, _used_filter(found)),
        (conditions.only_gaps, "未回答のある要件だけ"),
    )
    return [words for is_asked, words in asked if is_asked]


def count_words(found: Comparison) -> str:
    """Return how many requirements there are, differ, lack an answer and are shown."""
    matrix = found.matrix
    if matrix is None:
        return "標準仕様書の版が違うため、並べて比べられません"
    return (
        f"{matrix.total:,}件（違い{matrix.differing:,}件、未回答のある要件{matrix.with_gaps:,}件）のうち"
        f"{matrix.shown:,}件。実装の区分は「{matrix.body.label}」のもの"
    )


def _used_filter(found: Comparison) -> str:
    return f"必須・不可と、使う標準オプション{len(found.used or ()):,}件だけ"


def used_words(found: Comparison) -> str:
    """Return the ids of the standard options in use, in the order of the specification."""
    if found.used_elsewhere:
        return "別の版で選んだもののため、使っていません"
    if found.used is None or found.whole is None:
        return "選んでいません"
    ids = [row.requirement.id for row in found.whole.rows if row.requirement.id in found.used]
    return "、".join(ids) or "なし（標準オプションは使わない）"
