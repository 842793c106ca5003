"""An organisation's webhooks: registered on pages, told by the sender, signed, tried again, stopped."""

import base64
import json
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from click.testing import CliRunner
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import SecretStr
from sqlmodel import select
from standardwebhooks.webhooks import Webhook as StandardWebhook
from standardwebhooks.webhooks import WebhookVerificationError

from accounts.hooks import queries, sending, services, upkeep
from accounts.hooks.models import (
    Signature,
    Webhook,
    WebhookAttempt,
    WebhookKey,
    WebhookMessage,
    WebhookState,
)
from accounts.models import Organisation, Role
from app import cli, outbox_handlers
from core import changes, db, outbox
from core.audit import AuditEvent
from core.config import Settings
from core.http import Limits
from core.sealing import seal
from tests import factories
from tests.accounts.receiving import change, head, receiving, send_once
from tests.letterbox import empty_letterbox, receivers
from tests.page_checks import text_of

NOON = datetime(2026, 11, 24, 3, tzinfo=UTC)
SCHEDULE_HOURS = 75
PUBLIC = re.compile(r"whpk_[A-Za-z0-9+/]+=")


@pytest.fixture
def receiver():
    with receiving() as made:
        yield made


@pytest.fixture
def served(app, settings, receiver, monkeypatch):
    """The settings of a site whose operator lets the receiver of this test be told."""
    told = settings.model_copy(update={"webhook_origins": [receiver.origin]})
    app.config["NARABI"] = told
    monkeypatch.setattr(sending, "BETWEEN", timedelta())
    return told


@pytest.fixture
def company(database):
    """A vendor that others can see, with an administrator and a member."""
    with db.transaction() as session:
        vendor = factories.vendor(session)
        home = session.get_one(Organisation, vendor.owner_id)
        admin = factories.person(session, Role.VENDOR_ADMIN, home)
        member = factories.person(session, Role.VENDOR_MEMBER, home)
        changes.append(session, "vendor", vendor.id)
    return vendor, admin, member


@pytest.fixture
def browser(client, company):
    factories.sign_in_client(client, company[1])
    return client


def register(browser, address, signature="ed25519", name="県の一覧"):
    done = browser.submit(
        "/webhooks/new", {"name": name, "address": address, "signature": signature}
    )
    assert done.status_code == 303, text_of(browser.page("/webhooks"))
    return done.location


def press(browser, page, words):
    return browser.submit(page, {}, button=words)


def main(browser, page):
    return text_of(browser.page(page).find(".//main"))


def rows(model):
    with db.reading() as session:
        return list(session.exec(select(model).order_by(model.created_at)))


def verify_pair(public_keys, headers, body):
    """Tell which of these public keys made a signature of the message, as the specification says."""
    content = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
    signed = [each.split(",") for each in headers["Webhook-Signature"].split()]
    found = set()
    for public in public_keys:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
        for version, signature in signed:
            assert version == "v1a"
            try:
                key.verify(base64.b64decode(signature), content)
            except InvalidSignature:
                continue
            found.add(public)
    return found


