"""What people type about a contract notice."""

from core.fields import checked, lines, row, whole, yen
from procurement.contracts.schemas import ConfirmSchema, ReasonSchema


class PrepareSchema(ConfirmSchema):
    """What the signed contract says of its amount; blank: the amount is not published."""

    version = whole("版")  # 0 where nothing waits yet
    amount = yen("契約金額", required=False)
    reason = lines("訂正する理由", maximum=1_000, required=False)
    confirmed = checked("公表する内容を、署名済みの契約書と見比べました")


class WithdrawSchema(ReasonSchema):
    """Why a notice is taken back; everyone reads it."""

    notice_id = row("取り下げる公表")
