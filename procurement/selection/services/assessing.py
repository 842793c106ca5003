"""What decides whether a candidate may be chosen: its cost, the ceiling, related orders, changes."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import Session

from catalog.certification import queries as certification_queries
from catalog.certification.queries import Standing
from catalog.offerings import queries as offering_queries
from catalog.offerings.models import ListingVersion
from catalog.price_plan import QUOTE_LABEL
from catalog.terms import CertificationState
from core.clock import day_in_japan
from core.db import now
from core.japanese import fiscal_year, format_fiscal_year, format_yen
from procurement.bodies.models import ContractCategory, SmallAmountCeiling
from procurement.bodies.queries import ceiling_for, limits_for
from procurement.projects.costs import Estimate, describe_basis, estimate_cost
from procurement.projects.evidence import hit_of
from procurement.projects.models import Candidate, EvidencePack, Project
from procurement.projects.terms import list_bars
from procurement.quoting.queries import OpenedQuote
from procurement.selection import queries
from vendors.models import VendorState
from vendors.queries.agreements import list_bars as list_seller_bars

_TRUSTED = frozenset({CertificationState.CERTIFIED, CertificationState.CONDITIONAL})


@dataclass(frozen=True, slots=True)
class Choice:
    """One candidate seen with everything that decides whether it may be chosen.

    `related_total` is yen with tax of other orders of the same fiscal year and of the same seller
    or specification; `changes` are sentences on what changed since the lock, `bars` on what of term
    and budget bars the choice.
    """

    candidate: Candidate
    version: ListingVersion
    estimate: Estimate
    ceiling: SmallAmountCeiling | None
    related_total: int
    related_numbers: tuple[str, ...]
    changes: tuple[str, ...]
    bars: tuple[str, ...] = ()
    quote: OpenedQuote | None = None

    @property
    def total(self) -> int | None:
        """Yen with tax over the whole term, of the opened quote first; None where one is needed."""
        return self.quote.total if self.quote is not None else self.estimate.total

    @property
    def net(self) -> int:
        """Yen without tax over the whole term."""
        if self.quote is not None:
            return self.quote.total - self.quote.tax
        return self.estimate.statement.subtotal or 0

    @property
    def basis(self) -> dict[str, Any]:
        """How the total was computed, as JSON values."""
        return self.quote.basis if self.quote is not None else describe_basis(self.estimate)

    @property
    def is_small(self) -> bool:
        """Tell whether a small-amount contract is possible: within a ceiling, without a quote."""
        if self.ceiling is None or self.total is None:
            return False
        return self.total <= self.ceiling.amount

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
    choice = assess_choices(session, project, [candidate], category)[candidate.id]
    return replace(choice, changes=(*choice.changes, *_say_bars(session, choice.version)))


def assess_choices(
    session: Session, project: Project, candidates: Sequence[Candidate], category: ContractCategory
) -> dict[uuid.UUID, Choice]:
    """Return each candidate of one pack by its id, as assess_choice() does, in few statements."""
    if not candidates:
        return {}
    versions = offering_queries.load_listing_versions(
        session, [each.listing_version_id for each in candidates]
    )
    orders = _orders_of_year(session, project, list(versions.values()))
    standings = certification_queries.standings(
        session, [version.offering_version for version in versions.values()]
    )
    today = day_in_japan(now(session))
    ceiling = ceiling_for(session, project.owner, category, today)
    pack = session.get_one(EvidencePack, candidates[0].pack_id)
    rules, found = limits_for(session, project.owner, today), {}
    for candidate in candidates:
        version = versions[candidate.listing_version_id]
        related = {order.number: order for order in orders if order.is_related_to(version)}
        estimate = estimate_cost(version, project, project.owner, day_in_japan(pack.locked_at))
        found[candidate.id] = Choice(
            candidate=candidate,
            version=version,
            estimate=estimate,
            ceiling=ceiling,
            related_total=sum(order.total for order in related.values()),
            related_numbers=tuple(related),
            changes=tuple(_list_changes(pack, version, standings[version.offering_version_id])),
            bars=list_bars(rules, project, estimate.statement, today),
        )
    return found


def _say_bars(session: Session, version: ListingVersion) -> list[str]:
    """Say that a seller cannot accept a request today, so that nobody learns it only when sending."""
    seller = version.listing.seller
    if seller.state is not VendorState.ACTIVE or not list_seller_bars(session, [seller])[seller.id]:
        return []
    return [
        f"「{seller.label}」は、基本契約への同意か全省庁統一資格の期限が切れていて、いまは依頼を承諾できません。"
    ]


@dataclass(frozen=True, slots=True)
class _Order:
    """Another live choice of the body: number of its project, yen with tax, for whom and what."""

    number: str
    total: int
    seller_id: uuid.UUID
    specification_id: uuid.UUID

    def is_related_to(self, version: ListingVersion) -> bool:
        """Tell whether it is for the same seller or the same specification (分割発注)."""
        specification_id = version.offering_version.specification_version.specification_id
        return (
            self.seller_id == version.listing.seller_id or self.specification_id == specification_id
        )


def _orders_of_year(
    session: Session, project: Project, versions: Sequence[ListingVersion]
) -> list[_Order]:
    rows = queries.list_related_orders(
        session,
        project,
        {version.listing.seller_id for version in versions},
        {version.offering_version.specification_version.specification_id for version in versions},
    )
    return [
        _Order(other.number, selection.total_with_tax, seller_id, specification_id)
        for other, selection, seller_id, specification_id in rows
    ]


def _list_changes(pack: EvidencePack, version: ListingVersion, standing: Standing) -> list[str]:
    found = []
    offering_version = version.offering_version
    if not offering_queries.is_listed(version):
        found.append(
            f"「{offering_version.name}」のこの版は、検索結果を確定したあとに変更されたか、"
            "提供が終わっています。"
        )
    locked = hit_of(pack, version.id)["certification"]["state"]
    if CertificationState(locked) in _TRUSTED and standing.state not in _TRUSTED:
        found.append(
            f"「{offering_version.name}」の認証は、検索結果を確定したあとに"
            f"「{standing.label}」になりました。"
        )
    return found


# --- in words -----------------------------------------------------------------------------------


def over_sentence(total: int, ceiling: SmallAmountCeiling) -> str:
    """Say that the total over the term, yen with tax, is above the ceiling."""
    return (
        f"{QUOTE_LABEL}です。利用期間の合計は{format_yen(total)}（税込）で、"
        f"少額の契約の限度額{format_yen(ceiling.amount)}（税込）をこえます。"
    )


def quote_sentence(choice: Choice) -> str:
    """Say what of the price cannot be computed without a quote."""
    limit = f"限度額は{format_yen(choice.ceiling.amount)}（税込）です。" if choice.ceiling else ""
    return (
        f"{QUOTE_LABEL}です。公表された料金だけでは利用期間の合計を計算できません"
        f"（{_what_needs_quote(choice)}）。{limit}"
    )


def _what_needs_quote(choice: Choice) -> str:
    needs = choice.estimate.statement.needs_quote
    return "、".join(
        dict.fromkeys(
            (f"{need.name}：{need.reason.label}" if need.name else need.reason.label)
            for need in needs
        )
    )


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


def explain_small_amount(choice: Choice) -> str:
    """Say before the choice why a small-amount contract is possible (see `is_small`) or is not."""
    if choice.total is None:
        what = _what_needs_quote(choice)
        return f"公表された料金だけでは合計が決まらないため（{what}）、{QUOTE_LABEL}です。"
    if choice.ceiling is None:
        return "今日の時点で使える限度額が登録されていません。"
    limit = f"限度額は{format_yen(choice.ceiling.amount)}"
    if not choice.is_small:
        over = format_yen(choice.total - choice.ceiling.amount)
        return f"{limit}で、合計は{over}こえるため、{QUOTE_LABEL}です。"
    if choice.splits:
        numbers = "、".join(choice.related_numbers)
        return (
            f"{limit}で、合計はそれ以下です。ただし案件{numbers}と合わせるとこえるため、"
            "分けて発注していない理由が必要です。"
        )
    return f"{limit}で、合計はそれ以下です。"
