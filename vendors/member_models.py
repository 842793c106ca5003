"""Invitations into a vendor's company."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from accounts.models import Role
from core.models import Model, UTCDateTime, enum_type


class Invitation(Model, table=True):
    """A link by mail, good once, with which a person joins a vendor in a role.

    Only the hash of the link's secret is kept.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("role IN ('vendor_member', 'vendor_admin')", "vendor_role"),
        CheckConstraint("accepted_at IS NULL OR revoked_at IS NULL", "one_end"),
    )

    vendor_id: uuid.UUID = Field(foreign_key="vendors.id", index=True)
    email: str = Field(max_length=254)
    role: Role = Field(sa_type=enum_type(Role, name="invited_role"))
    token_hash: str = Field(max_length=64, unique=True)
    invited_by_id: uuid.UUID = Field(foreign_key="people.id")
    expires_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    accepted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    accepted_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")

    def is_open(self, moment: datetime) -> bool:
        """Tell whether the link still works at a moment."""
        return self.accepted_at is None and self.revoked_at is None and self.expires_at > moment
