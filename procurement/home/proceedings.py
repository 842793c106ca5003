"""What waits on a desk around consultations, reviews and certificates: the tasks and whose they are."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta

from accounts.identity import Actor
from accounts.permissions import Permission, can
from catalog.certification.after_models import Appeal
from catalog.certification.models import Certification, ReviewState
from catalog.certification.queries.waiting import OwnReview
from catalog.offerings.endings import DAYS_BEFORE as ENDING_DAYS
from catalog.offerings.endings import Ending, EndingKind, name_services
from catalog.specifications.consultation.models import Consultation, Phase
from catalog.specifications.consultation.queries import Progress
from core.clock import start_of_day
from procurement.home.desk import Desk, Task
from vendors.filing_models import Filing, FilingState, QualificationRenewal
from vendors.models import Vendor
from vendors.reminders import DAYS_BEFORE

_P = Permission


def invite(desk: Desk, consultations: Iterable[Consultation], moment: datetime) -> None:
    """Add the consultations in which an organisation may comment now."""
    for each in consultations:
        if each.phase_at(moment) is Phase.OPEN:
            desk.invited.append(
                _consultation_task(each, "意見を出す", "consultations.show", Phase.OPEN.label)
            )


def add_filings(desk: Desk, rows: Iterable[tuple[Filing, Vendor]], who: Actor) -> None:
    """Add the filings of vendors that wait for a lead, or for the reviewer who checks them."""
    leads = can(who, _P.VENDOR_DECIDE)
    for filing, vendor in rows:
        is_checker = who.person_id in filing.assigned_ids
        if filing.state is FilingState.SUBMITTED:
            desk.turn.append(_filing_task(vendor, filing, "確かめる"))
        elif is_checker or leads:
            verb = "読む" if is_checker else "判断する"
            desk.turn.append(_filing_task(vendor, filing, verb))


def add_own_filings(desk: Desk, vendor: Vendor, filed: Collection[Filing], today: date) -> None:
    """Add the vendor's own filings with the agency, and a renewal due soon that is not among them."""
    desk.waiting += [_filing_task(vendor, filing) for filing in filed]
    expires = vendor.qualification_expires_on
    is_renewed = any(isinstance(filing, QualificationRenewal) for filing in filed)
    if is_renewed or not vendor.is_public or expires is None:
        return
    if (expires - today).days <= max(DAYS_BEFORE):
        desk.turn.append(
            Task(
                "全省庁統一資格を更新する",
                "更新した資格を届け出ます",
                "vendors.filing",
                {"vendor_id": vendor.id, "section": QualificationRenewal.KIND.section},
                "期限切れ" if vendor.is_unqualified(today) else "期限が近い",
                None,
                expires,
            )
        )


def add_endings(desk: Desk, endings: Iterable[Ending], today: date) -> None:
    """Add what runs out in the vendor's public services, one task for each kind and day."""
    groups: dict[tuple[EndingKind, date], list[Ending]] = {}
    for each in endings:
        if each.is_near(today):
            groups.setdefault((each.kind, each.on), []).append(each)
    for (kind, on), found in groups.items():
        desk.turn.append(
            Task(
                f"{_ENDING_VERBS[kind]}：{name_services(found)}",
                kind.label,
                "vendor_offerings.index",
                {"_anchor": "endings-title"},
                "期限切れ" if on < today else "期限が近い",
                start_of_day(on - timedelta(days=max(ENDING_DAYS))),
                on,
            )
        )


_ENDING_VERBS = {
    EndingKind.ACCREDITATION: "認証・登録の有効期限を新しくする",
    EndingKind.PRICE: "次の料金を公開する",
    EndingKind.SUPPORT: "国の支援の期限を確かめる",
}


def _filing_task(vendor: Vendor, filing: Filing, verb: str = "") -> Task:
    noun, kind = filing.MACHINE.noun, filing.KIND
    task = f"{noun}を{verb}" if verb else f"デジタル庁による{noun}の確認"
    return Task(
        f"{task}：{vendor.label}",
        kind.subject,
        "vendors.filing",
        {"vendor_id": vendor.id, "section": kind.section},
        filing.state.label,
        filing.submitted_at,
    )


def add_comments(
    desk: Desk,
    consultations: Iterable[Consultation],
    progress: Mapping[uuid.UUID, Progress],
    moment: datetime,
) -> None:
    """Add the consultations with comments that nobody has disposed of."""
    for each in consultations:
        if waiting := progress[each.id].undisposed:
            verb = f"提出意見{waiting:,}件を処理する"
            phase = each.phase_at(moment).label
            desk.turn.append(_consultation_task(each, verb, "consultation_reviews.show", phase))


