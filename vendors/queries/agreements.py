"""What can be asked about the framework agreement, and what keeps a vendor from selling."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from accounts.models import Person
from core.clock import day_in_japan
from core.db import now
from core.errors import GuardFailed
from core.japanese import format_date
from vendors import agreement
from vendors.agreement import AgreementStanding, Edition
from vendors.agreement_models import AgreementVersion
from vendors.completeness import list_missing_kinds
from vendors.models import FrameworkAgreement, MarketRole, Vendor, VendorState
from vendors.queries import get_vendor


@dataclass(frozen=True, slots=True)
class Bar:
    """What keeps a vendor from selling: the page that mends it, why, and the words of the link."""

    address: str
    sentence: str
    way: str


def current_agreement(session: Session, vendor_id: uuid.UUID) -> FrameworkAgreement | None:
    """Return the newest framework agreement in force of a vendor."""
    statement = (
        select(FrameworkAgreement)
        .where(
            FrameworkAgreement.vendor_id == vendor_id, col(FrameworkAgreement.ended_at).is_(None)
        )
        .order_by(col(FrameworkAgreement.accepted_at).desc(), col(FrameworkAgreement.id))
        .limit(1)
    )
    return session.exec(statement).first()


def list_acceptances(
    session: Session, vendor_id: uuid.UUID
) -> list[tuple[FrameworkAgreement, str]]:
    """Return what a vendor accepted and the name of who did, the latest first."""
    statement = (
        select(FrameworkAgreement, Person.name)
        .join(Person, col(Person.id) == col(FrameworkAgreement.accepted_by_id))
        .where(FrameworkAgreement.vendor_id == vendor_id)
        .order_by(col(FrameworkAgreement.accepted_at).desc(), col(FrameworkAgreement.id))
    )
    return [(row, name) for row, name in session.exec(statement).all()]


def find_agreement(session: Session, vendor_id: uuid.UUID, label: str) -> FrameworkAgreement | None:
    """Return a vendor's acceptance of one version of the framework agreement."""
    statement = select(FrameworkAgreement).where(
        FrameworkAgreement.vendor_id == vendor_id, FrameworkAgreement.label == label
    )
    return session.exec(statement).first()


def require_selling(session: Session, vendor: Vendor) -> None:
    """Refuse an act that only an active vendor with a framework agreement in force may do.

    Keeps the registration from being suspended before the commit. Raises GuardFailed, whose reasons
    lead to the page that mends them.
    """
    lock = None if session.info.get("read_only") else {"read": True}
    fresh = session.get(Vendor, vendor.id, with_for_update=lock, populate_existing=True)
    reasons = []
    if fresh is None or fresh.state is not VendorState.ACTIVE:
        label = fresh.state.label if fresh else "なし"
        sentence = (
            f"事業者の登録が「{label}」のため、この操作はできません。登録の状況を確かめてください。"
        )
        reasons.append(("main", sentence))
    subject = fresh or vendor
    bars = list_bars(session, [subject])[subject.id]
    if reasons := reasons + [(bar.address, bar.sentence) for bar in bars]:
        raise GuardFailed(reasons)


def bar_of(standing: AgreementStanding) -> str:
    """Return the sentence that says why a vendor may not sell now and what to do, or nothing."""
    if standing.accepted is None:
        return "基本契約に同意していないため、この操作はできません。先に基本契約の文面を確かめて同意してください。"
    if standing.is_held or standing.accept_by is None or standing.offered is None:
        return ""
    return (
        f"基本契約の第{standing.accepted.label}版で続けられるのは{format_date(standing.accept_by)}まででした。"
        f"第{standing.offered.label}版を読んで同意すると、公開と承諾を再開できます。"
    )


def list_bars(session: Session, vendors: Sequence[Vendor]) -> dict[uuid.UUID, list[Bar]]:
    """Return what keeps registered vendors from selling now: agreement, qualification, role."""
    standings = judge_agreements(session, [vendor.id for vendor in vendors])
    today = day_in_japan(now(session))
    return {each.id: bars_of(each, standings[each.id], today) for each in vendors}


