"""Acts on the choice: what decides whether one may be made, its proposal and its decision."""

from procurement.selection.services.assessing import (
    assess_choice,
    assess_choices,
    explain_small_amount,
)
from procurement.selection.services.selecting import (
    approve_selection,
    propose_selection,
    return_selection,
)

__all__ = [
    "approve_selection",
    "assess_choice",
    "assess_choices",
    "explain_small_amount",
    "propose_selection",
    "return_selection",
]
