"""Pages of the vendor: own offerings, their versions, answers, prices and terms."""

from catalog.offerings.views import (
    answer_pages,
    bulk_pages,
    change_pages,
    evidence_pages,
    group_pages,
    lead_pages,
    listing_pages,
    offering_pages,
    own_list,
    row_pages,
    sheet_pages,
    table_pages,
)
from catalog.offerings.views.frame import blueprint
from catalog.offerings.views.statement import use_findings

__all__ = [
    "answer_pages",
    "blueprint",
    "bulk_pages",
    "change_pages",
    "evidence_pages",
    "group_pages",
    "lead_pages",
    "listing_pages",
    "offering_pages",
    "own_list",
    "row_pages",
    "sheet_pages",
    "table_pages",
    "use_findings",
]
