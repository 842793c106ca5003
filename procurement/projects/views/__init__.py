"""Pages of a project."""

from procurement.projects.views import (
    candidates,
    cases,
    conditions,
    cost_conditions,
    evaluation,
    evidence,
)
from procurement.projects.views.frame import blueprint, may_search_for

PARTS = (cases, conditions, cost_conditions, evidence, candidates, evaluation)

__all__ = ["PARTS", "blueprint", "may_search_for"]
