"""Rows of every kind that the API can name, in one market: what programs ask for when they know their way."""

import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, cast

from sqlalchemy import update
from sqlmodel import Session, col, select

from accounts.hooks import queries as hook_queries
from accounts.hooks import services as hooks
from accounts.hooks.models import (
    MessageState,
    Signature,
    StopReason,
    Webhook,
    WebhookMessage,
    WebhookState,
)
from accounts.identity import Actor
from accounts.models import Organisation, Person, Role
from catalog.certification.models import Certification
from catalog.feed_upkeep import reconcile
from catalog.offerings.evidence_check import Evidence
from catalog.offerings.models import (
    ConformanceAnswer,
    Listing,
    ListingVersion,
    OfferAction,
    OfferingVersion,
    OfferState,
)
from catalog.offerings.queries import (
    find_own_listing_version,
    list_offering_versions,
    load_listing_versions,
)
from catalog.offerings.queries.answers import find_answer
from catalog.offerings.services.evidence import attach_evidence, detach_evidence
from catalog.specifications.models import SpecificationVersion, StandardSpecification
from catalog.specifications.queries import list_requirements
from catalog.terms import Answer, EvidenceKind
from core import changes, db
from core.changes import Operation
from core.clock import day_in_japan
from core.config import Settings
from procurement.contracts.services.confirming import confirm_contract
from procurement.contracts.services.registering import register_contract
from procurement.notices.services import prepare_notice, publish_notice
from tests import factories
from tests.api.draft_groups import GROUPS
from tests.catalog.offerings.conftest import Company, make_draft
from tests.client import CheckedClient
from tests.drills.both import undrawn_papers
from tests.procurement.conftest import START, Market, build_market
from tests.stages import Stages

API = "/api/v1"
_ANSWER: dict[str, Any] = {"answer": "conforms", "note": None, "due_on": None, "evidence_url": None}
_EVIDENCE = "drafts/{offering_version_id}/answers/{requirement_id}/evidence"
_HOOK = {"name": "見本の通知先", "address": "https://example.jp/hooks/narabi"}
_counter = itertools.count(1)


class _Straight:
    """Stages that are always walked: this story is told once."""

    def reach(self, _stage: str, walk: Callable[[], object]) -> None:
        """Walk."""
        walk()


