"""Acts on the choice: propose one locked candidate, approve or return it."""

import uuid
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.certification import queries as certification_queries
from catalog.offerings import queries as offering_queries
from catalog.offerings.models import Listing, ListingVersion, OfferingVersion
from catalog.price_plan import QUOTE_LABEL
from catalog.terms import CertificationState
from core import audit
from core.clock import day_in_japan
from core.db import now
from core.documents import canonical_json
from core.errors import Forbidden, GuardFailed, NotFound, WrongState
from core.japanese import fiscal_year, format_fiscal_year, format_yen
from core.models import Model
from procurement.bodies.models import ContractCategory, SmallAmountCeiling
from procurement.bodies.queries import ceiling_for
from procurement.projects import queries
from procurement.projects.costs import Estimate, describe_basis, estimate_cost
from procurement.projects.evidence import hit_of
from procurement.projects.models import (
    Candidate,
    EvidencePack,
    Ground,
    Project,
    ProjectAction,
    ProjectState,
    Selection,
)
from vendors.models import Vendor

Row = TypeVar("Row", bound=Model)
_TRUSTED = frozenset({CertificationState.CERTIFIED, CertificationState.CONDITIONAL})
_CHANGE_ASKED = "確かめたうえで進めるときは、その理由を入力してください。"


@dataclass(frozen=True, slots=True)
class Choice:
    """One candidate seen with everything that decides whether it may be chosen.

    `related_total` is yen with tax of other orders of the same fiscal year and of the same seller
    or specification; `changes` are sentences on what changed since the lock.
    """

    candidate: Candidate
    version: ListingVersion
    estimate: Estimate
    ceiling: SmallAmountCeiling | None
    related_total: int
    related_numbers: tuple[str, ...]
    changes: tuple[str, ...]

    @property
    def total(self) -> int | None:
        """Yen with tax over the whole term; None where a quote is needed."""
        return self.estimate.total

    @property
    def splits(self) -> bool:
        """Tell whether it stays below the ceiling alone but not together with related orders."""
        if self.ceiling is None or self.total is None or not self.related_total:
            return False
        return self.total <= self.ceiling.amount < self.total + self.related_total


def assess_choice(
    session: Session, project: Project, candidate: Candidate, category: ContractCategory
) -> Choice:
    """Return a candidate with its cost, the ceiling of today, related orders and what changed."""
    version = offering_queries.load_listing_versions(session, [candidate.listing_version_id])[
        candidate.listing_version_id
    ]
    orders = queries.list_related_orders(
        session,
        project,
        version.listing.seller_id,
        version.offering_version.specification_version.specification_id,
    )
    year = fiscal_year(project.starts_on)
    same_year = [(p, s) for p, s in orders if fiscal_year(p.starts_on) == year]
    today = day_in_japan(now(session))
    return Choice(
        candidate=candidate,
        version=version,
        estimate=estimate_cost(version, project, project.owner),
        ceiling=ceiling_for(session, project.owner, category, today),
        related_total=sum(selection.total_with_tax for _, selection in same_year),
        related_numbers=tuple(other.number for other, _ in same_year),
        changes=tuple(_list_changes(session, candidate, version)),
    )


def _list_changes(session: Session, candidate: Candidate, version: ListingVersion) -> list[str]:
    found = []
    if not offering_queries.is_listed(version):
        found.append(
            f"「{version.offering_version.name}」のこの版は、検索結果を確定したあとに変更されたか、"
            "提供が終わっています。"
        )
    pack = session.get_one(EvidencePack, candidate.pack_id)
    locked = hit_of(pack, candidate.listing_version_id)["certification"]["state"]
    offering_version = version.offering_version
    standing = certification_queries.standings(session, [offering_version])[offering_version.id]
    if CertificationState(locked) in _TRUSTED and standing.state not in _TRUSTED:
        found.append(
            f"「{offering_version.name}」の認証は、検索結果を確定したあとに"
            f"「{standing.state.label}」になりました。"
        )
    return found


