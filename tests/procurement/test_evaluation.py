"""Conditions that exclusions cite, weights that stand before scores, and what two clerks type at once.

What the database itself refuses is asked on both; pages on SQLite alone, for they read the same rows.
"""

import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlmodel import select

from accounts.models import Role
from core import db
from core.errors import GuardFailed
from procurement.projects import queries, services
from procurement.projects.evaluation_models import EvaluationBasis, EvaluationState
from procurement.projects.models import BodyRole, ProjectBody, ProjectState
from procurement.projects.weighing import Criterion, Score, add_up, format_points, price_points
from tests.drills.locks_under_change import rehearse_on, stock
from tests.drills.race_evaluation import are_scores_kept, are_weights_kept
from tests.page_checks import parse_page, text_of

WEIGHTS = {
    "basis": "weighted",
    "price_weight": "60",
    "name_1": "使いやすさ",
    "weight_1": "30",
    "how_1": "操作の試行で確かめる",
    "name_2": "支援",
    "weight_2": "10",
}
CRITERIA = (
    Criterion(1, "使いやすさ", 30, "操作の試行で確かめる"),
    Criterion(2, "支援", 10, ""),
    Criterion(7, "価格", 60, "", is_price=True),
)
_OUT = "exclusion_reason = 'x', excluded_at = created_at"
_ENDED = "state = 'scored', scored_at = fixed_at, scored_by_id = fixed_by_id"
_ONE_MORE_CONDITION = (
    "INSERT INTO evidence_conditions (id, created_at, updated_at, version, pack_id, key, position,"
    " kind, text) SELECT {id}, created_at, updated_at, 1, pack_id, 'F-9', 9, 'search', 'x'"
    " FROM evidence_conditions WHERE key = '案-1'"
)
_CONDITION_AFTERWARDS = (
    "INSERT INTO project_conditions (id, created_at, updated_at, version, project_id, key,"
    " position, kind, text) SELECT {id}, created_at, updated_at, 1, id, '条-1', 1, 'other', 'x'"
    " FROM projects"
)
_KEPT = ("evidence_conditions", "candidates", "evaluations")


def path_of(market, page):
    return f"/projects/{market.project().id}/{page}"


def view_of(market):
    with db.reading() as session:
        return services.evaluation_of(session, market.pack().id)


def weigh(market, *, is_final=True, version=0):
    """Fix the weights by the service; returns the clerk who did."""
    clerk = market.actor(market.clerk, Role.CLERK)
    with db.transaction() as session:
        services.set_evaluation(
            session,
            clerk,
            market._load(session),
            version=version,
            basis=EvaluationBasis.WEIGHTED,
            criteria=CRITERIA,
            is_final=is_final,
        )
    return clerk


def scores_for(market, points):
    """Give the same points for every typed criterion of these candidates."""
    view = view_of(market)
    return {
        (market.candidate(version).id, each.id): Score(points, "試行の結果")
        for version in (market.cheap, market.other, market.dear)
        for each in view.typed_criteria
    }


@pytest.mark.acceptance(18)
def test_conditions_are_frozen_with_the_search_and_cited_by_key(market):
    market.reach_searching()
    client, path = market.as_(market.clerk), path_of(market, "conditions")
    market.search(q="予約", certification=["certified"])
    long = client.submit(path, {"security": "国" * 301})
    assert long.status_code == 422
    assert "1行300文字以内" in long.text
    stale = market.as_(market.second_clerk).prepare(path, {"exit": "全データを返すこと"})
    typed = {"function": "代行入力ができること\n代行入力ができること\n\n抽選ができること"}
    assert client.submit(path, typed).status_code == 303
    refused = stale()
    assert refused.status_code == 412
    assert "抽選ができること" in refused.text
    assert "全データを返すこと" in refused.text
    assert market.lock().status_code == 303
    content = json.loads(market.pack().content)
    assert content["format"] == "narabi-evidence-2"
    assert [(each["key"], each["text"]) for each in content["conditions"]] == [
        ("案-1", "来庁しないで公民館を予約できるようにしたい。"),
        ("案-2", "令和9年4月1日から36か月使えること"),
        ("F-1", "検索語：「予約」"),
        ("F-2", "認証の状態：認証済み"),
        ("条-1", "代行入力ができること"),
        ("条-2", "抽選ができること"),
    ]
    assert client.get(path).status_code == 409
    assert market.exclude(market.dear, condition="条-2", reason="抽選がない。").status_code == 303
    page = text_of(client.page(path_of(market, "candidates")))
    assert "条-2 抽選ができること" in page.replace("\u3000", " ")
    assert "抽選がない。" in page


