"""Programs of every scope and of every kind of organisation: they ask for all that the API has."""

import uuid
from unittest.mock import patch
from urllib.parse import urlencode

from accounts.hooks import sending
from accounts.hooks import services as hooks
from accounts.identity import SCOPES_BY_KIND, Scope
from accounts.models import Organisation, OrganisationKind, Role
from core import db
from tests import factories
from tests.isolation.canaries import addresses
from tests.isolation.canary_town import OF_BODY, READING, CanaryTown
from tests.isolation.crawler import Crawler

_UNSAID = {"HEAD", "OPTIONS"}


def list_programs(town: CanaryTown) -> dict[str, tuple[uuid.UUID, list[Scope]]]:
    """Give each program: its organisation and its scopes."""
    body, seller = town.market.body.id, town.market.seller.owner_id
    owners = {
        OF_BODY: body,
        "program of an asked company": seller,
        "program of another asked company": town.market.rival.owner_id,
    }
    with db.transaction() as session:
        for kind in OrganisationKind:
            made = (
                factories.body(session)
                if kind is OrganisationKind.BODY
                else factories.organisation(session, kind)
            )
            owners[f"program of another {kind.value}"] = made.id
        kinds = {
            who: session.get_one(Organisation, owner_id).kind for who, owner_id in owners.items()
        }
    found = {
        who: (owner_id, sorted(SCOPES_BY_KIND[kinds[who]])) for who, owner_id in owners.items()
    }
    for scope in Scope:
        owner_id = body if scope in SCOPES_BY_KIND[OrganisationKind.BODY] else seller
        found[f"program with {scope} alone"] = (owner_id, [scope])
    assert READING in found
    return found


def ask_as_programs(town: CanaryTown, *names: str, under: str = "/api/") -> None:
    """Ask for every address of the API (or of a part of it) by every method, as these programs."""
    for who in names:
        owner_id, scopes = town.programs[who]
        with db.transaction() as session:
            owner = session.get_one(Organisation, owner_id)
            _, token = factories.api_client(session, owner, scopes)
        crawler = Crawler(town.market.new_client(), token=token)
        for rule, path in addresses(town.app, _places(town, owner_id)):
            if not rule.rule.startswith(under):
                continue
            for method in sorted((rule.methods or set()) - _UNSAID):
                town.watch.look_at(who, f"{method} {rule.rule}", crawler.ask(path, method))
            for query in filter(
                None, town.rows.list_queries(rule.rule, "get") if town.rows else ()
            ):
                asked = f"{path}?{urlencode(query, doseq=True)}"
                town.watch.look_at(who, f"GET {rule.rule}", crawler.ask(asked))


def _places(town: CanaryTown, owner_id: uuid.UUID) -> dict[str, list[str]]:
    """Name rows of every kind; of webhooks the program's own, or somebody else's."""
    rows = town.rows
    if rows is None:
        return town.known
    hook, message = rows.hooks.get(owner_id) or rows.hooks[town.market.seller.owner_id]
    both = {"code": "bodies.code", "requirement_id": "drafts.requirement_id"}
    return {
        **rows.places,
        **town.known,
        **{name: [rows.places[name][0], rows.places[other][0]] for name, other in both.items()},
        "webhook_id": [str(hook)],
        "message_id": [str(message)],
    }


def deliver_webhooks(town: CanaryTown) -> None:
    """Send a message to each webhook and search what its receiver gets."""
    rows = town.rows
    assert rows is not None
    people = {
        town.market.body.id: (town.market.clerk, Role.CLERK),
        town.market.seller.owner_id: (town.market.seller_admin, Role.VENDOR_ADMIN),
    }
    for owner_id, (hook_id, _) in rows.hooks.items():
        rows.make_ready("PATCH /webhooks", owner_id)
        with db.transaction() as session:
            home = session.get_one(Organisation, owner_id)
            hooks.send_test(session, factories.actor(*people[owner_id], home), hook_id)
    sent: list[str] = []

    def keep(_settings: object, _address: str, body: bytes, headers: object) -> sending.Outcome:
        sent.append(f"{headers}\n{body.decode()}")
        return sending.Outcome(200, "", 1)

    with patch.object(sending, "_post", keep):
        for task in sending.claim(is_slow=False, limit=len(rows.hooks)):
            sending.deliver(town.market.settings, task)
    assert len(sent) == len(rows.hooks)
    for each in sent:
        town.watch.look("whoever receives webhooks", "webhook", each)
