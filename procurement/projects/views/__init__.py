"""Pages of a project."""

from procurement.projects.views import cases, choosing, evidence
from procurement.projects.views.frame import blueprint

PARTS = (cases, evidence, choosing)

__all__ = ["PARTS", "blueprint"]
