"""Race 8: two clerks edit one comparison; the later one gets 412 with both texts, nothing is lost."""

from accounts.identity import Actor
from accounts.models import Role
from bench.measures import measure
from core import db
from core.config import Settings
from core.errors import StaleVersion
from procurement.projects import services
from procurement.projects.evaluation_models import Evaluation, EvaluationBasis
from procurement.projects.weighing import Criterion, EvaluationView, Score
from tests.databases import DatabaseUnderTest
from tests.drills.both import RACES, Play, at_once, build_town, on_both
from tests.procurement.conftest import Market

WORDS = ("窓口の人の使いやすさ", "住民の使いやすさ")


@measure(
    "race 8, two clerks on one comparison: rounds with another outcome",
    goal="== 0",
    unit="rounds",
    base=RACES,
)
@on_both(fresh=1)
def count_wrong(database: DatabaseUnderTest, settings: Settings) -> Play:
    """Let two clerks save weights, then scores, of the same comparison at the same moment."""
    town = build_town(database, settings)
    town.reach_locked()

    def play(_number: int) -> bool:
        return are_weights_kept(town) and are_scores_kept(town)

    return play


def are_weights_kept(town: Market) -> bool:
    """Run one round on the weights; the one who was told then saves over what he was shown."""
    clerks = clerks_of(town)
    told = at_once(
        lambda: weigh(town, clerks[0], WORDS[0], 0), lambda: weigh(town, clerks[1], WORDS[1], 0)
    )
    lost = find_told(told)
    if lost is None:
        return False
    stale, kept = told[lost], WORDS[1 - lost]
    if not isinstance(stale, StaleVersion) or stale.current["name_1"] != kept:
        return False
    if names_of(town) != [kept, "価格"]:
        return False
    weigh(town, clerks[lost], WORDS[lost], stale.current["version"], is_final=True)
    return names_of(town) == [WORDS[lost], "価格"]


def are_scores_kept(town: Market) -> bool:
    """Run one round on the scores of the weights that were fixed."""
    clerks, version = clerks_of(town), view_of(town).version
    told = at_once(
        lambda: score(town, clerks[0], WORDS[0], version),
        lambda: score(town, clerks[1], WORDS[1], version),
    )
    lost = find_told(told)
    if lost is None:
        return False
    stale, kept = told[lost], WORDS[1 - lost]
    notes = {each.note for each in view_of(town).scores.values()}
    shown = isinstance(stale, StaleVersion) and kept in stale.current.values()
    return shown and notes == {kept}


def clerks_of(town: Market) -> tuple[Actor, Actor]:
    """Give the two clerks of the town."""
    return town.actor(town.clerk, Role.CLERK), town.actor(town.second_clerk, Role.CLERK)


def find_told(told: list[Evaluation | Exception]) -> int | None:
    """Return who was told that somebody was first; None unless it was exactly one."""
    refused = [number for number, each in enumerate(told) if isinstance(each, Exception)]
    return refused[0] if len(refused) == 1 else None


def view_of(town: Market) -> EvaluationView:
    """Return how the newest purchase is compared."""
    with db.reading() as session:
        found = services.evaluation_of(session, town.pack().id)
    assert found is not None
    return found


def names_of(town: Market) -> list[str]:
    """Return what is weighed."""
    return [each.name for each in view_of(town).criteria]


def weigh(
    town: Market, clerk: Actor, name: str, version: int, *, is_final: bool = False
) -> Evaluation:
    """Save weights over the version that was read."""
    criteria = (Criterion(1, name, 40, ""), Criterion(7, "価格", 60, "", is_price=True))
    with db.transaction() as session:
        return services.set_evaluation(
            session,
            clerk,
            town._load(session),
            version=version,
            basis=EvaluationBasis.WEIGHTED,
            criteria=criteria,
            is_final=is_final,
        )


def score(town: Market, clerk: Actor, note: str, version: int) -> Evaluation:
    """Save points for all candidates over the version that was read."""
    (criterion,) = view_of(town).typed_criteria
    assert criterion.id is not None
    ids = [town.candidate(each).id for each in (town.cheap, town.other, town.dear)]
    scores = {(each, criterion.id): Score(50, note) for each in ids}
    with db.transaction() as session:
        project = town._load(session)
        return services.save_scores(session, clerk, project, version=version, scores=scores)
