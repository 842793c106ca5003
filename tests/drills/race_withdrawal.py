"""Race 2: a vendor withdraws while a body locks its search; either order, the pack is true at its number."""

from bench.measures import measure
from core import db
from core.config import Settings
from procurement.projects.models import EvidencePack
from procurement.projects.services import IndexBehind
from tests import factories
from tests.databases import DatabaseUnderTest
from tests.drills.both import RACES, Play, at_once, on_both
from tests.drills.locks_under_change import Shelf, announce, stock
from tests.search.market import index_all
from vendors.models import Vendor


@measure(
    "race 2, withdrawn while locked: rounds with another outcome",
    goal="== 0",
    unit="rounds",
    base=RACES,
)
@on_both()
def count_wrong(_database: DatabaseUnderTest, settings: Settings) -> Play:
    """Lock a search that finds three services while the newest of them is withdrawn."""
    shelf = stock(settings, 2, 0)

    def play(_number: int) -> bool:
        return is_pack_true(shelf)

    return play


def is_pack_true(shelf: Shelf) -> bool:
    """Run one round; tells whether the pack holds what was public at its number, or was refused.

    The withdrawal is never held up, and a refused lock works as soon as the index has caught up.
    """
    _put_on_top(shelf)
    project_id = shelf.open_project()
    told, withdrawn = at_once(lambda: shelf.lock(project_id), shelf.withdraw_one)
    if isinstance(told, IndexBehind):
        told = shelf.lock(project_id)
    is_gone = withdrawn not in shelf.shown and not isinstance(withdrawn, Exception)
    return is_gone and isinstance(told, EvidencePack) and shelf.is_true(told)


def _put_on_top(shelf: Shelf) -> None:
    """Add one published service, which is withdrawn next; what was public is told anew from here."""
    with db.transaction() as session:
        vendor = session.get_one(Vendor, shelf.vendor.id)
        made = factories.offering(session, vendor, factories.specification(session))
        announce(session, made)
    index_all(shelf.settings, made)
    shelf.shown.insert(0, made)
    shelf.first = frozenset(each.id for each in shelf.shown)
    shelf.numbers.clear()
    shelf.found.clear()