@pytest.mark.acceptance(35)
def test_change_is_told_in_a_message_that_holds_a_number_and_its_own_signature(
    browser, served, receiver, company
):
    shared = register(browser, f"{receiver.origin}/a", "hmac", "共有")
    pair = register(browser, f"{receiver.origin}/b", "ed25519", "公開鍵")
    assert send_once(served) == 0  # what was public before is not told
    (secret,) = re.findall(r"whsec_\S+", press(browser, shared, "鍵を表示する（一度だけ）").text)
    (public,) = PUBLIC.findall(main(browser, pair))
    change(company[0], "ミホンイチ")
    change(company[0], "ミホンニ")
    assert send_once(served) == 2
    assert send_once(served) == 0
    told = {path: (headers, body) for path, headers, body in receiver.received}
    headers, body = told["/a"]
    with db.reading() as session:
        feed = changes.read_state(session)
    content = StandardWebhook(secret).verify(body, headers)
    assert content.keys() == {"type", "timestamp", "data"}
    assert content["type"] == "catalog.changed"
    assert content["data"] == {"epoch": feed.epoch, "sequence": feed.head}
    assert datetime.fromisoformat(content["timestamp"]).tzinfo is not None
    assert headers["Content-Type"] == "application/json"
    assert not {"Cookie", "Authorization"} & headers.keys()
    with pytest.raises(WebhookVerificationError):
        StandardWebhook(secret).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        StandardWebhook("whsec_" + "A" * 43 + "=").verify(body, headers)
    headers, body = told["/b"]
    assert verify_pair([public], headers, body) == {public}
    assert verify_pair([public], headers, body + b" ") == set()
    shown = main(browser, pair)
    assert f"{feed.head}まで（今の記録番号は{feed.head}）" in shown
    assert "届きました" in shown
    assert "204（受け取りました）" in shown
    assert all(secret.removeprefix("whsec_").encode() not in row.sealed for row in rows(WebhookKey))


def test_shared_key_is_shown_once_and_changed_with_two_valid_signatures(
    browser, served, receiver, company, new_client
):
    page = register(browser, receiver.origin, "hmac")
    first = re.findall(r"whsec_\S+", press(browser, page, "鍵を表示する（一度だけ）").text)[0]
    assert "whsec_" not in browser.get(page).text
    member = new_client()
    factories.sign_in_client(member, company[2])
    assert "鍵を作り直す" not in main(member, page)
    assert member.post(f"{page}/key", data=token_of(member, page)).status_code == 403
    again = browser.post(f"{page}/key", data=token_of(browser, page))
    assert again.status_code == 409
    assert "この鍵は表示しました" in again.text
    refused = browser.submit(f"{page}/rotate", {})
    assert refused.status_code == 422
    assert browser.submit(f"{page}/rotate", {"confirmed": "yes"}).status_code == 303
    second = re.findall(r"whsec_\S+", press(browser, page, "鍵を表示する（一度だけ）").text)[0]
    assert first != second
    assert "署名に使うのは" in main(browser, page)
    change(company[0], "ミホンイチ")
    send_once(served)
    _, headers, body = receiver.received[-1]
    assert len(headers["Webhook-Signature"].split()) == 2
    for secret in (first, second):
        StandardWebhook(secret).verify(body, headers)
    press(browser, page, "前の鍵をすぐに終える")
    change(company[0], "ミホンニ")
    send_once(served)
    _, headers, body = receiver.received[-1]
    StandardWebhook(second).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        StandardWebhook(first).verify(body, headers)
    assert [row.ends_at for row in rows(WebhookKey)] == [None]


def token_of(browser, page):
    """Return the hidden token of a page's forms."""
    inputs = browser.page(page).findall('.//input[@name="csrf_token"]')
    return {"csrf_token": inputs[0].get("value")} if inputs else {}


def test_former_key_signs_for_a_day(browser, served, receiver, company, hold_clock):
    hold_clock(NOON)
    factories.sign_in_client(browser, company[1])
    page = register(browser, receiver.origin)
    (former,) = PUBLIC.findall(main(browser, page))
    browser.submit(f"{page}/rotate", {"confirmed": "yes"})
    both = PUBLIC.findall(main(browser, page))
    for later, signing in ((23, set(both)), (25, set(both) - {former})):
        hold_clock(NOON + timedelta(hours=later))
        change(company[0], f"ミホン{'アイ'[later > 24]}")
        assert send_once(served) == 1
        _, headers, body = receiver.received[-1]
        assert verify_pair(both, headers, body) == signing


