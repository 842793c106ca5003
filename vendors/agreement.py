"""The framework agreement (基本契約) that vendors accept: our own sample text, its label and its hash."""

import hashlib
from pathlib import Path

LABEL = "1.0"
_CONTENT = (Path(__file__).parent / f"framework_agreement_{LABEL}.txt").read_bytes()
SHA256 = hashlib.sha256(_CONTENT).hexdigest()


def list_paragraphs() -> list[tuple[str, str]]:
    """Return (heading, text) of each article; the first pair is the title and the notice."""
    blocks = _CONTENT.decode("utf-8").strip().split("\n\n")
    title, notice, *articles = blocks
    pairs = [(title, notice)]
    for article in articles:
        heading, _, body = article.partition("\n")
        pairs.append((heading, body))
    return pairs
