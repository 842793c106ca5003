"""The second look at a registered contract: an approver holds it against the signed record."""

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from core import audit
from core.db import now
from core.errors import Forbidden, NotFound
from procurement.contracts import queries
from procurement.contracts.models import Contract


def confirm_contract(session: Session, actor: Actor, contract: Contract, *, version: int) -> bool:
    """Confirm as another person what was registered; False when it was confirmed already."""
    locked = queries.get_contract(session, contract.id, for_update=True)
    request = queries.get_request(session, locked.request_id) if locked else None
    if locked is None or request is None:
        raise NotFound
    actor = require(session, actor, Permission.CONTRACT_CONFIRM, locked)
    if actor.person_id == locked.registered_by_id:
        raise Forbidden("契約を記録した人は確認できません。別の決裁者に頼んでください。")
    if locked.confirmed_at is not None:
        return False
    locked.revise(version, confirmed_by_id=actor.person_id, confirmed_at=now(session))
    audit.record(
        session,
        actor,
        "contract.confirm",
        "Contract",
        locked.id,
        owner_id=locked.owner_id,
        case_id=request.project_id,
        number=locked.number,
        sha256=locked.signed_record_sha256,
    )
    return True