def add_own_reviews(
    desk: Desk, reviews: Iterable[OwnReview], days: Mapping[uuid.UUID, date]
) -> None:
    """Add what a vendor's reviews ask for, its conditions, and its certificates to check again.

    `days`: until when what rests on a version of a specification has to be checked against the next.
    """
    for each in reviews:
        if each.is_asked:
            _add_question(desk, each)
            continue
        _add_condition(desk, each)
        _add_recheck(desk, each, days.get(each.review.specification_version_id))


def _add_question(desk: Desk, own: OwnReview) -> None:
    review, findings = own.review, own.findings
    is_asked = review.state is ReviewState.INFO_REQUESTED
    hint = f"未回答の指摘{findings:,}件" if findings else "審査員からの求め"
    verb = "追加の説明を出す" if is_asked else "指摘に答える"
    due_on = review.info_due_on if is_asked else None
    desk.turn.append(_review_task(review, verb, hint, review.updated_at, due_on))


def _add_condition(desk: Desk, own: OwnReview) -> None:
    """Add a condition that the vendor has not met yet, or whose report waits."""
    review = own.review
    unmet = [each for each in review.conditions if not each.get("fulfilled_on")]
    if not unmet:
        return
    open_ = [each for each in unmet if each["requirement_id"] not in own.reported]
    due_on = min(date.fromisoformat(each["due_on"]) for each in open_ or unmet)
    ids = "、".join(each["requirement_id"] for each in open_ or unmet)
    verb = "条件を満たして報告する" if open_ else "条件の報告の確認"
    task = _review_task(review, verb, f"条件：{ids}", review.decided_at, due_on)
    (desk.turn if open_ else desk.waiting).append(task)


def _add_recheck(desk: Desk, own: OwnReview, due_on: date | None) -> None:
    """Add a certificate for an older version of a specification, unless a newer version is under way."""
    if due_on is None or own.is_followed:
        return
    hint = f"標準仕様書の新しい版が公表されました・{own.review.number}"
    verb = "新しい版で確かめ直す"
    desk.turn.append(_review_task(own.review, verb, hint, own.review.decided_at, due_on))


def add_pending(
    desk: Desk,
    pending: Iterable[tuple[Certification, bool, bool]],
    appeals: Mapping[uuid.UUID, Appeal],
    actor: Actor,
) -> None:
    """Add revocations to confirm, appeals to decide and reports to confirm; what this person began waits."""
    for review, has_appeal, has_report in pending:
        is_proposed = review.state is not ReviewState.REVOKED and review.revocation_proposed_by_id
        if is_proposed and can(actor, _P.CERTIFICATION_REVOKE, review):
            is_own = review.revocation_proposed_by_id == actor.person_id
            verb = "ほかの主任審査員による取消しの確認" if is_own else "取消しを確認する"
            task = _review_task(review, verb, _number(review), review.revocation_proposed_at)
            (desk.waiting if is_own else desk.turn).append(task)
        if has_appeal and can(actor, _P.CERTIFICATION_DECIDE_APPEAL, review):
            appeal = appeals[review.id]
            is_own = actor.person_id in {appeal.first_decider_id, appeal.second_decider_id}
            verb = "ほかの主任審査員による不服申立ての決定" if is_own else "不服申立てを決定する"
            hint = f"対象：{appeal.disputed.label}"
            task = _review_task(review, verb, hint, appeal.filed_at)
            (desk.waiting if is_own else desk.turn).append(task)
        if has_report and can(actor, _P.CERTIFICATION_CONFIRM, review):
            verb = "条件の報告を確認する"
            desk.turn.append(_review_task(review, verb, _number(review), review.updated_at))


def _number(review: Certification) -> str:
    return f"認証書 {review.number}" if review.number else "認証の審査"


def _review_task(
    review: Certification,
    verb: str,
    hint: str,
    since: datetime | None,
    due_on: date | None = None,
) -> Task:
    return Task(
        f"{verb}：{review.offering_version.name}",
        hint,
        "certification.show",
        {"certification_id": review.id},
        review.state.label,
        since,
        due_on,
    )


def _consultation_task(consultation: Consultation, verb: str, endpoint: str, status: str) -> Task:
    version = consultation.specification_version
    code, label = version.specification.code, version.label
    public = {"code": code, "label": label}
    inside = {"consultation_id": consultation.id}
    return Task(
        f"{verb}：{version.specification.name} {version.title}の案",
        "標準仕様書の意見募集",
        endpoint,
        public if endpoint == "consultations.show" else inside,
        status,
        start_of_day(consultation.opens_on),
        consultation.closes_on,
    )
