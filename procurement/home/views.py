"""The front page and the pages that explain the site."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from accounts.auth import access
from accounts.permissions import Permission

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@access(Permission.CATALOG_READ)
def index() -> ResponseReturnValue:
    """Say in one sentence what this is, and offer the three ways in."""
    return render_template("home/index.html")


@blueprint.get("/about")
@access(Permission.CATALOG_READ)
def about() -> ResponseReturnValue:
    """Explain what the site is and is not."""
    return render_template("home/about.html")


@blueprint.get("/about/order")
@access(Permission.CATALOG_READ)
def order_rules() -> ResponseReturnValue:
    """Explain how the order of results arises."""
    return render_template("home/order_rules.html")


@blueprint.get("/about/accessibility")
@access(Permission.CATALOG_READ)
def accessibility() -> ResponseReturnValue:
    """State the accessibility policy and how it is tested."""
    return render_template("home/accessibility.html")


@blueprint.get("/about/api")
@access(Permission.CATALOG_READ)
def api_page() -> ResponseReturnValue:
    """Explain the API to people."""
    return render_template("home/api_page.html")


@blueprint.get("/about/contact")
@access(Permission.CATALOG_READ)
def contact() -> ResponseReturnValue:
    """Say whom to ask about what."""
    return render_template("home/contact.html")
