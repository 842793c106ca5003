"""The act of locking: what the buyer saw is run again, checked against the database, and frozen."""

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.certification.queries import Standing, standings
from catalog.offerings.models import ListingVersion
from catalog.offerings.queries import load_listing_versions
from core import audit, changes
from core.clock import day_in_japan
from core.db import now
from core.documents import canonical_json, sha256_hex
from core.errors import Conflict, GuardFailed, NotFound
from procurement.bodies.queries import limits_for
from procurement.projects import queries
from procurement.projects.costs import lock_conditions
from procurement.projects.evidence import build_content
from procurement.projects.models import Candidate, EvidencePack, Project, ProjectAction
from procurement.projects.services.conditions import conditions_to_lock, keep_conditions
from procurement.projects.terms import with_rounding
from search import queries as search_queries

MAXIMUM_HITS = 100
_ATTEMPTS = 3


class IndexBehind(Conflict):
    """The index and the database do not hold the same set of hits at this moment."""

    code = "index_behind"
    title = "索引の更新を待っています"
    meaning = "検索の索引が、登録の内容に追いついていません。"
    remedy = "数秒おいてから、もう一度確定してください。"


@dataclass(frozen=True, slots=True)
class CheckedSearch:
    """A query's whole answer, equal as a set in index and database at catalog sequence `sequence`."""

    query: search_queries.Query
    result: search_queries.Answer
    sequence: int
    epoch: str
    hits: tuple[tuple[ListingVersion, Standing], ...]
    cost_max: int | None = None


def query_of(session: Session, project: Project, *, page: int = 1) -> search_queries.Query:
    """Return the query that the project keeps; raises GuardFailed before the first search."""
    kept = project.search_query
    if not kept:
        raise GuardFailed([("main", "検索の条件がまだありません。先に検索してください。")])
    people = population_of(project)
    most = kept.get("cost_max")
    return search_queries.make_query(
        kept["text"],
        kept["filters"],
        day=day_in_japan(now(session)),
        sort=kept["sort"],
        seed=kept["seed"],
        page=page,
        price_cap=None if most is None else search_queries.cap_for(most, people),
    )


def population_of(project: Project) -> int:
    """Return the population for which costs filter and sort a project's search."""
    return project.owner.population or search_queries.DEFAULT_POPULATION


def check_search(
    session: Session, engine: search_queries.Engine, project: Project
) -> CheckedSearch:
    """Run the project's query unpaged and hold its set against the database.

    Raises GuardFailed for more than 100 hits or a relaxed answer, IndexBehind when the sets differ
    or the catalog keeps changing meanwhile.
    """
    query = query_of(session, project)
    for _ in range(_ATTEMPTS):
        # Public changes are numbered in commit order: the same head before and after means that
        # everything read in between was true at that number.
        sequence = changes.head(session)
        people = population_of(project)
        result = search_queries.search_all(session, engine, query, population=people)
        _refuse_unlockable(result)
        ids = [uuid.UUID(each) for each in result.ids]
        verified = search_queries.verify_hits(session, query, population=people)
        versions = load_listing_versions(session, ids)
        states = standings(session, [version.offering_version for version in versions.values()])
        if changes.head(session) != sequence:
            session.expire_all()
            continue
        if set(ids) != verified or set(ids) != set(versions):
            break
        hits = tuple((versions[each], states[versions[each].offering_version_id]) for each in ids)
        most = project.search_query.get("cost_max")
        return CheckedSearch(query, result, sequence, changes.epoch(session), hits, most)
    raise IndexBehind(
        "カタログの変更が検索の索引にまだ届いていません。何も確定していません。"
        "少し待ってから、もう一度お試しください。"
    )


