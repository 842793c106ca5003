"""Acts on certifications; each runs in one transaction and names its actor."""

from catalog.certification.services.conditions import Condition
from catalog.certification.services.decisions import approve_claim, decide, last_possible_day
from catalog.certification.services.expiry import HANDLERS
from catalog.certification.services.reviews import assign, recommend, request_info
from catalog.certification.services.submissions import submit_offering

__all__ = [
    "HANDLERS",
    "Condition",
    "approve_claim",
    "assign",
    "decide",
    "last_possible_day",
    "recommend",
    "request_info",
    "submit_offering",
]
