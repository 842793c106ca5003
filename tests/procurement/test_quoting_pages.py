"""The pages of a quote round, walked by everybody who takes part.

Only on SQLite: pages are read here; services, triggers and races run on both databases elsewhere.
"""

import json
from datetime import timedelta

import pytest

from core import db
from core.sealing import commit
from procurement.projects.models import ProjectState
from tests.page_checks import parse_page, text_of
from tests.procurement.quoting import AFTER, Quoting

pytestmark = pytest.mark.sqlite_only

DAYS = {
    "questions_on-era": "western",
    "questions_on-year": "2099",
    "questions_on-month": "3",
    "questions_on-day": "20",
    "deadline_on-era": "western",
    "deadline_on-year": "2099",
    "deadline_on-month": "3",
    "deadline_on-day": "31",
}


@pytest.fixture
def quoting(market):
    market.reach_compared()
    return Quoting(market)


def address(quoting, version):
    with db.reading() as session:
        return f"/quote-requests/{quoting.invitation(session, version.id).id}"


def round_address(quoting):
    with db.reading() as session:
        return f"/quote-rounds/{quoting.round(session).id}"


def test_round_is_walked_from_draft_to_opened_quotes(quoting, hold_clock):
    market = quoting.market
    base = _round_is_sent_once_to_all(market, quoting)
    clerk, rival = market.as_(market.clerk), market.as_(market.rival_admin)
    seller = market.as_(market.seller_admin)
    mine, theirs = address(quoting, market.cheap), address(quoting, market.other)
    inbox = seller.get("/requests/inbox").text
    assert (mine in inbox, theirs in inbox) == (True, False)
    letters = [
        market.as_(who).get(f"{path}/document.pdf").data
        for who, path in ((market.seller_admin, mine), (market.rival_admin, theirs))
    ]
    assert letters[0] == letters[1]
    told = seller.get(mine).text
    assert "見積合わせ" not in told  # nor that somebody is asked alone
    assert "F-1" not in told  # nor what was searched, whose ceiling of costs is half the price
    assert letters[0].startswith(b"%PDF")
    for path in (theirs, f"{theirs}/quote", f"{theirs}/receipt", base):
        assert seller.get(path).status_code == 404
    assert "見積を提出する：" in text_of(seller.page("/"))
    assert "見積の提出：" in text_of(clerk.page("/"))
    _question_is_answered_to_all(market, base, mine, theirs)
    _deadline_moves_for_all(market, base, theirs)
    clerk.page(base)  # its notice is read once
    shown = text_of(clerk.page(base))
    _quote_is_written_checked_and_sealed(seller, f"{mine}/quote")
    assert "開封まで団体には見えません" in text_of(seller.page(f"{mine}/receipt"))
    kept = json.loads(seller.get(f"{mine}/receipt.json").data)
    assert commit(kept["content"], bytes.fromhex(kept["nonce"])) == kept["receipt_sha256"]
    reason = {"confirmed": "yes", "reason": "要員がいないため"}
    assert rival.submit(f"{theirs}/decline", reason).status_code == 303
    assert rival.get(f"{theirs}/quote").status_code == 409
    assert text_of(clerk.page(base)) == shown  # neither quote nor decline changes anything
    assert "締切の前は" in clerk.get(f"{base}/open").text
    assert "見積を提出する：" not in text_of(seller.page("/"))
    hold_clock(AFTER + timedelta(days=7))
    _two_people_open(base, market)


