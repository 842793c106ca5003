"""What a company, a body and the agency hold privately is told to nobody else, by no way of asking.

Markers are planted in every private column; then strangers open everything that the site offers.
Only on SQLite: pages are read here; the queries behind them are tested on both databases elsewhere.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule, UUIDConverter

from accounts.models import Organisation, OrganisationKind, Role
from catalog.certification.models import ReviewState
from catalog.feed_upkeep import reconcile
from catalog.offerings.models import ListingVersion, OfferingVersion
from core import db
from core.models import metadata
from tests import factories
from tests.isolation.crawler import Answer, Crawler
from tests.isolation.editions import publish_twice
from tests.isolation.planting import NEVER_PLANTED, Ids, Planter
from tests.isolation.review_secrets import add_consultation
from tests.isolation.secrets import plant_all
from tests.isolation.world import PUBLIC, Straight, World, hide_people
from tests.procurement.conftest import MONTHLY, build_market
from tests.search.market import index_all

NOON = datetime(2026, 11, 4, 3, tzinfo=UTC)
UNKNOWN = "00000000-0000-4000-8000-000000000000"
PAGED = ("/api/v1/offerings?limit=1", "/api/v1/changes?limit=1")
# Those whose pages are compared with the pages of before; the others see what these two see.
MEMBER, ADMINISTRATOR = "member of another company", "administrator of another company"
SELLING, BUYING = "program of another company", "program of another body"
PROGRAMS = {SELLING: "/api/v1/drafts", BUYING: "/api/v1/projects"}
CLOSEST = ("anonymous", ADMINISTRATOR)
# The rows that an argument of an address names; the address of a public row is asked as well.
TABLES = {
    "candidate_id": "candidates",
    "paper_id": "project_papers",
    "certification_id": "certifications",
    "client_id": "api_clients",
    "change_id": "synonym_changes",
    "consultation_id": "consultations",
    "contract_id": "contracts",
    "decision_id": "external_decisions",
    "finding_id": "findings",
    "identity_id": "external_identities",
    "listing_id": "listings",
    "listing_version_id": "listing_versions",
    "offering_id": "offerings",
    "offering_version_id": "offering_versions",
    "project_id": "projects",
    "question_id": "questions",
    "quote_request_id": "quote_invitations",
    "report_id": "condition_reports",
    "round_id": "quote_rounds",
    "request_id": "usage_contract_requests",
    "rules_id": "body_rules",
    "saved_search_id": "saved_searches",
    "evidence_id": "answer_evidence",
    "reference_id": "adoption_references",
    "exclusion_id": "exclusion_periods",
    "invitation_id": "invitations",
    "message_id": "webhook_messages",
    "webhook_id": "webhooks",
    "membership_id": "memberships",
    "notice_id": "contract_notices",
    "requirement_id": "requirements",
    "vendor_id": "vendors",
    "version_id": "specification_versions",
}
UPLOADS = {
    "specification_management.review_import": "specification_uploads",
    "vendor_offerings.confirm_sheet": "answer_uploads",
    "vendor_offerings.review_table": "offering_uploads",
}
# What else an address may name.
OTHERS = {
    "chapter": "1",
    "number": "1",
    "paper_format": "pdf",
    "place": "first",
    "provider": "gbizid",
    "requirement_id": "R-001",
    "revision": "1",
    "section": "company",
}

pytestmark = [pytest.mark.sqlite_only, pytest.mark.timeout(300)]


@pytest.fixture
def world(settings, new_client, hold_clock) -> World:
    """Build the public market: nothing in it is private but the names of the people."""
    hold_clock(NOON)
    market = build_market(settings, new_client, Straight())
    with db.transaction() as session:
        agency = factories.person(session, Role.REVIEWER)
        version = session.get_one(OfferingVersion, market.cheap.offering_version_id)
        add_consultation(session, version.specification_version_id, agency)
    made = World(market, Planter(), agency)
    hide_people(made)
    with db.transaction() as session:
        again = publish_twice(session, market, made.planter)
    made.history = f"/listings/{again.listing_id}/history"
    index_all(settings, again)
    reconcile()
    return made


@pytest.fixture
def strangers(world, new_client) -> dict[str, Crawler]:
    """Give everyone who has no business with the secrets, each with a browser."""
    with db.transaction() as session:
        home = session.get_one(Organisation, world.market.rival.owner_id)
        people = {
            MEMBER: factories.person(session, Role.VENDOR_MEMBER, home),
            ADMINISTRATOR: world.market.rival_admin,
            "clerk of another body": factories.person(session, Role.CLERK),
        }
        company = factories.organisation(session, OrganisationKind.VENDOR)
        owners = {SELLING: company, BUYING: factories.body(session)}
        tokens = {who: factories.api_client(session, at)[1] for who, at in owners.items()}
    crawlers = {"anonymous": Crawler(new_client())}
    for who, token in tokens.items():
        crawlers[who] = Crawler(new_client(), 1, 1, in_every_form=False, token=token)
    for who, person in people.items():
        # The member sees less than the administrator: one page of each kind will do.
        most = {"most_alike": 1, "most_questions": 1} if who == MEMBER else {}
        crawlers[who] = Crawler(new_client(), in_every_form=False, **most)
        factories.sign_in_client(crawlers[who].browser, person)
    return crawlers


@pytest.mark.acceptance(7)
def test_no_stranger_learns_anything(app, world, strangers, settings, monkeypatch):
    """Crawl before and after planting: every page, list, count and file says the very same."""
    starts = [world.history, *_starts(app)]
    before = {who: strangers[who].anew().walk(*starts) for who in CLOSEST}
    plant_all(world, monkeypatch)
    reconcile()
    _index_planted(world, settings)
    assert _unplanted() == []
    problems: list[str] = []
    for who, crawler in strangers.items():
        crawler.walk(*starts)
        if who in CLOSEST:
            problems += _differences(who, before[who].answers, crawler.answers)
        problems += _tell(who, world.planter, crawler.answers)
        problems += _search_for_markers(who, world.planter, crawler)
        if who != MEMBER:
            problems += _ask_for_rows(who, world, crawler, app)
    assert problems == [], "\n".join(problems)
    for who, own in PROGRAMS.items():
        assert strangers[who].answers[own].status == 200  # its token was good to the end
    assert "二つ目の版で説明を加えました" in strangers["anonymous"].answers[world.history].words


def test_the_crawler_finds_a_leak_in_every_format(app, world, new_client, settings):
    """A published marker is met on pages, in the API, in the snapshot, in tables and in PDFs."""
    planter = world.planter
    with db.transaction() as session:
        seller = session.merge(world.market.seller)
        specification = factories.specification(session, name=planter.word("specification"))
        name, price = planter.word("name"), planter.amount("price")
        prices = [(*MONTHLY, price)]
        made = factories.offering(session, seller, specification, name=name, prices=prices)
        version = session.get_one(OfferingVersion, made.offering_version_id)
        factories.certification(session, version, ReviewState.CERTIFIED)
    index_all(settings, made)
    reconcile()
    crawler = Crawler(new_client(), most_alike=8).walk(*_starts(app))
    where: dict[str, set[str]] = {}
    for address, answer in crawler.answers.items():
        for marker in planter.found(answer.words):
            where.setdefault(marker, set()).add(f"{answer.kind} {address.split('?')[0]}")
    kinds = {place.split()[0] for places in where.values() for place in places}
    assert {"text/html", "application/json", "application/pdf", "text/csv"} <= kinds
    assert where[name] >= {"text/html /search", f"text/html /listings/{made.listing_id}"}
    assert any("/api/v1/snapshot" in place for place in where[name])
    assert f"{price:,}" in where


# --- what is asked ------------------------------------------------------------------------


def _starts(app: Flask) -> list[str]:
    """Give every address that needs no row, the front page first."""
    rules = [r.rule for r in app.url_map.iter_rules() if "GET" in (r.methods or ())]
    return ["/", *sorted(rule for rule in rules if "<" not in rule), *PAGED]


def _index_planted(world: World, settings: Any) -> None:
    """Tell the index of every planted version: it has to refuse them by itself."""
    with db.reading() as session:
        planted = [
            session.get_one(ListingVersion, each) for each in world.planter.ids["listing_versions"]
        ]
    index_all(settings, *planted)


def _unplanted() -> list[str]:
    """Name the tables of words that no marker is in: a new table has to be thought of here."""
    empty = []
    with db.reading() as session:
        for table in metadata.sorted_tables:
            rows = session.execute(sa.select(table)).all()
            if table.name not in PUBLIC and "zqx" not in repr(rows):
                empty.append(table.name)
    return empty


def _tell(who: str, planter: Planter, answers: dict[str, Answer]) -> list[str]:
    return [
        f"{who}: {address} tells {found}"
        for address, answer in answers.items()
        if (found := planter.found(answer.words))
    ]


def _differences(who: str, before: dict[str, Answer], after: dict[str, Answer]) -> list[str]:
    """Name each answer that differs from what it was when there were no secrets."""
    problems = [f"{who}: only {a}" for a in sorted(before.keys() ^ after.keys())]
    for address in before.keys() & after.keys():
        if before[address] != after[address]:
            old, new = (set(x[address].words.splitlines()) for x in (before, after))
            problems.append(f"{who}: {address} changed: {sorted(new ^ old)[:4]}")
    return problems


def _search_for_markers(who: str, planter: Planter, crawler: Crawler) -> list[str]:
    """Type markers into every field: the answer is the one for a word that nobody planted."""
    sought = [m for m, place in planter.places.items() if place.split(".")[1] in {"name", "title"}]
    problems = []
    for (_, name), path in crawler.text_fields.items():
        nothing = _undrawn(crawler.ask(f"{path}?{name}={NEVER_PLANTED}").words)
        for marker in [*sought[::9], "zqx"]:
            answer = _undrawn(crawler.ask(f"{path}?{name}={marker}").words)
            if answer.replace(marker, "") != nothing.replace(NEVER_PLANTED, ""):
                problems.append(f"{who}: {path} by {name} knows {marker}")
    return problems


def _undrawn(words: str) -> str:
    """Leave out the number of the lot that orders equals: it follows from the question."""
    return re.sub(r"番号\d+の抽選", "", words)


def _ask_for_rows(who: str, world: World, crawler: Crawler, app: Flask) -> list[str]:
    """Ask for each planted row by every address and method: as if there were no such row."""
    app.config["WTF_CSRF_ENABLED"] = False
    problems = []
    unknowns: dict[tuple[str, str], Answer] = {}
    known = world.known
    for rule in app.url_map.iter_rules():
        # What the walk has opened was searched there.
        for address in sorted(set(_addresses(rule, known)) - crawler.answers.keys()):
            answer = crawler.ask(address)
            if told := world.planter.found(_without_ids(answer.words, address)):
                problems.append(f"{who}: {address} tells {told}")
        rows = list(_addresses(rule, world.planter.ids))
        if crawler.token and not rule.rule.startswith("/api/"):
            continue
        for address in rows if who == ADMINISTRATOR else rows[-1:]:
            nowhere = _with_unknown(address)
            methods = {"GET"} if who == "anonymous" else {"GET", "POST"}
            methods |= {"PUT", "PATCH", "DELETE"} if crawler.token else set()
            for method in sorted(methods & (rule.methods or set())):
                crawler.browser.delete_cookie("narabi_form")  # the notice of an answer before
                answer = crawler.ask(address, method)
                if told := world.planter.found(_without_ids(answer.words, address)):
                    problems.append(f"{who}: {method} {address} tells {told}")
                if (method, nowhere) not in unknowns:
                    unknowns[method, nowhere] = crawler.ask(nowhere, method)
                unknown = unknowns[method, nowhere]
                if _without_ids(answer.words, address) != _without_ids(unknown.words, nowhere):
                    statuses = answer.status, unknown.status
                    problems.append(
                        f"{who}: {method} {rule.rule} betrays that it exists {statuses}"
                    )
    return problems


def _addresses(rule: Rule, ids: Ids) -> Iterator[str]:
    """Give the rule with planted rows in its places."""
    named = [name for name, found in rule._converters.items() if type(found) is UUIDConverter]
    tables = [UPLOADS[rule.endpoint] if n == "upload_id" else TABLES[n] for n in named]
    rows = [_first_and_last(ids.get(table, [])) for table in tables]
    for chosen in zip(*rows, strict=False) if rows else ():
        named_rows = dict(zip(named, chosen, strict=True))
        path = rule.rule
        for name in rule.arguments:
            value = str(named_rows.get(name, OTHERS.get(name, "none")))
            path = re.sub(rf"<(?:[^<>]*:)?{name}>", value, path)
        yield path


def _first_and_last(rows: list[UUID]) -> list[UUID]:
    """Give the row that the services made and the last one planted: what is not yet sent."""
    return [*rows[:1], *rows[1:][-1:]]


def _with_unknown(address: str) -> str:
    for each in _ids_in(address):
        address = address.replace(each, UNKNOWN)
    return address


def _ids_in(address: str) -> list[str]:
    """Return the ids in an address."""
    return re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", address)


def _without_ids(words: str, address: str) -> str:
    for each in _ids_in(address):
        words = words.replace(each, "ID")
    return words
