"""The texts of several sellers of one software, as the one text of the software. Pure."""

import re
from collections.abc import Sequence


def merge_texts(texts: Sequence[str], gap: str) -> str:
    """Join what the sellers' texts hold: what they share stands once, so that sellers lengthen little.

    No phrase reaches over a gap, so runs between gaps can be told apart and left out.
    """
    runs = (run for text in dict.fromkeys(texts) for run in split_runs(text, gap))
    return f" {gap} {gap} ".join(dict.fromkeys(runs))


def split_runs(text: str, gap: str) -> list[str]:
    """Give the runs of tokens between gaps."""
    runs = (run.strip() for run in re.split(rf"(?:^| ){re.escape(gap)}(?= |$)", text))
    return [run for run in runs if run]
