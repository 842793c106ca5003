"""How many statements the pages of a vendor need: every address of the site that fits some ids."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, url_for

from tests.client import CheckedClient

MOST = 10


def open_vendor_pages(client: CheckedClient, app: Flask, ids: Mapping[str, Any]) -> set[str]:
    """Open every page of vendors whose address these ids complete; give the endpoints that opened.

    Asserts that none needs more than ten statements, sign-in and all.
    """
    with app.test_request_context():
        paths = {
            rule.endpoint: url_for(rule.endpoint, **{name: ids[name] for name in rule.arguments})
            for rule in vendor_rules(app)
            if rule.arguments <= ids.keys()
        }
    opened = set()
    for endpoint, path in paths.items():
        if client.get(path).status_code == 200:
            opened.add(endpoint)
            assert len(client.statements) <= MOST, "\n".join([path, *client.statements])
    return opened


def vendor_rules(app: Flask) -> list[Any]:
    """Return the rules of the pages that vendors open, the front page too; exports are no pages."""
    return [
        rule
        for rule in app.url_map.iter_rules()
        if (rule.rule.startswith("/vendor") or rule.endpoint == "home.index")
        and "GET" in (rule.methods or ())
        and not any(word in rule.rule for word in (".xlsx", ".csv", ".json", ".pdf"))
    ]
