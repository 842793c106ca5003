"""The sample services: written, submitted, reviewed, decided, published, changed, ended."""

import uuid
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from catalog.certification import services as certification
from catalog.certification.models import Opinion
from catalog.offerings import queries
from catalog.offerings import services as offerings
from catalog.offerings.answer_rules import AnswerValues
from catalog.offerings.content import (
    LISTING_FIELDS,
    OFFERING_FIELDS,
    hash_content,
    listing_content,
    number_of_seller,
    offering_content,
)
from catalog.offerings.models import Listing, ListingVersion, OfferAction, Offering, OfferingVersion
from catalog.price_plan import (
    ComponentKind,
    Currency,
    Interval,
    PartMonth,
    TaxRounding,
    TierMode,
    Unit,
)
from catalog.specifications import queries as specifications
from catalog.terms import Answer
from core import audit, changes, outbox
from core.db import now
from core.errors import NotFound
from procurement.demo.proceedings import ProceedingActs
from procurement.demo.reviewing import LEAD
from procurement.demo.story import Story, Timeline
from procurement.demo.world import Row, World, read_rows

_CODES: Mapping[str, Callable[[str], Any]] = {
    "kind": ComponentKind,
    "unit": Unit,
    "interval": Interval,
    "tier_mode": TierMode,
    "currency": Currency,
}
_FINAL = {
    "certified": Opinion.CERTIFY,
    "suspended": Opinion.CERTIFY,
    "revoked": Opinion.CERTIFY,
    "conditional": Opinion.CONDITIONAL,
    "refused": Opinion.REFUSE,
}
_DAYS_BEFORE = 60


def plan_offerings(timeline: Timeline, world: World) -> None:
    """Plan every sample service as far as its states say."""
    vendors = {row["key"]: row for row in read_rows("demo_vendors.toml", "vendors")}
    for row in read_rows("demo_offerings.toml", "offerings"):
        maker = vendors[row["maker"]]
        ready_on = max(maker["decided_on"], maker["agreement_accepted_on"])
        OfferingStory(world, row, _facts(row, maker)).plan(timeline, ready_on)


def _facts(row: Row, maker: Row) -> dict[str, Any]:
    """Return what a sample service says of its users and its maker's accreditations."""
    held = [
        {
            "kind": each["scheme"],
            "number": each["number"],
            "body": each["issuer"],
            "scope": each["scope"],
            "expires_on": each["expires_on"].isoformat(),
        }
        for each in maker.get("accreditations", [])
    ]
    return {"accreditations": held, "body_kinds": row["listings"][0].get("body_kinds", [])}


