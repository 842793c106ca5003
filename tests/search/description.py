"""The published description of the search server's API, its known faults put right, as a judge.

The description types some things wrongly and leaves bodies open, so that a misspelt parameter would
pass; the overlay below closes them.
"""

import json
import re
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "meilisearch-openapi.json"

_METHODS = {"get", "post", "put", "patch", "delete"}
_WORDS = {"type": "array", "items": {"type": "string"}}
_FILTER = {
    "oneOf": [
        {"type": "string"},
        {"type": "array", "items": {"oneOf": [{"type": "string"}, _WORDS]}},
        {"type": "null"},
    ]
}
_DOCUMENT = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": ["string", "integer"]}},
}
_MANY_ANSWERS = {
    "type": "object",
    "required": ["results"],
    "properties": {
        "results": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/SearchResultWithIndex"},
        }
    },
}


USED = {
    ("GET", "/version"),
    ("GET", "/tasks/{task_id}"),
    ("GET", "/keys/{key}"),
    ("POST", "/keys"),
    ("POST", "/indexes"),
    ("GET", "/indexes/{index_uid}"),
    ("DELETE", "/indexes/{index_uid}"),
    ("GET", "/indexes/{index_uid}/stats"),
    ("GET", "/indexes/{index_uid}/settings"),
    ("PATCH", "/indexes/{index_uid}/settings"),
    ("POST", "/indexes/{index_uid}/documents"),
    ("POST", "/indexes/{index_uid}/documents/delete"),
    ("POST", "/multi-search"),
    ("POST", "/swap-indexes"),
}
"""All that Narabi asks of a search server."""


class Fault(Exception):
    """A request or an answer that the description does not allow."""


class Description:
    """Judges requests and answers by the description."""

    def __init__(self, published):
        self.components = published["components"]
        self.operations = [
            (
                method.upper(),
                re.compile(re.sub(r"\{\w+\}", "([^/]+)", path)),
                path,
                operation,
            )
            for path, methods in published["paths"].items()
            for method, operation in methods.items()
            if method in _METHODS
        ]
        # /tasks/stream before /tasks/{task_id}
        self.operations.sort(key=lambda row: row[2].count("{"))
        self._overlay(published["paths"])
        self.validators = {}

    def _overlay(self, paths):
        schemas = self.components["schemas"]
        schemas["AttributePatterns"] = _WORDS
        for name in ("SearchQueryWithIndex", "DocumentDeletionByFilter"):
            schemas[name]["properties"]["filter"] = _FILTER
        documents = paths["/indexes/{index_uid}/documents"]["post"]["requestBody"]["content"]
        documents["application/json"] = {"schema": {"type": "array", "items": _DOCUMENT}}
        documents["application/x-ndjson"] = {"schema": {"type": "string"}}
        answers = paths["/multi-search"]["post"]["responses"]["200"]["content"]
        schema = answers["application/json"]["schema"]
        answers["application/json"]["schema"] = {"anyOf": [_MANY_ANSWERS, schema]}
        seen = set()
        for _, _, _, operation in self.operations:
            for content in operation.get("requestBody", {}).get("content", {}).values():
                if content.get("schema", {}).get("items") is not _DOCUMENT:
                    self._close(content.get("schema", {}), seen)
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "query":
                    parameter["explode"] = False

    def _close(self, schema, seen):
        """Allow no property that is not described, in all that a body holds."""
        if isinstance(schema, list):
            for each in schema:
                self._close(each, seen)
        if not isinstance(schema, dict) or "allOf" in schema:
            return
        name = schema.get("$ref", "").rpartition("/")[2]
        if name and name not in seen:
            seen.add(name)
            self._close(self.components["schemas"][name], seen)
        if isinstance(schema.get("properties"), dict):
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            self._close(part, seen)

    def find(self, method, path):
        """Give the template and the operation of a path; raises Fault for an unknown one."""
        for verb, pattern, template, operation in self.operations:
            if verb == method and (found := pattern.fullmatch(path)):
                names = re.findall(r"\{(\w+)\}", template)
                return template, operation, dict(zip(names, found.groups(), strict=True))
        raise Fault(f"{method} {path} is not described")

    def check_request(self, method, target, content_type, body):
        """Raise Fault for a path, parameter or body that is not described; gives the template."""
        address = urlsplit(target)
        template, operation, values = self.find(method, address.path)
        given = parse_qsl(address.query, keep_blank_values=True)
        for place, rows in (("path", list(values.items())), ("query", given)):
            self._check_parameters(operation, place, rows)
        content = operation.get("requestBody", {}).get("content", {})
        if body is None and not content:
            return template
        if content_type not in content:
            raise Fault(f"{template} takes no body of {content_type}")
        self._check((method, template, content_type), content[content_type].get("schema", {}), body)
        return template

    def _check_parameters(self, operation, place, rows):
        known = {
            p["name"]: p["schema"] for p in operation.get("parameters", []) if p["in"] == place
        }
        if len(dict(rows)) < len(rows):
            raise Fault("a parameter is given twice; several values are parted by commas")
        for name, value in rows:
            if name not in known:
                raise Fault(f"{place} parameter {name} is not described")
            self._check(("parameter", name), known[name], _read(value, known[name]))

    def check_answer(self, method, template, status, body):
        """Raise Fault for an answer that the server would not give."""
        operation = next(o for m, _, t, o in self.operations if (m, t) == (method, template))
        described = operation["responses"].get(str(status), {}).get("content", {})
        if "application/json" in described:
            schema = described["application/json"]["schema"]
            self._check((method, template, status), schema, body)

    def _check(self, key, schema, value):
        if key not in self.validators:
            whole = {"allOf": [schema], "components": self.components}
            self.validators[key] = Draft202012Validator(whole)
        error = next(self.validators[key].iter_errors(value), None)
        if error is not None:
            place = ".".join(map(str, error.absolute_path))
            raise Fault(f"{' '.join(map(str, key))}: {place} {error.message}"[:500])

    def allows(self, method, path, body, key):
        """Tell whether a key may do this, and with the indexes that are named."""
        _, operation, values = self.find(method, path)
        wanted = {action for row in operation["security"] for action in row["Bearer"]}
        named = set(_find_indexes(body)) | {v for n, v in values.items() if n == "index_uid"}
        return bool(wanted.intersection(key["actions"])) and all(
            any(fnmatch(uid, pattern) for pattern in key["indexes"]) for uid in named
        )


def _read(text, schema):
    """Read a value of an address by its type, as the server does."""
    kinds = schema.get("type", "string")
    if "array" in kinds:
        return text.split(",")
    if "integer" in kinds and re.fullmatch(r"-?\d+", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text) if "boolean" in kinds else text


def _find_indexes(body):
    for row in body if isinstance(body, list) else [body or {}]:
        yield from row.get("indexes", [])
        yield from (each["indexUid"] for each in row.get("queries", []))
        yield from [row["uid"]] if "primaryKey" in row else []


@cache
def load_description():
    """Give the judge where the description is at hand, else None."""
    if not PUBLISHED.exists():
        return None
    return Description(json.loads(PUBLISHED.read_text(encoding="utf-8")))
