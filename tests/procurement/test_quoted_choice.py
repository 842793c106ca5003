"""A choice at an opened quote: its method, its ground, and why not the lowest; words once, on SQLite."""

import io
import json
import zipfile
from datetime import UTC, datetime, time, timedelta

import pytest

from accounts.models import Role
from core import db
from core.clock import JST, today_jst, utcnow
from procurement.projects import queries as project_queries
from procurement.projects import services
from procurement.projects.models import ProjectState
from procurement.projects.paper_models import PaperKind
from procurement.projects.weighing import Score
from procurement.proof import verify_documents as documents
from procurement.proof import verify_evidence as verifier
from procurement.quoting.models import QuoteOutcome
from procurement.selection.models import PriceSource
from tests import factories
from tests.page_checks import text_of
from tests.procurement.quoting import Quoting
from tests.procurement.test_evaluation import scores_for, view_of, weigh

pytestmark = pytest.mark.sqlite_only

# What does not fit three candidates weighed by price alone, two of which were quoted together.
UNFIT = (
    ({"method": "designated", "ground": ""}, "入札はこの画面では進められません。"),
    (
        {"method": "single_quote", "ground": "small_amount"},
        "2者以上に依頼して2件の見積を開封した案件です。",
    ),
    (
        {"method": "proposal", "ground": "sole_supplier", "grounds_text": "評価の結果による。"},
        "プロポーザルで選ぶには、比較のときに価格のほかの基準で評価し",
    ),
)


@pytest.mark.acceptance(20)
def test_opened_quote_is_chosen_by_a_method_with_every_reason(market, hold_clock):
    """Cheap quotes 27,000 a month (1,069,200 in all, above 1号), other 25,000 (990,000)."""
    market.reach_compared()
    town = _open_two(market, hold_clock)
    for person in (market.clerk, market.approver):
        market.as_(person).query_budget = 80  # a refusal also reads the opened quotes twice
    page = text_of(market.as_(market.clerk).page(f"/projects/{market.project().id}/selection"))
    assert "開封した見積 1,069,200円（税込）" in page.replace("\u3000", " ")
    assert "公表料金" not in page
    compared = {"method": "quotes", "ground": "small_amount"}
    assert "指名競争" not in page
    alone = market.propose(market.other, **compared, sole_source_reason="1者でよいため。")
    assert (alone.status_code, "1者だけに依頼する理由を空欄に" in alone.text) == (422, True)
    _is_refused(market, compared)
    # 2号 with three that conform: facts of the clerk, and the approver's own acknowledgement.
    sole = {
        "method": "single_quote",
        "ground": "sole_supplier",
        "not_lowest_reason": "夜間の受付ができるのは、このサービスだけです。",
    }
    refused = market.propose(market.cheap, **sole)
    assert refused.status_code == 422
    assert "に当たる事実を、根拠の説明に入力してください" in refused.text
    after = {**sole, "ground": "no_bidder", "grounds_text": "入札者がなかったため。"}
    undated = market.propose(market.cheap, **after)
    assert (undated.status_code, "行った入札の番号か件名とその日" in undated.text) == (422, True)
    given = market.propose(market.cheap, **sole, grounds_text="夜間の受付が条例で要るため。")
    assert given.status_code == 303, given.text
    assert market.selection().total_with_tax == 1_069_200
    unread = market.decide("approve")
    assert unread.status_code == 422
    assert "適合するサービスがほかにもあるのに1者を選ぶ案です" in unread.text
    assert market.decide("return", reason="ほかの見積を選んでください。").status_code == 303
    assert market.project().state is ProjectState.QUOTES_OPENED
    hold_clock(utcnow() + timedelta(minutes=1))  # the newest proposal is the one that counts
    # 見積合わせ of 1号 at the lowest quote.
    assert market.propose(market.other, **compared).status_code == 303
    done = market.decide("approve")
    assert done.status_code == 303, done.text
    chosen = market.selection()
    assert (chosen.price_source, chosen.total_with_tax) == (PriceSource.QUOTE, 990_000)
    with db.reading() as session:
        told = {
            version.id: town.invitation(session, version.id).outcome
            for version in (market.cheap, market.other)
        }
    assert told == {
        market.cheap.id: QuoteOutcome.NOT_CHOSEN,
        market.other.id: QuoteOutcome.CHOSEN,
    }
    _auditor_waits_for_the_end(market)
    # The request takes its price from the opened quote.
    assert market.draw_up(**{"answer_due_on-year": "2099"}).status_code == 303
    assert "990,000円" in text_of(market.as_(market.clerk).page(f"/requests/{market.request().id}"))
    _declined_quote_gives_way_to_the_next(market, hold_clock, town, sole)