def fail_until_stopped(settings, receiver, hold_clock, meanwhile):
    """Answer with errors, redirects and silence at each try; returns when it was tried."""
    moments, moment = [], NOON
    while True:
        number = len(moments)
        receiver.status = (500, 302, 429, 200)[number % 4]
        receiver.headers = {"Location": f"{receiver.origin}/x"} if number % 4 == 1 else {}
        receiver.gate.clear() if number % 4 == 3 else receiver.gate.set()
        assert send_once(settings) == 1
        moments.append(moment)
        assert send_once(settings) == 0
        (hook,) = rows(Webhook)
        if hook.state is WebhookState.STOPPED:
            return moments
        if number == 1:
            meanwhile()  # what changes now makes no second message
        moment = hook.due_at
        hold_clock(moment)


@pytest.mark.acceptance(35)
def test_message_is_tried_for_75_hours_then_stopped_with_a_letter_and_caught_up(
    browser, served, receiver, company, hold_clock, monkeypatch
):
    hold_clock(NOON)
    factories.sign_in_client(browser, company[1])
    page = register(browser, receiver.origin)
    monkeypatch.setattr(sending, "LIMITS", Limits(seconds=0.3))
    change(company[0], "ミホン")
    told = head()
    moments = fail_until_stopped(served, receiver, hold_clock, lambda: change(company[0], "ニ"))
    assert len(moments) == len(sending.PAUSES) + 1 == len(receiver.received)
    assert moments[-1] - moments[0] >= timedelta(hours=SCHEDULE_HOURS)
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    for pause, planned in zip(pauses, sending.PAUSES, strict=True):
        assert planned <= pause <= planned * 1.1
    assert len(set(receiver.ids)) == len(set(receiver.bodies)) == 1
    assert len({headers["Webhook-Timestamp"] for _, headers, _ in receiver.received}) > 1
    letters = empty_letterbox(served)
    told_people = receivers(letters, "75時間")
    assert company[1].email in told_people
    assert company[2].email not in told_people
    factories.sign_in_client(browser, company[1])
    shown = main(browser, page)
    assert "75時間のあいだ届きませんでした" in shown
    assert "500（受け取っていません）" in shown
    assert "10秒以内に答えがありません" in shown
    assert "別のアドレスへ移すという答えです" in shown
    assert "75時間" in main(browser, "/")
    receiver.gate.set()
    receiver.status = 200
    assert press(browser, page, "通知を再開する").status_code == 303
    assert send_once(served) == 1
    assert json.loads(receiver.bodies[-1])["data"]["sequence"] == head() > told
    assert receiver.ids[-1] != receiver.ids[0]
    with db.reading() as session:
        acts = [each.action for each in session.exec(select(AuditEvent))]
    assert acts.count("webhook.stop") == acts.count("webhook.resume") == 1


def test_pauses_differ_from_receiver_to_receiver():
    drawn = {sending.lengthen(timedelta(hours=1)) for _ in range(20)}
    assert len(drawn) > 10
    assert sum(sending.PAUSES, timedelta()) >= timedelta(hours=SCHEDULE_HOURS)


def figures_of(browser, settings):
    """Give the figures of webhooks as Prometheus reads them."""
    token = "sample-token-sample-token-sample-token"
    told = settings.model_copy(update={"metrics_token": SecretStr(token)})
    browser.application.config["NARABI"] = told
    answer = browser.get("/metrics", headers={"Authorization": f"Bearer {token}"}).text
    found = re.findall(r"^narabi_webhooks_(\w+) ([\d.]+)$", answer, re.MULTILINE)
    return {name: float(value) for name, value in found}


