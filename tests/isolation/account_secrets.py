"""What the site keeps of people: identities, journeys, drafts, messages and the trail."""

from sqlmodel import Session

from accounts import models as accounts
from accounts.clients.models import ApiClient, AuthMethod
from accounts.hooks.models import Webhook, WebhookAttempt, WebhookKey, WebhookMessage
from accounts.models import Role
from catalog.kept.models import CostProfile
from core import audit, audit_checkpoints, form_drafts, form_keys, idempotency, outbox
from core.db import now
from search.saved.models import SavedSearch
from tests import factories
from tests.isolation.world import World


def plant_accounts(world: World, session: Session) -> None:
    """Plant identities, journeys, notices, messages under way and the trail."""
    town, planter = world.market, world.planter
    admin, moment = town.seller_admin, now(session)
    bond = {"person_id": admin.id, "asked_organisation_id": town.seller.owner_id}
    identity = planter.plant(session, accounts.ExternalIdentity, **bond)
    of = {"person_id": admin.id, "organisation_id": town.seller.owner_id}
    signed_in = planter.plant(session, accounts.SignIn, identity_id=identity.id, **of)
    planter.plant(session, accounts.SignInAttempt, sign_in_id=signed_in.id)
    for told in (town.seller.owner_id, town.body.id):
        planter.plant(session, accounts.OrganisationNotice, organisation_id=told)
    planter.plant(session, outbox.OutboxMessage, created_at=moment, done_at=moment)
    planter.plant(session, form_keys.FormPosting, created_at=moment)
    planter.plant(session, idempotency.IdempotencyKey, created_at=moment)
    planter.plant(session, form_drafts.FormDraft, person_id=admin.id)
    planter.plant(session, audit_checkpoints.AuditCheckpoint)  # kept for the operator
    for seeker, home in ((admin, town.seller.owner_id), (town.clerk, town.body.id)):
        kept = {"person_id": seeker.id, "organisation_id": home, "match_count": 1}
        sought = [["q", word := planter.word("saved_searches.conditions"), f"キーワード：{word}"]]
        matches = [planter.word("saved_searches.matches")]
        planter.plant(session, SavedSearch, conditions=sought, matches=matches, **kept)
        entered = {"body": "reference", "population_from": planter.word("cost_profiles.conditions")}
        own = {"person_id": seeker.id, "organisation_id": home, "baseline_ends_on": moment.date()}
        planter.plant(session, CostProfile, conditions=entered, **own)
    for home in (town.seller.owner_id, town.body.id):
        live = {"auth_method": AuthMethod.CLIENT_SECRET, "jwks": "", "former_secret_hash": ""}
        planter.plant(session, ApiClient, owner_id=home, scopes=["feed.read"], **live)
    for told in (town.seller.owner_id, town.body.id):
        hook = planter.plant(session, Webhook, owner_id=told, stop_reason=None)
        planter.plant(session, WebhookKey, webhook_id=hook.id)
        message = planter.plant(session, WebhookMessage, webhook_id=hook.id)
        planter.plant(session, WebhookAttempt, message_id=message.id)
    words = {name: planter.word(f"audit_details.{name}") for name in ("reason", "title")}
    actor = factories.actor(town.clerk, Role.CLERK, town.body)
    case = planter.ids["projects"][0]
    act = planter.word("audit_events.action")
    audit.record(session, actor, act, "Project", case, owner_id=town.body.id, case_id=case, **words)
