"""A number that no column holds is refused in words, on every form that can be reached.

Only PostgreSQL has such columns; SQLite would take the number.
"""

import importlib
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from flask.testing import FlaskClient
from marshmallow import fields, validate
from sqlalchemy import text
from werkzeug.routing import Rule

from accounts.auth import route_access
from accounts.identity import Grantee, Pseudo
from accounts.models import Organisation, OrganisationKind, Role
from accounts.permission_table import PERMISSIONS
from catalog.certification.models import ReviewState
from catalog.offerings.models import OfferingVersion, OfferState
from catalog.specifications.models import SpecificationState, SpecificationVersion
from core import db
from core.fields import FormSchema
from tests import factories
from tests.client import CheckedClient, filled
from tests.page_checks import parse_page
from vendors.models import Vendor, VendorState

ROOT = Path(__file__).parents[2]
LARGEST_COLUMN = 2**31 - 1
HUGE = "5000000000"
ENOUGH = 3  # pages of one route, such as the three parts of a registration
# Numbers of the change feed lie in 64 bits; a cost is asked of the index, which has no columns.
WIDE = {
    ("ChangesQuerySchema", "since"),
    ("SearchSchema", "cost_max"),
    ("TypedSchema", "cost_max"),
}
ADDRESSES = (
    "/search?page={}",
    "/search?population={}",
    "/search?cost_max={}",
    "/search?seed={}",
    "/compare?months={}&l={}",
    "/compare?start={}-04",
    "/cost?months={}",
    "/vendors/queue?page={}",
    "/api/v1/changes?since={}",
    "/api/v1/changes?since=0&limit={}",
    "/api/v1/offerings?limit={}",
    "/api/v1/offerings?cursor={}",
)
PLACES = {
    "candidate_id": ("id", "candidates"),
    "certification_id": ("id", "certifications"),
    "code": ("code", "standard_specifications"),
    "listing_id": ("id", "listings"),
    "listing_version_id": ("id", "listing_versions"),
    "offering_version_id": ("id", "offering_versions"),
    "project_id": ("id", "projects"),
    "request_id": ("id", "usage_contract_requests"),
    "upload_id": ("id", "specification_uploads"),
    "vendor_id": ("id", "vendors"),
    "version_id": ("id", "specification_versions"),
}
REACHED = {
    "certification.decide",
    "market.publish_version",
    "projects.create",
    "projects.edit",
    "projects.lock",
    "projects.propose",
    "requests.decide",
    "requests.edit",
    "vendor_offerings.edit_answers",
    "vendor_offerings.edit_exit",
    "vendor_offerings.edit_operation",
    "vendor_offerings.edit_prices",
    "vendors.decide",
    "vendors.edit",
    "vendors.register",
    "vendors.suspend",
}


def schemas(base: type[FormSchema] = FormSchema) -> Iterator[type[FormSchema]]:
    for each in base.__subclasses__():
        yield each
        yield from schemas(each)


@pytest.mark.sqlite_only
def test_every_whole_number_that_is_read_has_a_bound_that_its_column_holds():
    for path in sorted(ROOT.glob("[a-z]*/**/*schemas.py")):
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    unbound, found = [], 0
    for schema in schemas():
        if schema.__module__.startswith("tests") or "api" in schema.__module__:
            continue
        for name, field in schema().load_fields.items():
            if isinstance(field, fields.Integer) and (schema.__name__, name) not in WIDE:
                found += 1
                limits = [each.max for each in field.validators if isinstance(each, validate.Range)]
                choices = [
                    max(each.choices)
                    for each in field.validators
                    if isinstance(each, validate.OneOf)
                ]
                if not limits + choices or min(limits + choices) > LARGEST_COLUMN:
                    unbound.append(f"{schema.__name__}.{name}")
    assert unbound == []
    assert found > 40


