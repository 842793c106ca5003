"""What waits on a desk around requests for quotes: drafts, questions, openings, and quotes to hand in."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from core.clock import day_in_japan
from procurement.home.desk import Desk, Task
from procurement.quoting.models import QuoteInvitation, QuoteRound, RoundState

_R = RoundState
_CLERK = {_R.DRAFT: "見積依頼を仕上げる", _R.RETURNED: "差し戻された見積依頼を直す"}


def clerk_rounds(
    rounds: Iterable[QuoteRound], unanswered: Mapping[uuid.UUID, int], moment: datetime
) -> Desk:
    """Sort a clerk's requests for quotes; `unanswered` counts the questions of each."""
    desk = Desk()
    for each in rounds:
        if verb := _CLERK.get(each.state):
            desk.turn.append(_round_task(each, verb))
        elif each.state is _R.SUBMITTED:
            desk.waiting.append(_round_task(each, "見積依頼の決裁"))
        elif count := unanswered.get(each.id, 0):
            verb = f"質問{count}件に答える"
            desk.turn.append(_round_task(each, verb, endpoint="quoting.questions"))
    _add_sent(desk, rounds, moment)
    return desk


def approver_rounds(
    rounds: Iterable[QuoteRound],
    extended: Collection[uuid.UUID],
    person_id: uuid.UUID | None,
    moment: datetime,
) -> Desk:
    """Sort what an approver decides and opens; `extended` are rounds whose later deadline waits.

    What this person wrote, another decides.
    """
    desk = Desk()
    for each in rounds:
        is_own = person_id in {each.last_editor_id, each.submitted_by_id}
        if each.state is _R.SUBMITTED and not is_own:
            desk.turn.append(_round_task(each, "見積依頼を決裁する"))
        elif each.id in extended and moment <= each.deadline_at:
            desk.turn.append(_round_task(each, "締切の延長を決裁する"))
    _add_sent(desk, rounds, moment)
    return desk


def vendor_invitations(invitations: Iterable[QuoteInvitation]) -> Desk:
    """Tell a vendor which quotes it is asked for and has not handed in."""
    desk = Desk()
    for each in invitations:
        desk.turn.append(
            Task(
                f"見積を提出する：{each.round.project.title}",
                each.round.project.owner.label,
                "quoting.show_request",
                {"quote_request_id": each.id},
                "受付中",
                each.round.sent_at,
                day_in_japan(each.round.deadline_at),
            )
        )
    return desk


def _add_sent(desk: Desk, rounds: Iterable[QuoteRound], moment: datetime) -> None:
    for each in rounds:
        if each.state is not _R.SENT:
            continue
        if moment > each.deadline_at:
            desk.turn.append(_round_task(each, "見積を2人で開封する"))
        else:
            desk.waiting.append(_round_task(each, "見積の提出"))


def _round_task(round_: QuoteRound, verb: str, *, endpoint: str = "quoting.show") -> Task:
    return Task(
        f"{verb}：{round_.project.title}",
        round_.number or round_.project.number,
        endpoint,
        {"round_id": round_.id},
        round_.state.label,
        round_.updated_at,
        day_in_japan(round_.deadline_at) if round_.is_sent else None,
    )
