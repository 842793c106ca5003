"""The words of the acts after a decision."""

from accounts.permissions import Permission
from catalog.certification.act_pages import ActPage, Question

_P = Permission
_REASON = Question("textarea", "reason", "理由")

SUSPEND = ActPage(
    _P.CERTIFICATION_SUSPEND,
    heading="認証の効力を止めますか",
    button="効力を止める",
    check_label="効力を止めることと、その理由を確かめました",
    done="認証の効力を止めました",
    consequence_title="すぐに「効力停止」と表示されます",
    consequence="検索、比較、認証書、配信のすべてで、認証されていないものとして扱われます。事業者は不服を申し立てられます。",
    questions=[_REASON],
    is_legal=True,
    is_danger=True,
)
RESUME = ActPage(
    _P.CERTIFICATION_SUSPEND,
    heading="効力停止を解きますか",
    button="効力停止を解く",
    check_label="効力停止を解いてよいことを確かめました",
    done="効力停止を解きました",
    consequence_title="すぐに認証が有効になります",
    consequence="満たしていない条件が残っているときは、条件付き認証に戻ります。",
    questions=[_REASON],
    is_legal=True,
)
PROPOSE = ActPage(
    _P.CERTIFICATION_REVOKE,
    heading="認証の取消しを提案しますか",
    button="取消しを提案する",
    check_label="取消しを提案する理由を確かめました",
    done="取消しを提案しました",
    consequence_title="取消しは2人で行います",
    consequence="ほかの主任審査員が確認するまで、認証は今のまま変わりません。",
    questions=[_REASON],
    is_legal=True,
    is_danger=True,
)
CONFIRM = ActPage(
    _P.CERTIFICATION_REVOKE,
    heading="認証の取消しを確定しますか",
    button="取消しを確定する",
    check_label="提案の理由を読み、取消しを確認しました",
    done="認証を取り消しました",
    consequence_title="すぐに「取消し」と表示されます",
    consequence="事業者は不服を申し立てられます。",
    questions=[
        Question(
            "textarea", "reason", "補足", "提案の理由に加えるときに書きます。", is_required=False
        )
    ],
    is_legal=True,
    is_danger=True,
)
DROP = ActPage(
    _P.CERTIFICATION_REVOKE,
    heading="取消しの提案を取り下げますか",
    button="提案を取り下げる",
    check_label="提案を取り下げてよいことを確かめました",
    done="取消しの提案を取り下げました",
    questions=[_REASON],
    is_legal=True,
)
APPEAL = ActPage(
    _P.CERTIFICATION_APPEAL,
    heading="決定に不服を申し立てますか",
    button="不服を申し立てる",
    check_label="申し立てる内容を確かめました",
    done="不服を申し立てました",
    consequence_title="もとの決定に加わっていない主任審査員が決定します",
    consequence="申立ては一つの決定に一度だけです。決定が出るまで、もとの決定は有効です。",
    questions=[
        Question("textarea", "reason", "申立ての理由", "どの判断が、なぜ違うかを書きます。")
    ],
)
WITHDRAW_APPEAL = ActPage(
    _P.CERTIFICATION_APPEAL,
    heading="不服申立てを取り下げますか",
    button="申立てを取り下げる",
    check_label="同じ決定にもう一度申し立てられないことを確かめました",
    done="不服申立てを取り下げました",
)
DECIDE_APPEAL = ActPage(
    _P.CERTIFICATION_DECIDE_APPEAL,
    heading="不服申立てについて決定しますか",
    button="決定を確定する",
    check_label="申立てともとの決定の理由を読みました",
    done="不服申立てについて決定しました",
    consequence_title="決定は取り消せません",
    consequence="申立てを認めると、効力停止は解かれ、取り消された認証は元に戻り、認証しなかった審査はやり直しになります。",
    questions=[
        Question(
            "radio",
            "outcome",
            "決定",
            options=[("uphold", "申立てを認める（認容）"), ("dismiss", "申立てを認めない（棄却）")],
        ),
        Question("textarea", "reason", "理由", "事業者が読みます。"),
    ],
    is_legal=True,
)
COVER = ActPage(
    _P.CERTIFICATION_DECIDE,
    heading="変更後の版は前の認証の範囲内ですか",
    button="範囲内と確認する",
    check_label="変更点を確かめ、前の認証の範囲内と判断しました",
    done="前の認証の範囲内と確認しました",
    consequence_title="変更後の版に、前の認証書と同じ期限と条件の認証書を出します",
    consequence="要件の満たし方が変わったときは、確認せずに通常の審査で決定してください。",
    questions=[_REASON],
    is_legal=True,
)
_JUDGE_OPTIONS = [("met", "条件を満たした"), ("open", "まだ満たしていない（差し戻す）")]
JUDGE = ActPage(
    _P.CERTIFICATION_CONFIRM,
    heading="条件を満たしたかどうかを確認してください",
    button="確認を記録する",
    check_label="報告と証拠を自分で確かめました",
    done="条件の確認を記録しました",
    consequence_title="すべての条件が満たされると、条件のない認証になります",
    questions=[
        Question("radio", "outcome", "確認の結果", options=_JUDGE_OPTIONS),
        Question(
            "textarea",
            "note",
            "補足",
            "差し戻すときは、足りないことを書きます。",
            is_required=False,
        ),
    ],
)
