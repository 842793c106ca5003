"""Acts on a quote round before its decision: draft, change, submit."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import Role
from accounts.notices import tell_organisation
from accounts.permissions import Permission, require
from catalog.offerings.models import ListingVersion
from catalog.offerings.queries import load_listing_versions
from core.clock import day_in_japan
from core.db import now
from core.documents import canonical_json, sha256_hex
from core.errors import GuardFailed, Invalid, NotFound
from procurement.bodies import queries as body_queries
from procurement.bodies.rules import BodyRules
from procurement.projects import queries as project_queries
from procurement.projects.models import EvidencePack, Project, ProjectAction
from procurement.quoting import queries
from procurement.quoting.content import build_conditions
from procurement.quoting.models import (
    OFFERED_KINDS,
    QuoteInvitation,
    QuoteKind,
    QuoteRound,
    RoundAction,
)
from procurement.quoting.services.frame import closing_of, hold_round, record


def create_round(session: Session, actor: Actor, project: Project, **values: Any) -> QuoteRound:
    """Draft a request for quotes from the locked conditions; one live round per project.

    `values`: kind, candidates (listing versions), deadline_on, questions_on, message, contact,
    sole_reason.
    """
    locked = project_queries.get_project(session, project.id, for_update=True)
    if locked is None:
        raise NotFound
    actor = require(session, actor, Permission.QUOTE_ROUND_EDIT, locked)
    locked.expect(ProjectAction.REQUEST_QUOTES)
    if actor.person_id is None:
        raise NotFound
    if queries.has_live_round(session, locked.id):
        sentence = "この案件には、作成中か依頼中の見積依頼があります。先にそれを終えてください。"
        raise GuardFailed([("main", sentence)])
    pack = _latest_pack(session, locked)
    rules = rules_of(session, locked)
    checked, versions = _checked(session, pack, rules, values)
    made = QuoteRound(
        project_id=locked.id,
        pack_id=pack.id,
        owner_id=locked.owner_id,
        ordinal=queries.last_ordinal(session, locked.id) + 1,
        last_editor_id=actor.person_id,
        **checked,
        **_conditions_of(session, locked, pack),
    )
    session.add(made)
    session.flush()
    _invite(session, made, versions)
    record(session, actor, made, "quote_round.create")
    return made


def edit_round(
    session: Session, actor: Actor, round_: QuoteRound, *, version: int, **values: Any
) -> QuoteRound:
    """Change a round before it is submitted, or after it was returned."""
    held = hold_round(session, round_.id)
    actor = require(session, actor, Permission.QUOTE_ROUND_EDIT, held)
    held.expect(RoundAction.SUBMIT)
    pack = _latest_pack(session, held.project)
    if pack.id != held.pack_id:
        raise GuardFailed([("main", _OTHER_PACK)])
    rules = rules_of(session, held.project)
    checked, versions = _checked(session, pack, rules, values)
    held.revise(
        version,
        last_editor_id=actor.person_id,
        **checked,
        **_conditions_of(session, held.project, pack),
    )
    for each in queries.list_invitations(session, held.id):
        session.delete(each)
    session.flush()
    _invite(session, held, versions)
    record(session, actor, held, "quote_round.edit")
    return held


def submit_round(session: Session, actor: Actor, round_: QuoteRound, *, version: int) -> QuoteRound:
    """Hand the round to an approver."""
    held = hold_round(session, round_.id)
    actor = require(session, actor, Permission.QUOTE_ROUND_EDIT, held)
    held.expect(RoundAction.SUBMIT)
    check_ready(session, held)
    held.apply(RoundAction.SUBMIT, version, submitted_by_id=actor.person_id)
    tell_organisation(
        session,
        held.owner_id,
        "quote_round",
        "見積依頼が決裁を待っています",
        f"/quote-rounds/{held.id}",
        roles=(Role.APPROVER,),
    )
    record(session, actor, held, "quote_round.submit", sha256=held.conditions_sha256)
    return held


_OTHER_PACK = (
    "この見積依頼を作ったあとに、新しい検索結果が確定されています。"
    "この見積依頼を取りやめて、作り直してください。"
)


def check_ready(session: Session, round_: QuoteRound) -> None:
    """Refuse what could not be sent now, with the full list; raises GuardFailed."""
    reasons = []
    project = round_.project
    if not project.can_apply(ProjectAction.REQUEST_QUOTES):
        reasons.append(("main", project.MACHINE.wrong_state_sentence(project.state)))
    pack = _latest_pack(session, project)
    if pack.id != round_.pack_id:
        reasons.append(("main", _OTHER_PACK))
    elif _conditions_of(session, project, pack)["conditions_sha256"] != round_.conditions_sha256:
        sentence = "案件の内容が、見積依頼を作ったときから変わっています。見積依頼を開いて保存し直してください。"
        reasons.append(("main", sentence))
    if round_.questions_until <= now(session):
        sentence = "質問の受付の期限を過ぎています。期限を決め直してください。"
        reasons.append(("main", sentence))
    excluded = {
        each.listing_version_id
        for each in project_queries.list_candidates(session, round_.pack_id)
        if each.is_excluded
    }
    for each in queries.list_invitations(session, round_.id):
        if each.listing_version_id in excluded:
            sentence = f"{each.seller.label}のサービスは候補から除外されています。依頼先から外してください。"
            reasons.append(("main", sentence))
    if reasons:
        raise GuardFailed(reasons)


def _latest_pack(session: Session, project: Project) -> EvidencePack:
    pack = project_queries.latest_pack(session, project.id)
    if pack is None:
        raise NotFound
    return pack


def rules_of(session: Session, project: Project) -> BodyRules:
    """Return the rules of the body on the day of the act."""
    return body_queries.rules_for(session, project.owner, day_in_japan(now(session)))


def _conditions_of(session: Session, project: Project, pack: EvidencePack) -> dict[str, Any]:
    rounding = rules_of(session, project).rounding
    content = canonical_json(build_conditions(project, pack, rounding))
    return {"conditions": content.decode(), "conditions_sha256": sha256_hex(content)}


def _invite(session: Session, round_: QuoteRound, versions: Sequence[ListingVersion]) -> None:
    for version in versions:
        session.add(
            QuoteInvitation(
                round_id=round_.id,
                body_id=round_.owner_id,
                pack_id=round_.pack_id,
                listing_version_id=version.id,
                addressee_id=version.listing.owner_id,
                seller_id=version.listing.seller_id,
            )
        )
    session.flush()


def _checked(
    session: Session, pack: EvidencePack, rules: BodyRules, values: dict[str, Any]
) -> tuple[dict[str, Any], list[ListingVersion]]:
    """Return the columns of a round and who is asked; Invalid says what has to be mended."""
    given = dict(values)
    errors: dict[str, str] = {}
    kind, wanted = given["kind"], [uuid.UUID(str(each)) for each in given.pop("candidates")]
    deadline, questions = given.pop("deadline_on"), given.pop("questions_on")
    _check_days(day_in_japan(now(session)), deadline, questions, errors)
    remaining = {
        each.listing_version_id
        for each in project_queries.list_candidates(session, pack.id)
        if not each.is_excluded
    }
    loaded = load_listing_versions(session, [each for each in wanted if each in remaining])
    least = max(2, rules.quotes_at_least)
    if kind not in OFFERED_KINDS:
        errors["kind"] = (
            "入札はこの画面では進められません。見積の求めかたを一覧から選択してください。"
        )
    offered = {each.listing.offering_id for each in loaded.values()}
    if len(loaded) != len(set(wanted)):
        errors["candidates"] = "依頼先は、除外していない候補から選択してください。"
    elif kind is QuoteKind.SOLE and len(wanted) != 1:
        errors["candidates"] = "一者見積の依頼先は1件だけ選択してください。"
    elif kind is not QuoteKind.SOLE and len(offered) < least:
        errors["candidates"] = (
            f"依頼先は、提供元の異なるサービスを{least}件以上選択してください。"
            "足りないときは、一者見積を選び、理由を書いてください。"
        )
    if kind is QuoteKind.SOLE and not given["sole_reason"]:
        errors["sole_reason"] = "一者だけに依頼する理由を入力してください。"
    if errors:
        raise Invalid(errors)
    if kind is not QuoteKind.SOLE:
        given["sole_reason"] = ""
    given["deadline_at"], given["questions_until"] = closing_of(deadline), closing_of(questions)
    return given, [loaded[each] for each in dict.fromkeys(wanted)]


def _check_days(today: date, deadline: date, questions: date, errors: dict[str, str]) -> None:
    if deadline <= today:
        errors["deadline_on"] = "見積の締切は明日以後の日付にしてください。"
    if questions <= today:
        errors["questions_on"] = "質問の受付は明日以後の日付までにしてください。"
    elif questions >= deadline > today:
        errors["questions_on"] = (
            "質問の受付は、見積の締切より前の日までにしてください。答えを読んで見積を作れるようにするためです。"
        )
