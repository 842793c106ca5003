"""What people type about a choice."""

from marshmallow import fields

from core.fields import choice, lines
from procurement.bodies.models import ContractCategory
from procurement.projects.schemas import DecisionSchema, VersionSchema
from procurement.selection.models import Ground


class SelectionSchema(VersionSchema):
    """The proposed choice."""

    candidate_id = fields.UUID(
        required=True,
        metadata={"label": "選ぶサービス"},
        error_messages={
            "required": "選ぶサービスを選択してください。",
            "invalid_uuid": "選ぶサービスは、残っている候補から選択してください。",
        },
    )
    ground = choice("契約の根拠", Ground)
    category = choice("契約の種類", ContractCategory)
    reason = lines("選んだ理由", maximum=2_000)
    sole_source_reason = lines("1者だけに依頼する理由", maximum=2_000)
    splitting_note = lines("分けて発注していない理由", maximum=1_000, required=False)
    change_note = lines("確定したあとの変更を確かめた結果", maximum=1_000, required=False)


class SelectionDecisionSchema(DecisionSchema):
    """The decision on a choice, with what came of the changes since the lock."""

    change_note = lines("確定したあとの変更を確かめた結果", maximum=1_000, required=False)
