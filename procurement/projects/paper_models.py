"""The papers of a project as they were made: their words, their files, their hashes."""

import uuid
from datetime import datetime

from sqlalchemy import LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from core.models import Model, UTCDateTime, enum_type
from core.paper import Format
from core.state_machine import LabelledCode


class PaperKind(LabelledCode):
    """The papers of a purchase that are kept."""

    SEARCH_RECORD = "search_record", "検索証跡・候補抽出調書"
    COMPARISON_TABLE = "comparison_table", "比較表"
    QUOTE_REQUEST = "quote_request", "見積依頼書"
    SELECTION_RECORD = "selection_record", "選定調書"
    USAGE_CONTRACT_REQUEST = "usage_contract_request", "利用契約依頼書"


# The fixed PDF of a 利用契約依頼書 is kept with its request: here stands what a body works on.
FORMATS: dict[PaperKind, tuple[Format, ...]] = {
    PaperKind.SEARCH_RECORD: ("pdf", "xlsx"),
    PaperKind.COMPARISON_TABLE: ("pdf", "xlsx"),
    PaperKind.QUOTE_REQUEST: ("pdf", "docx"),
    PaperKind.SELECTION_RECORD: ("pdf", "docx"),
    PaperKind.USAGE_CONTRACT_REQUEST: ("docx",),
}


class ProjectPaper(Model, table=True):
    """One paper, made inside the act that it records; never changes.

    `payload` are its words as canonical JSON (RFC 8785), `sha256` is over payload and files, and
    stands in the audit trail. A repeated act makes a new revision.
    """

    __tablename__ = "project_papers"
    __table_args__ = (UniqueConstraint("project_id", "kind", "revision"),)

    project_id: uuid.UUID = Field(foreign_key="projects.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    kind: PaperKind = Field(sa_type=enum_type(PaperKind))
    revision: int
    subject_id: uuid.UUID | None = None
    number: str = Field(max_length=60)
    payload: str = Field(sa_type=Text)
    payload_sha256: str = Field(max_length=64)
    sha256: str = Field(max_length=64)
    made_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    made_at: datetime = Field(sa_type=UTCDateTime, nullable=False)


class PaperFile(Model, table=True):
    """A paper in one format, as bytes; never changes."""

    __tablename__ = "paper_files"
    __table_args__ = (UniqueConstraint("paper_id", "format"),)

    paper_id: uuid.UUID = Field(foreign_key="project_papers.id", index=True)
    format: str = Field(max_length=10)
    filename: str = Field(max_length=200)
    sha256: str = Field(max_length=64)
    content: bytes = Field(sa_type=LargeBinary)
