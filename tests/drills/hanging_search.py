"""The search server hangs or trickles: pages that do not search keep their throughput."""

import json
import threading
import time
from collections.abc import Callable

from app import outbox_handlers
from bench.measures import measure
from core import outbox
from search.indexer import rebuild
from search.queries import get_engine
from tests.drills.fake_server import run_apart
from tests.drills.stage import open_stage, read, serve

SECONDS = 60
LISTINGS = 20
FOUND = (("aws", LISTINGS), ("sakura", 0))
"""A condition, and how many listings fit it: neither fewer nor more may come while the server hangs."""
PAGES = ("/about", "/specifications", "/about/order")


@measure(
    "throughput of other pages, search server hanging / healthy",
    goal=">= 0.8",
    unit="×",
    base=f"{SECONDS} s each, two gunicorn workers, four readers and four searchers",
)
def take_share() -> float:
    """Return the share that is left, or 0 when a search was answered wider or not at all."""
    share, wrong = rehearse(SECONDS)
    return 0.0 if wrong else share


def rehearse(seconds: float) -> tuple[float, int]:
    """Read for so long with a healthy server, and again with a hanging one."""
    with open_stage(LISTINGS) as settings, run_apart() as fake:
        served = settings.model_copy(update={"search_url": fake.url})
        outbox.drain(outbox_handlers(served))
        rebuild(get_engine(served))
        fake.hold_still()
        with serve(settings, NARABI_SEARCH_URL=fake.url) as address:
            read_for(address, 1.0)
            healthy, wrong, early = read_for(address, seconds)
            with fake.hanging():
                ill, more, reserved = read_for(address, seconds)
    # The reserve answered when the server hung, and only then.
    return ill / healthy, wrong + more + early + (reserved == 0)


def read_for(address: str, seconds: float) -> tuple[float, int, int]:
    """Give how many other pages were read in a second, and how many answers went wrong or fell back."""
    end = time.monotonic() + seconds
    counts = {"pages": 0, "wrong": 0, "fallback": 0}
    lock = threading.Lock()

    def repeat(act: Callable[[int], tuple[str, int]]) -> None:
        number = 0
        while time.monotonic() < end:
            name, count = act(number)
            with lock:
                counts[name] += count
            number += 1

    def read_page(number: int) -> tuple[str, int]:
        try:
            read(address + PAGES[number % len(PAGES)])
        except OSError:
            return "wrong", 1
        return "pages", 1

    def search(number: int) -> tuple[str, int]:
        # The same number of questions a second, whether or not they are answered quickly.
        time.sleep(0.25)
        hosting, expected = FOUND[number % len(FOUND)]
        try:
            answer = json.loads(read(f"{address}/api/v1/search?hosting={hosting}"))
        except OSError:
            return "wrong", 1
        counts["fallback"] += answer["fallback"]
        return "wrong", int(answer["total"] != expected)

    threads = [threading.Thread(target=repeat, args=(each,)) for each in (read_page, search) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts["pages"] / seconds, counts["wrong"], counts["fallback"]
