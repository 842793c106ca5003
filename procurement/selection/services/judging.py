"""Whether a choice may be made by its method: from the list price, or from an opened quote."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date

from sqlmodel import Session

from accounts.identity import Actor
from core.clock import day_in_japan
from core.db import now
from core.errors import GuardFailed
from core.japanese import format_date, format_yen
from procurement.bodies.methods import AFTER_TENDER, Ground
from procurement.bodies.queries import rules_for
from procurement.estimates.services import Standing, estimate_standing, is_listed_probe
from procurement.projects import queries as project_queries
from procurement.projects.models import EvidencePack, Project, ProjectState
from procurement.quoting.queries import OpenedQuote, opened_quotes
from procurement.selection.models import Selection, SelectionMethod
from procurement.selection.services.assessing import (
    Choice,
    over_sentence,
    quote_sentence,
    splitting_sentence,
)
from procurement.selection.services.method_fit import check_method

_CHANGE_ASKED = "確かめたうえで進めるときは、その理由を入力してください。"
_DAY = re.compile(r"(元|\d+)\s*[年./-]\s*\d+\s*[月./-]\s*\d+")
_M = SelectionMethod
Reasons = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Case:
    """What a person says for a choice: method, ground and every reason that may be asked for."""

    method: SelectionMethod
    ground: Ground | None
    grounds_text: str = ""
    not_lowest_reason: str = ""
    splitting_note: str = ""
    change_note: str = ""
    sole_acknowledgement: str | None = None
    sole_source_reason: str | None = None


def case_of(selection: Selection, *, change_note: str, sole_acknowledgement: str) -> Case:
    """Return what was proposed, with what the approver acknowledges today."""
    return Case(
        selection.method,
        selection.ground,
        selection.grounds_text,
        selection.not_lowest_reason,
        selection.splitting_note,
        change_note,
        sole_acknowledgement,
    )


def price_choice(session: Session, project: Project, choice: Choice, case: Case) -> Choice:
    """Give a choice the price of its opened quote, where the method takes one."""
    if case.method is _M.LIST_PRICE:
        return choice
    version_id = choice.candidate.listing_version_id
    quotes = opened_quotes(session, project.id)
    quote = next((each for each in quotes if each.listing_version_id == version_id), None)
    return replace(choice, quote=quote)


def check_choice(
    session: Session, actor: Actor, project: Project, choice: Choice, case: Case
) -> int:
    """Return the total, yen with tax; raises GuardFailed with everything that is missing."""
    if case.method is _M.LIST_PRICE:
        reasons = _check_listed(session, project, choice, case)
    else:
        reasons = _check_quoted(session, project, choice, case)
    reasons += _check_ground(session, choice, case)
    reasons += _check_sole_reason(session, project, choice, case)
    reasons += [("f-candidate_id", sentence) for sentence in choice.bars]
    if choice.splits and not case.splitting_note:
        reasons.append(("f-splitting_note", splitting_sentence(choice, project)))
    if choice.changes and not case.change_note:
        reasons += [("f-change_note", sentence + _CHANGE_ASKED) for sentence in choice.changes]
    if not reasons and choice.total is not None:
        reasons += _check_estimate(session, actor, project, choice.total)
    if reasons or choice.total is None:
        raise GuardFailed(reasons)
    return choice.total


def _check_listed(session: Session, project: Project, choice: Choice, case: Case) -> Reasons:
    reasons = _check_ceiling(choice)
    if choice.total is None:
        reasons.append(("f-candidate_id", quote_sentence(choice)))
    if case.ground is not Ground.SMALL_AMOUNT:
        sentence = (
            "公表料金で選べるのは、少額の契約（第1号）だけです。ほかの根拠では見積が必要です。"
        )
        reasons.append(("f-ground", sentence))
    if project.state is ProjectState.QUOTES_OPENED:
        sentence = "見積を開封した案件では、開封した見積の金額で選んでください。"
        reasons.append(("f-method", sentence))
    elif is_listed_probe(session, project):
        sentence = (
            "予定価格を確定したあとに、検索結果を2回以上確定し直しています。"
            "予定価格を探ることになるため、公表料金では選べません。見積を依頼してください。"
        )
        reasons.append(("f-candidate_id", sentence))
    return reasons


def _check_ceiling(choice: Choice) -> Reasons:
    ceiling, total = choice.ceiling, choice.total
    if ceiling is None:
        return [("f-category", "今日の時点で使える少額の契約の限度額が登録されていません。")]
    if total is not None and total > ceiling.amount:
        return [("f-candidate_id", over_sentence(total, ceiling))]
    return []


def _check_quoted(session: Session, project: Project, choice: Choice, case: Case) -> Reasons:
    quotes = opened_quotes(session, project.id)
    least = rules_for(session, project.owner, day_in_japan(now(session))).quotes_at_least
    unfit = check_method(
        session,
        project,
        choice,
        method=case.method,
        ground=case.ground,
        quotes=quotes,
        least=least,
    )
    if choice.quote is None:
        sentence = "このサービスの開封した見積がありません。見積のあるサービスを選択してください。"
        return [*unfit, ("f-candidate_id", sentence)]
    reasons = unfit + _check_valid(session, choice.quote)
    offerings = len({each.offering_id for each in quotes})
    if case.method is _M.QUOTES and offerings < least and not unfit:
        sentence = (
            f"見積合わせには、{least}件以上のサービスの見積が要りますが、"
            f"開封した見積は{offerings}件です（同じサービスの販売者は1件と数えます）。"
            "もう一度見積を依頼するか、一者見積として根拠と理由を書いてください。"
        )
        reasons.append(("f-method", sentence))
    return reasons + _check_lowest(choice.quote, quotes, case)


def _check_valid(session: Session, quote: OpenedQuote) -> Reasons:
    """Refuse a quote that binds its vendor no more."""
    last = date.fromisoformat(quote.content["valid_until"])
    if day_in_japan(now(session)) <= last:
        return []
    sentence = (
        f"この見積の有効期限（{format_date(last)}）は過ぎています。"
        "見積を使わないことにして、もう一度依頼してください。"
    )
    return [("f-candidate_id", sentence)]


def _check_lowest(quote: OpenedQuote, quotes: tuple[OpenedQuote, ...], case: Case) -> Reasons:
    lowest = min(each.total for each in quotes)
    if quote.total <= lowest:
        return []
    more = f"最も低い見積{format_yen(lowest)}より{format_yen(quote.total - lowest)}高い見積です。"
    if case.not_lowest_reason:
        return []
    return [("f-not_lowest_reason", more + "最も低い見積を選ばない理由を入力してください。")]


def _check_sole_reason(session: Session, project: Project, choice: Choice, case: Case) -> Reasons:
    """Ask why one vendor alone is asked, where it is and the body's rules do not let that be."""
    if case.method not in {_M.LIST_PRICE, _M.SINGLE_QUOTE}:
        if not case.sole_source_reason:
            return []
        sentence = "2者以上を比べる方法では、1者だけに依頼する理由を空欄にしてください。"
        return [("f-sole_source_reason", sentence)]
    if case.sole_source_reason is None or case.sole_source_reason.strip():
        return []
    limit = rules_for(session, project.owner, day_in_japan(now(session))).single_quote_up_to
    if limit is not None and choice.total is not None and choice.total <= limit:
        return []
    return [("f-sole_source_reason", "1者だけに依頼する理由を入力してください。")]