def test_database_refuses_what_breaks_the_order(market):
    market.reach_locked()
    weigh(market)
    refusals = [
        ("UPDATE evidence_conditions SET text = 'x'", "append-only"),
        ("DELETE FROM evidence_conditions", "append-only"),
        (_ONE_MORE_CONDITION, "by_the_lock"),
        (f"UPDATE candidates SET condition_key = 'F-9', {_OUT}", "fk_candidates_condition"),
        (f"UPDATE candidates SET {_OUT}", "cites"),
        ("UPDATE candidates SET excluded_uncited = true", "narrowing"),
        ("UPDATE candidates SET listing_sha256 = 'x'", "narrowing"),
        ("DELETE FROM candidates", "narrowing"),
        ("UPDATE evaluation_criteria SET weight = weight + 1", "before_scores"),
        ("DELETE FROM evaluation_criteria", "before_scores"),
        ("UPDATE evaluations SET basis = 'price_only'", "in_order"),
        (f"UPDATE evaluations SET {_ENDED}", "all_scored"),
        ("DELETE FROM evaluations", "in_order|violates foreign key"),
        ("UPDATE projects SET state = 'compared'", "compared_when_evaluated"),
        (_CONDITION_AFTERWARDS, "until_the_lock"),
    ]
    refuse_all(refusals)
    clerk = market.actor(market.clerk, Role.CLERK)
    scores = scores_for(market, 50)
    with db.transaction() as session:
        project = market._load(session)
        services.save_scores(
            session, clerk, project, version=view_of(market).version, scores=scores
        )
    with pytest.raises(GuardFailed, match="採点があるため"), db.transaction() as session:
        version = view_of(market).version
        services.unfix_evaluation(session, clerk, market._load(session), version=version)
    price = "(SELECT id FROM evaluation_criteria WHERE is_price)"
    typed = "(SELECT id FROM evaluation_criteria WHERE position = 1)"
    moved = f"UPDATE evaluation_scores SET criterion_id = {price} WHERE criterion_id = {typed}"
    open_again = "UPDATE evaluations SET state = 'draft', fixed_at = NULL, fixed_by_id = NULL"
    refuse_all(
        [
            (open_again, "no_score_without_weights"),
            (moved, "price_is_computed"),
            ("UPDATE evaluation_scores SET points = 101", "points"),
        ]
    )
    with db.transaction() as session:
        project = market._load(session)
        services.confirm_comparison(session, clerk, project, version=project.version)
    assert view_of(market).state is EvaluationState.SCORED
    refuse_all(
        [
            ("UPDATE evaluation_scores SET points = 51", "under_fixed_weights"),
            ("DELETE FROM evaluation_scores", "under_fixed_weights"),
            ("UPDATE evaluations SET state = 'fixed'", "in_order"),
            (f"UPDATE candidates SET condition_key = '案-1', {_OUT}", "narrowing"),
        ]
    )


def refuse_all(refusals):
    """Try each statement below the application; the database names the rule it breaks."""
    is_sqlite = db.current().is_sqlite
    made = "lower(hex(randomblob(16)))" if is_sqlite else "gen_random_uuid()"
    truncated = [] if is_sqlite else [(f"TRUNCATE {each} CASCADE", "append-only") for each in _KEPT]
    for statement, rule in [*refusals, *truncated]:
        # SQLite says of a foreign key only that one failed.
        match = "FOREIGN KEY" if is_sqlite and rule.startswith("fk_") else rule
        with pytest.raises(DatabaseError, match=match), db.current().engine.begin() as connection:
            connection.execute(text(statement.format(id=made)))


