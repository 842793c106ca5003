"""Pages of the vendor: own offerings, their versions, answers, prices and terms."""

from catalog.offerings.views import (
    answer_pages,
    group_pages,
    lead_pages,
    listing_pages,
    offering_pages,
)
from catalog.offerings.views.frame import blueprint

__all__ = [
    "answer_pages",
    "blueprint",
    "group_pages",
    "lead_pages",
    "listing_pages",
    "offering_pages",
]
