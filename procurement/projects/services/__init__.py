"""Acts on a project: its case, the lock of its evidence, and the choice."""

from procurement.projects.services.assessing import (
    assess_choice,
    assess_choices,
    explain_small_amount,
)
from procurement.projects.services.cases import (
    cancel_project,
    confirm_comparison,
    create_project,
    edit_project,
    exclude_candidate,
    find_none_suitable,
    restore_candidate,
    save_search,
)
from procurement.projects.services.locking import (
    IndexBehind,
    check_search,
    lock_evidence,
    population_of,
    query_of,
)
from procurement.projects.services.selecting import (
    approve_selection,
    lock_listing,
    propose_selection,
    return_selection,
)

__all__ = [
    "IndexBehind",
    "approve_selection",
    "assess_choice",
    "assess_choices",
    "cancel_project",
    "check_search",
    "confirm_comparison",
    "create_project",
    "edit_project",
    "exclude_candidate",
    "explain_small_amount",
    "find_none_suitable",
    "lock_evidence",
    "lock_listing",
    "population_of",
    "propose_selection",
    "query_of",
    "restore_candidate",
    "return_selection",
    "save_search",
]