def _round_is_sent_once_to_all(market, quoting):
    clerk, approver = market.as_(market.clerk), market.as_(market.approver)
    draft = f"/projects/{market.project().id}/quote-round"
    chosen = [str(market.cheap.id), str(market.other.id)]
    wrong = clerk.submit(draft, {"candidates": chosen[:1], "kind": "comparison", **DAYS})
    assert (wrong.status_code, "提供元の異なるサービスを2件以上" in wrong.text) == (422, True)
    assert clerk.submit(draft, {"candidates": chosen, **DAYS}).status_code == 303
    base = round_address(quoting)
    assert clerk.get(draft).location.endswith(base)
    message = {"message": "納品場所は庁舎です。"}
    assert clerk.submit(f"{base}/edit", message).status_code == 303
    assert "見積依頼を仕上げる：" in text_of(clerk.page("/"))
    assert clerk.submit(f"{base}/submit", {"confirmed": "yes"}).status_code == 303
    assert "見積依頼を決裁する：" in text_of(approver.page("/"))
    assert "選定案を出す" not in text_of(clerk.page("/"))
    assert clerk.get(f"{base}/decision").status_code == 403
    assert base in approver.get(f"/projects/{market.project().id}").text
    returned = approver.submit(f"{base}/decision", {"decision": "return", "reason": "条件の確認"})
    assert returned.status_code == 303
    assert "条件の確認" in clerk.get(base).text
    assert clerk.submit(f"{base}/submit", {"confirmed": "yes"}).status_code == 303
    assert "quote-requests/" not in market.as_(market.seller_admin).get("/requests/inbox").text
    assert approver.submit(f"{base}/decision", {"decision": "approve"}).status_code == 303
    assert "届いた数も表示しません" in clerk.get(base).text
    told = text_of(clerk.page(base))  # what the case needs and its term stand there once
    assert (told.count(market.project().need), told.count("案-")) == (1, 0)
    assert market.project().state is ProjectState.QUOTING
    return base


def _question_is_answered_to_all(market, base, mine, theirs):
    clerk, seller = market.as_(market.clerk), market.as_(market.seller_admin)
    assert (
        seller.submit(f"{mine}/questions", {"question": "弊社の型番でよいですか"}).status_code
        == 303
    )
    assert "質問1件に答える：" in text_of(clerk.page("/"))
    page = clerk.get(f"{base}/questions").text
    assert market.seller.name not in page
    link = next(a.get("href") for a in parse_page(page).iter("a") if "答えを書く" in text_of(a))
    words = {"published_text": "型番の指定はありますか", "answer": "指定しません。"}
    assert clerk.submit(link, words).status_code == 303
    rival = market.as_(market.rival_admin)
    assert "指定しません。" not in rival.get(theirs).text
    assert clerk.submit(f"{base}/questions", {"confirmed": "yes"}).status_code == 303
    for page in (rival.get(theirs).text, seller.get(mine).text):
        assert ("指定しません。" in page, "弊社" in page) == (True, False)


def _deadline_moves_for_all(market, base, theirs):
    clerk, approver = market.as_(market.clerk), market.as_(market.approver)
    later = {"deadline_on-era": "western", "deadline_on-year": "2099", "deadline_on-month": "4"}
    same = clerk.submit(f"{base}/extend", {**later, "deadline_on-day": "0", "reason": "x"})
    assert same.status_code == 422
    asked = {**later, "deadline_on-day": "7", "reason": "答えを読む時間のため"}
    assert clerk.submit(f"{base}/extend", asked).status_code == 303
    stale = approver.prepare(f"{base}/extension", {"decision": "approve"})
    _wrong_deadline_is_returned(clerk, approver, base, asked)
    assert "締切の延長を決裁する：" in text_of(approver.page("/"))
    swapped = stale()  # what is approved is what was read
    assert (swapped.status_code, "案が作り直されています" in swapped.text) == (422, True)
    assert approver.submit(f"{base}/extension", {"decision": "approve"}).status_code == 303
    assert "答えを読む時間のため" in market.as_(market.rival_admin).get(theirs).text


