"""Race 11: one company is registered twice at the same moment; one row, and nobody learns whose."""

from uuid import UUID

from sqlmodel import col, select

from accounts.identity import ANONYMOUS
from bench.measures import measure
from core import db
from core.config import Settings
from core.errors import Conflict
from tests import factories
from tests.databases import DatabaseUnderTest
from tests.drills.both import RACES, Play, at_once, on_both
from vendors import services
from vendors.models import Vendor

PEOPLE = (("見本 花子", "hanako"), ("見本 次郎", "jiro"))
_FIRST_SERIAL = 500_000


@measure(
    "race 11, one company registered twice: rounds with another outcome",
    goal="== 0",
    unit="rounds",
    base=RACES,
)
@on_both()
def count_wrong(_database: DatabaseUnderTest, settings: Settings) -> Play:
    """Let two people register the same corporate number, another one each round."""

    def play(number: int) -> bool:
        return is_one_row(settings, factories.corporate_number(_FIRST_SERIAL + number))

    return play


def is_one_row(settings: Settings, corporate_number: str) -> bool:
    """Run one round; tells whether one was taken and the other refused without a name."""
    told = at_once(*(lambda who=who: _register(settings, corporate_number, *who) for who in PEOPLE))
    taken = [each for each in told if isinstance(each, UUID)]
    refused = [each for each in told if isinstance(each, Conflict)]
    with db.reading() as session:
        statement = select(Vendor.id).where(col(Vendor.corporate_number) == corporate_number)
        rows = list(session.exec(statement))
    names = [word for who in PEOPLE for word in who]
    silent = not any(name in each.message for each in refused for name in names)
    return len(rows) == len(taken) == len(refused) == 1 and silent


def _register(settings: Settings, corporate_number: str, name: str, address: str) -> UUID | None:
    with db.transaction() as session:
        begun = services.register(
            session,
            ANONYMOUS,
            settings,
            corporate_number=corporate_number,
            name="見本川ソフト株式会社",
            kana="みほんがわそふと",
            person_name=name,
            email=f"{address}.{corporate_number}@example.jp",
            password="correct horse battery",
        )
        return begun.id if begun else None
