"""What is on its way out says so: in its answers, in the description, and on the pages for people."""

from dataclasses import replace
from datetime import date

import pytest

from catalog.api import _DESCRIPTION
from catalog.api_schemas import VendorSchema
from catalog.party_api_schemas import BodiesQuerySchema
from core import api_delivery
from core.api import Deprecation, deprecated
from tests.page_checks import text_of

# Answers are the same on both.
pytestmark = pytest.mark.sqlite_only


def forget(app):
    """Let what is read once from the declarations be read anew."""
    api_delivery._deprecated_fields.cache_clear()
    app.extensions.pop(_DESCRIPTION, None)


@pytest.fixture
def ending(app, monkeypatch):
    """Declare as on its way out, where maintainers do: a route, a field in use, a parameter in use."""
    ends = Deprecation(date(2026, 10, 1), date(2027, 4, 1), "/api/v1/vendors")
    view = app.view_functions["catalog_api.list_offerings"]
    monkeypatch.setattr(view, "operation", replace(view.operation, deprecated=ends))
    for shape, name in ((VendorSchema, "roles"), (BodiesQuerySchema, "prefecture")):
        declared = shape._declared_fields[name].metadata
        monkeypatch.setattr(
            shape._declared_fields[name], "metadata", {**declared, **deprecated(ends)}
        )
    forget(app)
    yield ends
    forget(app)


@pytest.mark.acceptance(36)
def test_what_ends_on_this_site_says_so_in_answers_description_and_pages(
    ending, api, market, client
):
    def headers(path):
        return api.get(path).headers

    link = '</api/v1/vendors>; rel="successor-version"'
    for path in ("/offerings", f"/vendors/{market.makers[0].id}", "/bodies?prefecture=群馬県"):
        told = headers(path)
        assert told["Deprecation"] == "@1790812800", path
        assert told["Sunset"] == "Thu, 01 Apr 2027 00:00:00 GMT"
        assert link in told.getlist("Link")
    for path in (f"/offerings/{market.offering_id}", "/bodies"):
        assert "Deprecation" not in headers(path), path
    paths, shapes = api.description["paths"], api.description["components"]["schemas"]
    assert paths["/api/v1/offerings"]["get"]["deprecated"] is True
    assert shapes["Vendor"]["properties"]["roles"]["deprecated"] is True
    assert ending.sentence in shapes["Vendor"]["properties"]["roles"]["description"]
    page = text_of(client.page("/docs/api/offerings"))
    assert f"まもなく終わります。{ending.sentence}" in page
    assert ending.sentence in text_of(client.page("/docs/api/vendors"))
    assert ending.sentence in text_of(client.page("/docs/api/bodies"))
