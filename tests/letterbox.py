"""The letters that the outbox has sent in development, as their receivers read them."""

import email
from collections import defaultdict
from email.message import EmailMessage
from email.policy import default

from app import outbox_handlers
from core import outbox
from core.config import Settings


def empty_letterbox(settings: Settings) -> dict[str, list[EmailMessage]]:
    """Deliver what is due, and take the letters out of the folder: subject -> letters."""
    outbox.drain(outbox_handlers(settings))
    found: dict[str, list[EmailMessage]] = defaultdict(list)
    for path in sorted((settings.data_dir / "mail").glob("*.eml")):
        letter = email.message_from_bytes(path.read_bytes(), policy=default)
        found[str(letter["Subject"])].append(letter)
        path.unlink()
    return dict(found)


def receivers(letters: dict[str, list[EmailMessage]], words: str) -> list[str]:
    """Return who got a letter whose subject holds these words, one entry for each letter."""
    return sorted(
        str(one["To"]) for subject in letters if words in subject for one in letters[subject]
    )
