"""A draft of the sample specification that is out for comments on the day of the load."""

import uuid
from datetime import date, timedelta
from functools import partial

from sqlmodel import Session

from catalog.specifications import queries
from catalog.specifications import services as specifications
from catalog.specifications.consultation import queries as consultation_queries
from catalog.specifications.consultation import services as consultations
from catalog.specifications.consultation.models import KeepCategory, Outcome, ProposalKind
from catalog.specifications.importing import read_requirements
from catalog.specifications.services import ImportedFile, ImportFacts
from core.documents import sha256_hex
from core.errors import NotFound
from procurement.demo.story import Story, Timeline
from procurement.demo.world import CATALOG_DATA, Row, World, read_file


def plan_consultation(timeline: Timeline, world: World, today: date) -> None:
    """Plan the draft, its open period around today, the comments and the first dispositions."""
    each = _ConsultationStory(world, read_file("demo_consultation.toml"), today)
    story = Story(timeline, each.day("import_day"))
    story.then(None, each.import_draft)
    story.then(each.day("opens"), each.open)
    for row in each.rows("comments"):
        story.then(row["on"], partial(each.comment, row=row))
    for row in each.rows("dispositions"):
        story.then(row["on"], partial(each.dispose, row=row))


class _ConsultationStory:
    """One draft with its consultation."""

    def __init__(self, world: World, facts: Row, today: date) -> None:
        self._world, self._facts, self._today = world, facts, today

    def day(self, name: str) -> date:
        """Return a day of the file, counted from today."""
        return self._today + timedelta(days=self._facts[name])

    def rows(self, name: str) -> list[Row]:
        """Return the comments or dispositions, each with its day."""
        return [
            {**row, "on": self._today + timedelta(days=row["day"])} for row in self._facts[name]
        ]

    def import_draft(self, session: Session) -> None:
        """Import the table of the draft."""
        facts = self._facts
        content = (CATALOG_DATA / facts["source_file"]).read_bytes()
        made = specifications.import_requirements(
            session,
            self._world.actor(session, facts["reviewer"]),
            ImportFacts(
                code=facts["specification"],
                label=facts["label"],
                applies_from=facts["applies_from"],
            ),
            drafts=read_requirements(content, facts["source_file"]).require_clear(),
            source=ImportedFile(facts["source_file"], sha256_hex(content)),
        )
        self._world.specifications[facts["specification"], facts["label"]] = made.id

    def open(self, session: Session) -> None:
        """Open the consultation."""
        version = queries.find_version(session, self._facts["specification"], self._facts["label"])
        if version is None:
            raise NotFound
        consultations.open_consultation(
            session,
            self._world.actor(session, self._facts["reviewer"]),
            version,
            version=version.version,
            opens_on=self.day("opens"),
            closes_on=self.day("closes"),
            about=self._facts["about"].strip(),
        )

    def comment(self, session: Session, row: Row) -> None:
        """Comment."""
        consultations.comment(
            session,
            self._world.actor(session, row["by"]),
            self._find(session),
            requirement_id=row["requirement_id"],
            kind=ProposalKind(row["kind"]),
            text=row["text"].strip(),
            suggestion=row["suggestion"],
        )

    def dispose(self, session: Session, row: Row) -> None:
        """Dispose of comments."""
        found = self._find(session)
        said = consultation_queries.list_comments_by_number(session, found, row["comments"])
        consultations.dispose(
            session,
            self._world.actor(session, self._facts["reviewer"]),
            found,
            row["comments"],
            consultations.Decision(
                outcome=Outcome(row["outcome"]),
                category=KeepCategory(row["category"]) if "category" in row else None,
                place=row.get("place", ""),
                requirement_id=row.get("requirement_id", ""),
                text=row.get("text", ""),
                reasoning=row["reasoning"],
            ),
            version=consultations.version_of(said),
        )

    def _find(self, session: Session) -> uuid.UUID:
        key = self._facts["specification"], self._facts["label"]
        version_id = self._world.specifications[key]
        consultation = consultation_queries.find_consultation(session, version_id)
        if consultation is None:
            raise NotFound
        return consultation.id
