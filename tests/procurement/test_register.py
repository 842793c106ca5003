"""The contract register: what is recorded, and what cannot be.

What a form refuses is asked on SQLite alone; what is recorded, on both.
"""

import io
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import pytest

from core.clock import day_in_japan
from procurement.contracts.models import RequestState
from procurement.contracts.services import registering
from procurement.projects.terms import Burden, months_between
from tests.page_checks import text_of

HASH = sha256(b"signed").hexdigest()
FILE = "signed_record"


def dated(name, day):
    return {
        f"{name}-era": "western",
        f"{name}-year": str(day.year),
        f"{name}-month": str(day.month),
        f"{name}-day": str(day.day),
    }


def values(market, **changes):
    sent = day_in_japan(market.request().sent_at)
    first = {"number": "契約第1号", "signed_record_sha256": HASH, **dated("signed_on", sent)}
    return {**first, **changes}


@pytest.fixture
def accepted(market):
    return market.reach_accepted()


def register(market, **changes):
    path = f"/requests/{market.request().id}/contract"
    return market.as_(market.clerk).submit(path, values(market, **changes))


def test_contract_is_registered_by_a_typed_hash(accepted):
    done = register(accepted, signed_record_sha256=HASH.upper())
    assert done.status_code == 303
    page = text_of(accepted.as_(accepted.seller_admin).page(done.location))
    assert HASH in page
    assert accepted.as_(accepted.rival_admin).get(done.location).status_code == 404


def test_another_approver_confirms_what_was_recorded(accepted):
    market = accepted
    path = f"/requests/{market.request().id}/contract"
    place = market.as_(market.both).submit(path, values(market)).location
    confirm, show = f"{place}/confirm", f"/projects/{market.project().id}"
    assert "記録の確認待ち（決裁者）" in text_of(market.as_(market.clerk).page(show))
    assert "契約の記録を確かめる：" not in text_of(market.as_(market.both).page("/"))
    approver = market.as_(market.approver)
    assert "契約の記録を確かめる：公共施設の予約" in text_of(approver.page("/"))
    assert "記録を確かめる画面へ進む" in text_of(approver.page(place))
    ticked = {"confirmed": "yes"}
    assert market.as_(market.clerk).get(confirm).status_code == 403
    assert market.as_(market.seller_admin).get(confirm).status_code == 403
    own = market.as_(market.both).page(confirm)
    assert "契約を記録した人は確認できません" in text_of(own)
    assert approver.submit(confirm, {}).status_code == 422
    forms = [approver.prepare(confirm, ticked) for _ in range(2)]
    assert [press().location for press in forms] == [place, place]
    assert "すでに確かめられています" in text_of(approver.page(place))
    page = text_of(market.as_(market.clerk).page(place))
    assert "決裁者の確認を待っています" not in page
    assert market.approver.name in page
    assert "契約の記録を確かめました（契約第1号）" in text_of(approver.page(f"{show}/history"))
    assert "契約の記録を確かめる：" not in text_of(approver.page("/"))


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"signed_record_sha256": ""}, "ファイルを選択するか、SHA-256を入力してください"),
    ({"signed_record_sha256": "abc"}, "64文字で入力してください"),
    ({"number": ""}, "契約番号を入力してください"),
    ({"ends_on-year": "9"}, "利用の終わりは、利用の始まり以後の日付にしてください"),
    ({"ends_on-year": "20"}, "決裁した終わり"),
    ({"starts_on-year": "8"}, "決裁した始まり"),
    ({"ends_on-day": "32"}, "確認が必要な入力が1件あります"),
    ({"signed_record": (b"", "空.pdf")}, "選択したファイルは空です"),
    ({"signed_record": (b"other", "別.pdf")}, "選択したファイルと合いません"),
]


@pytest.mark.sqlite_only
def test_term_that_the_rules_bar_today_is_recorded_with_a_note(accepted, monkeypatch):
    shorter = Burden(until=date(2028, 3, 31))
    monkeypatch.setattr(registering, "burden_of", lambda _project: shorter)
    refused = register(accepted)
    assert refused.status_code == 422
    assert "債務負担行為の期間の終わり" in refused.text
    assert register(accepted, term_note="議決の変更を確かめた。").status_code == 303
    assert months_between(date(2027, 4, 1), date(2030, 3, 31)) == 36
    assert months_between(date(2027, 4, 1), date(2030, 4, 1)) == 37
    assert months_between(date(2027, 4, 1), date(2027, 4, 30)) == 1
    assert months_between(date(2027, 4, 15), date(2027, 5, 14)) == 1


@pytest.mark.sqlite_only
def test_what_cannot_be_is_refused(accepted):
    for changes, sentence in IMPOSSIBLE:
        sent = {k: (io.BytesIO(v[0]), v[1]) if k == FILE else v for k, v in changes.items()}
        refused = register(accepted, **sent)
        assert refused.status_code == 422, sentence
        assert sentence in refused.text
    assert accepted.request().state is RequestState.ACCEPTED


def test_signing_day_lies_between_sending_and_today(accepted):
    sent = day_in_japan(accepted.request().sent_at)
    early = register(accepted, **dated("signed_on", sent - timedelta(days=1)))
    assert "依頼を送信した日" in early.text
    late = register(accepted, **dated("signed_on", sent + timedelta(days=2)))
    assert "以前の日付にしてください" in late.text


def test_contract_waits_for_the_acceptance(market):
    market.reach_sent()
    page = market.as_(market.clerk).page(f"/requests/{market.request().id}/contract")
    assert "事業者が承諾した依頼だけです" in text_of(page)


def test_approver_and_vendor_do_not_register(accepted):
    path = f"/requests/{accepted.request().id}/contract"
    for person in (accepted.approver, accepted.seller_admin):
        assert accepted.as_(person).get(path).status_code in {403, 404}