class OfferingStory(ProceedingActs):
    """One service of one maker with its sellers."""

    def __init__(self, world: World, row: Row, facts: Mapping[str, Any]) -> None:
        super().__init__(world, row)
        self._facts = facts
        own = [each for each in row["listings"] if each["seller"] == row["maker"]]
        self._own_terms = own or row["listings"][:1]
        self._sells_itself = bool(own)
        self._others = [each for each in row["listings"] if each["seller"] != row["maker"]]

    def plan(self, timeline: Timeline, ready_on: date) -> None:
        """Plan all acts in their order, none before the maker may sell."""
        story = Story(timeline, max(ready_on, self._begins_on()))
        for earlier in self._row.get("earlier_versions", []):
            self._plan_earlier(story, earlier)
        story.then(self._submitted_on(), self._write)
        if self._row["state"] == "draft":
            return
        if "conformance_defaults" not in self._row:
            story.then(self._row["published_on"], self._publish_unanswered)
        else:
            self._plan_review(story)
        self._plan_market(story)

    def _begins_on(self) -> date:
        day = self._submitted_on()
        earlier = self._row.get("earlier_versions")
        first: date = earlier[0]["published_on"] - timedelta(days=5) if earlier else day
        return first

    def _submitted_on(self) -> date:
        known = self._review.get("submitted_on") or self._row.get("submitted_on")
        if known is None and "published_on" in self._row:
            known = self._row["published_on"] - timedelta(days=_DAYS_BEFORE)
        day: date = known or date(2026, 10, 20)
        published = date(2026, 9, 30)
        return max(day, published) if self._row["specification_version"] == "2.0" else day

    def _plan_earlier(self, story: Story, earlier: Row) -> None:
        story.then(None, self._write)
        story.then(None, self._submit)
        story.then(None, self._assign)
        story.then(None, self._recommend(0, Opinion.CERTIFY))
        story.then(None, self._recommend(1, Opinion.CERTIFY))
        story.then(earlier["published_on"], self._decide(Opinion.CERTIFY, earlier["published_on"]))
        story.then(None, self._publish)

    def _plan_review(self, story: Story) -> None:
        state = self._review.get("state", "claimed")
        story.then(None, self._submit)
        if state == "submitted":
            return
        story.then(story.day + timedelta(days=1), self._assign)
        self._plan_conversation(story)
        if state in {"assigned", "under_review"}:
            if state == "under_review":
                story.then(None, self._recommend(0, Opinion.CERTIFY))
            return
        if state == "info_requested":
            story.then(None, self._ask)
            return
        final = _FINAL.get(state, Opinion.CERTIFY)
        opinions = [Opinion(each) for each in self._review.get("opinions", [])] or [final, final]
        story.then(story.day + timedelta(days=1), self._recommend(0, opinions[0]))
        if state == "claimed" or final is Opinion.REFUSE:
            story.then(None, self._approve_claim)
        if state == "claimed":
            return
        story.then(None, self._recommend(1, opinions[1]))
        if state != "recommended":
            decided = self._review["decided_on"]
            story.then(decided, self._decide(final, self._review.get("valid_until")))

    def _plan_market(self, story: Story) -> None:
        row = self._row
        if "published_on" not in row:
            return
        if "conformance_defaults" in row:
            story.then(row["published_on"], self._publish)
        if not self._sells_itself:
            story.then(None, self._stop_own_sale)
        for terms in self._others:
            story.then(terms.get("published_on"), self._sell(terms))
        for changed in self._own_terms[1:]:
            story.then(changed["published_on"], self._change_terms(changed))
        if self._review.get("ended_on"):
            story.then(self._review["ended_on"], self._end_certificate)
        self._plan_aftermath(story)
        if row.get("withdrawn_on"):
            story.then(row["withdrawn_on"], self._withdraw)

    # --- the maker -------------------------------------------------------------------------------

    def _maker(self, session: Session) -> Actor:
        return self._world.actor(session, f"admin@{self._row['maker']}.example.jp")

    def _write(self, session: Session) -> None:
        row, maker = self._row, self._maker(session)
        if row["key"] in self._world.offerings:
            offering = session.get_one(Offering, self._world.offerings[row["key"]])
            self._version_id = offerings.start_new_version(session, maker, offering).id
        else:
            self._begin(session, maker)
        version = self._version(session)
        told = {**self._facts, **row}
        values = {name: told[name] for name in OFFERING_FIELDS if name in told}
        offerings.edit_offering_version(session, maker, version, version=version.version, **values)
        terms = queries.find_own_listing_version(session, version)
        if terms is None:
            raise NotFound
        _write_terms(session, maker, terms, self._own_terms[0])
        answers = self._answers(session, version)
        if answers:
            offerings.save_answers(
                session, maker, version, version=version.version, answers=answers
            )

    def _begin(self, session: Session, maker: Actor) -> None:
        row, world = self._row, self._world
        key = row["specification"], row["specification_version"]
        made = offerings.create_offering(
            session, maker, specification_version_id=world.specifications[key], name=row["name"]
        )
        listing = session.get_one(Listing, made.listing_id)
        self._version_id = made.offering_version_id
        world.offerings[row["key"]] = listing.offering_id
        world.listings[row["key"], row["maker"]] = listing.id

    def _answers(self, session: Session, version: OfferingVersion) -> dict[uuid.UUID, AnswerValues]:
        defaults = self._row.get("conformance_defaults")
        if defaults is None:
            return {}
        told = {each["requirement_id"]: each for each in self._row["conformance_overrides"]}
        answers = {}
        for each in specifications.list_requirements(session, version.specification_version_id):
            own = told.get(each.requirement_id)
            if own is not None:
                answers[each.id] = AnswerValues(
                    Answer(own["answer"]), own.get("note", ""), own.get("due_on")
                )
            elif each.class_other.value in defaults:
                answers[each.id] = AnswerValues(Answer(defaults[each.class_other.value]))
        return answers

    def _submit(self, session: Session) -> None:
        certification.submit_offering(session, self._maker(session), self._version(session))

    def _publish(self, session: Session) -> None:
        before = self._published_id(session)
        certification.publish_offering(session, self._maker(session), self._version(session))
        if before is not None:
            self._supersede_certificate(session, before)

    def _published_id(self, session: Session) -> uuid.UUID | None:
        offering_id = self._world.offerings[self._row["key"]]
        published = queries.published_offering_version(session, offering_id)
        return published.id if published else None

    def _publish_unanswered(self, session: Session) -> None:
        """Publish a service of the time before answers were asked for: 情報なし."""
        version = self._version(session)
        terms = queries.find_own_listing_version(session, version)
        if terms is None:
            raise NotFound
        terms.submitted_seller = number_of_seller(terms)
        hashes = (
            hash_content(offering_content(version, {})),
            hash_content(listing_content(terms)),
        )
        rows: tuple[OfferingVersion | ListingVersion, ...] = (version, terms)
        for row, digest in zip(rows, hashes, strict=True):
            row.apply(OfferAction.SUBMIT, content_sha256=digest, submitted_at=now(session))
            row.apply(OfferAction.START_REVIEW)
            row.apply(OfferAction.APPROVE, approved_at=now(session))
            row.apply(OfferAction.PUBLISH, published_at=now(session))
            kind = type(row).__name__
            audit.record(
                session, audit.SYSTEM, "offering.carry_in", kind, row.id, owner_id=row.owner_id
            )
        changes.append(session, "offering", version.offering_id)
        _announce(session, terms.listing_id, changes.Operation.UPSERT)

    def _stop_own_sale(self, session: Session) -> None:
        """Leave the sale to the sellers: the maker's own terms end, the software goes on."""
        terms = queries.find_own_listing_version(session, self._version(session))
        if terms is None:
            raise NotFound
        reason = "開発した会社による販売を終え、販売者からの提供に一本化しました。"
        terms.apply(OfferAction.WITHDRAW, withdrawn_at=now(session), withdrawal_reason=reason)
        audit.record(
            session,
            self._maker(session),
            "listing.withdraw",
            "ListingVersion",
            terms.id,
            owner_id=terms.owner_id,
            reason=reason,
        )
        _announce(session, terms.listing_id, changes.Operation.DELETE)

    def _change_terms(self, terms: Row) -> Callable[[Session], None]:
        def act(session: Session) -> None:
            maker = self._maker(session)
            listing_id = self._world.listings[self._row["key"], self._row["maker"]]
            listing = session.get_one(Listing, listing_id)
            made = offerings.start_listing_change(session, maker, listing)
            _put_on_sale(session, self._world, maker, made, terms)

        return act

    def _withdraw(self, session: Session) -> None:
        listing = queries.get_listing(
            session, self._world.listings[self._row["key"], self._row["maker"]]
        )
        if listing is None:
            raise NotFound
        offerings.withdraw_listing(
            session,
            self._maker(session),
            listing,
            reason=self._row["withdrawal_reason"],
            ends_on=self._row["service_ends_on"],
        )

    def _sell(self, terms: Row) -> Callable[[Session], None]:
        def act(session: Session) -> None:
            seller = self._world.actor(session, f"admin@{terms['seller']}.example.jp")
            offering = session.get_one(Offering, self._world.offerings[self._row["key"]])
            made = offerings.create_listing(session, seller, offering)
            self._world.listings[self._row["key"], terms["seller"]] = made.listing_id
            if terms["state"] == "submitted":
                loaded = _write_terms(session, seller, _loaded(session, made), terms)
                offerings.submit_listing_version(session, seller, loaded)
                return
            listing = queries.get_listing(session, made.listing_id)
            if listing is None:
                raise NotFound
            offerings.confirm_listing(session, self._maker(session), listing)
            _put_on_sale(session, self._world, seller, made, terms)

        return act


