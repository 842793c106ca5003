"""Acts on consultations; each runs in one transaction and names its actor."""

from catalog.specifications.consultation.services.commenting import (
    comment,
    require_open,
    revise_comment,
    withdraw_comment,
)
from catalog.specifications.consultation.services.disposing import Decision, dispose, version_of
from catalog.specifications.consultation.services.opening import (
    change_period,
    is_readable,
    open_consultation,
    readable_versions,
    require_text_may_change,
    shown_with,
)
from catalog.specifications.consultation.services.publishing import (
    missing_for_approval,
    publish_dispositions,
    settle_approval,
    tell_of_withdrawal,
    waiting_for_approval,
)

__all__ = [
    "Decision",
    "change_period",
    "comment",
    "dispose",
    "is_readable",
    "missing_for_approval",
    "open_consultation",
    "publish_dispositions",
    "readable_versions",
    "require_open",
    "require_text_may_change",
    "revise_comment",
    "settle_approval",
    "shown_with",
    "tell_of_withdrawal",
    "version_of",
    "waiting_for_approval",
    "withdraw_comment",
]
