"""Automatic checks of a submission. Pure: they sort the queue and never overrule a person."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from catalog.conformance import AnswerEntry, Issue, IssueReason, RequirementEntry, RollUp, roll_up
from catalog.terms import Answer, RequirementClass
from core.japanese import format_date
from core.state_machine import LabelledCode


class CheckOutcome(LabelledCode):
    """What a check, or all of them, says; the order is that of the queue."""

    PASS = "pass", "問題なし"
    PERSON = "person", "人の確認が必要"
    FAIL = "fail", "不備あり"


class CheckKind(LabelledCode):
    """What is looked at."""

    COMPLETE = "complete", "回答がそろっている"
    VIOLATION = "violation", "実装不可の要件に抵触しない"
    OVERDUE = "overdue", "期日の来た実装必須を満たす"
    EVIDENCE = "evidence", "必要な証拠がある"
    DATES = "dates", "日付に矛盾がない"


@dataclass(frozen=True, slots=True)
class Remark:
    """Why a check does not pass; without requirement it concerns the whole."""

    outcome: CheckOutcome
    sentence: str
    requirement: RequirementEntry | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One check with everything that it remarks."""

    kind: CheckKind
    remarks: tuple[Remark, ...] = ()

    @property
    def outcome(self) -> CheckOutcome:
        """The worst of the remarks."""
        return _worst(remark.outcome for remark in self.remarks)


@dataclass(frozen=True, slots=True)
class SpecificationDates:
    """The days of the specification version that dates are held against."""

    published_on: date | None = None
    transition_ends_on: date | None = None


def sum_up(checks: Iterable[Check]) -> CheckOutcome:
    """Give what all checks amount to: the worst one."""
    return _worst(check.outcome for check in checks)


def run_checks(
    requirements: Sequence[RequirementEntry],
    answers: Mapping[str, AnswerEntry],
    evidenced: frozenset[str] | set[str],
    dates: SpecificationDates,
    today: date,
) -> list[Check]:
    """Give every check of the answers on a day; `evidenced` are the ids that come with evidence.

    Without any requirement nothing can be checked: one failed check says so.
    """
    if not requirements:
        sentence = "この標準仕様書の版には要件がありません。"
        return [Check(CheckKind.COMPLETE, (Remark(CheckOutcome.FAIL, sentence),))]
    rolled = roll_up(requirements, answers, today)
    return [
        Check(CheckKind.COMPLETE, tuple(_find_unanswered(requirements, answers))),
        Check(CheckKind.VIOLATION, tuple(_find_violations(rolled))),
        Check(CheckKind.OVERDUE, tuple(_find_unmet(rolled))),
        Check(CheckKind.EVIDENCE, tuple(_find_unproven(requirements, answers, evidenced))),
        Check(CheckKind.DATES, tuple(_find_impossible(requirements, answers, dates, today))),
    ]


def _worst(outcomes: Iterable[CheckOutcome]) -> CheckOutcome:
    order = list(CheckOutcome)
    return max(outcomes, key=order.index, default=CheckOutcome.PASS)


def _find_unanswered(
    requirements: Iterable[RequirementEntry], answers: Mapping[str, AnswerEntry]
) -> Iterable[Remark]:
    for each in requirements:
        if each.id in answers:
            continue
        if each.class_for(None) is RequirementClass.MAY:
            yield Remark(CheckOutcome.PERSON, "標準オプションの回答がありません。", each)
        else:
            yield Remark(CheckOutcome.FAIL, "回答がありません。", each)


def _find_violations(rolled: RollUp) -> Iterable[Remark]:
    for issue in _issues(rolled.blocking, IssueReason.VIOLATION):
        yield Remark(CheckOutcome.FAIL, "実装不可の機能があるという回答です。", issue.requirement)
    for issue in _issues((*rolled.blocking, *rolled.conditions), IssueReason.ABSENCE_UNSTATED):
        yield Remark(CheckOutcome.FAIL, "機能がないことが示されていません。", issue.requirement)


_ELSEWHERE = (IssueReason.VIOLATION, IssueReason.ABSENCE_UNSTATED, IssueReason.UNANSWERED)


def _find_unmet(rolled: RollUp) -> Iterable[Remark]:
    for issue in rolled.blocking:
        if issue.reason not in _ELSEWHERE and issue.reason is not None:
            yield Remark(CheckOutcome.FAIL, f"{issue.reason.label}。", issue.requirement)
    for issue in rolled.conditions:
        if issue.reason not in _ELSEWHERE:
            yield Remark(
                CheckOutcome.PERSON, "期日の前なので、条件を付けられます。", issue.requirement
            )
    for issue in rolled.for_review:
        sentence = "代替手段の説明でよいかを判断してください。"
        yield Remark(CheckOutcome.PERSON, sentence, issue.requirement)


def _find_unproven(
    requirements: Iterable[RequirementEntry],
    answers: Mapping[str, AnswerEntry],
    evidenced: frozenset[str] | set[str],
) -> Iterable[Remark]:
    """Evidence is demanded where an 実装必須 is said to be met, and of every alternative."""
    for each in requirements:
        entry = answers.get(each.id)
        if entry is None or each.id in evidenced:
            continue
        is_duty = each.class_for(None) is RequirementClass.MUST
        if entry.answer is Answer.ALTERNATIVE and not entry.note.strip():
            yield Remark(CheckOutcome.FAIL, "代替手段の説明も証拠もありません。", each)
        elif entry.answer is Answer.ALTERNATIVE or (is_duty and entry.answer is Answer.CONFORMS):
            yield Remark(CheckOutcome.PERSON, "証拠がありません。", each)


def _find_impossible(
    requirements: Iterable[RequirementEntry],
    answers: Mapping[str, AnswerEntry],
    dates: SpecificationDates,
    today: date,
) -> Iterable[Remark]:
    if dates.published_on is not None and dates.published_on > today:
        sentence = (
            f"標準仕様書の公表は{format_date(dates.published_on)}です。それまで認証できません。"
        )
        yield Remark(CheckOutcome.FAIL, sentence)
    if dates.transition_ends_on is not None and dates.transition_ends_on < today:
        sentence = f"この版の経過措置は{format_date(dates.transition_ends_on)}に終わりました。"
        yield Remark(CheckOutcome.PERSON, sentence)
    for each in requirements:
        entry = answers.get(each.id)
        if entry is not None and entry.answer is Answer.CONDITIONAL:
            yield from _judge_promise(each, entry.due, today)


def _judge_promise(
    requirement: RequirementEntry, due: date | None, today: date
) -> Iterable[Remark]:
    counts_from = requirement.conformity_date
    if due is None:
        yield Remark(CheckOutcome.FAIL, "適合する日がありません。", requirement)
    elif due <= today:
        sentence = f"適合する日（{format_date(due)}）が過ぎています。"
        yield Remark(CheckOutcome.FAIL, sentence, requirement)
    elif counts_from is not None and due > counts_from:
        sentence = f"適合する日（{format_date(due)}）が適合基準日（{format_date(counts_from)}）より後です。"
        yield Remark(CheckOutcome.FAIL, sentence, requirement)


def _issues(issues: Iterable[Issue], reason: IssueReason) -> list[Issue]:
    return [issue for issue in issues if issue.reason is reason]