def _put_on_sale(
    session: Session, world: World, seller: Actor, made: ListingVersion, terms: Row
) -> None:
    row = _write_terms(session, seller, _loaded(session, made), terms)
    offerings.submit_listing_version(session, seller, row)
    offerings.approve_listing_version(session, world.actor(session, LEAD), row)
    offerings.publish_listing_version(session, seller, row)


def _loaded(session: Session, row: ListingVersion) -> ListingVersion:
    found = queries.get_listing_version(session, row.id)
    if found is None:
        raise NotFound
    return found


def _write_terms(
    session: Session, seller: Actor, row: ListingVersion, terms: Row
) -> ListingVersion:
    values = {name: terms[name] for name in LISTING_FIELDS if name in terms}
    values["tax_rounding"] = TaxRounding(terms["tax_rounding"])
    values["part_month"] = PartMonth(terms.get("part_month", PartMonth.WHOLE))
    components = [
        {name: _CODES[name](value) if name in _CODES else value for name, value in each.items()}
        for each in terms["components"]
    ]
    offerings.save_prices(
        session, seller, row, version=row.version, components=components, **values
    )
    return _loaded(session, row)


def _announce(session: Session, listing_id: uuid.UUID, operation: changes.Operation) -> None:
    changes.append(session, "listing", listing_id, operation)
    outbox.publish(session, "search.listing_changed", {"listing_id": listing_id})
