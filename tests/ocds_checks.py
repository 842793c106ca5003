"""Contract notices against the schemas of the Open Contracting Data Standard, as the standard publishes them."""

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft4Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT4

_SCHEMAS = Path(__file__).parent / "ocds"
_RELEASE = json.loads((_SCHEMAS / "release-schema-1__1__4.json").read_text())
_PACKAGE = json.loads((_SCHEMAS / "release-package-schema-1__1__5.json").read_text())
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_FORMATS = FormatChecker(formats=())  # the library checks these two with further packages only
_OCID = re.compile(r"ocds-[a-z0-9]{6}-.+")


def _close(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema without room for other fields: a misspelt one is a fault of ours, not an extension."""
    closed = deepcopy(schema)
    for each in (closed, *closed["definitions"].values()):
        each["additionalProperties"] = False
    return closed


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    if not isinstance(value, str):
        return True  # its type is checked beside
    return bool(_MOMENT.fullmatch(value) and datetime.fromisoformat(value))


@_FORMATS.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


_RELEASES = DRAFT4.create_resource(_close(_RELEASE))
_VALIDATOR = Draft4Validator(
    _PACKAGE,
    registry=Registry().with_resource(
        _PACKAGE["properties"]["releases"]["items"]["$ref"], _RELEASES
    ),
    format_checker=_FORMATS,
)


def package_problems(package: Mapping[str, Any]) -> list[str]:
    """Return what the standard forbids in a release package; an empty list of releases passes.

    The standard wants one release at least; a list that is followed has none when there is no news.
    """
    found = [
        f"{each.json_path}: {each.message[:200]}"
        for each in _VALIDATOR.iter_errors(package)
        if not (each.validator == "minItems" and each.json_path == "$.releases")
    ]
    return found + [
        f"{each['ocid']} is no ocid"
        for each in package.get("releases", ())
        if not _OCID.fullmatch(each.get("ocid", ""))
    ]
