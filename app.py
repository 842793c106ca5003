"""The application: settings, database, pages, API, error answers, outbox handlers and commands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import click
from flask import Flask, request, url_for
from sqlmodel import Session

import accounts.address_services
import accounts.address_views
import accounts.cli
import accounts.clients.cli
import accounts.clients.oauth_views
import accounts.clients.views
import accounts.draft_views
import accounts.health_views
import accounts.hooks.api
import accounts.hooks.backlog
import accounts.hooks.sending
import accounts.hooks.upkeep
import accounts.hooks.views
import accounts.identity_views
import accounts.membership_services
import accounts.notices
import accounts.oidc_views
import accounts.views
import catalog.api
import catalog.certification.certificate_views
import catalog.certification.difference_views
import catalog.certification.finding_views
import catalog.certification.measure_views
import catalog.certification.review_views
import catalog.certification.services
import catalog.certification.submission_views
import catalog.certification.views
import catalog.comparison_frame
import catalog.comparison_views
import catalog.conditions_views
import catalog.cost_api
import catalog.cost_views
import catalog.evidence_views
import catalog.feed
import catalog.feed_cli
import catalog.feed_upkeep
import catalog.history_views
import catalog.listing_views
import catalog.mirror_cli
import catalog.offering_api
import catalog.offerings.api
import catalog.offerings.cli
import catalog.offerings.file_cli
import catalog.offerings.queries.answers
import catalog.offerings.services
import catalog.offerings.views
import catalog.options_views
import catalog.party_api
import catalog.reference_views
import catalog.services
import catalog.specifications.api
import catalog.specifications.change_views
import catalog.specifications.cli
import catalog.specifications.consultation.review_views
import catalog.specifications.consultation.views
import catalog.specifications.management
import catalog.specifications.registry_views
import catalog.specifications.services
import catalog.specifications.views
import procurement.bodies.views
import procurement.contracts.api
import procurement.contracts.services
import procurement.contracts.views
import procurement.demo.cli
import procurement.estimates.services
import procurement.estimates.vault
import procurement.estimates.views
import procurement.home.views
import procurement.market.figures_api
import procurement.market.figures_views
import procurement.market.leaving_views
import procurement.market.queries
import procurement.market.services
import procurement.market.views
import procurement.notices.api
import procurement.notices.views
import procurement.projects.api
import procurement.projects.views
import procurement.proof.cli
import procurement.proof.views
import procurement.quoting.queries
import procurement.quoting.views
import procurement.selection.queries
import procurement.selection.views
import procurement.succession.views
import search.api
import search.cli
import search.indexer
import search.saved.views
import search.synonyms.views
import search.views
import vendors.agreement_letters
import vendors.agreement_views
import vendors.arrival_views
import vendors.draft_letters
import vendors.filing_views
import vendors.letters
import vendors.member_views
import vendors.queries
import vendors.reminders
import vendors.review_views
import vendors.standing_views
import vendors.views
from accounts import auth
from accounts.clients import standing
from accounts.permissions import Permission, may_somewhere
from core import (
    api_delivery,
    audit_checkpoints,
    changes,
    clock,
    db,
    health,
    metrics,
    outbox,
    storage,
    web,
)
from core import cli as operations
from core.backups import cli as backups
from core.config import Settings, UnsafeSettingsError, read_settings

BLUEPRINTS = (
    accounts.views.blueprint,
    accounts.health_views.blueprint,
    accounts.hooks.api.blueprint,
    accounts.clients.oauth_views.blueprint,
    accounts.clients.views.blueprint,
    accounts.hooks.views.blueprint,
    catalog.certification.views.blueprint,
    catalog.evidence_views.blueprint,
    catalog.listing_views.blueprint,
    catalog.offerings.views.blueprint,
    catalog.specifications.api.blueprint,
    catalog.specifications.views.blueprint,
    catalog.specifications.change_views.blueprint,
    catalog.specifications.management.blueprint,
    catalog.specifications.registry_views.blueprint,
    catalog.specifications.consultation.views.blueprint,
    catalog.specifications.consultation.review_views.blueprint,
    catalog.reference_views.blueprint,
    catalog.comparison_frame.blueprint,
    catalog.api.blueprint,
    catalog.offerings.api.blueprint,
    procurement.bodies.views.blueprint,
    procurement.home.views.blueprint,
    procurement.market.views.blueprint,
    procurement.projects.api.blueprint,
    procurement.notices.api.blueprint,
    procurement.notices.views.blueprint,
    procurement.projects.views.blueprint,
    procurement.proof.views.blueprint,
    procurement.quoting.views.blueprint,
    procurement.succession.views.blueprint,
    procurement.contracts.api.blueprint,
    procurement.contracts.views.requests_blueprint,
    procurement.contracts.views.contracts_blueprint,
    search.api.blueprint,
    search.saved.views.blueprint,
    search.synonyms.views.blueprint,
    search.views.blueprint,
    vendors.views.blueprint,
)

# The nouns of the header: label, endpoint, and the permission that makes them useful.
NAVIGATION = (
    ("サービスを探す", "search.index", Permission.CATALOG_READ),
    ("標準仕様書", "specifications.index", Permission.CATALOG_READ),
    ("調達案件", "projects.index", Permission.PROJECT_READ),
    ("契約", "contracts.index", Permission.CONTRACT_READ),
    ("自社のサービス", "vendor_offerings.index", Permission.OFFERING_CREATE),
    ("届いた依頼", "requests.inbox", Permission.REQUEST_ANSWER),
    ("審査", "certification.queue", Permission.CERTIFICATION_QUEUE),
    ("事業者の登録", "vendors.queue", Permission.VENDOR_QUEUE),
    ("料金の変更", "vendor_offerings.list_price_changes", Permission.OFFERING_DECIDE),
    ("自社の登録", "vendors.register", Permission.OFFERING_CREATE),
)

# Pages that belong to a noun whose first page another blueprint holds.
_BELONGS_TO = {
    "specification_changes": "specifications",
    "specification_management": "specifications",
    "specification_registry": "specifications",
    "consultations": "specifications",
    "consultation_reviews": "specifications",
    "market": "specifications",
    "offerings": "search",
    "saved_searches": "search",
    "comparison": "search",
    "quoting": "projects",
}


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """One noun of the header."""

    label: str
    href: str
    current: bool


def create_app(settings: Settings | None = None) -> Flask:
    """Return the web application; raises UnsafeSettingsError outside development."""
    settings = settings or read_settings()
    settings.require_safe()
    db.configure(settings.effective_database_url)
    app = Flask(__name__)
    app.config["NARABI"] = settings
    probes = health.Probes(
        lambda: search.cli.check_health(app.config["NARABI"]),
        search.indexer.TOPICS,
        accounts.hooks.backlog.read_figures,
    )
    app.config["NARABI_PROBES"] = probes
    metrics.init_metrics(app)
    web.init_web(app, settings)
    auth.init_auth(app)
    api_delivery.init_delivery(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    catalog.offerings.views.use_findings(app, catalog.certification.views.findings_beside)
    search.views.use_cases(app, procurement.projects.views.may_search_for)
    changes.use_source(catalog.feed.SOURCE)
    standing.use_bars(vendors.queries.is_shut_out)
    procurement.estimates.services.use_openings(procurement.quoting.queries.has_opened)
    procurement.estimates.vault.use_settings(settings)
    catalog.offerings.services.use_contracts(procurement.market.queries.list_contracted_terms)
    if settings.search_url:
        search.cli.report_at_start(settings)
    # Read once: the metadata of a package is parsed anew at each call.
    installed = version("narabi")
    app.context_processor(lambda: {**_layout_context(app, settings), "app_version": installed})
    return app


def _navigation(app: Flask) -> list[NavigationItem]:
    blueprint = (request.endpoint or "").partition(".")[0]
    here = _BELONGS_TO.get(blueprint, blueprint)
    return [
        NavigationItem(label, url_for(endpoint), endpoint.partition(".")[0] == here)
        for label, endpoint, permission in NAVIGATION
        if endpoint in app.view_functions and may_somewhere(auth.actor(), permission)
    ]


def _layout_context(app: Flask, settings: Settings) -> dict[str, object]:
    return {
        "notice": web.take_notice(),
        "navigation": _navigation(app),
        "as_of": clock.utcnow(),
        "environment_label": "見本のデータで動いています" if settings.is_development else None,
    }


def outbox_handlers(settings: Settings) -> Mapping[str, outbox.Handler]:
    """Map outbox topics to what they do; a topic that several packages watch runs all of them."""
    return _joined(
        accounts.address_services.make_handlers(settings),
        accounts.hooks.upkeep.make_handlers(settings),
        accounts.notices.make_handlers(settings),
        audit_checkpoints.make_handlers(settings.effective_audit_seed),
        catalog.certification.services.HANDLERS,
        catalog.feed_upkeep.make_handlers(settings),
        catalog.services.HANDLERS,
        catalog.specifications.services.HANDLERS,
        procurement.contracts.services.HANDLERS,
        procurement.market.services.HANDLERS,
        search.indexer.make_handlers(settings),
        vendors.agreement_letters.make_handlers(settings),
        vendors.draft_letters.make_handlers(settings),
        vendors.letters.make_handlers(settings),
        vendors.reminders.make_handlers(settings),
    )


def _joined(*maps: Mapping[str, outbox.Handler]) -> dict[str, outbox.Handler]:
    topics = dict.fromkeys(topic for each in maps for topic in each)
    return {topic: _in_turn([each[topic] for each in maps if topic in each]) for topic in topics}


def _in_turn(handlers: Sequence[outbox.Handler]) -> outbox.Handler:
    if len(handlers) == 1:
        return handlers[0]

    def run(session: Session, payload: Mapping[str, Any]) -> None:
        for handler in handlers:
            handler(session, payload)

    return run


@click.group()
@click.pass_context
def cli(context: click.Context) -> None:
    """Narabi（並び）の管理コマンド。"""
    if context.invoked_subcommand == catalog.mirror_cli.sync.name:
        return  # anyone's machine may keep a copy of somebody else's site
    try:
        settings = read_settings()
    except UnsafeSettingsError as error:
        raise click.ClickException(str(error)) from error
    db.configure(settings.effective_database_url)
    changes.use_source(catalog.feed.SOURCE)
    context.obj = operations.Operation(
        settings,
        outbox_handlers(settings),
        {
            "検索": lambda: search.cli.check_health(settings),
            "ファイル": lambda: storage.get_store(settings).probe(),
            "公開情報": catalog.feed_cli.check_shape,
        },
        [catalog.feed_cli.renew],
        [catalog.feed_upkeep.PRUNE, accounts.hooks.upkeep.PRUNE],
        _list_named_files,
        [lambda stop: accounts.hooks.sending.Sender(settings).run(stop)],
        end_access=accounts.membership_services.end_all_access,
        rebuilds=[lambda: search.cli.rebuild_all(settings)],
    )


def _list_named_files(session: Session) -> Iterator[tuple[str, int]]:
    yield from catalog.offerings.queries.answers.stream_files(session)
    yield from procurement.selection.queries.list_scans(session)


operations.audit_group.add_command(procurement.proof.cli.export_case)
for _command in (
    operations.database,
    operations.outbox_group,
    operations.audit_group,
    operations.doctor,
    backups.backup,
    backups.restore,
    accounts.cli.bodies_group,
    accounts.cli.accounts_group,
    accounts.clients.cli.clients_group,
    catalog.specifications.cli.specifications,
    catalog.offerings.cli.offerings,
    catalog.offerings.file_cli.files_group,
    catalog.feed_cli.feed_group,
    catalog.mirror_cli.sync,
    search.cli.search_group,
    procurement.demo.cli.demo_group,
):
    cli.add_command(_command)
