"""For machines that watch over the site: alive, ready, and figures for those who hold the token."""

import hmac
from typing import cast

from flask import Blueprint, Response, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from accounts.auth import access, settings
from accounts.permissions import Permission
from core import health, metrics
from core.db import reading
from core.errors import NotFound
from core.health import Probes

blueprint = Blueprint("health", __name__)
_READ = Permission.CATALOG_READ


def _probes() -> Probes:
    return cast("Probes", current_app.config["NARABI_PROBES"])


@blueprint.get("/healthz")
@access(_READ)
def show_alive() -> Response:
    """Answer as long as the process can; asks nobody else."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@blueprint.get("/readyz")
@access(_READ)
def show_ready() -> Response:
    """Say whether people may be sent here, and which part is ill."""
    checks = health.check_all(_probes())
    is_ready = all(each.is_well for each in checks if each.needed)
    response = jsonify(
        ready=is_ready,
        checks={each.name: "ok" if each.is_well else "failed" for each in checks},
        degraded=[each.name for each in checks if not each.is_well and not each.needed],
    )
    response.status_code = 200 if is_ready else 503
    return response


@blueprint.get("/metrics")
@access(_READ)
def show_metrics() -> Response:
    """Give the figures to whoever sends the token of the settings; for others there is nothing here."""
    token = settings().metrics_token.get_secret_value()
    sent = request.headers.get("Authorization", "")
    if not token or not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
        raise NotFound
    with reading() as session:
        figures = health.read_figures(session, _probes())
    return Response(metrics.render(figures), content_type=CONTENT_TYPE_PLAIN_0_0_4)