def find_bars(session: Session, vendor_id: uuid.UUID) -> list[Bar]:
    """Return what keeps a vendor from selling now, by its id."""
    vendor = get_vendor(session, vendor_id)
    return list_bars(session, [vendor])[vendor.id] if vendor else []


def bars_of(vendor: Vendor, standing: AgreementStanding, today: date) -> list[Bar]:
    """Return what keeps a vendor with this standing from selling on a day; no statement."""
    bars = []
    if sentence := bar_of(standing):
        bars.append(Bar(f"/vendors/{vendor.id}/agreement", sentence, "基本契約を読んで同意する"))
    if vendor.qualification_expires_on and vendor.is_unqualified(today):
        sentence = (
            f"全省庁統一資格の有効期限（{format_date(vendor.qualification_expires_on)}）が過ぎています。"
            "更新した資格を届け出て、デジタル庁が確かめると、公開と承諾を再開できます。"
        )
        bars.append(Bar(f"/vendors/{vendor.id}/qualification", sentence, "資格の更新を届け出る"))
    return bars + _unfit(vendor)


def _unfit(vendor: Vendor) -> list[Bar]:
    """Return what a seller lacks: the role, or one of the kinds of the qualification.

    Every registration that was submitted names its roles; a row without any was never checked.
    """
    if not vendor.roles:
        return []
    if MarketRole.SELLER.value not in vendor.roles:
        sentence = (
            f"会社の登録の「市場での役割」に「{MarketRole.SELLER.label}」がないため、販売条件を公開したり、"
            "依頼を承諾したりできません。サービスは自社の販売条件と一緒に公開します。"
            "役割の変更を届け出て、デジタル庁が確かめると、公開と承諾ができます。"
        )
        return [Bar(f"/vendors/{vendor.id}/company", sentence, "会社の情報の変更を届け出る")]
    if lacking := list_missing_kinds(vendor.roles, vendor.qualification_kinds):
        sentence = f"{lacking}資格の更新を届け出て、デジタル庁が確かめると、公開と承諾ができます。"
        return [Bar(f"/vendors/{vendor.id}/qualification", sentence, "資格の更新を届け出る")]
    return []


def list_editions(session: Session) -> list[Edition]:
    """Return every version of the framework agreement, in the order in which they apply."""
    statement = select(AgreementVersion).order_by(col(AgreementVersion.applies_from))
    rows = session.exec(statement).all()
    return [agreement.ORIGINAL, *(row.as_edition() for row in rows)]


def judge_agreement(session: Session, vendor_id: uuid.UUID) -> AgreementStanding:
    """Return where a vendor stands today with the framework agreement."""
    return judge_agreements(session, [vendor_id])[vendor_id]


def judge_agreements(
    session: Session, vendor_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, AgreementStanding]:
    """Return where vendors stand today with the framework agreement, in two statements."""
    accepted = select(FrameworkAgreement.vendor_id, FrameworkAgreement.label).where(
        col(FrameworkAgreement.vendor_id).in_(vendor_ids),
        col(FrameworkAgreement.ended_at).is_(None),
    )
    labels: dict[uuid.UUID, set[str]] = {vendor_id: set() for vendor_id in vendor_ids}
    for vendor_id, label in session.exec(accepted):
        labels[vendor_id].add(label)
    editions, today = list_editions(session), day_in_japan(now(session))
    return {each: agreement.judge(editions, held, today) for each, held in labels.items()}


def lock_agreements(session: Session) -> None:
    """Keep every other lead from issuing a version of the framework agreement before the commit.

    SQLite lets one writer in at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE agreement_versions IN SHARE ROW EXCLUSIVE MODE"))


def count_accepted(session: Session) -> dict[str, int]:
    """Return how many active vendors accepted each version of the framework agreement."""
    statement = (
        select(FrameworkAgreement.label, func.count())
        .join(Vendor, col(Vendor.id) == col(FrameworkAgreement.vendor_id))
        .where(Vendor.state == VendorState.ACTIVE, col(FrameworkAgreement.ended_at).is_(None))
        .group_by(FrameworkAgreement.label)
    )
    return dict(session.exec(statement).all())