def _check_ground(session: Session, choice: Choice, case: Case) -> Reasons:
    method, ground = case.method, case.ground
    if ground is None:
        return [("f-ground", "契約の根拠を選択してください。")]
    reasons: Reasons = []
    if method is _M.QUOTES and ground is not Ground.SMALL_AMOUNT:
        reasons.append(("f-ground", "見積合わせの根拠は、少額の契約（第1号）です。"))
    if method is _M.PROPOSAL and ground is not Ground.SOLE_SUPPLIER:
        reasons.append(("f-ground", "プロポーザルのあとの契約の根拠は、第2号です。"))
    if ground is Ground.SMALL_AMOUNT:
        if method is not _M.LIST_PRICE:
            reasons += _check_ceiling(choice)
    elif not case.grounds_text:
        sentence = f"「{ground.label}」に当たる事実を、根拠の説明に入力してください。"
        reasons.append(("f-grounds_text", sentence))
    elif ground in AFTER_TENDER and not _DAY.search(
        unicodedata.normalize("NFKC", case.grounds_text)
    ):
        sentence = (
            "第8号と第9号は入札のあとだけです。行った入札の番号か件名とその日（例：令和8年10月1日）を、"
            "根拠の説明に入力してください。"
        )
        reasons.append(("f-grounds_text", sentence))
    asks = case.sole_acknowledgement is not None and not case.sole_acknowledgement
    if asks and needs_acknowledgement(session, choice, method, ground):
        sentence = (
            "適合するサービスがほかにもあるのに1者を選ぶ案です。"
            "第2号に当たることを確かめた結果を入力してください。"
        )
        reasons.append(("f-sole_acknowledgement", sentence))
    return reasons


def needs_acknowledgement(
    session: Session, choice: Choice, method: SelectionMethod, ground: Ground | None
) -> bool:
    """Tell whether 2号 is taken for one vendor though two or more softwares conform in the evidence."""
    if ground is not Ground.SOLE_SUPPLIER or method is _M.PROPOSAL:
        return False
    pack = session.get_one(EvidencePack, choice.candidate.pack_id)
    return project_queries.conforming_offerings(pack) > 1


def _check_estimate(session: Session, actor: Actor, project: Project, total: int) -> Reasons:
    if estimate_standing(session, actor, project, total) is not Standing.ABOVE:
        return []
    sentence = "金額が予定価格をこえるため、選定できません。見積をもう一度依頼してください。"
    return [("f-candidate_id", sentence)]
