"""What an estimated price says, and the only door to it: sealed under a key that no database holds."""

import json
import uuid
from dataclasses import dataclass

from core import sealing
from core.config import Settings
from core.documents import canonical_json
from procurement.estimates.models import EstimatedPrice

FORMAT = "narabi-estimated-price-1"
PURPOSE = "estimated_price"
_BLOCK = 256  # bytes: the length of what is sealed tells nothing of how long the amount is
_settings: Settings | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Content:
    """An amount in yen with tax over the whole term, and how it was found; never printed by accident."""

    amount: int
    basis: str
    nonce: bytes

    def __repr__(self) -> str:
        return "Content(sealed)"

    @property
    def commitment(self) -> str:
        """What shows later that nothing was changed, and tells nothing now."""
        values = {"format": FORMAT, "amount": self.amount, "basis": self.basis}
        return sealing.commit(values, self.nonce)


def use_settings(settings: Settings) -> None:
    """Tell by whose key estimated prices are sealed in this process."""
    global _settings  # noqa: PLW0603 - set once by the application
    _settings = settings


def lock(row_id: uuid.UUID, amount: int, basis: str) -> bytes:
    """Return a content with a fresh nonce, sealed for one row."""
    values = {"amount": amount, "basis": basis, "nonce": sealing.new_nonce().hex()}
    return sealing.seal(_key(), PURPOSE, row_id, sealing.pad(canonical_json(values), _BLOCK))


def unlock(row: EstimatedPrice) -> Content | None:
    """Return what a row holds; None before anything was entered. The caller has checked the right."""
    if row.sealed is None:
        return None
    found = json.loads(sealing.unseal(_key(), PURPOSE, row.id, row.sealed))
    return Content(found["amount"], found["basis"], bytes.fromhex(found["nonce"]))


def _key() -> Settings:
    if _settings is None:
        msg = "estimates.vault.use_settings() was not called"
        raise RuntimeError(msg)
    return _settings
