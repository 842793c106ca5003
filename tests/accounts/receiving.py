"""A receiver of webhooks on this machine, and the sender that is asked to send now."""

import threading
import time
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from accounts.hooks.sending import Sender
from core import changes, db
from vendors.models import Vendor


@dataclass
class Receiver:
    """Keeps what it is sent and answers `status` after `seconds`; waits while `gate` is closed."""

    origin: str = ""
    status: int = 204
    seconds: float = 0
    headers: dict = field(default_factory=dict)
    received: list = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self):
        self.gate.set()
        self._counting = threading.Lock()

    def answer(self, request):
        with self._counting:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        self.received.append((request.path, dict(request.headers), request.get_data()))
        time.sleep(self.seconds)
        self.gate.wait(30)
        with self._counting:
            self.under_way -= 1
        return Response(status=self.status, headers=self.headers)

    @property
    def ids(self):
        return [headers["Webhook-Id"] for _, headers, _ in self.received]

    @property
    def bodies(self):
        return [body for _, _, body in self.received]


@contextmanager
def receiving():
    """Serve a receiver on loopback."""
    receiver = Receiver()
    server = make_server("127.0.0.1", 0, Request.application(receiver.answer), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receiver.origin = f"http://127.0.0.1:{server.port}"
    try:
        yield receiver
    finally:
        receiver.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()


def send_once(settings):
    """Let the sender take what is due now, and wait until it is noted; returns how many it took."""
    sender = Sender(settings)
    begun = sender.send_due()
    wait(begun, timeout=30)
    stop = threading.Event()
    stop.set()
    sender.run(stop)
    return len(begun)


def change(vendor, kana):
    """Change what is public of a vendor."""
    with db.transaction() as session:
        session.get_one(Vendor, vendor.id).revise(kana=kana)
        changes.append(session, "vendor", vendor.id)


def head():
    """Return the number of the newest change."""
    with db.reading() as session:
        return changes.head(session)