@dataclass
class KnownRows:
    """A town with a purchase walked to its public notice, a vendor with a draft, and webhooks of both.

    `places` are values of path parameters by name, or by `collection.name` where a name means two things.
    """

    settings: Settings
    town: Market
    standard: str = ""
    places: dict[str, list[str]] = field(default_factory=dict)
    hooks: dict[uuid.UUID, tuple[uuid.UUID, uuid.UUID]] = field(default_factory=dict)

    # --- how each operation is asked rightly --------------------------------------------------

    def name_places(self, path: str, owner_id: uuid.UUID | None, number: int) -> dict[str, str]:
        """Return what may stand in the path; of private rows those of the owner, else the vendor's."""
        collection = path.removeprefix(f"{API}/").partition("/")[0]
        own = self.hooks.get(owner_id or uuid.UUID(int=0), self.hooks[self.town.seller.owner_id])
        places = {**self.places, "webhook_id": [str(own[0])], "message_id": [str(own[1])]}
        found = {}
        for name in [each.partition("}")[0] for each in path.split("{")[1:]]:
            values = places.get(f"{collection}.{name}") or places[name]
            found[name] = values[number % len(values)]
        return found

    def list_queries(self, path: str, method: str) -> list[dict[str, Any]]:
        """Return queries that have an answer; the first is the plainest."""
        if method == "post" and path.endswith("/evidence"):
            return [{"name": "results.csv"}]
        both = [str(self.town.cheap.id), str(self.town.other.id)]
        cost = {"body": "reference", "start": "2027-04-01", "months": "36"}
        code = self.places["code"][0]
        known: dict[str, list[dict[str, Any]]] = {
            "/bodies": [{}, {"q": "1310"}, {"kind": "town", "limit": "2"}],
            "/changes": [{"since": "0"}, {"since": "0", "limit": "2"}],
            "/comparison": [{"l": both}, {"l": both, **cost, "diff": "1"}, {"l": both, "limit": "1"}],
            "/cost": [{"l": both[0]}, {"l": both[1], **cost}],
            "/offerings": [{}, {"certification": "certified"}, {"specification": code, "limit": "1"}],
            "/search": [{}, {"q": "予約"}, {"size_class": ["under_10k", "10k"], "facets": "1"}],
            "/vendors": [{}, {"limit": "1"}],
            "/specifications/{code}/versions/{label}/requirements": [{}, {"class": "must", "limit": "2"}],
            "/projects/{project_id}/candidates": [{}, {"revision": "1"}],
        }  # fmt: skip
        return known.get(path.removeprefix(API), [{}])

    def make_body(self, label: str) -> Any:
        """Return a content that is accepted; None where nothing is sent."""
        number = next(_counter)
        path = label.partition(f"{API}/")[2]
        one = {**_ANSWER, "requirement_id": "R-001"}
        known: dict[str, Any] = {
            "POST drafts": {"specification_version_id": self.standard, "name": f"見本{number}"},
            "PATCH drafts/{offering_version_id}/answers": {"answers": [one]},
            "PUT drafts/{offering_version_id}/answers/{requirement_id}": _ANSWER,
            f"POST {_EVIDENCE}": f"番号,結果\r\n{number},合格\r\n".encode(),
            "POST webhooks": {**_HOOK, "signature": "hmac" if number % 2 else "ed25519"},
            "PATCH webhooks/{webhook_id}": {"name": f"通知先{number}"},
        }
        group = path.rpartition("/")[2] if label.startswith("PUT ") else ""
        return known.get(label.replace(f"{API}/", ""), GROUPS.get(group))

    def make_ready(self, label: str, owner_id: uuid.UUID | None) -> dict[str, str]:
        """Bring rows of an owner where the act can be done; returns what else stands in the path."""
        if label.endswith("/offerings/{offering_id}/drafts"):
            return self._end_next_version()
        if "/evidence" in label and "/drafts/" in label:
            return self._ready_evidence(label)
        if owner_id not in self.hooks or "/webhooks" not in label:
            return {}
        hook_id, _ = self.hooks[owner_id]
        with db.transaction() as session:
            for each in hook_queries.list_own(session, owner_id):
                if each.id != hook_id:
                    hook_queries.delete_webhook(session, each.id)
            hook = session.get_one(Webhook, hook_id)
            is_stopped = label.endswith("/resume")
            hook.state = WebhookState.STOPPED if is_stopped else WebhookState.ACTIVE
            hook.stop_reason = StopReason.OWNER if is_stopped else None
            hook.stopped_at = db.now(session) if is_stopped else None
            _finish(session, hook_id)
            if label.startswith("DELETE"):
                return {"webhook_id": str(self._add_hook(session, owner_id)[0])}
        return {}

    def _end_next_version(self) -> dict[str, str]:
        """Take the begun version of the seller's offering away, so that one can begin."""
        with db.transaction() as session:
            offering_id = session.get_one(Listing, self.town.cheap.listing_id).offering_id
            for version in list_offering_versions(session, offering_id):
                terms = find_own_listing_version(session, version)
                for row in (terms, version):
                    if row is not None and row.state is OfferState.DRAFT:
                        row.apply(OfferAction.WITHDRAW)
        return {"offering_id": str(offering_id)}

    def _ready_evidence(self, label: str) -> dict[str, str]:
        """Leave one file beside the answer of the draft, which has room for more."""
        version_id, requirement_id = (
            uuid.UUID(self.places[name][0])
            for name in ("offering_version_id", "drafts.requirement_id")
        )
        with db.transaction() as session:
            actor = _actor(
                session, self.town.seller_admin, Role.VENDOR_ADMIN, self.town.seller.owner_id
            )
            row = session.get_one(OfferingVersion, version_id)
            answer = find_answer(session, version_id, requirement_id)
            if answer is None:
                session.add(
                    ConformanceAnswer(
                        offering_version_id=version_id,
                        requirement_id=requirement_id,
                        answer=Answer.CONFORMS,
                    )
                )
                session.flush()
            for each in list(answer.evidence) if answer else ():
                detach_evidence(session, actor, row, each.id)
            session.expire_all()
            file = Evidence("proof.csv", EvidenceKind.CSV, 8, "e" * 64)
            made = attach_evidence(
                session, actor, row, requirement_id, evidence=file, limit=1_000_000
            )
        return {"evidence_id": str(made.id)}

    # --- how it is made -----------------------------------------------------------------------

    def build(self) -> "KnownRows":
        """Walk everything there once, by the services."""
        with undrawn_papers():
            self.town.reach_accepted()
        self._publish_contract()
        with db.transaction() as session:
            self._note_public(session)
            self._note_private(session)
            for owner_id in (self.town.seller.owner_id, self.town.body.id):
                self.hooks[owner_id] = self._add_hook(session, owner_id)
        reconcile()
        return self

    def _publish_contract(self) -> None:
        town = self.town
        clerk, approver = (
            town.actor(town.clerk, Role.CLERK),
            town.actor(town.approver, Role.APPROVER),
        )
        with db.transaction() as session:
            request = town.load_request(session)
            assert request.sent_at is not None
            contract = register_contract(
                session, clerk, request, version=request.version, number="契約第1号",
                signed_on=day_in_japan(request.sent_at), starts_on=START,
                ends_on=date(START.year + 3, START.month, START.day) - timedelta(days=1),
                signed_record_sha256="a" * 64,
            )  # fmt: skip
            confirm_contract(session, approver, contract, version=contract.version)
            prepare_notice(session, clerk, contract.id, version=0, amount=3_300_000)
            notice = publish_notice(session, approver, contract.id, version=1)
            self.places |= {"contract_id": [str(contract.id)], "notice_id": [str(notice.id)]}
            self.places |= {"request_id": [str(request.id)], "revision": ["1"]}
            self.places |= {"project_id": [str(request.project_id)]}

    def _note_public(self, session: Session) -> None:
        town = self.town
        offered = session.get_one(OfferingVersion, town.cheap.offering_version_id)
        version = session.get_one(SpecificationVersion, offered.specification_version_id)
        standard = session.get_one(StandardSpecification, version.specification_id)
        ended = factories.offering(session, town.rival, version)
        session.expunge_all()  # rows made in this session would keep unloaded relationships
        gone = _withdraw(session, ended)
        rows = load_listing_versions(session, [town.cheap.id, town.other.id])
        certificates = session.exec(select(Certification).limit(2)).all()
        self.standard = str(version.id)
        self.places |= {
            "bodies.code": [str(town.body.code)],
            "code": [standard.code],
            "label": [version.label],
            "requirement_id": ["R-001", "R-002"],
            "certification_id": [str(each.id) for each in certificates],
            "vendor_id": [str(town.seller.id), str(town.rival.id)],
            "offering_id": [*(str(each.listing.offering_id) for each in rows.values()), gone[0]],
            "listing_id": [*(str(each.listing_id) for each in rows.values()), gone[1]],
        }

    def _note_private(self, session: Session) -> None:
        home = session.get_one(Organisation, self.town.seller.owner_id)
        member = factories.person(session, Role.VENDOR_MEMBER, home)
        company = Company(self.town.seller, home, self.town.seller_admin, member)
        standard_id = uuid.UUID(self.standard)
        self.places["offering_version_id"] = [str(make_draft(session, company, standard_id))]
        first = list_requirements(session, standard_id)[0]
        self.places["drafts.requirement_id"] = [str(first.id)]
        self.places["evidence_id"] = [str(uuid.uuid4())]

    def _add_hook(self, session: Session, owner_id: uuid.UUID) -> tuple[uuid.UUID, uuid.UUID]:
        town = self.town
        person, role = (
            (town.clerk, Role.CLERK)
            if owner_id == town.body.id
            else (town.seller_admin, Role.VENDOR_ADMIN)
        )
        actor = _actor(session, person, role, owner_id)
        made = hooks.create(session, actor, self.settings, signature=Signature.HMAC, **_HOOK)
        message = hooks.send_test(session, actor, made.id)
        _finish(session, made.id)
        return made.id, message.id