@pytest.mark.parametrize(
    ("status", "said", "pause"),
    [
        (429, "600", 600),
        (503, "Tue, 24 Nov 2026 03:20:00 GMT", 1_200),
        (503, "99999999999", 86_400),  # a year is not granted
        (429, "2", 0),  # nor is less than everybody gets
        (429, "soon", 0),
        (503, "Tue, 24 Nov 2020 03:20:00 GMT", 0),
        (500, "600", 0),
    ],
)
@pytest.mark.sqlite_only
def test_receiver_is_given_the_pause_that_it_asks_for(
    database, served, receiver, company, browser, hold_clock, status, said, pause
):
    hold_clock(NOON)
    factories.sign_in_client(browser, company[1])
    page = register(browser, receiver.origin)
    receiver.status, receiver.headers = status, {"Retry-After": said}
    change(company[0], "ミホン")
    assert send_once(served) == 1
    (message,), (attempt,) = rows(WebhookMessage), rows(WebhookAttempt)
    planned = timedelta(seconds=max(pause, 5))
    assert planned <= message.due_at - NOON <= planned * 1.1
    assert (f"受信側の求め：{attempt.asked_seconds or 0:,}秒あとに" in main(browser, page)) == (
        attempt.asked_seconds is not None
    )
    assert (attempt.asked_seconds or 0) == (pause or (2 if said == "2" else 0))
    if pause:
        hold_clock(NOON + timedelta(seconds=pause - 1))
        assert send_once(served) == 0


def test_figures_tell_what_is_late_and_what_receivers_do_not_take(
    browser, served, receiver, company, hold_clock
):
    hold_clock(NOON)
    factories.sign_in_client(browser, company[1])
    register(browser, receiver.origin)
    assert set(figures_of(browser, served).values()) == {0.0, 1.0}  # one, of which nothing is due
    hold_clock(NOON + timedelta(hours=1))
    change(company[0], "ミホン")
    hold_clock(NOON + timedelta(hours=1, seconds=90))
    late = figures_of(browser, served)
    assert (late["due"], late["lag_seconds"], late["undelivered"]) == (1, 90, 0)
    receiver.status, receiver.headers = 503, {"Retry-After": "600"}
    assert send_once(served) == 1
    hold_clock(NOON + timedelta(hours=1, seconds=150))
    told = figures_of(browser, served)
    assert (told["due"], told["lag_seconds"], told["failing"], told["active"]) == (0, 0, 1, 1)
    assert (told["undelivered"], told["undelivered_seconds"]) == (1, 60)
    hold_clock(NOON + timedelta(hours=2))
    assert figures_of(browser, served)["lag_seconds"] > 2_000
    receiver.status = 204
    assert send_once(served) == 1
    assert set(figures_of(browser, served).values()) == {0.0, 1.0}


@pytest.mark.acceptance(35)
def test_receiver_that_is_gone_is_not_asked_again(browser, served, receiver, company):
    page = register(browser, receiver.origin)
    receiver.status = 410
    change(company[0], "ミホン")
    assert send_once(served) == 1
    change(company[0], "ミホンニ")
    assert send_once(served) == 0
    assert company[1].email in receivers(empty_letterbox(served), "もうありません")
    assert "410（もうありません）と答えました" in main(browser, page)
    assert len(receiver.received) == 1


@pytest.mark.acceptance(35)
def test_slow_receiver_delays_neither_the_others_nor_the_mail(
    browser, served, receiver, company, monkeypatch
):
    """The slow one has one message under way, however often the catalog changes meanwhile."""
    monkeypatch.setattr(sending, "LIMITS", Limits(seconds=5))
    with receiving() as slow:
        origins = [receiver.origin, slow.origin]
        both = served.model_copy(update={"webhook_origins": origins})
        browser.application.config["NARABI"] = both
        register(browser, slow.origin, name="遅い")
        register(browser, receiver.origin, name="速い")
        slow.gate.clear()
        sender = sending.Sender(both)
        for number in range(4):
            change(company[0], f"ミホン{'アイウエ'[number]}")
            begun = time.monotonic()
            sender.send_due()
            while len(receiver.received) <= number or rows(Webhook)[1].claimed_until:
                assert time.monotonic() - begun < 4
                time.sleep(0.02)
            with db.transaction() as session:
                outbox.publish(session, "webhooks.prune", {})
            assert outbox.run_due(outbox_handlers(both)) > 0
        assert (len(slow.received), slow.most_under_way) == (1, 1)
        slow.gate.set()
        stop = threading.Event()
        stop.set()
        sender.run(stop)
        assert slow.most_under_way == 1


