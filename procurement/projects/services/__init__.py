"""Acts on a project: its case and the lock of its evidence."""

from procurement.projects.services.cases import (
    cancel_project,
    confirm_comparison,
    create_project,
    edit_project,
    exclude_candidate,
    find_none_suitable,
    restore_candidate,
    save_search,
    set_cost_conditions,
)
from procurement.projects.services.holding import lock_listing
from procurement.projects.services.locking import (
    IndexBehind,
    check_search,
    lock_evidence,
    population_of,
    query_of,
)

__all__ = [
    "IndexBehind",
    "cancel_project",
    "check_search",
    "confirm_comparison",
    "create_project",
    "edit_project",
    "exclude_candidate",
    "find_none_suitable",
    "lock_evidence",
    "lock_listing",
    "population_of",
    "query_of",
    "restore_candidate",
    "save_search",
    "set_cost_conditions",
]