def build_rows(settings: Settings) -> KnownRows:
    """Build the market with everything that an address of the API can name."""
    no_browser = cast("Callable[[], CheckedClient]", None)
    town = build_market(settings, no_browser, cast("Stages", _Straight()))
    return KnownRows(settings, town).build()


def _actor(session: Session, person: Person, role: Role, owner_id: uuid.UUID) -> Actor:
    return factories.actor(person, role, session.get_one(Organisation, owner_id))


def _finish(session: Session, hook_id: uuid.UUID) -> None:
    """Let every message be delivered, and nobody have asked for one within the hour."""
    mine = update(WebhookMessage).where(col(WebhookMessage.webhook_id) == hook_id)
    session.execute(mine.values(state=MessageState.DELIVERED, is_single=False))
    session.expire_all()


def _withdraw(session: Session, version: ListingVersion) -> tuple[str, str]:
    row = load_listing_versions(session, [version.id])[version.id]
    moment = db.now(session)
    assert row.state is OfferState.PUBLISHED
    row.apply(OfferAction.WITHDRAW, published_at=moment, withdrawn_at=moment)
    row.offering_version.apply(OfferAction.WITHDRAW, published_at=moment, withdrawn_at=moment)
    changes.append(session, "listing", row.listing_id, Operation.DELETE)
    changes.append(session, "offering", row.listing.offering_id, Operation.DELETE)
    return str(row.listing.offering_id), str(row.listing_id)