def _refuse_unlockable(result: search_queries.Answer) -> None:
    if result.relaxed:
        sentence = (
            "入力した検索語に合うサービスはなく、検索語をゆるめた結果が表示されています。"
            "ゆるめた結果は確定できません。検索語を変えてください。"
        )
        raise GuardFailed([("main", sentence)])
    if result.total > MAXIMUM_HITS:
        sentence = (
            f"候補が{result.total}件あります。確定できるのは{MAXIMUM_HITS}件までです。"
            "検索語か絞り込みを加えてください。"
        )
        raise GuardFailed([("main", sentence)])


def lock_evidence(
    session: Session,
    actor: Actor,
    project: Project,
    engine: search_queries.Engine,
    *,
    version: int,
) -> EvidencePack:
    """Freeze the project's search as its next evidence revision, with every hit as a candidate."""
    actor = require(session, actor, Permission.PROJECT_EDIT, project)
    locked = queries.get_project(session, project.id, for_update=True)
    if locked is None or actor.person_id is None:
        raise NotFound
    locked.expect(ProjectAction.LOCK_EVIDENCE)
    checked = check_search(session, engine, locked)
    pack = _write_pack(session, actor, actor.person_id, locked, checked)
    _write_candidates(session, pack, checked)
    values = {
        "last_editor_id": actor.person_id,
        "cost_conditions": _lock_costs(session, locked, day_in_japan(pack.locked_at)),
    }
    locked.apply(ProjectAction.LOCK_EVIDENCE, version, **values)
    audit.record(
        session,
        actor,
        "evidence.lock",
        "EvidencePack",
        pack.id,
        owner_id=locked.owner_id,
        case_id=locked.id,
        revision=pack.revision,
        hits=len(checked.hits),
        sequence=checked.sequence,
        sha256=pack.sha256,
    )
    return pack


def _write_pack(
    session: Session, actor: Actor, locker_id: uuid.UUID, project: Project, checked: CheckedSearch
) -> EvidencePack:
    latest = queries.latest_pack(session, project.id)
    revision = latest.revision + 1 if latest else 1
    conditions = conditions_to_lock(session, project)
    content = canonical_json(
        build_content(
            project,
            actor,
            revision=revision,
            moment=now(session),
            catalog={"sequence": checked.sequence, "epoch": checked.epoch},
            search=_describe_search(checked),
            hits=checked.hits,
            cost_conditions=_lock_costs(session, project, day_in_japan(now(session))),
            conditions=conditions,
        )
    )
    pack = EvidencePack(
        project_id=project.id,
        owner_id=project.owner_id,
        revision=revision,
        catalog_sequence=checked.sequence,
        catalog_epoch=checked.epoch,
        content=content.decode(),
        sha256=sha256_hex(content),
        locked_by_id=locker_id,
        locked_at=now(session),
    )
    session.add(pack)
    session.flush()
    keep_conditions(session, pack.id, conditions)
    return pack


def _describe_search(checked: CheckedSearch) -> dict[str, object]:
    query, result, most = checked.query, checked.result, checked.cost_max
    return {
        "text": query.text,
        "filters": {name: sorted(values) for name, values in query.active_filters.items()},
        "sort": query.sort,
        **({"cost_max": most} if most is not None else {}),
        "seed": query.seed,
        "engine": result.engine,
        "engine_version": result.engine_version,
        "generation": result.generation,
        **search_queries.describe_rules(),
    }


def _write_candidates(session: Session, pack: EvidencePack, checked: CheckedSearch) -> None:
    for rank, (version, _) in enumerate(checked.hits, start=1):
        session.add(
            Candidate(
                pack_id=pack.id,
                rank=rank,
                listing_version_id=version.id,
                listing_sha256=version.content_sha256,
                offering_sha256=version.offering_version.content_sha256,
            )
        )
    session.flush()


def _lock_costs(session: Session, project: Project, day: date) -> dict[str, Any]:
    """Return the conditions of cost as they stay from the lock on, by the body's rules of its day."""
    return with_rounding(lock_conditions(project, day), limits_for(session, project.owner, day))
