"""The way of the watched purchase after its quotes were opened: chosen, decided, asked for, accepted.

Amounts stay with the body, and with the company whose own they are; an auditor reads the request.
"""

from tests.isolation.canary_town import BODY_PROGRAM, QUOTES, SELLER, CanaryTown
from tests.procurement import quoted_way


def propose(town: CanaryTown) -> None:
    """Propose one opened quote."""
    quoted_way.propose(town.market)


def approve(town: CanaryTown) -> None:
    """Approve the choice."""
    quoted_way.approve(town.market)


def send(town: CanaryTown) -> None:
    """Draw the request up, approve and send it; rules.md lets an auditor read it with its price."""
    town.let_read((f"quote of {SELLER}",), {"auditor", BODY_PROGRAM})
    quoted_way.draw_up(town.market)
    quoted_way.send(town.market)


def accept(town: CanaryTown) -> None:
    """Let the company accept."""
    quoted_way.accept(town.market)


def end(town: CanaryTown) -> None:
    """Register the contract: from here on an auditor may read price and quotes."""
    quoted_way.register(town.market)
    town.let_read(("estimated price", "basis of the price", *QUOTES), {"auditor"})


WAY = (propose, approve, send, accept, end)
