"""How a sample body confirms a contract and publishes it, perhaps with a correction."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sqlmodel import Session

from accounts.identity import Actor
from core.errors import NotFound
from procurement.contracts import services as contracts
from procurement.contracts.models import Contract, UsageContractRequest
from procurement.contracts.queries import find_contract_of
from procurement.demo.story import Act
from procurement.demo.world import Row
from procurement.notices import services as notices


@dataclass(frozen=True, slots=True)
class NoticeActs:
    """The acts of one contract; `row` says which amounts are told and why the last one corrects."""

    find_request: Callable[[Session], UsageContractRequest]
    clerk: Callable[[Session], Actor]
    approver: Callable[[Session], Actor]
    row: Row

    def list(self) -> list[Act]:
        """Return the acts in their order."""
        told: list[Act] = [partial(self._prepare, is_correction=False), self._publish]
        if "correction" in self.row:
            told += [partial(self._prepare, is_correction=True), self._publish]
        return [self._confirm, *told]

    def _find(self, session: Session) -> Contract:
        found = find_contract_of(session, self.find_request(session).id)
        if found is None:
            raise NotFound
        return found

    def _confirm(self, session: Session) -> None:
        contract = self._find(session)
        contracts.confirm_contract(
            session, self.approver(session), contract, version=contract.version
        )

    def _prepare(self, session: Session, *, is_correction: bool) -> None:
        contract = self._find(session)
        final = self.row["shows_amount"] and ("correction" not in self.row or is_correction)
        notices.prepare_notice(
            session,
            self.clerk(session),
            contract.id,
            version=0,
            amount=notices.suggest_amount(session, contract) if final else None,
            reason=self.row["correction"] if is_correction else "",
        )

    def _publish(self, session: Session) -> None:
        notices.publish_notice(session, self.approver(session), self._find(session).id, version=1)
