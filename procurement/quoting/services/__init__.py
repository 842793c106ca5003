"""Acts on quote rounds, by the body and by those who are asked."""

from procurement.quoting.services.answering import (
    ask_question,
    check_validity,
    checked_quote,
    decline_invitation,
    read_quote,
    require_open,
    submit_quote,
    withdraw_quote,
)
from procurement.quoting.services.clearing import (
    answer_question,
    approve_extension,
    propose_extension,
    publish_answers,
    return_extension,
)
from procurement.quoting.services.deciding import (
    abandon_quotes,
    approve_round,
    return_round,
    withdraw_round,
)
from procurement.quoting.services.opening import announce_outcomes, lacks_sheet, open_round
from procurement.quoting.services.preparing import create_round, edit_round, submit_round

__all__ = [
    "abandon_quotes",
    "announce_outcomes",
    "answer_question",
    "approve_extension",
    "approve_round",
    "ask_question",
    "check_validity",
    "checked_quote",
    "create_round",
    "decline_invitation",
    "edit_round",
    "lacks_sheet",
    "open_round",
    "propose_extension",
    "publish_answers",
    "read_quote",
    "require_open",
    "return_extension",
    "return_round",
    "submit_quote",
    "submit_round",
    "withdraw_quote",
    "withdraw_round",
]
