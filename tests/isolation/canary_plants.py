"""Leaks that are planted on purpose, one for each class of text: what finds nothing must find these."""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
import structlog

from accounts.notices import tell_organisation
from catalog.feed_upkeep import reconcile
from core import db
from tests.isolation.canaries import amounts
from tests.isolation.canary_town import CanaryTown
from tests.isolation.canary_way import TITLED

_OFFICE = "application/vnd.openxmlformats-officedocument."


@dataclass(frozen=True)
class Plant:
    """An amount where it does not belong, and the places (by class of text) in which it is then met."""

    amount: int
    put: Callable[[CanaryTown, str], None]
    places: dict[str, str]


def _write(statement: str) -> Callable[[CanaryTown, str], None]:
    def put(_town: CanaryTown, text: str) -> None:
        with db.current().engine.begin() as connection:
            connection.execute(sa.text(statement), {"text": text})

    return put


def _leave(_town: CanaryTown, _text: str) -> None:
    """Do nothing: it stands in the title, which no act can change later, from the beginning."""


def _rename_vendors(town: CanaryTown, text: str) -> None:
    _write("UPDATE vendors SET name = :text")(town, text)
    reconcile()


def _write_letter(town: CanaryTown, text: str) -> None:
    with db.transaction() as session:
        tell_organisation(session, town.market.body.id, "planted", text, "/")


def _log(_town: CanaryTown, text: str) -> None:
    structlog.get_logger().warning("planted", amount=text)


PLANTS = {
    "title": Plant(
        TITLED,
        _leave,
        {
            "page": "text/html 200 ",
            "row": "table projects",
            "ZIP": "application/zip 200 ",
            "API": "application/json 200 GET /api/v1/projects",
            "PDF": "application/pdf 200 ",
            "DOCX": f"{_OFFICE}wordprocessingml.document 200 ",
            "XLSX": f"{_OFFICE}spreadsheetml.sheet 200 ",
        },
    ),
    "name of a vendor": Plant(
        1_922_733_461,
        _rename_vendors,
        {"feed": "GET /api/v1/changes", "snapshot": "GET /api/v1/snapshot"},
    ),
    "letter": Plant(1_933_733_461, _write_letter, {"mail": "letter "}),
    "log": Plant(1_944_733_461, _log, {"log": "log"}),
    "epoch of the feed": Plant(
        1_955_733_461, _write("UPDATE feed_state SET epoch = :text"), {"webhook": "webhook"}
    ),
}


def plant(town: CanaryTown, *names: str) -> None:
    """Plant these leaks; from here on nobody may meet what was planted."""
    for name in names:
        town.watch.canaries.append(amounts(f"planted {name}", PLANTS[name].amount))
        PLANTS[name].put(town, f"{PLANTS[name].amount:,}")


def found_classes(town: CanaryTown) -> set[str]:
    """Name the classes of text in which a planted leak was met."""
    return {
        kind
        for name, each in PLANTS.items()
        for kind, place in each.places.items()
        for leak in town.watch.leaks
        if place in leak and leak.endswith(f" tells planted {name}")
    }


CLASSES = frozenset(kind for each in PLANTS.values() for kind in each.places)
