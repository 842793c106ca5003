"""What the programs' routes to drafts share: the blueprint and how a group's form judges JSON."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint
from marshmallow import Schema, ValidationError
from sqlmodel import Session

from accounts.permissions import Permission
from catalog.offerings import queries
from catalog.offerings.models import ListingVersion, OfferingVersion
from catalog.offerings.views.frame import offering_for
from core.errors import Invalid, NotFound
from core.forms import first_sentence

blueprint = Blueprint("offering_drafts_api", __name__, url_prefix="/api/v1")
Content = dict[str, Any]


def load_parts(
    session: Session, version_id: uuid.UUID, permission: Permission
) -> tuple[OfferingVersion, ListingVersion]:
    """Return an offering version and the maker's terms for it; NotFound for strangers."""
    version = offering_for(session, version_id, permission)
    terms = queries.find_own_listing_version(session, version)
    if terms is None:
        raise NotFound
    return version, terms


def load_as_form(
    schema: Schema, raw: Mapping[str, Any], name_of: Callable[[str], str]
) -> dict[str, Any]:
    """Load JSON as the page would; Invalid names every refused value by its place in the JSON."""
    told = {name: value for name, value in raw.items() if value is not None}
    try:
        loaded: dict[str, Any] = schema.load({"version": 1, **told})
    except ValidationError as error:
        refused = error.messages_dict.items()
        raise Invalid({name_of(field): first_sentence(said) for field, said in refused}) from None
    return loaded
