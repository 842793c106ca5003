"""Acts on offerings and listings; each runs in one transaction and names its actor."""

from catalog.offerings.services.answers import (
    answer_rest,
    apply_upload,
    keep_drafts,
    keep_upload,
    mark_drafts,
    save_answers,
    values_of,
)
from catalog.offerings.services.copying import Carried, copy_to_specification, plan_copy
from catalog.offerings.services.decisions import (
    ACCREDITATION_EXPIRED,
    PRICES_TURNED,
    approve_listing_version,
    approve_version,
    publish_listing_version,
    publish_version,
    return_listing_version,
    return_version,
    start_review,
    submit_listing_version,
    submit_version,
)
from catalog.offerings.services.drafts import (
    create_listing,
    create_offering,
    discard_listing_version,
    discard_version,
    edit_listing_version,
    edit_offering_version,
    save_prices,
    start_listing_change,
    start_new_version,
)
from catalog.offerings.services.endings import (
    LISTING_WITHDRAWN,
    confirm_listing,
    withdraw_listing,
)
from catalog.offerings.services.evidence import attach_evidence, detach_evidence
from catalog.offerings.services.references import (
    answer_reference,
    ask_reference,
    drop_reference,
)

__all__ = [
    "ACCREDITATION_EXPIRED",
    "LISTING_WITHDRAWN",
    "PRICES_TURNED",
    "Carried",
    "answer_reference",
    "answer_rest",
    "apply_upload",
    "approve_listing_version",
    "approve_version",
    "ask_reference",
    "attach_evidence",
    "confirm_listing",
    "copy_to_specification",
    "create_listing",
    "create_offering",
    "detach_evidence",
    "discard_listing_version",
    "discard_version",
    "drop_reference",
    "edit_listing_version",
    "edit_offering_version",
    "keep_drafts",
    "keep_upload",
    "mark_drafts",
    "plan_copy",
    "publish_listing_version",
    "publish_version",
    "return_listing_version",
    "return_version",
    "save_answers",
    "save_prices",
    "start_listing_change",
    "start_new_version",
    "start_review",
    "submit_listing_version",
    "submit_version",
    "values_of",
    "withdraw_listing",
]
