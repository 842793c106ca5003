"""Pages of a project."""

from procurement.projects.views import cases, choosing, evidence
from procurement.projects.views.frame import blueprint, may_search_for

PARTS = (cases, evidence, choosing)

__all__ = ["PARTS", "blueprint", "may_search_for"]