def _auditor_waits_for_the_end(market):
    """What tells opened quotes keeps their rule: on the page, as a file and in the ZIP."""
    with db.transaction() as session:
        auditor = factories.person(session, Role.AUDITOR)
        project_id = market.project().id
        papers = project_queries.list_papers(session, project_id)
    (record,) = (each for each in papers if each.kind is PaperKind.SELECTION_RECORD)
    address = f"/projects/{project_id}"
    clerk, reader = market.as_(market.clerk), market.as_(auditor)
    for suffix in ("pdf", "docx"):
        file = f"{address}/papers/{record.id}.{suffix}"
        assert (clerk.get(file).status_code, reader.get(file).status_code) == (200, 403)
        assert file in clerk.get(f"{address}/papers").text
        assert file not in reader.get(f"{address}/papers").text
    assert "今の役割では見られません" in reader.get(f"{address}/papers").text
    for page in ("papers", "decision", "pack"):
        assert "990,000" not in text_of(reader.page(f"{address}/{page}")), page
    assert "990,000" in text_of(clerk.page(f"{address}/decision"))
    told = "開封した見積の金額が分かるものは、今は入りません"  # before it is taken
    assert [told in each.get(f"{address}/pack").text for each in (clerk, reader)] == [False, True]
    files = _unzip(reader.submit(f"{address}/pack", {}).data)
    assert not [name for name in files if name.startswith("papers/selection_record")]
    held = b"".join(each for name, each in files.items() if not name.endswith(".pdf"))
    # Of the choice that was returned, at a price that only its quote has.
    assert b"1069200" not in held
    assert b"1,069,200" not in held
    found = verifier.check_all(files)
    assert (found.faults, verifier.conclude(found)[0]) == ([], 3)
    withheld = "選定調書　第1版は、取り出した人がまだ見られない"
    assert any(said.startswith(withheld) for said in found.not_compared)
    listed = json.loads(files["project.json"])
    (kept,) = (each for each in listed["papers"] if each.get("withheld"))
    assert kept["sha256"] == record.sha256
    events = [json.loads(line) for line in files["events.jsonl"].splitlines()]
    kept["sha256"] = "0" * 64
    assert "ハッシュが、作ったときの記録と合いません" in _say(files, events, listed)
    for each in listed["quotes"]:  # a paper alone, or another one, cannot be called withheld
        each.pop("withheld", None)
    assert "伏せる書類ではない" in _say(files, events, listed)
    whole = _unzip(clerk.submit(f"{address}/pack", {}).data)
    assert b"1069200" in whole["events.jsonl"]
    assert verifier.conclude(verifier.check_all(whole))[0] == 0


def _say(files, events, listed):
    return " ".join(documents.check_documents(files, events, listed))


def _unzip(content):
    with zipfile.ZipFile(io.BytesIO(content)) as held:
        return {name: held.read(name) for name in held.namelist()}


