"""Whether a method fits what was done before: how quotes were asked for, how candidates were weighed."""

from sqlmodel import Session

from procurement.bodies.methods import Ground
from procurement.projects import queries as project_queries
from procurement.projects import services as project_services
from procurement.projects.evaluation_models import EvaluationState
from procurement.projects.models import Project
from procurement.projects.weighing import Result, add_up, format_points
from procurement.quoting.models import QuoteKind
from procurement.quoting.queries import OpenedQuote, opened_round
from procurement.selection.models import SelectionMethod
from procurement.selection.services.assessing import Choice, assess_choices

_TENDER = "入札はこの画面では進められません。契約の方法を一覧から選択してください。"
_ASKED_ONE = (
    "1者だけに依頼した見積では、見積合わせを選べません。一者見積を選ぶか、"
    "2者以上にもう一度依頼してください。"
)
_ASKED_SEVERAL = (
    "2者以上に依頼して{count}件の見積を開封した案件です。第1号では、見積合わせを選択してください。"
)
_NOT_WEIGHED = (
    "プロポーザルで選ぶには、比較のときに価格のほかの基準で評価し、採点を終えている必要があります。"
    "この案件は価格だけで比べています。ほかの方法を選ぶか、検索からやり直して評価してください。"
)
_NOT_FIRST = (
    "評価の結果が1位ではありません（{own}点。1位は{best}点）。1位のサービスを選択してください。"
)


def check_method(
    session: Session,
    project: Project,
    choice: Choice,
    *,
    method: SelectionMethod,
    ground: Ground | None,
    quotes: tuple[OpenedQuote, ...],
    least: int,
) -> list[tuple[str, str]]:
    """Return where a method of quotes does not fit; `least` services make a comparison of quotes."""
    if method is SelectionMethod.DESIGNATED:
        return [("f-method", _TENDER)]
    asked = opened_round(session, project.id)
    several = len({each.offering_id for each in quotes})
    if method is SelectionMethod.QUOTES and asked is not None and asked.kind is QuoteKind.SOLE:
        return [("f-method", _ASKED_ONE)]
    one = method is SelectionMethod.SINGLE_QUOTE and ground is Ground.SMALL_AMOUNT
    if one and several >= max(2, least):
        return [("f-method", _ASKED_SEVERAL.format(count=several))]
    if method is SelectionMethod.PROPOSAL:
        return _check_ranking(session, project, choice, quotes)
    return []


def _check_ranking(
    session: Session, project: Project, choice: Choice, quotes: tuple[OpenedQuote, ...]
) -> list[tuple[str, str]]:
    """Ask for an evaluation beyond the price, weights before scores, that puts the choice first."""
    view = project_services.evaluation_of(session, choice.candidate.pack_id)
    if view is None or not view.is_weighted or view.state is not EvaluationState.SCORED:
        return [("f-method", _NOT_WEIGHED)]
    remaining = project_queries.remaining_candidates(session, choice.candidate.pack_id)
    quoted = {each.listing_version_id: each.total for each in quotes}
    listed = assess_choices(session, project, remaining, project.category)
    totals = {
        each.id: quoted.get(each.listing_version_id, listed[each.id].estimate.total)
        for each in remaining
    }
    points = {each.candidate_id: _known(each) for each in add_up(view, totals)}
    own, best = points[choice.candidate.id], max(points.values())
    if own < best:
        sentence = _NOT_FIRST.format(own=format_points(own), best=format_points(best))
        return [("f-candidate_id", sentence)]
    return []


def _known(result: Result) -> int:
    """Give the points that are known: those of the price wait for every amount, for all alike."""
    return sum(part for part in result.parts if part is not None)
