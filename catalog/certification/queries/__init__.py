"""What can be asked about certifications; `proceedings` holds what surrounds a review."""

from catalog.certification.queries.reviews import (
    Standing,
    current_certifications,
    find_certificate,
    find_latest_certification,
    get_certification,
    list_agencies,
    list_certificate_ids,
    list_eligible_reviewers,
    list_events,
    list_queue,
    list_recommendations,
    load_whole,
    lock_certification,
    lock_open_certification,
    standing_of,
    standings,
)

__all__ = [
    "Standing",
    "current_certifications",
    "find_certificate",
    "find_latest_certification",
    "get_certification",
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
