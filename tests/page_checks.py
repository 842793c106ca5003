"""What every HTML page of the site must keep, checked on each page that any test fetches."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from xml.etree.ElementTree import Element

import html5lib

from tests.plain_html import read_plain

_NAMED_BY_THEMSELVES = {"hidden", "submit", "button", "reset", "image"}
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_REFERENCES = {"aria-describedby", "aria-labelledby", "aria-controls", "aria-owns", "list", "for"}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "",
}


def parse_page(html: str) -> Element:
    """Parse a whole page; raises AssertionError on the first HTML error."""
    return _parse(html, whole=True)


def parse_fragment(html: str) -> Element:
    """Parse a part of a page; raises AssertionError on the first HTML error."""
    return _parse(html, whole=False)


@lru_cache(maxsize=4)
def _parse(html: str, *, whole: bool) -> Element:
    if whole and (plain := read_plain(html)) is not None:
        return plain
    builder = html5lib.getTreeBuilder("etree")
    parser = html5lib.HTMLParser(tree=builder, namespaceHTMLElements=False)
    tree: Element = parser.parse(html) if whole else parser.parseFragment(html)
    if parser.errors:
        (line, _column), code, details = parser.errors[0]
        excerpt = html.splitlines()[max(line - 1, 0)].strip()[:160] if html else ""
        raise AssertionError(f"invalid HTML, line {line}: {code} {details}: {excerpt}")
    return tree


def page_problems(html: str) -> list[str]:
    """List everything a whole page breaks."""
    tree = parse_page(html)
    return [*_document_problems(tree), *_content_problems(tree)]


def fragment_problems(html: str) -> list[str]:
    """List everything a part of a page breaks."""
    return list(_content_problems(parse_fragment(html)))


def unsendable(headers: dict[str, str]) -> list[str]:
    """List the headers that no server can send: they hold Latin-1 only (RFC 9110, 5.5)."""
    return [
        f"header {name} cannot be sent: {value!r}"
        for name, value in headers.items()
        if any(ord(letter) > 255 for letter in value)
    ]


def header_problems(headers: dict[str, str]) -> list[str]:
    """List what the response's headers lack."""
    policy = headers.get("Content-Security-Policy", "")
    problems = []
    if "default-src 'self'" not in policy and "default-src 'none'" not in policy:
        problems.append(f"Content-Security-Policy has no strict default-src: {policy!r}")
    problems += [
        f"Content-Security-Policy allows {word}"
        for word in ("unsafe-inline", "unsafe-eval", " *;", "data:;")
        if word in f"{policy};"
    ]
    for name, value in _HEADERS.items():
        if not headers.get(name) or (value and headers[name] != value):
            problems.append(f"header {name} is {headers.get(name)!r}")
    return problems


def _document_problems(tree: Element) -> Iterator[str]:
    if tree.get("lang") not in {"ja", "en"}:
        yield f"html lang is {tree.get('lang')!r}"
    for tag, wanted in (("h1", 1), ("main", 1), ("title", 1)):
        found = list(tree.iter(tag)) if tag != "title" else tree.findall("./head/title")
        if len(found) != wanted:
            yield f"{len(found)} <{tag}> instead of {wanted}"
        elif tag != "main" and not text_of(found[0]):
            yield f"<{tag}> is empty"
    levels = [_HEADINGS.index(e.tag) + 1 for e in tree.iter() if e.tag in _HEADINGS]
    for before, after in itertools.pairwise(levels):
        if after > before + 1:
            yield f"a heading of level {after} follows one of level {before}"


def _content_problems(tree: Element) -> Iterator[str]:
    elements = list(tree.iter())
    yield from _attribute_problems(elements)
    for element in elements:
        if element.tag == "img" and element.get("alt") is None:
            yield f"image {element.get('src')} without alt"
        elif element.tag == "button" and not (text_of(element) or element.get("aria-label")):
            yield "a button without words"
        elif element.tag == "script" and not element.get("src"):
            yield "inline script"
        elif element.tag == "style":
            yield "inline style sheet"
        elif element.tag == "form" and element.get("method", "get").lower() == "post":
            names = {field.get("name") for field in element.iter("input")}
            if "csrf_token" not in names:
                yield f"form {element.get('action')!r} posts without csrf_token"
    yield from _label_problems(tree, elements)


def _attribute_problems(elements: list[Element]) -> Iterator[str]:
    ids: Counter[str] = Counter()
    references: list[tuple[str, str, list[str]]] = []
    for element in elements:
        for name, value in element.items():
            if name == "id":
                ids[value] += 1
            elif name in _REFERENCES:
                references.append((name, value, value.split()))
            elif name == "href":
                if len(value) > 1 and value[0] == "#":
                    references.append((name, value, [value[1:]]))
            elif name == "style" or (name.startswith("on") and name[2:].isalpha()):
                yield f"<{element.tag} {name}=…>: the content policy forbids it"
    yield from (f"id {name!r} stands {count} times" for name, count in ids.items() if count > 1)
    for name, value, words in references:
        if missing := [word for word in words if word not in ids]:
            yield f'{name}="{value}": {missing} not on the page'


def _label_problems(tree: Element, elements: list[Element]) -> Iterator[str]:
    labels = [label for label in tree.iter("label") if "".join(label.itertext()).strip()]
    labelled = {label.get("for") for label in labels}
    inside = {id(field) for label in labels for field in label.iter()}
    for element in elements:
        if element.tag not in {"input", "select", "textarea"}:
            continue
        if element.tag == "input" and element.get("type", "text") in _NAMED_BY_THEMSELVES:
            continue
        named = element.get("aria-label") or element.get("aria-labelledby")
        if not (named or element.get("id") in labelled or id(element) in inside):
            yield f"<{element.tag} name={element.get('name')!r}> has no label"


def text_of(element: Element) -> str:
    """Return the words inside an element, blanks folded."""
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()
