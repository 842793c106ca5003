"""Pages of a project."""

from procurement.projects.views import candidates, cases, cost_conditions, evidence
from procurement.projects.views.frame import blueprint, may_search_for

PARTS = (cases, cost_conditions, evidence, candidates)

__all__ = ["PARTS", "blueprint", "may_search_for"]
