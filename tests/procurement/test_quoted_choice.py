"""A choice at an opened quote: its method, its ground, and why not the lowest; words once, on SQLite."""

from datetime import UTC, datetime, time, timedelta

import pytest

from core import db
from core.clock import JST, today_jst, utcnow
from procurement.projects.models import ProjectState
from procurement.quoting.models import QuoteOutcome
from procurement.selection.models import PriceSource
from tests import factories
from tests.page_checks import text_of
from tests.procurement.quoting import Quoting

pytestmark = pytest.mark.sqlite_only


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
    # The request takes its price from the opened quote.
    assert market.draw_up(**{"answer_due_on-year": "2099"}).status_code == 303
    request = f"/requests/{market.request().id}"
    assert "990,000円" in text_of(market.as_(market.clerk).page(request))
    _declined_quote_gives_way_to_the_next(market, hold_clock, town, sole)


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
    listed = market.propose(market.other, method="list_price")
    assert listed.status_code == 422
    assert "開封した見積の金額で選んでください" in listed.text
    dear = market.propose(market.cheap, **compared)
    assert dear.status_code == 422
    assert "最も低い見積990,000円より79,200円高い見積です" in dear.text
    assert "限度額1,000,000円（税込）をこえます" in dear.text
    assert market.propose(market.dear, **compared).status_code == 422