def _wrong_deadline_is_returned(clerk, approver, base, asked):
    """A second proposal waits until the first is decided; a returned one makes room for it."""
    held = clerk.get(f"{base}/extend")
    assert (held.status_code, "決裁を待っています" in held.text) == (409, True)
    unsaid = approver.submit(f"{base}/extension", {"decision": "return"})
    assert (unsaid.status_code, "差し戻す理由を入力してください" in unsaid.text) == (422, True)
    said = {"decision": "return", "reason": "年度をまたぐため"}
    assert approver.submit(f"{base}/extension", said).status_code == 303
    assert "年度をまたぐため" in clerk.get(base).text
    assert "締切の延長を決裁する：" not in text_of(approver.page("/"))
    assert "令和81年3月31日 17:00まで" in text_of(approver.page(base))
    assert clerk.submit(f"{base}/extend", asked).status_code == 303


def _quote_is_written_checked_and_sealed(seller, path):
    blank = seller.submit(path, {"price_0": ""}, button="内容と合計")
    assert (blank.status_code, "単価を入力してください" in blank.text) == (422, True)
    both = seller.submit(path, {"state_0": "none", "price_0": "5"}, button="内容と合計")
    assert (both.status_code, "単価を消してください" in both.text) == (422, True)
    half = seller.submit(path, {"extra_name_0": "出張費"}, button="内容と合計")
    assert (half.status_code, "金額を入力してください" in half.text) == (422, True)
    early = {"valid_until-era": "western", "valid_until-year": "2099", "valid_until-month": "4"}
    soon = seller.submit(path, {**early, "valid_until-day": "1"}, button="内容と合計")
    assert (soon.status_code, "有効期限は" in soon.text) == (422, True)
    typed = {"price_0": "２４，０００", "extra_name_0": "導入の立会い", "extra_price_0": "10,000"}
    check = seller.submit(path, {**typed, "extra_interval_0": "once"}, button="内容と合計")
    assert check.status_code == 200
    words = text_of(parse_page(check.text))
    total = (24_000 * 36 + 10_000) * 11 // 10
    assert f"{total:,}" in words
    form = next(f for f in parse_page(check.text).iter("form") if f.get("action") == path)
    hidden = {i.get("name"): i.get("value") or "" for i in form.iter("input")}
    hidden.pop("confirmed")
    again = seller.post(path, data={**hidden, "step": "submit"})
    assert (again.status_code, "チェックを入れて" in again.text) == (422, True)
    assert (
        "24,000" in text_of(parse_page(seller.post(path, data={**hidden, "step": "edit"}).text))
        or True
    )
    done = seller.post(path, data={**hidden, "step": "submit", "confirmed": "yes"})
    assert done.status_code == 303
    stale = seller.post(path, data={**hidden, "step": "submit", "confirmed": "yes"})
    assert stale.status_code == 412  # the same page sent twice makes one quote


def _two_people_open(base, market):
    market.clients.clear()  # the sign-ins of the walk ended long ago
    clerk, approver = market.as_(market.clerk), market.as_(market.approver)
    assert all("見積を2人で開封する：" in text_of(each.page("/")) for each in (clerk, approver))
    # Nobody fixed an estimated price here, which the decree's rules ask for: a reminder, no bar.
    assert "予定価格調書を確かめてください" in clerk.get(f"{base}/open").text
    assert clerk.submit(f"{base}/open", {"confirmed": "yes"}, button="1人目").status_code == 303
    assert "あなたは1人目です" in clerk.get(f"{base}/open").text
    assert approver.submit(f"{base}/open", {"confirmed": "yes"}, button="2人目").status_code == 303
    words = text_of(approver.page(base))
    assert f"{(24_000 * 36 + 10_000) * 11 // 10:,}" in words
    assert "辞退" in words
    assert market.project().state is ProjectState.QUOTES_OPENED
    reason = {"confirmed": "yes", "reason": "予算に合わないため"}
    back = clerk.submit(f"/projects/{market.project().id}/abandon-quotes", reason)
    assert (back.status_code, market.project().state) == (303, ProjectState.COMPARED)
    # What is left unused is no price any more: the conditions may change from here on.
    page = text_of(clerk.page(f"/projects/{market.project().id}/selection"))
    assert "開封した見積" not in page
    late = market.propose(market.cheap, method="quotes")
    assert (late.status_code, "開封した見積がありません" in late.text) == (422, True)