def _declined_quote_gives_way_to_the_next(market, hold_clock, town, sole):
    """The vendor does not take the request: the next choice is made among the same opened quotes."""
    with db.reading() as session:
        address = f"/quote-requests/{town.invitation(session, market.cheap.id).id}"
    seller = market.as_(market.seller_admin)
    assert "決裁の結果：見送り" in text_of(seller.page(address))
    assert market.on_request("submit", market.clerk, confirmed="yes").status_code == 303
    factories.sign_in_client(market.as_(market.approver), market.approver)  # sending asks for it
    sent = market.on_request("decision", market.approver, decision="send")
    assert sent.status_code == 303, sent.text
    said = {"confirmed": "yes", "reason": "人手が足りません。"}
    assert market.on_request("decline", market.rival_admin, **said).status_code == 303
    path = f"/projects/{market.project().id}/reselect"
    again = market.as_(market.clerk).submit(path, {"confirmed": "yes", "reason": "次に依頼する。"})
    assert again.status_code == 303, again.text
    assert market.project().state is ProjectState.QUOTES_OPENED
    hold_clock(utcnow() + timedelta(minutes=1))
    facts = {"grounds_text": "夜間の受付が条例で要るため。"}
    assert market.propose(market.cheap, **sole, **facts).status_code == 303
    noted = "ほかの1者は依頼を辞退したため。"
    decided = market.decide("approve", sole_acknowledgement=noted)
    assert decided.status_code == 303, decided.text
    assert market.selection().total_with_tax == 1_069_200
    # What a vendor was told of the earlier decision stays, with its day and what may follow.
    shown = text_of(seller.page(address))
    assert "選び直し、この見積を採用したときは、利用契約の依頼が届きます" in shown


def _open_two(market, hold_clock):
    town = Quoting(market)
    last = today_jst() + timedelta(days=20)
    town.draft(deadline_on=last, questions_on=last - timedelta(days=10))
    town.submit()
    town.approve()
    town.quote(town.seller, market.cheap.id, 27_000)
    town.quote(town.rival, market.other.id, 25_000)
    closed = datetime.combine(last, time(17, 0), tzinfo=JST).astimezone(UTC)
    hold_clock(closed + timedelta(seconds=1))
    town.open(town.clerk)
    town.open(town.approver)
    assert market.project().state is ProjectState.QUOTES_OPENED
    return town


def _is_refused(market, compared):
    for said, sentence in UNFIT:
        unfit = market.propose(market.other, **said)
        assert (unfit.status_code, sentence in unfit.text) == (422, True), unfit.text
    listed = market.propose(market.other, method="list_price")
    assert listed.status_code == 422
    assert "開封した見積の金額で選んでください" in listed.text
    dear = market.propose(market.cheap, **compared)
    assert dear.status_code == 422
    assert "最も低い見積990,000円より79,200円高い見積です" in dear.text
    assert "限度額1,000,000円（税込）をこえます" in dear.text
    assert market.propose(market.dear, **compared).status_code == 422


def test_a_proposal_takes_the_first_of_the_evaluation_alone(market, hold_clock):
    """Weights before scores put the dearer of two quotes first; the other cannot be chosen."""
    market.reach_locked()
    clerk = weigh(market)
    scores = scores_for(market, 10)
    best = Score(90, "操作の試行で最も早い")
    scores |= {key: best for key in scores if key[0] == market.candidate(market.cheap).id}
    with db.transaction() as session:
        services.save_scores(
            session, clerk, market._load(session), version=view_of(market).version, scores=scores
        )
    assert market.compare().status_code == 303
    _open_two(market, hold_clock)
    factories.sign_in_client(market.as_(market.clerk), market.clerk)
    market.as_(market.clerk).query_budget = 80
    said = {"method": "proposal", "ground": "sole_supplier", "grounds_text": "評価の結果による。"}
    said["not_lowest_reason"] = "評価の結果が1位のため。"
    second = market.propose(market.other, **said)
    assert (second.status_code, "評価の結果が1位ではありません" in second.text) == (422, True)
    assert market.propose(market.cheap, **said).status_code == 303
