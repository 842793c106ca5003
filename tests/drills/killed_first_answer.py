"""Fifty equal POSTs with one Idempotency-Key while workers are killed: one effect, one answer for all."""

import http.client
import json
import os
import random
import signal
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor

from sqlmodel import col, func, select

from accounts import queries as people
from accounts.hooks.models import Webhook
from accounts.identity import Scope
from app import create_app
from bench.measures import measure
from core import db
from core.config import Settings
from tests import factories
from tests.drills.both import open_both
from tests.drills.stage import Node, serve_node

ROUNDS = 15
AT_ONCE = 50
_KILLS = 3  # each round
_PATIENCE = 60  # seconds


@measure(
    "equal POSTs under kill -9: rounds with another outcome than one effect and one answer",
    goal="== 0",
    unit="rounds",
    base=f"{ROUNDS} rounds on SQLite and as many on PostgreSQL, {AT_ONCE} at once, {_KILLS} kills each",
)
def count_wrong() -> float:
    """Return in how many rounds it was done twice or not at all, or was answered differently."""
    return sum(rehearse(settings, ROUNDS)[0] for _, settings in open_both())


def rehearse(settings: Settings, rounds: int, at_once: int = AT_ONCE) -> tuple[int, int]:
    """Play so many rounds over gunicorn; returns those that went wrong, and the calls that broke."""
    create_app(settings)
    wrong = broken = 0
    with serve_node(settings, workers=2) as node, ThreadPoolExecutor(at_once) as pool:
        for number in range(rounds):
            owner_id, token = _make_program()
            asked = _ask(node.address, token, f"drill-{number}-{uuid.uuid4()}")
            calls = [pool.submit(_send_until_answered, asked) for _ in range(at_once)]
            _kill_some(node)
            told = [call.result() for call in calls]
            broken += sum(tries for _, tries in told)
            answers = {answer for answer, _ in told}
            is_right = len(answers) == 1 and next(iter(answers))[0] == 201
            wrong += not (is_right and _count_webhooks(owner_id) == 1)
    return wrong, broken


def _make_program() -> tuple[uuid.UUID, str]:
    with db.transaction() as session:
        owner = people.get_organisation(session, factories.vendor(session).owner_id)
        assert owner is not None
        _, token = factories.api_client(session, owner, [Scope.WEBHOOK_MANAGE])
        return owner.id, token


def _ask(address: str, token: str, key: str) -> urllib.request.Request:
    content = {"name": "写し", "address": "https://mirror.example.jp/hook", "signature": "hmac"}
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": key,
    }
    return urllib.request.Request(  # noqa: S310 - this machine's own address
        f"{address}/api/v1/webhooks", json.dumps(content).encode(), headers
    )


def _send_until_answered(asked: urllib.request.Request) -> tuple[tuple[int, bytes], int]:
    """Send again whenever the connection breaks, as a client does; also tells how often it did."""
    deadline = time.monotonic() + _PATIENCE
    tries = 0
    while True:
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - as above
                return (answer.status, answer.read()), tries
        except urllib.error.HTTPError as refused:
            return (refused.code, refused.read()), tries
        except (OSError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
            tries += 1
            time.sleep(0.05)


def _kill_some(node: Node) -> None:
    for number in range(_KILLS):
        time.sleep(random.random() * 0.1 * (number + 1))
        pids = node.worker_pids()
        if pids:
            os.kill(random.choice(pids), signal.SIGKILL)


def _count_webhooks(owner_id: uuid.UUID) -> int:
    with db.reading() as session:
        statement = select(func.count()).where(col(Webhook.owner_id) == owner_id)
        return session.exec(statement).one()
