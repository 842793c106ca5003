"""What can be asked about certifications; `proceedings` holds what surrounds a review."""

from catalog.certification.queries.reviews import (
    agencies_of,
    current_certifications,
    find_certificate,
    find_latest_certification,
    get_certification,
    hold_certificates,
    list_agencies,
    list_certificate_ids,
    list_eligible_reviewers,
    list_events,
    list_queue,
    list_recommendations,
    load_whole,
    lock_certification,
    lock_open_certification,
    standings,
)
from catalog.certification.queries.standing import Standing, is_over, standing_of

__all__ = [
    "Standing",
    "agencies_of",
    "current_certifications",
    "find_certificate",
    "find_latest_certification",
    "get_certification",
    "hold_certificates",
    "is_over",
    "list_agencies",
    "list_certificate_ids",
    "list_eligible_reviewers",
    "list_events",
    "list_queue",
    "list_recommendations",
    "load_whole",
    "lock_certification",
    "lock_open_certification",
    "standing_of",
    "standings",
]