def test_those_who_failed_wait_among_their_like(database, served, receiver, company):
    """Many dead receivers fill their own small pool; a living one still finds room at once."""
    with db.transaction() as session:
        home = session.get_one(Organisation, company[0].owner_id)
        actor = factories.actor(company[1], Role.VENDOR_ADMIN, home)
        for number in range(services.MOST_WEBHOOKS):
            hook = services.create(
                session,
                actor,
                served,
                name=f"{number}",
                address=f"{receiver.origin}/{number}",
                signature=Signature.HMAC,
            )
            hook.failures = int(number > 0)
    change(company[0], "ミホン")
    tasks = {slow: sending.claim(is_slow=slow, limit=sending.LANES[slow]) for slow in (True, False)}
    assert [len(tasks[slow]) for slow in (True, False)] == [sending.LANES[True], 1]


def test_killed_worker_sends_the_same_message_again(browser, served, receiver, company, hold_clock):
    hold_clock(NOON)
    factories.sign_in_client(browser, company[1])
    register(browser, receiver.origin)
    change(company[0], "ミホン")
    (task,) = sending.claim(is_slow=False, limit=8)  # and then the process dies
    assert send_once(served) == 0
    hold_clock(NOON + timedelta(seconds=61))
    assert send_once(served) == 1
    assert receiver.ids == [f"msg_{task.message_id.hex}"]
    with db.transaction() as session:  # the dead one was only slow
        sending.note(session, task, sending.Outcome(None, "slow", 9_000))
    assert rows(WebhookMessage)[0].state == "delivered"
    assert len(rows(WebhookMessage)) == 1


def test_two_workers_send_each_message_once(browser, served, receiver, company):
    register(browser, receiver.origin)
    for number in range(3):
        change(company[0], f"ミホン{'アイウ'[number]}")
        senders = [sending.Sender(served) for _ in range(2)]
        begun = [future for each in senders for future in each.send_due()]
        for future in begun:
            future.result(timeout=20)
        assert len(receiver.received) == number + 1


def test_owner_tries_it_and_sends_again(browser, served, receiver, company, monkeypatch):
    page = register(browser, receiver.origin)
    assert press(browser, page, "試しの通知を送る").status_code == 303
    busy = press(browser, page, "試しの通知を送る")
    assert busy.status_code == 409
    assert "前に頼まれた通知を送っています" in busy.text
    receiver.status = 500
    assert send_once(served) == 1
    assert send_once(served) == 0  # a test is tried once, and stops nothing
    assert json.loads(receiver.bodies[0])["type"] == "webhook.test"
    (hook,) = rows(Webhook)
    assert hook.state is WebhookState.ACTIVE
    assert "試しの通知" in main(browser, page)
    receiver.status = 200
    change(company[0], "ミホン")
    assert send_once(served) == 1
    shown = browser.page(page)
    forms = [each.get("action") for each in shown.findall(".//form")]
    resends = [each for each in forms if each and each.endswith("/resend")]
    assert len(resends) == 2
    assert browser.post(resends[0], data=token_of(browser, page)).status_code == 303
    assert send_once(served) == 1
    assert receiver.ids[-1] == receiver.ids[-2]
    assert receiver.bodies[-1] == receiver.bodies[-2]
    assert len(rows(WebhookAttempt)) == 3
    monkeypatch.setattr(services, "SINGLES_PER_HOUR", 2)
    refused = press(browser, page, "試しの通知を送る")
    assert refused.status_code == 429
    assert "1時間に2回まで" in refused.text
    assert press(browser, page, "通知を止める").status_code == 303
    change(company[0], "ミホンニ")
    assert send_once(served) == 0
    assert "組織の方が止めました" in main(browser, page)


