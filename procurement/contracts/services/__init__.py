"""Acts on usage-contract requests and the contract register."""

from procurement.contracts.services.answering import accept_request, decline_request, lapse_request
from procurement.contracts.services.confirming import confirm_contract
from procurement.contracts.services.deciding import (
    DOCUMENT_KIND,
    approve_request,
    compute_hash,
    is_intact,
    return_request,
)
from procurement.contracts.services.preparing import create_request, edit_request, submit_request
from procurement.contracts.services.registering import register_contract
from procurement.contracts.services.reselecting import reselect_candidate
from procurement.contracts.services.sending import LAPSE_TOPIC, approve_and_send, send_request
from procurement.contracts.services.withdrawing import (
    cancel_project,
    find_none_suitable,
    withdraw_request,
)

HANDLERS = {LAPSE_TOPIC: lapse_request}

__all__ = [
    "DOCUMENT_KIND",
    "HANDLERS",
    "LAPSE_TOPIC",
    "accept_request",
    "approve_and_send",
    "approve_request",
    "cancel_project",
    "compute_hash",
    "confirm_contract",
    "create_request",
    "decline_request",
    "edit_request",
    "find_none_suitable",
    "is_intact",
    "lapse_request",
    "register_contract",
    "reselect_candidate",
    "return_request",
    "send_request",
    "submit_request",
    "withdraw_request",
]
