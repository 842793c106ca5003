"""What the permission table asks of a subject: whose it is, to whom it is assigned or sent."""

import uuid
from typing import Protocol


class Owned(Protocol):
    """A subject that belongs to an organisation."""

    @property
    def owner_id(self) -> uuid.UUID:
        """The organisation."""


class Assigned(Owned, Protocol):
    """A subject with assigned people."""

    @property
    def assigned_ids(self) -> frozenset[uuid.UUID]:
        """The people."""


class Cleared(Owned, Protocol):
    """A subject whose readers first declare that no interests conflict."""

    @property
    def assigned_ids(self) -> frozenset[uuid.UUID]:
        """The people."""

    @property
    def cleared_ids(self) -> frozenset[uuid.UUID]:
        """The assigned people who have declared so."""


class Kin(Protocol):
    """A subject of a family (the versions of an offering) from which a person keeps out as a whole."""

    @property
    def family_id(self) -> uuid.UUID:
        """The family."""


class Personal(Protocol):
    """A subject that is one person's own, acting for one organisation."""

    @property
    def person_id(self) -> uuid.UUID:
        """The person."""

    @property
    def organisation_id(self) -> uuid.UUID:
        """The organisation for which the person acted."""


class Addressed(Owned, Protocol):
    """A subject sent to another organisation."""

    @property
    def addressee_id(self) -> uuid.UUID:
        """The organisation that gets it."""

    @property
    def is_sent(self) -> bool:
        """Tell whether it was sent."""


class Named(Owned, Protocol):
    """A subject of an organisation that only named people of it read."""

    @property
    def reader_ids(self) -> frozenset[uuid.UUID]:
        """The people."""


class Ending(Protocol):
    """A subject that an auditor reads when the case is over."""

    @property
    def is_ended(self) -> bool:
        """Tell whether the case is over."""


class Opened(Owned, Protocol):
    """A subject that stays sealed until two people of its owner open it."""

    @property
    def is_opened(self) -> bool:
        """Tell whether it was opened."""

    @property
    def is_ended(self) -> bool:
        """Tell whether its case is over."""