@pytest.mark.sqlite_only
@pytest.mark.acceptance(21)
def test_weights_are_fixed_before_scores_and_all_is_scored_before_comparing(market):
    market.reach_locked()
    client, path = market.as_(market.clerk), path_of(market, "evaluation")
    short = client.submit(path, {**WEIGHTS, "price_weight": "50"}, button="重みを確定する")
    assert short.status_code == 422
    assert "重みの合計が90です（あと10）" in short.text
    nameless = client.submit(path, {**WEIGHTS, "name_2": ""}, button="下書きを保存する")
    assert "2行目の評価の項目を入力してください。" in nameless.text
    only_price = {"basis": "weighted", "price_weight": "100"}
    assert client.submit(path, only_price, button="重みを確定する").status_code == 422
    stale = market.as_(market.second_clerk).prepare(path, WEIGHTS, button="重みを確定する")
    draft = {**WEIGHTS, "weight_1": "25", "name_1": "操作の分かりやすさ"}
    assert client.submit(path, draft, button="下書きを保存する").status_code == 303
    refused = stale()  # race 8: both texts are shown, nothing is saved over the other's
    assert refused.status_code == 412
    assert "操作の分かりやすさ" in refused.text
    assert "使いやすさ" in refused.text
    assert market.compare().status_code == 422
    assert client.submit(path, WEIGHTS, button="重みを確定する").status_code == 303
    blocked = market.compare()
    assert blocked.status_code == 422
    assert "候補1の「使いやすさ」の点がありません" in blocked.text
    assert client.submit(path, action="/unfix").status_code == 303
    assert client.submit(path, {}, button="重みを確定する").status_code == 303
    _score_all_but_one(market, client, path)


def _score_all_but_one(market, client, path):
    half = {"points_1_1": "80", "note_1_1": "迷わない", "points_1_2": "101"}
    over = client.submit(path, half, action="/scores")
    assert over.status_code == 422
    assert "迷わない" in over.text
    late = market.as_(market.second_clerk).prepare(path, {"points_1_1": "20"}, action="/scores")
    full = {f"points_{rank}_{number}": "80" for rank in (1, 2) for number in (1, 2)}
    assert (
        client.submit(path, {**full, "note_1_1": "迷わない"}, action="/scores").status_code == 303
    )
    conflict = late()
    assert conflict.status_code == 412
    shown = [text_of(each) for each in parse_page(conflict.text).findall(".//p[@class='value']")]
    assert {"迷わない", "20", "80"} <= set(shown)
    assert market.exclude(market.candidate_of_rank(3)).status_code == 303
    page = text_of(client.page(path))
    assert "32.00" in page.replace(" ", "") or "24.00" in page
    assert market.compare().status_code == 303
    assert market.project().state is ProjectState.COMPARED
    read = text_of(market.as_(market.approver).page(path))
    assert "採点済み" in read
    history = text_of(client.page(path_of(market, "history")))
    assert "評価の重みを確定しました" in history
    market.search(q="予約")
    market.lock()
    kept = client.page(path).find(".//input[@name='name_1']").get("value")
    assert kept == "使いやすさ"


@pytest.mark.sqlite_only
def test_price_alone_is_confirmed_in_one_click(market):
    market.reach_locked()
    client = market.as_(market.clerk)
    path = path_of(market, "candidates")
    assert client.submit(path, button="価格だけで比べて、比較を終える").status_code == 303
    assert market.project().state is ProjectState.COMPARED
    view = view_of(market)
    assert (view.basis, view.state) == (EvaluationBasis.PRICE_ONLY, EvaluationState.SCORED)
    assert client.get(path_of(market, "evaluation")).status_code == 200
    with db.reading() as session:
        assert queries.conforming_offerings(market.pack()) == 3
        assert len(queries.remaining_candidates(session, market.pack().id)) == 3
        role = session.exec(select(ProjectBody)).one()
        assert (role.role, role.organisation_id) == (BodyRole.LEAD, market.body.id)


def test_price_points_are_computed_and_rounded_down(market):
    assert price_points(60, 990_000, 971_982) == 5_890
    assert price_points(60, 971_982, 971_982) == 6_000
    assert price_points(60, 0, 0) == 6_000
    assert format_points(5_890) == "58.90"
    market.reach_locked()
    weigh(market)
    view = view_of(market)
    ids = [market.candidate(each).id for each in (market.cheap, market.other)]
    found = add_up(view, dict(zip(ids, (971_982, None), strict=True)))
    assert [each.total for each in found] == [None, None]
    assert found[0].parts[-1] is None


def test_two_clerks_at_once_never_write_over_each_other(market):
    market.reach_locked()
    assert are_weights_kept(market)
    assert are_scores_kept(market)


@pytest.mark.acceptance(18)
def test_locks_hold_what_was_public_while_listings_change(settings):
    told = rehearse_on(settings, 4, shown=3)
    assert (told.mismatches, told.locked + told.refused) == (0, 4)
    shelf = stock(settings, 0, 0)
    shelf.shown = []
    assert not shelf.is_true(shelf.lock(shelf.open_project()))  # what others sell is not on it