def propose_selection(
    session: Session,
    actor: Actor,
    project: Project,
    *,
    version: int,
    candidate_id: uuid.UUID,
    ground: Ground,
    category: ContractCategory,
    reason: str,
    sole_source_reason: str,
    splitting_note: str = "",
    change_note: str = "",
) -> Selection:
    """Propose one remaining candidate within the small-amount ceiling; raises GuardFailed.

    Ground 1号 of 地方自治法施行令 167条の2 ①: the amount with tax over the whole term must not
    exceed the ceiling. What needs a quote, or exceeds it, is told with both amounts.
    """
    actor = require(session, actor, Permission.PROJECT_EDIT, project)
    if actor.person_id is None:
        raise NotFound
    project.expect(ProjectAction.PROPOSE)
    candidate = _find_open_candidate(session, project, candidate_id)
    lock_listing(session, candidate.listing_version_id)
    choice = assess_choice(session, project, candidate, category)
    ceiling, total = _check_choice(
        choice, project, splitting_note=splitting_note, change_note=change_note
    )
    selection = Selection(
        project_id=project.id,
        owner_id=project.owner_id,
        pack_id=candidate.pack_id,
        listing_version_id=candidate.listing_version_id,
        ground=ground,
        category=category,
        ceiling_amount=ceiling.amount,
        ceiling_source=ceiling.source,
        total_with_tax=total,
        total_without_tax=choice.estimate.statement.subtotal or 0,
        reason=reason,
        sole_source_reason=sole_source_reason,
        splitting_note=splitting_note,
        change_note=change_note,
        cost_basis=canonical_json(describe_basis(choice.estimate, project.owner)).decode(),
        proposed_by_id=actor.person_id,
        # Whoever last touched need, candidates or comparison shaped the choice and cannot approve.
        last_editor_id=project.last_editor_id,
    )
    session.add(selection)
    session.flush()
    project.apply(ProjectAction.PROPOSE, version, last_editor_id=actor.person_id)
    _record_proposal(session, actor, project, selection)
    return selection


def _record_proposal(
    session: Session, actor: Actor, project: Project, selection: Selection
) -> None:
    _record(
        session,
        actor,
        project,
        selection,
        "selection.propose",
        total_with_tax=selection.total_with_tax,
        ceiling=selection.ceiling_amount,
        ground=selection.ground.value,
        reason=selection.reason,
        splitting_note=selection.splitting_note,
        change_note=selection.change_note,
    )


def approve_selection(
    session: Session, actor: Actor, project: Project, *, version: int, change_note: str = ""
) -> Selection:
    """Approve the proposed choice as another person; every condition is checked again now."""
    selection = _begin_decision(session, actor, project)
    candidate = _find_open_candidate(session, project, None, selection)
    lock_listing(session, selection.listing_version_id)
    choice = assess_choice(session, project, candidate, selection.category)
    _check_choice(
        choice,
        project,
        splitting_note=selection.splitting_note,
        # The clerk's note may be of an earlier change: whoever decides acknowledges what is true now.
        change_note=change_note,
    )
    project.apply(ProjectAction.APPROVE, version)
    selection.revise(decided_by_id=actor.person_id, decided_at=now(session), is_approved=True)
    _record(session, actor, project, selection, "selection.approve", change_note=change_note)
    return selection


def return_selection(
    session: Session, actor: Actor, project: Project, *, version: int, reason: str
) -> Selection:
    """Return the proposed choice to the clerk, with the reason."""
    selection = _begin_decision(session, actor, project)
    project.apply(ProjectAction.RETURN, version)
    selection.revise(
        decided_by_id=actor.person_id,
        decided_at=now(session),
        is_approved=False,
        return_reason=reason,
    )
    _record(session, actor, project, selection, "selection.return", reason=reason)
    return selection


def lock_listing(session: Session, listing_version_id: uuid.UUID) -> ListingVersion:
    """Hold a listing version, its offering version and its seller as they are until the commit."""
    version = _hold(session, ListingVersion, listing_version_id)
    _hold(session, OfferingVersion, version.offering_version_id)
    _hold(session, Vendor, session.get_one(Listing, version.listing_id).seller_id)
    return version


