"""What people type about a choice."""

from marshmallow import fields

from core.fields import choice, day, line, lines
from procurement.bodies.methods import Ground
from procurement.bodies.models import ContractCategory
from procurement.projects.schemas import DecisionSchema, VersionSchema
from procurement.selection.models import SelectionMethod


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
    method = choice("契約の方法", SelectionMethod)
    ground = choice("契約の根拠", Ground, required=False)
    grounds_text = lines("根拠の説明", maximum=2_000, required=False)
    category = choice("契約の種類", ContractCategory)
    reason = lines("選んだ理由", maximum=2_000)
    sole_source_reason = lines("1者だけに依頼する理由", maximum=2_000, required=False)
    not_lowest_reason = lines("最も低い見積を選ばない理由", maximum=2_000, required=False)
    splitting_note = lines("分けて発注していない理由", maximum=1_000, required=False)
    change_note = lines("確定したあとの変更を確かめた結果", maximum=1_000, required=False)


class SelectionDecisionSchema(DecisionSchema):
    """The decision on a choice, with what came of the changes since the lock."""

    change_note = lines("確定したあとの変更を確かめた結果", maximum=1_000, required=False)
    sole_acknowledgement = lines("第2号に当たることを確かめた結果", maximum=2_000, required=False)


class ExternalDecisionSchema(VersionSchema):
    """The record of a decision on paper; the scan comes as a file beside it."""

    document_number = line("文書番号", maximum=60)
    decider_title = line("決裁した人の職", maximum=60)
    decider_name = line("決裁した人の氏名", maximum=100)
    decided_on = day("決裁した日")
    paper_sha256 = line("決裁した書類のハッシュ", maximum=100, required=False)
    change_note = lines("確定したあとの変更を確かめた結果", maximum=1_000, required=False)
    sole_acknowledgement = lines("第2号に当たることを確かめた結果", maximum=2_000, required=False)
