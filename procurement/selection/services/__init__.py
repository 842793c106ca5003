"""Acts on the choice: what decides whether one may be made, its proposal and its decision."""

from procurement.selection.services.assessing import (
    assess_choice,
    assess_choices,
    explain_small_amount,
)
from procurement.selection.services.hashing import describe_external, proposal_hash, selection_hash
from procurement.selection.services.judging import needs_acknowledgement
from procurement.selection.services.recording import (
    Scan,
    find_proposal_paper,
    print_proposal,
    record_external_decision,
)
from procurement.selection.services.selecting import (
    approve_selection,
    propose_selection,
    return_selection,
)

__all__ = [
    "Scan",
    "approve_selection",
    "assess_choice",
    "assess_choices",
    "describe_external",
    "explain_small_amount",
    "find_proposal_paper",
    "needs_acknowledgement",
    "print_proposal",
    "proposal_hash",
    "propose_selection",
    "record_external_decision",
    "return_selection",
    "selection_hash",
]
