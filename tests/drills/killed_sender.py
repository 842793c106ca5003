"""The sender of webhooks is killed again and again while the catalog changes and a receiver hangs.

The other receiver must in the end have been told of the last change, never of two things at once,
never backwards, and what came twice must have been the same message.
"""

import json
import logging
import multiprocessing
import random
import signal
import threading
import time
from datetime import timedelta
from itertools import pairwise

from accounts.hooks import sending, services
from accounts.hooks.models import Signature
from accounts.models import Organisation, Role
from app import create_app
from bench.measures import measure
from core import changes, db
from core.config import Settings
from core.http import Limits
from tests import factories
from tests.accounts.receiving import Receiver, receiving
from tests.drills.stage import open_stage
from vendors.models import Vendor

KILLS = 30
_CLAIM = timedelta(seconds=1)
_WAIT_SECONDS = 60


@measure(
    "webhooks while their sender is killed: a change untold, or told twice at once, backwards, altered",
    goal="== 0",
    unit="faults",
    base=f"{KILLS} × kill -9 of the sender, one receiver that hangs, changes every few ms",
)
def count_faults() -> float:
    """Return everything that went wrong, and 1 when too few kills hit a message on its way."""
    faults, cut = rehearse(KILLS)
    return faults + (cut < KILLS // 2)


def rehearse(kills: int) -> tuple[int, int]:
    """Kill the sender so often; returns the faults, and how many messages came more than once."""
    with open_stage(1) as plain, receiving() as living, receiving() as hanging:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        hanging.gate.clear()
        living.seconds = 0.05
        settings = plain.model_copy(update={"webhook_origins": [living.origin, hanging.origin]})
        create_app(settings)
        with db.transaction() as session:
            vendor = factories.vendor(session)
            _register(session, settings, vendor.owner_id, living, hanging)
        over = threading.Event()
        writer = threading.Thread(target=_change, args=[vendor.id, over])
        writer.start()
        _kill(settings, kills, living)
        over.set()
        writer.join()
        is_told = _finish(settings, living)
        hanging.gate.set()
    return _count_faults(living) + (not is_told), _repeats(living)


def _register(session, settings, owner_id, *receivers):
    home = session.get_one(Organisation, owner_id)
    admin = factories.person(session, Role.VENDOR_ADMIN, home)
    actor = factories.actor(admin, Role.VENDOR_ADMIN, home)
    for each in receivers:
        values = {"name": each.origin, "address": each.origin, "signature": Signature.HMAC}
        services.create(session, actor, settings, **values)


def _change(vendor_id, over):
    number = 0
    while not over.wait(0.02):
        number += 1
        with db.transaction() as session:
            session.get_one(Vendor, vendor_id).revise(kana=f"ミホン{number}")
            changes.append(session, "vendor", vendor_id)


def _send(settings: Settings) -> None:
    """Be the sender, hurried: what takes seconds and minutes takes moments here."""
    sending.BETWEEN = timedelta()
    sending._CLAIM = _CLAIM
    sending._ROUND_SECONDS = 0.01
    sending.LIMITS = Limits(seconds=0.5)
    sending.PAUSES = (timedelta(seconds=0.5),) * 10_000
    db.configure(settings.effective_database_url)
    create_app(settings)
    sending.Sender(settings).run(threading.Event())


def _start(settings: Settings) -> multiprocessing.Process:
    # From a clean process with the program read already: no thread of this one is copied.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["app"])
    process = context.Process(target=_send, args=[settings], daemon=True)
    process.start()
    return process  # type: ignore[return-value]


def _kill(settings: Settings, kills: int, receiver: Receiver) -> None:
    """Kill the sender so often, mostly while a message is under way."""
    for _ in range(kills):
        process = _start(settings)
        seen, until = len(receiver.received), time.monotonic() + _WAIT_SECONDS
        while len(receiver.received) < seen + 2 and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(random.random() * receiver.seconds)
        process.kill()
        process.join(30)
        assert process.exitcode == -signal.SIGKILL


def _finish(settings: Settings, receiver: Receiver) -> bool:
    """Let a sender live until the last change was told."""
    with db.reading() as session:
        head = changes.head(session)
    process = _start(settings)
    until = time.monotonic() + _WAIT_SECONDS
    while _sequences(receiver)[-1:] != [head] and time.monotonic() < until:
        time.sleep(0.05)
    process.kill()
    process.join(30)
    return _sequences(receiver)[-1:] == [head]


def _sequences(receiver: Receiver) -> list[int]:
    return [json.loads(body)["data"]["sequence"] for body in receiver.bodies]


def _count_faults(receiver: Receiver) -> int:
    told = _sequences(receiver)
    by_id: dict[str, set[bytes]] = {}
    for name, body in zip(receiver.ids, receiver.bodies, strict=True):
        by_id.setdefault(name, set()).add(body)
    backwards = sum(later < earlier for earlier, later in pairwise(told))
    altered = sum(len(bodies) > 1 for bodies in by_id.values())
    return backwards + altered + (receiver.most_under_way > 1)


def _repeats(receiver: Receiver) -> int:
    return len(receiver.ids) - len(set(receiver.ids))
