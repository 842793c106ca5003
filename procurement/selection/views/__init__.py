"""Pages of the choice: its proposal and its decision."""

from procurement.selection.views import deciding, proposing

PARTS = (proposing, deciding)

__all__ = ["PARTS"]