UNTELLABLE = (
    ("", "通知先のアドレスを入力してください"),
    ("http://example.jp/", "https://で始まるアドレス"),
    ("ftp://example.jp/", "https://で始まるアドレス"),
    ("https://user:word@example.jp/", "「@」の付いた利用者名"),
    ("https://例え.jp/", "日本語を入れないでください"),
    ("https://example.jp/#x", "「#」"),
    ("https://example.jp:22/", "443か1024以上"),
    ("https://example.jp:99999/", "のように入力してください"),
    ("https://127.0.0.1/", "インターネットから届く"),
    ("https://2130706433/", "インターネットから届く"),
    ("https://0177.0.0.1/", "インターネットから届く"),
    ("https://[::ffff:10.0.0.1]/", "インターネットから届く"),
    ("https://localhost/", "インターネットから届く"),
    ("https://db.internal/", "インターネットから届く"),
    (f"https://example.jp/{'x' * 500}", "500文字以内"),
)


@pytest.mark.sqlite_only  # words of a form
def test_address_that_cannot_be_told_is_refused_with_what_was_typed(browser, served):
    for address, sentence in UNTELLABLE:
        values = {"name": "県の一覧", "address": address, "signature": "hmac"}
        refused = browser.submit("/webhooks/new", values)
        assert refused.status_code == 422, address
        assert sentence in refused.text, address
        assert "県の一覧" in refused.text
    assert rows(Webhook) == []


def test_address_that_turns_inward_later_is_not_called(browser, settings, company, receiver):
    """A name is public when it is registered; what it stands for is judged at every try."""
    page = register(browser, "https://receiver.example.jp/hooks")
    with db.transaction() as session:
        session.exec(select(Webhook)).one().address = receiver.origin.replace("http:", "https:")
    change(company[0], "ミホン")
    assert send_once(settings) == 1
    assert receiver.received == []
    assert "組織の中のアドレスなので送りません" in main(browser, page)


def test_webhook_belongs_to_its_organisation_and_ends_with_all_that_is_its(
    browser, served, receiver, company, new_client
):
    page = register(browser, receiver.origin)
    done = browser.submit(f"{page}/edit", {"name": "新しい名前", "address": f"{receiver.origin}/b"})
    assert done.status_code == 303
    assert "新しい名前" in main(browser, "/webhooks")
    with db.transaction() as session:
        rival = factories.person(session, Role.VENDOR_ADMIN)
        clerk = factories.person(session, Role.CLERK)
    for stranger in (rival, clerk):
        theirs = new_client()
        factories.sign_in_client(theirs, stranger)
        assert "通知先はありません" in main(theirs, "/webhooks")
        token = token_of(theirs, "/webhooks/new")
        assert theirs.get(page).status_code == 404
        for act in ("/test", "/key", "/stop", "/rotate", "/delete", "/edit"):
            answer = theirs.post(f"{page}{act}", data={**token, "confirmed": "yes"})
            assert answer.status_code == 404, act
    assert new_client().get("/webhooks").status_code == 303
    change(company[0], "ミホン")
    send_once(served)
    assert receiver.received[0][0] == "/b"
    assert browser.submit(f"{page}/delete", {"confirmed": "yes"}).status_code == 303
    assert browser.get(page).status_code == 404
    tables = (Webhook, WebhookKey, WebhookMessage, WebhookAttempt)
    assert [rows(each) for each in tables] == [[], [], [], []]
    with db.reading() as session:
        acts = session.exec(select(AuditEvent).where(AuditEvent.subject_kind == "Webhook"))
        assert {"webhook.create", "webhook.edit", "webhook.delete"} <= {a.action for a in acts}


def test_eleventh_is_refused_and_a_double_click_makes_one(browser, served, receiver):
    form = {"name": "県の一覧", "address": receiver.origin, "signature": "hmac"}
    click = browser.prepare("/webhooks/new", form)
    assert click().location == click().location
    assert len(rows(Webhook)) == 1
    for number in range(1, services.MOST_WEBHOOKS):
        register(browser, receiver.origin, name=f"{number}")
    refused = browser.submit("/webhooks/new", form)
    assert refused.status_code == 422
    assert "10件まで" in refused.text


