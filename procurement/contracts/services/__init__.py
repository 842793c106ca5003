"""Acts on usage-contract requests and the contract register."""

from procurement.contracts.services.registering import register_contract
from procurement.contracts.services.requests import (
    DOCUMENT_KIND,
    LAPSE_TOPIC,
    accept_request,
    approve_request,
    cancel_project,
    compute_hash,
    create_request,
    decline_request,
    edit_request,
    lapse_request,
    return_request,
    send_request,
    submit_request,
    withdraw_request,
)

HANDLERS = {LAPSE_TOPIC: lapse_request}

__all__ = [
    "DOCUMENT_KIND",
    "HANDLERS",
    "LAPSE_TOPIC",
    "accept_request",
    "approve_request",
    "cancel_project",
    "compute_hash",
    "create_request",
    "decline_request",
    "edit_request",
    "lapse_request",
    "register_contract",
    "return_request",
    "send_request",
    "submit_request",
    "withdraw_request",
]
