"""Acts on certifications; each runs in one transaction and names its actor."""

from collections.abc import Mapping

from catalog.certification.services import deadlines, expiry, surveillance
from catalog.certification.services.appeals import decide_appeal, file_appeal, withdraw_appeal
from catalog.certification.services.conditions import Condition
from catalog.certification.services.decisions import approve_claim, decide, last_possible_day
from catalog.certification.services.declarations import declare
from catalog.certification.services.findings import (
    DISCUSSED,
    ask_again,
    raise_finding,
    reply,
    settle,
)
from catalog.certification.services.fulfilment import judge_report, report_condition
from catalog.certification.services.measures import (
    confirm_revocation,
    drop_revocation,
    propose_revocation,
    resume,
    suspend,
)
from catalog.certification.services.publication import publish_offering
from catalog.certification.services.reviews import assign, reassign, recommend, request_info
from catalog.certification.services.submissions import submit_offering
from catalog.certification.services.surveillance import cover
from core import outbox

HANDLERS: Mapping[str, outbox.Handler] = {
    **expiry.HANDLERS,
    **deadlines.HANDLERS,
    **surveillance.HANDLERS,
}

__all__ = [
    "DISCUSSED",
    "HANDLERS",
    "Condition",
    "approve_claim",
    "ask_again",
    "assign",
    "confirm_revocation",
    "cover",
    "decide",
    "decide_appeal",
    "declare",
    "drop_revocation",
    "file_appeal",
    "judge_report",
    "last_possible_day",
    "propose_revocation",
    "publish_offering",
    "raise_finding",
    "reassign",
    "recommend",
    "reply",
    "report_condition",
    "request_info",
    "resume",
    "settle",
    "submit_offering",
    "suspend",
    "withdraw_appeal",
]
