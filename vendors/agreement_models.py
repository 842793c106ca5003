"""The versions of the framework agreement that were issued after the first."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Text
from sqlmodel import Field

from core.models import Model, UTCDateTime
from vendors.agreement import Edition


class AgreementVersion(Model, table=True):
    """A version of the framework agreement; public and never changed from its issue on.

    It applies from a Japanese day; vendors under an older one accept it by `accept_by`.
    """

    __tablename__ = "agreement_versions"
    __table_args__ = (
        CheckConstraint("accept_by >= applies_from", "dates"),
        CheckConstraint("text <> ''", "has_text"),
    )

    label: str = Field(max_length=20, unique=True)
    text: str = Field(sa_type=Text)
    text_sha256: str = Field(max_length=64)
    applies_from: date = Field(unique=True)
    accept_by: date
    note: str = Field(max_length=1000)
    issued_by_id: uuid.UUID = Field(foreign_key="people.id")
    issued_at: datetime = Field(sa_type=UTCDateTime, nullable=False)

    def as_edition(self) -> Edition:
        """Return it as the rules read it."""
        return Edition(
            self.label, self.text, self.text_sha256, self.applies_from, self.accept_by, self.note
        )
