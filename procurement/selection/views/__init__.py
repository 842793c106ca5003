"""Pages of the choice: its proposal and its decision."""

from procurement.selection.views import deciding, guiding, proposing, recording

PARTS = (guiding, proposing, deciding, recording)

__all__ = ["PARTS"]
