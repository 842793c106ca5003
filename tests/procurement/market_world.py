"""A market whose figures are computed by hand in its tests: six services, three makers, one reseller."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

from sqlmodel import col, select

from catalog.certification.models import ReviewState
from catalog.offerings.models import ConformanceAnswer, Listing, ListingVersion, OfferState
from catalog.offerings.queries import load_listing_versions
from catalog.price_plan import ComponentKind, Interval, Unit
from catalog.specifications.models import Requirement, StandardSpecification
from catalog.terms import Answer
from core import db
from core.clock import fixed_at
from tests import factories
from vendors.models import VendorState

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
CODE = "YOYAKU"
_ONCE = (Unit.LUMP, Interval.ONCE)
_MONTHLY = (Unit.LUMP, Interval.MONTH)
_LONG_AGO = datetime(2025, 4, 1, tzinfo=UTC)
RESIDENTS = {"name": "住民", "imports": "CSV", "exports": "CSV", "conformity": "conforms"}
HISTORY = {"name": "履歴", "imports": "", "exports": "XML", "conformity": "partly"}


def _on(month, day, year=2026):
    return datetime(year, month, day, tzinfo=UTC)


def make_figures_world():
    """Build the market as of NOW, and what is not part of it: hidden, draft, another version."""
    with fixed_at(NOW), db.transaction() as session:
        factories.thaw(session)
        version = factories.specification(session, 7, code=CODE, name="見本 施設予約")
        made = _Maker(session, version)
        made.add("甲", "A", [(ComponentKind.INITIAL, *_ONCE, 100_000),
                             (ComponentKind.MIGRATION, *_ONCE, 200_000),
                             (ComponentKind.BASE, *_MONTHLY, 20_000),
                             (ComponentKind.USAGE, Unit.PERSON, Interval.MONTH, 1),
                             (ComponentKind.EXIT, *_ONCE, 50_000)],
                 size_classes=["under_10k", "10k"], body_kinds=["city", "town"],
                 data_categories=[RESIDENTS, HISTORY])  # fmt: skip
        made.resell("甲", "R", [(ComponentKind.BASE, *_MONTHLY, 25_000)])
        made.add("乙", "B", [(ComponentKind.INITIAL, *_ONCE, 0), (ComponentKind.BASE, *_MONTHLY, 10_000)],
                 size_classes=["10k", "50k"],
                 data_categories=[{**RESIDENTS, "imports": "CSV、XML"}, {**HISTORY, "imports": "ｘｍｌ"}])  # fmt: skip
        made.tell("乙", export_charge_yen=30_000, retrieval_days=10, escrow=False)
        made.answer("乙", "R-006", Answer.NOT_CONFORMING)
        made.add(
            "丙",
            "A",
            [(ComponentKind.BASE, *_MONTHLY, 1)],
            answers=None,
            size_classes=["10k", "200k"],
        )
        made.hide_price("丙")
        made.add("丁", "C", size_classes=["10k"])
        made.add("戊", "C", size_classes=[])
        made.add("己", "C", answers=None, size_classes=[])
        for name, state, since, options in (
            ("甲", ReviewState.CERTIFIED, _on(9, 10), {}),
            ("乙", ReviewState.CONDITIONAL, _on(10, 5), {}),
            ("丙", ReviewState.CERTIFIED, _on(10, 20), {}),
            ("戊", ReviewState.CERTIFIED, _on(1, 15), {"valid_until": datetime(2026, 10, 31, 15, tzinfo=UTC)}),
            ("己", ReviewState.CERTIFIED, _on(11, 20), {}),
        ):  # fmt: skip
            made.certify(name, state, since, **options)
        made.add("停止中の事業者のもの", "S", size_classes=["10k"])
        made.certify("停止中の事業者のもの", ReviewState.CERTIFIED, _on(6, 1))
        made.makers["S"].state = VendorState.SUSPENDED
        factories.offering(session, made.makers["A"], version, OfferState.DRAFT, name="下書き")
        old = factories.specification(
            session,
            2,
            specification=session.get_one(StandardSpecification, version.specification_id),
            label="第0.9版",
            applies_from=date(2020, 4, 1),
        )
        elder = _Maker(session, old, made.makers)
        elder.add("旧版のもの", "B", size_classes=["500k"])
        elder.certify("旧版のもの", ReviewState.CERTIFIED, _on(2, 1))
        return SimpleNamespace(
            version=version,
            rows=made.rows,
            ids={name: str(made.offerings[name]) for name in made.rows},
            makers={name: str(vendor.id) for name, vendor in made.makers.items()},
            old=old,
        )


class _Maker:
    """Adds services by a short name to one version of the specification."""

    def __init__(self, session, version, makers=None):
        self.session, self.version = session, version
        self.makers = makers or {
            name: factories.vendor(session, name=f"見本{name}社", roles=["maker", "seller"])
            for name in "ABCRS"
        }
        self.rows, self.offerings = {}, {}

    def add(self, name, maker, prices=None, **values):
        chosen = {"prices": prices} if prices else {}
        row = factories.offering(
            self.session,
            self.makers[maker],
            self.version,
            name=name,
            published_at=_LONG_AGO,
            **chosen,
            **values,
        )
        self.rows[name] = row
        self.offerings[name] = self.session.get_one(Listing, row.listing_id).offering_id

    def _whole(self, name):
        return load_listing_versions(self.session, [self.rows[name].id])[self.rows[name].id]

    def resell(self, name, seller, prices):
        whole = self._whole(name)
        factories.listing(
            self.session,
            whole.listing.offering,
            whole.offering_version,
            self.makers[seller],
            OfferState.PUBLISHED,
            prices,
        )

    def tell(self, name, **values):
        row = self.session.get_one(ListingVersion, self.rows[name].id)
        for key, value in values.items():
            setattr(row, key, value)

    def hide_price(self, name):
        for component in self._whole(name).components:
            component.tiers = []

    def answer(self, name, requirement_id, answer):
        row = self.session.exec(
            select(ConformanceAnswer)
            .join(Requirement, col(Requirement.id) == ConformanceAnswer.requirement_id)
            .where(
                ConformanceAnswer.offering_version_id == self.rows[name].offering_version_id,
                Requirement.requirement_id == requirement_id,
            )
        ).one()
        row.answer = answer

    def certify(self, name, state, since, **values):
        version = self._whole(name).offering_version
        factories.certification(
            self.session, version, state, valid_from=since, decided_at=since, **values
        )
