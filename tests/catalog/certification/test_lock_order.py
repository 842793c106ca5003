"""Acts that reach several certificates of one offering at once: never a deadlock, one outcome each way."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from catalog.certification import services
from catalog.certification.models import ReviewState
from catalog.certification.queries import proceedings
from core import db, outbox
from core.errors import WrongState
from tests.catalog.certification.conftest import Stage, load
from tests.catalog.certification.test_proceedings import measure
from tests.catalog.certification.test_services import state_of
from tests.catalog.certification.test_surveillance import make_covered

TOLD = ("organisation.told", "person.told", "search.listing_changed", "certification.expired")
SUSPEND, PUBLISH = "lock_derived", "list_outdone"


class Meeting:
    """Let each of two acts, once it holds its first certificate, wait a moment for the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inside = {SUSPEND: threading.Event(), PUBLISH: threading.Event()}
        for name, other in ((SUSPEND, PUBLISH), (PUBLISH, SUSPEND)):
            monkeypatch.setattr(proceedings, name, self._slow(name, other))

    def _slow(self, name: str, other: str) -> Callable[..., Any]:
        real = getattr(proceedings, name)

        def wait(*given: Any, **named: Any) -> Any:
            if not self.inside[name].is_set():
                self.inside[name].set()
                self.inside[other].wait(0.5)
            return real(*given, **named)

        return wait


def run(first: str, acts: dict[str, Callable[[], object]], meeting: Meeting) -> dict[str, Any]:
    """Run both acts, the second one when the first is inside; returns what each came to."""
    came_to: dict[str, Any] = {}

    def do(name: str) -> None:
        try:
            acts[name]()
            came_to[name] = None
        except Exception as error:  # noqa: BLE001 - looked at by the test
            came_to[name] = type(error)

    threads = [threading.Thread(target=do, args=[name]) for name in sorted(acts, key=first.__ne__)]
    threads[0].start()
    assert meeting.inside[first].wait(10)
    threads[1].start()
    for thread in threads:
        thread.join()
    return came_to


def make_published(stage: Stage) -> tuple[UUID, UUID]:
    """Publish a version that rests on the certificate of the first one; the message is under way."""

    def walk() -> tuple[UUID, UUID]:
        first_id, second_id = make_covered(stage)
        ignored = dict.fromkeys(TOLD, lambda _session, _payload: None)
        outbox.drain({**ignored, "offering.published": lambda _session, _payload: None})
        with db.transaction() as session:
            version = load(session, second_id).offering_version
            services.publish_offering(session, stage.company.acts(), version)
        return first_id, second_id

    return stage.kept("published_on_covered", walk)


@pytest.mark.parametrize("first", [SUSPEND, PUBLISH])
def test_suspension_and_publication_wait_for_each_other(
    stage: Stage, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_id, new_id = make_published(stage)
    with db.reading() as session:
        payload = {"offering_version_id": str(load(session, new_id).offering_version_id)}

    def deliver() -> None:
        with db.transaction() as session:
            services.HANDLERS["offering.published"](session, payload)

    acts = {
        SUSPEND: lambda: measure(services.suspend, stage.lead(), old_id, "申告と違う疑い。"),
        PUBLISH: deliver,
    }
    came_to = run(first, acts, Meeting(monkeypatch))
    states = (state_of(old_id), state_of(new_id))
    if first == SUSPEND:
        assert (came_to, states) == (
            {SUSPEND: None, PUBLISH: None}, (ReviewState.SUSPENDED, ReviewState.SUSPENDED),
        )  # fmt: skip
    else:
        assert (came_to, states) == (
            {SUSPEND: WrongState, PUBLISH: None}, (ReviewState.SUPERSEDED, ReviewState.CERTIFIED),
        )  # fmt: skip
