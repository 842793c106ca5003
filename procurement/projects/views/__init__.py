"""Pages of a project."""

from procurement.projects.views import candidates, cases, evidence
from procurement.projects.views.frame import blueprint, may_search_for

PARTS = (cases, evidence, candidates)

__all__ = ["PARTS", "blueprint", "may_search_for"]
