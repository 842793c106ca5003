"""Acts on a project: its case, its conditions, the lock of its evidence, the evaluation."""

from procurement.projects.services.cases import (
    cancel_project,
    create_project,
    edit_project,
    find_none_suitable,
    save_search,
    set_cost_conditions,
)
from procurement.projects.services.conditions import set_conditions, typed_conditions
from procurement.projects.services.evaluating import (
    evaluation_of,
    save_scores,
    set_evaluation,
    unfix_evaluation,
    unscored,
)
from procurement.projects.services.holding import lock_listing
from procurement.projects.services.locking import (
    IndexBehind,
    check_search,
    lock_evidence,
    population_of,
    query_of,
)
from procurement.projects.services.narrowing import (
    confirm_comparison,
    exclude_candidates,
    restore_candidate,
)

__all__ = [
    "IndexBehind",
    "cancel_project",
    "check_search",
    "confirm_comparison",
    "create_project",
    "edit_project",
    "evaluation_of",
    "exclude_candidates",
    "find_none_suitable",
    "lock_evidence",
    "lock_listing",
    "population_of",
    "query_of",
    "restore_candidate",
    "save_scores",
    "save_search",
    "set_conditions",
    "set_cost_conditions",
    "set_evaluation",
    "typed_conditions",
    "unfix_evaluation",
    "unscored",
]
