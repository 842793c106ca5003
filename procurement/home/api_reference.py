"""The description of the API as people read it: pure, from OpenAPI to the rows of a page."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import quote, urlencode

_KINDS = {
    "string": "文字",
    "integer": "整数",
    "number": "数",
    "boolean": "真偽",
    "object": "まとまり",
    "uuid": "UUID",
    "date": "日付",
    "date-time": "時刻",
}
_PLACES = {"path": "アドレス", "query": "指定", "header": "ヘッダー"}
_CONTENT = "application/json"
_OR_NULL = "またはnull"
_NEW_LINE = " \\\n  "


@dataclass(frozen=True, slots=True)
class Field:
    """A field or parameter: what it holds, where it stands, and the shape that it has, if it has one."""

    name: str
    kind: str
    words: str
    is_required: bool
    shapes: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of JSON with its fields."""

    name: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """One status that an operation answers."""

    status: str
    words: str
    media_type: str
    shape: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address, with its example."""

    anchor: str
    method: str
    path: str
    summary: str
    ends: str
    scope: str
    fields: tuple[Field, ...]
    body: str
    files: tuple[str, ...]  # media types of a body that is a file
    replies: tuple[Reply, ...]
    curl: str
    example: str


@dataclass(frozen=True, slots=True)
class Group:
    """The operations whose addresses begin alike, and the shapes that they use."""

    slug: str
    name: str
    words: str
    operations: tuple[Operation, ...]
    shapes: tuple[Shape, ...]


def read_groups(
    description: Mapping[str, Any], names: Mapping[str, tuple[str, str]], base_url: str
) -> list[Group]:
    """Return the groups in the order of `names` (slug: name, words) that have operations."""
    found: dict[str, list[Operation]] = {name: [] for name, _ in names.values()}
    for path, methods in description["paths"].items():
        for method, told in methods.items():
            found[told["tags"][0]].append(_read_operation(method, path, told, base_url))
    return [
        Group(slug, name, words, tuple(found[name]), _shapes_of(description, found[name]))
        for slug, (name, words) in names.items()
        if found[name]
    ]


def _read_operation(method: str, path: str, told: Mapping[str, Any], base_url: str) -> Operation:
    bodies: Mapping[str, Any] = told.get("requestBody", {}).get("content", {})
    body: Mapping[str, Any] = bodies.get(_CONTENT, {})
    scopes = told["security"][0].get("token", [])
    return Operation(
        anchor=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        ends=told.get("description", "") if told.get("deprecated") else "",
        scope=scopes[0] if scopes else "",
        fields=tuple(_read_parameter(each) for each in told["parameters"]),
        body="".join(_refs(body.get("schema", {}))),
        files=tuple(each for each in bodies if each != _CONTENT),
        replies=tuple(_read_reply(*each) for each in told["responses"].items()),
        curl=_write_curl(method, base_url + path, told, body.get("example")),
        example=_find_example(told),
    )


def _read_parameter(told: Mapping[str, Any]) -> Field:
    return Field(
        told["name"],
        _say_kind(told["schema"]).removesuffix(
            _OR_NULL
        ),  # what may be left out is not sent as null
        told["description"],
        bool(told.get("required")),
        place=_PLACES[told["in"]],
    )


def _read_reply(status: str, told: Mapping[str, Any]) -> Reply:
    contents: Mapping[str, Mapping[str, Any]] = told.get("content", {})
    media_type = next(iter(contents), "")
    schema = contents[media_type].get("schema", {}) if media_type else {}
    return Reply(status, told["description"], media_type, "".join(_refs(schema)))


def _say_kind(schema: Mapping[str, Any]) -> str:
    """Say in Japanese what a value is, with its bounds."""
    if "anyOf" in schema:
        return "または".join(dict.fromkeys(_say_kind(each) for each in schema["anyOf"]))
    if "items" in schema:
        return f"{_say_kind(schema['items'])}の列"
    kinds = schema.get("type", "object" if "$ref" in schema else "string")
    told = [each for each in ([kinds] if isinstance(kinds, str) else kinds) if each != "null"]
    may_be_null = told != ([kinds] if isinstance(kinds, str) else kinds)
    kind = _KINDS.get(schema.get("format", ""), _KINDS.get(told[0], told[0])) if told else "null"
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    bounds = f"（{lowest:,}から{highest:,}）" if lowest is not None and highest else ""
    return f"{kind}{bounds}{_OR_NULL if may_be_null and told else ''}"


def _refs(schema: Mapping[str, Any]) -> Iterator[str]:
    """Give the names of the shapes that a value may have."""
    if "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2]
    inner = schema.get("items", {})
    yield from chain.from_iterable(
        _refs(each) for each in (inner, *schema.get("anyOf", ())) if each
    )


def _shapes_of(description: Mapping[str, Any], operations: list[Operation]) -> tuple[Shape, ...]:
    """Return the shapes that these operations use, each once, an outer one before what is in it."""
    known: Mapping[str, Any] = description["components"]["schemas"]
    waiting = [
        name
        for each in operations
        for name in (each.body, *(reply.shape for reply in each.replies))
        if name
    ]
    found: dict[str, Shape] = {}
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = _read_shape(name, known[name])
            waiting += [ref for each in found[name].fields for ref in each.shapes]
    return tuple(found.values())


def _read_shape(name: str, told: Mapping[str, Any]) -> Shape:
    required = told.get("required", ())
    rows = (
        Field(
            field,
            _say_kind(schema),
            "。".join(
                each
                for each in (schema["description"], schema.get("items", {}).get("description"))
                if each
            ),
            field in required,
            tuple(dict.fromkeys(_refs(schema))),
        )
        for field, schema in told.get("properties", {}).items()
    )
    return Shape(name, tuple(rows))


# --- examples ------------------------------------------------------------------------------------


def _find_example(told: Mapping[str, Any]) -> str:
    for status, reply in told["responses"].items():
        for content in reply.get("content", {}).values():
            if status.startswith("2") and "example" in content:
                return _indent(content["example"])
    return ""


def _indent(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _write_curl(method: str, address: str, told: Mapping[str, Any], body: Any) -> str:
    """Return the line that sends the example."""
    given = {"path": {}, "query": {}} | {
        place: {
            p["name"]: p["example"]
            for p in told["parameters"]
            if p["in"] == place and "example" in p
        }
        for place in ("path", "query")
    }
    for name, value in given["path"].items():
        address = address.replace(f"{{{name}}}", quote(value))
    query = urlencode(given["query"], doseq=True)
    parts = ["curl"] if method == "get" else [f"curl -X {method.upper()}"]
    if "token" in told["security"][0]:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    if method == "post":
        parts.append('-H "Idempotency-Key: $(uuidgen)"')
    elif method != "get":
        parts.append('-H "If-Match: $ETAG"')
    shown = [
        kind
        for kind, content in told.get("requestBody", {}).get("content", {}).items()
        if kind != _CONTENT and "example" in content
    ]
    if shown:
        name = given["query"]["name"]
        parts += [f"-H 'Content-Type: {shown[0]}'", f"--data-binary '@{name}'"]
    elif body is not None:
        parts += [f"-H 'Content-Type: {_CONTENT}'", f"-d '{_indent(body)}'"]
    elif method == "post":
        parts.append("-d ''")
    address += f"?{query}" if query else ""
    return (" " if len(parts) == 1 else _NEW_LINE).join([*parts, f"'{address}'"])
