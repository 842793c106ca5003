"""What every HTML page of the site must keep, checked on each page that any test fetches."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from xml.etree.ElementTree import Element

import html5lib

_NAMED_BY_THEMSELVES = {"hidden", "submit", "button", "reset", "image"}
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_REFERENCES = {"aria-describedby", "aria-labelledby", "aria-controls", "aria-owns", "list", "for"}
_WORDS = re.compile(r">([^<]*)(?=<)")
_ENTITY = re.compile(r"&[^;\s]{0,8};?")
# What differs between two showings of one page without making it another page: what attributes
# say (apart from what could be invalid in it), numbers and what is chosen.
_SAYINGS = re.compile(r'\b(value|href|action|formaction|content|datetime|title|alt|src)="([^"]*)"')
_VARYING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<!<h)(?<!</h)\d+| (?:checked|selected|open|disabled)(?=[ >])"
)
_TAG = re.compile(r"<[a-z][^<>]*>")
_NAMES = re.compile(rf"""\s(id|href|{"|".join(_REFERENCES)})=("[^"]*"|'[^']*'|[^\s>]+)""")
_sound_shapes: set[int] = set()
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
    builder = html5lib.getTreeBuilder("etree")
    parser = html5lib.HTMLParser(tree=builder, namespaceHTMLElements=False)
    tree: Element = parser.parse(html) if whole else parser.parseFragment(html)
    if parser.errors:
        (line, _column), code, details = parser.errors[0]
        excerpt = html.splitlines()[max(line - 1, 0)].strip()[:160] if html else ""
        raise AssertionError(f"invalid HTML, line {line}: {code} {details}: {excerpt}")
    return tree


def page_problems(html: str) -> list[str]:
    """List everything a whole page breaks; a page whose tags were found sound once is not read again.

    Ids differ by number on pages of one shape, so they and what refers to them are read each time.
    """
    found = list(_id_problems(html))
    shape = hash(_VARYING.sub("0", _SAYINGS.sub(_fold_saying, _WORDS.sub(_fold_words, html))))
    if shape in _sound_shapes:
        return found
    tree = parse_page(html)
    found += [*_document_problems(tree), *_content_problems(tree)]
    if not found:
        _sound_shapes.add(shape)
    return found


def fragment_problems(html: str) -> list[str]:
    """List everything a part of a page breaks."""
    return [*_id_problems(html), *_content_problems(parse_fragment(html))]


def _fold_words(found: re.Match[str]) -> str:
    """Keep of the words only whether there are any, and what could be invalid in them."""
    return ">" + ("t" + "".join(_ENTITY.findall(found[1])) if found[1].strip() else "")


def _fold_saying(found: re.Match[str]) -> str:
    """Keep of an attribute whether it says anything, and what could be invalid in that."""
    return f'{found[1]}="{"t" if found[2] else ""}{"".join(_ENTITY.findall(found[2]))}"'


def _id_problems(html: str) -> Iterator[str]:
    tags = _TAG.findall(html)
    said = [(name, value.strip("\"'")) for tag in tags for name, value in _NAMES.findall(tag)]
    ids = Counter(value for name, value in said if name == "id")
    yield from (f"id {name!r} stands {count} times" for name, count in ids.items() if count > 1)
    for name, value in said:
        words = value.split() if name in _REFERENCES else []
        if name == "href" and len(value) > 1 and value.startswith("#"):
            words = [value[1:]]
        if missing := [word for word in words if word not in ids]:
            yield f'{name}="{value}": {missing} not on the page'


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
    for element in elements:
        yield from _attribute_problems(element)
        if element.tag == "img" and element.get("alt") is None:
            yield f"image {element.get('src')} without alt"
        if element.tag == "button" and not (text_of(element) or element.get("aria-label")):
            yield "a button without words"
        if element.tag == "form" and element.get("method", "get").lower() == "post":
            names = {field.get("name") for field in element.iter("input")}
            if "csrf_token" not in names:
                yield f"form {element.get('action')!r} posts without csrf_token"
    yield from _label_problems(tree, elements)


def _attribute_problems(element: Element) -> Iterator[str]:
    for name in element.attrib:
        if name == "style" or (name.startswith("on") and name[2:].isalpha()):
            yield f"<{element.tag} {name}=…>: the content policy forbids it"
    if element.tag == "script" and not element.get("src"):
        yield "inline script"
    if element.tag == "style":
        yield "inline style sheet"


def _label_problems(tree: Element, elements: list[Element]) -> Iterator[str]:
    labelled = {label.get("for") for label in tree.iter("label") if text_of(label)}
    inside = {id(field) for label in tree.iter("label") if text_of(label) for field in label.iter()}
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
