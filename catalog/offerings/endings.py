"""What runs out in what is public: accreditations, prices without a successor, State support. Pure."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from catalog.offerings.models import PriceComponentRow
from catalog.offerings.price_variants import list_open_ends
from catalog.offerings.rows import read_accreditations
from catalog.offerings.rules import as_variant
from core.state_machine import LabelledCode

DAYS_BEFORE = (60, 30, 7)


class EndingKind(LabelledCode):
    """What comes to its end."""

    ACCREDITATION = "accreditation", "第三者の認証・登録の有効期限"
    PRICE = "price", "次の料金のない、料金の終わり"
    SUPPORT = "support", "国の支援の期限"


@dataclass(frozen=True, slots=True)
class Origin:
    """The public version that tells it; `terms_id` where a seller's terms do."""

    name: str
    offering_version_id: uuid.UUID
    terms_id: uuid.UUID | None = None
    is_resold: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """One thing with the last day on which it counts."""

    kind: EndingKind
    what: str
    on: date
    origin: Origin

    def is_over(self, day: date) -> bool:
        """Tell whether it no longer counts on a day."""
        return self.on < day

    def is_near(self, day: date) -> bool:
        """Tell whether somebody should see to it: it ends soon, or has ended and still stands there.

        Support that the State gave up to a day just ends; nothing is left to mend.
        """
        if self.is_over(day):
            return self.kind is not EndingKind.SUPPORT
        return self.on - day <= timedelta(days=max(DAYS_BEFORE))


def of_accreditations(rows: Iterable[Mapping[str, Any]], origin: Origin) -> list[Ending]:
    """Return the last days of the accreditations of a version."""
    return [
        Ending(
            EndingKind.ACCREDITATION, f"{each.kind.label} {each.number}", each.expires_on, origin
        )
        for each in read_accreditations(rows)
    ]


def of_prices(rows: Iterable[PriceComponentRow], origin: Origin) -> list[Ending]:
    """Return the days after which a component of a price list has no price."""
    found = list_open_ends([as_variant(each) for each in rows])
    return [Ending(EndingKind.PRICE, whose, day, origin) for whose, day in found]


def of_support(until: date | None, origin: Origin) -> list[Ending]:
    """Return the last day of the State's support, if there is any."""
    return [Ending(EndingKind.SUPPORT, "初期費用への支援", until, origin)] if until else []


def name_services(found: Sequence[Ending]) -> str:
    """Name the first service of some endings, and how many there are besides."""
    services = {each.origin.offering_version_id for each in found}
    more = f"ほか{len(services) - 1}件" if len(services) > 1 else ""
    return f"「{found[0].origin.name}」{more}"