def _hold(session: Session, model: type[Row], row_id: uuid.UUID) -> Row:
    return session.get_one(model, row_id, with_for_update={"read": True}, populate_existing=True)


def _find_open_candidate(
    session: Session,
    project: Project,
    candidate_id: uuid.UUID | None,
    selection: Selection | None = None,
) -> Candidate:
    pack = queries.latest_pack(session, project.id)
    candidates = queries.list_candidates(session, pack.id) if pack else []
    for candidate in candidates:
        wanted = (
            candidate.id == candidate_id
            if selection is None
            else candidate.listing_version_id == selection.listing_version_id
        )
        if wanted and not candidate.is_excluded:
            return candidate
    raise GuardFailed([("f-candidate_id", "選ぶサービスは、残っている候補から選択してください。")])


def _check_choice(
    choice: Choice, project: Project, *, splitting_note: str, change_note: str
) -> tuple[SmallAmountCeiling, int]:
    reasons = []
    ceiling, total = choice.ceiling, choice.total
    if ceiling is None:
        reasons.append(("f-category", "今日の時点で使える少額の契約の限度額が登録されていません。"))
    if total is None:
        reasons.append(("f-candidate_id", _quote_sentence(choice)))
    if ceiling is not None and total is not None and total > ceiling.amount:
        reasons.append(
            (
                "f-candidate_id",
                _over_sentence(total, ceiling),
            )
        )
    if choice.splits and not splitting_note:
        reasons.append(("f-splitting_note", splitting_sentence(choice, project)))
    if choice.changes and not change_note:
        reasons += [("f-change_note", sentence + _CHANGE_ASKED) for sentence in choice.changes]
    if reasons or ceiling is None or total is None:
        raise GuardFailed(reasons)
    return ceiling, total


def _over_sentence(total: int, ceiling: SmallAmountCeiling) -> str:
    return (
        f"{QUOTE_LABEL}です。利用期間の合計は{format_yen(total)}（税込）で、"
        f"少額の契約の限度額{format_yen(ceiling.amount)}（税込）をこえます。"
    )


def _quote_sentence(choice: Choice) -> str:
    needs = choice.estimate.statement.needs_quote
    what = "、".join(
        dict.fromkeys(
            (f"{need.name}：{need.reason.label}" if need.name else need.reason.label)
            for need in needs
        )
    )
    limit = f"限度額は{format_yen(choice.ceiling.amount)}（税込）です。" if choice.ceiling else ""
    return f"{QUOTE_LABEL}です。公表された料金だけでは利用期間の合計を計算できません（{what}）。{limit}"


def splitting_sentence(choice: Choice, project: Project) -> str:
    """Return the warning on orders that add up above the ceiling (分割発注)."""
    total = (choice.total or 0) + choice.related_total
    limit = choice.ceiling.amount if choice.ceiling else 0
    return (
        f"{format_fiscal_year(fiscal_year(project.starts_on))}の、同じ事業者か同じ業務の案件"
        f"（{'、'.join(choice.related_numbers)}）と合わせると{format_yen(total)}で、"
        f"限度額{format_yen(limit)}をこえます。"
        "限度額を下回るために分けたのではない理由を入力してください。"
    )


def _begin_decision(session: Session, actor: Actor, project: Project) -> Selection:
    actor = require(session, actor, Permission.PROJECT_DECIDE, project)
    if project.state is not ProjectState.SELECTION_PROPOSED:
        raise WrongState(
            project.MACHINE.wrong_state_sentence(project.state), state=project.state.value
        )
    selection = queries.latest_selection(session, project.id)
    if selection is None:
        raise NotFound
    if actor.person_id in {selection.proposed_by_id, selection.last_editor_id}:
        raise Forbidden(
            "選定の案を作った人と、案件を最後に編集した人は決裁できません。"
            "別の決裁者に頼んでください。"
        )
    return selection


def _record(
    session: Session,
    actor: Actor,
    project: Project,
    selection: Selection,
    action: str,
    **detail: Any,
) -> None:
    audit.record(
        session,
        actor,
        action,
        "Selection",
        selection.id,
        owner_id=project.owner_id,
        case_id=project.id,
        **detail,
    )
