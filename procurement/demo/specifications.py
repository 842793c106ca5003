"""The sample specification in its two versions, and the names of real ones without requirements."""

from datetime import date, timedelta

from sqlmodel import Session

from catalog.specifications import queries, registering
from catalog.specifications import services as specifications
from catalog.specifications.importing import read_requirements
from catalog.specifications.models import LifecycleStage, Pattern, StudyOutcome
from catalog.specifications.services import ImportedFile, ImportFacts
from core.clock import day_in_japan
from core.db import now
from core.documents import sha256_hex
from core.errors import NotFound
from procurement.demo.story import Story, Timeline
from procurement.demo.world import BEGINNING, CATALOG_DATA, Row, World, read_rows

_REVIEWER, _LEAD = "reviewer1@agency.example.jp", "lead1@agency.example.jp"


def plan_specifications(timeline: Timeline, world: World) -> None:
    """Plan the import and the publication of each version, and the record of where each stands."""
    for specification in read_rows("demo_specifications.toml", "specifications"):
        story = Story(timeline, BEGINNING)
        whole = _SpecificationStory(world, specification)
        if "versions" not in specification:
            story.then(specification["lifecycle"]["as_of"], whole.register)
        story.then(specification["lifecycle"]["as_of"], whole.record_lifecycle)
        for version in specification.get("versions", []):
            published: date = version["published_on"]
            story = Story(timeline, BEGINNING)
            each = _VersionStory(world, specification, version)
            story.then(published - timedelta(days=7), each.import_table)
            story.then(published, each.publish)


class _SpecificationStory:
    """One specification beside its versions."""

    def __init__(self, world: World, specification: Row) -> None:
        self._world, self._specification = world, specification

    def register(self, session: Session) -> None:
        """Register a specification without requirements."""
        facts = self._specification
        registering.register_specification(
            session,
            self._world.actor(session, _REVIEWER),
            code=facts["code"],
            name=facts["name"],
            field=facts["field"],
            ministry=facts["ministry"],
            pattern=Pattern(facts["pattern"]),
            is_sample=facts["is_sample"],
        )

    def record_lifecycle(self, session: Session) -> None:
        """Record where it stands in the way of commonalisation, and so list it."""
        record = self._specification["lifecycle"]
        specification = queries.find_specification(session, self._specification["code"])
        if specification is None:
            raise NotFound
        registering.record_lifecycle(
            session,
            self._world.actor(session, _LEAD),
            specification,
            as_of=record["as_of"],
            source_name=record["source_name"],
            note=record["note"],
            stage=LifecycleStage(record["stage"]) if "stage" in record else None,
            outcome=StudyOutcome(record["outcome"]) if "outcome" in record else None,
        )


class _VersionStory:
    """One version of one specification."""

    def __init__(self, world: World, specification: Row, version: Row) -> None:
        self._world, self._specification, self._version = world, specification, version

    def import_table(self, session: Session) -> None:
        """Import the table of requirements as a draft, with its source."""
        specification, version = self._specification, self._version
        content = (CATALOG_DATA / version["source_file"]).read_bytes()
        reviewer = self._world.actor(session, version["last_editor"])
        made = specifications.import_requirements(
            session,
            reviewer,
            ImportFacts(
                code=specification["code"],
                label=version["label"],
                name=specification["name"],
                field=specification["field"],
                ministry=specification["ministry"],
                pattern=Pattern(specification["pattern"]),
                applies_from=version["applies_from"],
                is_sample=specification["is_sample"],
            ),
            drafts=read_requirements(content, version["source_file"]).require_clear(),
            source=ImportedFile(version["source_file"], sha256_hex(content)),
        )
        specifications.edit_version(
            session,
            reviewer,
            made,
            version=made.version,
            published_on=min(version["published_on"], day_in_japan(now(session))),
            applies_from=version["applies_from"],
            source_name=f"{specification['name']} 第{version['label']}版",
            source_url=f"https://www.example.jp/mihon/{specification['code']}-{version['label']}.pdf",
            source_sha256=sha256_hex(content),
        )
        self._world.specifications[specification["code"], version["label"]] = made.id

    def publish(self, session: Session) -> None:
        """Publish the version."""
        key = self._specification["code"], self._version["label"]
        version = queries.get_version(session, self._world.specifications[key])
        if version is None:
            raise NotFound
        lead = self._world.actor(session, self._version["publisher"])
        specifications.publish_version(session, lead, version, version=version.version)
