"""A search that a person keeps under a name."""

import uuid
from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from core.models import JSONType, Model, UTCDateTime


class SavedSearch(Model, table=True):
    """The state of the search page as one person keeps it, acting for one organisation.

    `conditions` are (parameter, value, words) as they were when it was saved; page and seed are left
    out. `matches` are the ids of the software that it found when it was last opened, empty where there
    were too many to compare; `match_count` is how many, None until they could be counted.
    """

    __tablename__ = "saved_searches"
    __table_args__ = (UniqueConstraint("person_id", "organisation_id", "name"),)

    person_id: uuid.UUID = Field(foreign_key="people.id")
    organisation_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    name: str = Field(max_length=60)
    conditions: list[list[str]] = Field(default_factory=list, sa_type=JSONType)
    matches: list[str] = Field(default_factory=list, sa_type=JSONType)
    match_count: int | None = None
    seen_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    @property
    def is_compared(self) -> bool:
        """Tell whether it is known which software it found when it was last opened."""
        return self.match_count == len(self.matches)
