"""The application: settings, database, pages, API, error answers, outbox handlers and commands."""

from collections.abc import Mapping
from importlib.metadata import version

import click
from flask import Flask

import accounts.views
from accounts import auth
from core import cli as operations
from core import clock, db, outbox, web
from core.config import Settings, UnsafeSettingsError

BLUEPRINTS = (accounts.views.blueprint,)


def create_app(settings: Settings | None = None) -> Flask:
    """Return the web application; raises UnsafeSettingsError outside development."""
    settings = settings or Settings()
    settings.require_safe()
    db.configure(settings.effective_database_url)
    app = Flask(__name__)
    app.config["NARABI"] = settings
    web.init_web(app, settings)
    auth.init_auth(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.context_processor(lambda: _layout_context(settings))
    return app


def _layout_context(settings: Settings) -> dict[str, object]:
    return {
        "notice": web.take_notice(),
        "navigation": [],
        "as_of": clock.utcnow(),
        "app_version": version("narabi"),
        "environment_label": "見本のデータで動いています" if settings.is_development else None,
    }


def outbox_handlers(settings: Settings) -> Mapping[str, outbox.Handler]:
    """Map outbox topics to what they do."""
    del settings
    return {}


@click.group()
@click.pass_context
def cli(context: click.Context) -> None:
    """Narabi（並び）の管理コマンド。"""
    settings = Settings()
    try:
        settings.require_safe()
    except UnsafeSettingsError as error:
        raise click.ClickException(str(error)) from error
    db.configure(settings.effective_database_url)
    context.obj = operations.Operation(settings, outbox_handlers(settings), {})


for _command in (
    operations.database,
    operations.outbox_group,
    operations.audit_group,
    operations.doctor,
):
    cli.add_command(_command)
