"""Acts on offerings and listings; each runs in one transaction and names its actor."""

from catalog.offerings.services.decisions import (
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
    save_answers,
    save_prices,
    start_listing_change,
    start_new_version,
)
from catalog.offerings.services.endings import confirm_listing, withdraw_listing

__all__ = [
    "approve_listing_version",
    "approve_version",
    "confirm_listing",
    "create_listing",
    "create_offering",
    "discard_listing_version",
    "discard_version",
    "edit_listing_version",
    "edit_offering_version",
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
    "withdraw_listing",
]
