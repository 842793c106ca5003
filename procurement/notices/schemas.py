"""What people type about a contract notice."""

from core.fields import checked, whole, yen
from procurement.contracts.schemas import ConfirmSchema, ReasonSchema


class PrepareSchema(ConfirmSchema):
    """What the signed contract says of its amount; blank: the amount is not published."""

    version = whole("版")  # 0 where nothing waits yet
    amount = yen("契約金額", required=False)
    confirmed = checked("公表する内容を、署名済みの契約書と見比べました")


class WithdrawSchema(ReasonSchema):
    """Why a notice is taken back; everyone reads it."""