@pytest.fixture
def browsers(market, new_client) -> list[tuple[Grantee, CheckedClient]]:
    """Everyone who has a form with a number before them, in a market with something in each state."""

    def propose():
        return market.propose(market.cheap, splitting_note="施設ごとに別の契約とするため。")

    def approve():
        return market.decide("approve")

    market.reach_submitted()
    # One project each: with a request not yet submitted, compared, and searching.
    for acts in (
        (market.lock, market.compare, propose, approve, market.draw_up),
        (market.lock, market.compare),
        (),
    ):
        market.open_project()
        market.search()
        assert [act().status_code for act in acts] == [303] * len(acts)
    with db.transaction() as session:
        checked = factories.vendor(session, VendorState.CHECKING)
        begun = factories.vendor(session, VendorState.DRAFT)
        seller = session.get_one(Vendor, market.seller.id)
        cheap = session.get_one(OfferingVersion, market.cheap.offering_version_id)
        specification = session.get_one(SpecificationVersion, cheap.specification_version_id)
        factories.offering(session, seller, specification, OfferState.DRAFT)
        reviewed = factories.offering(session, seller, specification, OfferState.IN_REVIEW)
        version = session.get_one(OfferingVersion, reviewed.offering_version_id)
        factories.certification(session, version, ReviewState.RECOMMENDED)
        factories.specification(session, state=SpecificationState.DRAFT)
        agency = factories.organisation(session, OrganisationKind.AGENCY)
        people = [factories.person(session, Role.LEAD_REVIEWER, agency)]
        for each in (checked, begun):
            home = session.get_one(Organisation, each.owner_id)
            people.append(factories.person(session, Role.VENDOR_ADMIN, home))
    lead, *admins = [market.as_(each) for each in (*people, market.seller_admin)]
    return [
        (Role.LEAD_REVIEWER, lead),
        *((Role.VENDOR_ADMIN, admin) for admin in admins),
        (Role.CLERK, market.as_(market.second_clerk)),
        (Role.APPROVER, market.as_(market.approver)),
        (Pseudo.ANONYMOUS, new_client()),
    ]


@pytest.mark.postgres_only
@pytest.mark.timeout(300)
def test_no_form_falls_over_a_number_that_no_column_holds(app, browsers):
    places = _places()
    asked: Counter[str] = Counter()
    for rule in app.url_map.iter_rules():
        stated = route_access(app, rule.endpoint)
        if "POST" not in rule.methods or stated is None:
            continue
        for path in _addresses(rule, places):
            for role, browser in browsers:
                if role in PERMISSIONS[stated[1]] and _posts_huge_numbers(browser, path):
                    asked[rule.endpoint] += 1
                    break
            if asked[rule.endpoint] == ENOUGH:
                break
    assert set(asked) >= REACHED
    for address in ADDRESSES:
        path = address.replace("{}", HUGE)
        for _, browser in (browsers[0], browsers[-1]):
            status = FlaskClient.open(browser, path).status_code
            assert status in {200, 303, 400, 404, 410, 422}, f"{path}: {status}"


def _places() -> dict[str, list[str]]:
    """Give everything in the database for each kind of place in an address."""
    with db.reading() as session:
        found = {
            place: [
                str(key) for key in session.execute(text(f"SELECT {column} FROM {table}")).scalars()
            ]
            for place, (column, table) in PLACES.items()
        }
    return {**found, "section": ["company", "qualification", "contact"], "chapter": ["1"]}


def _addresses(rule: Rule, places: dict[str, list[str]]) -> Iterator[str]:
    """Give each address of a route; none when nothing of its kind was made (REACHED guards that)."""
    names = sorted(rule.arguments)
    for values in itertools.product(*(places.get(name, []) for name in names)):
        path = rule.rule
        for name, value in zip(names, values, strict=True):
            path = re.sub(rf"<(?:[^<>]*:)?{name}>", value, path)
        yield path


def _posts_huge_numbers(browser: CheckedClient, path: str) -> bool:
    """Send each form of a page with every number too large; tells whether there was one."""
    response = FlaskClient.open(browser, path)
    if response.status_code != 200 or response.mimetype != "text/html":
        return False
    sent = False
    for form in parse_page(response.text).iter("form"):
        numbers = [name for name in map(_number_name, form.iter("input")) if name]
        if form.get("method", "get").lower() != "post" or not numbers:
            continue
        values = filled(form, dict.fromkeys(numbers, HUGE))
        answer = FlaskClient.open(
            browser,
            form.get("action") or path,
            method="POST",
            data=values,
            content_type=form.get("enctype"),
        )
        assert answer.status_code == 422, f"{path} {numbers}: {answer.status_code}"
        fields_now = {each.get("name"): each for each in parse_page(answer.text).iter("input")}
        taken = [name for name in numbers if not _is_refused(fields_now[name])]
        assert taken == [], f"{path}: {taken}"
        sent = True
    return sent


def _number_name(field: Element) -> str | None:
    is_number = field.get("inputmode") == "numeric" or field.get("name") == "version"
    return field.get("name") if is_number else None


def _is_refused(field: Element) -> bool:
    return field.get("type") == "hidden" or field.get("aria-invalid") == "true"
