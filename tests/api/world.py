"""The market that the tests of the API share, and a client that trusts only the description."""

import hashlib
import json
import re
from datetime import UTC, datetime
from types import SimpleNamespace

from jsonschema import Draft202012Validator

from catalog.api_schemas import RECORDS
from catalog.certification.models import ReviewState
from catalog.offerings.models import OfferAction, OfferState
from catalog.offerings.queries import load_listing_versions
from catalog.price_plan import ComponentKind, Interval, Unit
from catalog.specifications.models import SpecificationState
from core import changes, db
from core.changes import Operation
from core.clock import fixed_at
from core.documents import canonical_json
from tests import factories
from vendors.models import VendorState

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def make_market():
    """Two public offerings (one with two sellers) and everything that must not be public."""
    with fixed_at(START), db.transaction() as session:
        version = factories.specification(session, requirements=3)
        draft = factories.specification(session, requirements=3, state=SpecificationState.DRAFT)
        makers = [factories.vendor(session, roles=["maker", "seller"]) for _ in range(2)]
        hidden = factories.vendor(session, VendorState.SUBMITTED)
        first = factories.offering(session, makers[0], version, name="公開サービス一")
        second = factories.offering(
            session, makers[1], version, name="公開サービス二", answers=None
        )
        rows = load_listing_versions(session, [first.id, second.id])
        prices = [(ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 9_000)]
        reseller = factories.listing(
            session,
            rows[first.id].listing.offering,
            rows[first.id].offering_version,
            makers[1],
            OfferState.PUBLISHED,
            prices,
        )
        unconfirmed = factories.listing(
            session,
            rows[second.id].listing.offering,
            rows[second.id].offering_version,
            makers[0],
            OfferState.PUBLISHED,
            prices,
        )
        load_listing_versions(session, [unconfirmed.id])[unconfirmed.id].listing.revise(
            confirmed_at=None
        )
        secret = factories.offering(
            session, makers[0], version, OfferState.DRAFT, name="秘密の下書き"
        )
        stranger = factories.offering(session, hidden, version, name="未登録事業者のサービス")
        certificate = factories.certification(session, rows[first.id].offering_version)
        factories.certification(session, rows[second.id].offering_version, ReviewState.UNDER_REVIEW)
        for maker in makers:
            changes.append(session, "vendor", maker.id)
        changes.append(session, "specification_version", version.id)
        for row in rows.values():
            changes.append(session, "offering", row.listing.offering_id)
            changes.append(session, "listing", row.listing_id)
        changes.append(session, "listing", reseller.listing_id)
        changes.append(session, "certificate", certificate.id)
        return SimpleNamespace(
            version=version,
            draft=draft,
            makers=makers,
            hidden=hidden,
            rows=rows,
            first=first,
            second=second,
            reseller=reseller,
            unconfirmed=unconfirmed,
            secret=secret,
            stranger=stranger,
            certificate=certificate,
            offering_id=rows[first.id].listing.offering_id,
            other_id=rows[second.id].listing.offering_id,
        )


class Api:
    """A program that trusts nothing that the description does not promise."""

    def __init__(self, client):
        self.client = client
        self.description = json.loads(client.get("/api/v1/openapi.json").data)

    def get(self, path, status=200, **options):
        response = self.client.get(f"/api/v1{path}", **options)
        assert response.status_code == status, response.text
        self.check(path, response)
        return response

    def json(self, path, status=200):
        return self.get(path, status).json

    def check(self, path, response, method="GET"):
        templates = {
            re.sub(r"\{[^}]+\}", "[^/]+", template) + "$": item
            for template, item in self.description["paths"].items()
        }
        plain = f"/api/v1{path}".partition("?")[0]
        # An address without arguments goes before one with them.
        matching = [each for each in templates if re.match(each, plain)]
        found = templates[min(matching, key=lambda each: each.count("["))]
        answers = found[method.lower()]["responses"]
        declared = answers[str(response.status_code)]
        if response.status_code in {204, 304}:
            assert not response.data
            return
        assert response.mimetype in declared["content"]
        schema = declared["content"][response.mimetype].get("schema")
        if response.mimetype == "application/x-ndjson":
            self.hold(json.loads(response.data.splitlines()[0]), schema)
        elif schema:
            self.hold(response.json, schema)

    def hold(self, value, schema):
        whole = {**schema, "components": self.description["components"]}
        checker = Draft202012Validator.FORMAT_CHECKER
        Draft202012Validator(whole, format_checker=checker).validate(value)

    def records(self, snapshot):
        return {
            (line["kind"], line["id"]): line["data"]
            for line in map(json.loads, snapshot.data.splitlines()[1:])
        }


def withdraw(market, version):
    """End a listing and its software as its vendor does."""
    with db.transaction() as session:
        row = load_listing_versions(session, [version.id])[version.id]
        moment = db.now(session)
        row.apply(OfferAction.WITHDRAW, published_at=moment, withdrawn_at=moment)
        row.offering_version.apply(OfferAction.WITHDRAW, published_at=moment, withdrawn_at=moment)
        changes.append(session, "listing", row.listing_id, Operation.DELETE)
        changes.append(session, "offering", row.listing.offering_id, Operation.DELETE)


def component(kind):
    return RECORDS[kind][0]


def hash_of(records):
    """The hash of a catalog, as the documentation says."""
    found = (hashlib.sha256(canonical_json([*key, data])).digest() for key, data in records.items())
    return f"{sum(int.from_bytes(each) for each in found) % 2**256:064x}"


def replay(api, mirror, since):
    """Bring a mirror up to date as a client does, and hold it against the server's hash."""
    while True:
        page = api.json(f"/changes?since={since}&limit=3")
        for change in page["changes"]:
            key = (change["kind"], change["id"])
            if change["operation"] == "delete":
                mirror.pop(key, None)
            else:
                mirror[key] = change["data"]
        since = page["next_since"]
        if since == page["head"]:
            assert (page["count"], page["content_hash"]) == (len(mirror), hash_of(mirror))
            return since
