"""Pages of the choice: its proposal, its decision, and the papers of the case."""

from procurement.selection.views import deciding, guiding, papers, proposing, recording

PARTS = (guiding, proposing, deciding, recording, papers)

__all__ = ["PARTS"]