def test_log_is_kept_for_thirty_days(browser, served, receiver, company, hold_clock):
    hold_clock(NOON)
    factories.sign_in_client(browser, company[1])
    register(browser, receiver.origin)
    change(company[0], "ミホン")
    send_once(served)
    for days, left in ((29, 1), (31, 0)):
        hold_clock(NOON + timedelta(days=days))
        with db.transaction() as session:
            outbox.publish(session, upkeep.PRUNE, {})
        outbox.run_due(upkeep.make_handlers(served))
        assert len(rows(WebhookMessage)) == len(rows(WebhookAttempt)) == left
    assert len(rows(WebhookKey)) == 1


def test_keys_outlive_the_key_that_sealed_them(browser, served, receiver, company):
    """The operator changes the sealing key; after a night the former one can go."""
    page = register(browser, receiver.origin, "hmac")
    (secret,) = re.findall(r"whsec_\S+", press(browser, page, "鍵を表示する（一度だけ）").text)
    first, second = SecretStr("11" * 32), SecretStr("22" * 32)
    former = {"env": "production", "seal_key": first}
    with db.transaction() as session:
        (key,) = session.exec(select(WebhookKey))
        plain = services.open_key(served, key)
        key.sealed = seal(fresh(served.model_copy(update=former)), services.PURPOSE, key.id, plain)
    both = served.model_copy(update={"seal_key": second, "seal_keys_before": [first]})
    with db.transaction() as session:
        outbox.publish(session, upkeep.PRUNE, {})
    outbox.run_due(upkeep.make_handlers(fresh(both)))
    (key,) = rows(WebhookKey)
    assert key.sealed[0] == 2
    change(company[0], "ミホン")
    assert send_once(fresh(both)) == 1
    _, headers, body = receiver.received[-1]
    StandardWebhook(secret).verify(body, headers)
    lost = fresh(served.model_copy(update={"seal_key": SecretStr("33" * 32)}))
    change(company[0], "ミホンニ")
    assert send_once(lost) == 1
    assert "鍵を開けません" in main(browser, page)


def fresh(settings):
    """Return the settings read anew: what was derived from other values is not taken along."""
    return Settings(**settings.model_dump())


def test_command_sends_what_is_due_beside_the_outbox(browser, served, receiver, company):
    register(browser, receiver.origin)
    change(company[0], "ミホン")
    environment = {
        "NARABI_DATABASE_URL": served.database_url,
        "NARABI_DATA_DIR": str(served.data_dir),
        "NARABI_WEBHOOK_ORIGINS": json.dumps(served.webhook_origins),
    }
    done = CliRunner().invoke(cli, ["outbox", "run", "--once"], env=environment)
    assert done.exit_code == 0, done.output
    assert [json.loads(body)["data"]["sequence"] for body in receiver.bodies] == [head()]
    stop = threading.Event()
    running = threading.Thread(target=sending.Sender(served).run, args=[stop])
    running.start()
    change(company[0], "ミホンニ")
    until = time.monotonic() + 10
    while len(receiver.bodies) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    stop.set()
    running.join(10)
    assert not running.is_alive()
    assert [each.state for each in rows(WebhookMessage)] == ["delivered"] * 2


def test_restored_backup_is_told_though_its_numbers_are_lower(browser, served, receiver, company):
    register(browser, receiver.origin)
    with db.transaction() as session:
        epoch = changes.begin_epoch(session)
    assert send_once(served) == 1
    assert json.loads(receiver.bodies[0])["data"] == {"epoch": epoch, "sequence": head()}
    assert send_once(served) == 0


def test_pages_of_a_log_are_read_from_a_place_on(browser, served, receiver, company):
    register(browser, receiver.origin)
    for number in range(3):
        change(company[0], f"ミホン{'アイウ'[number]}")
        send_once(served)
    (hook,) = rows(Webhook)
    with db.reading() as session:
        first = queries.list_messages(session, hook.id, 2)
        place = (first[-1].created_at, first[-1].id)
        rest = queries.list_messages(session, hook.id, 2, place)
    assert [each.sequence for each in (*first, *rest)] == [head() - n for n in range(3)]
