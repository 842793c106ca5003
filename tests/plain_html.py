"""Reading of pages that are plainly sound HTML, many times faster than by the whole standard.

Whatever is not plain in every tag (an end tag left out, a block inside a paragraph, a character
reference out of the ordinary) is refused here, and then read by html5lib, which judges it.
"""

import html
import re
from functools import lru_cache
from xml.etree.ElementTree import Element, SubElement

_ATTRIBUTE = r"""\s+[a-zA-Z][a-zA-Z0-9_-]*(?:=(?:"[^"]*"|'[^']*'))?"""
_TOKEN = re.compile(rf"<(/?)([a-z][a-z0-9]*)((?:{_ATTRIBUTE})*)\s*(/?)>([^<]*)")
_PAIR = re.compile(r"""([a-zA-Z][a-zA-Z0-9_-]*)(?:=(?:"([^"]*)"|'([^']*)'))?""")
_START = re.compile(r"\s*<!doctype html>\s*(?=<html)", re.IGNORECASE)
_ODD_REFERENCE = re.compile(r"&(?!(?:amp|lt|gt|quot|nbsp|#34|#39);)")
_ODD_CHARACTER = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd]")
_SVG = "{http://www.w3.org/2000/svg}"
_SVG_ATTRIBUTES = {"viewBox", "preserveAspectRatio"}


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_VOID = _names("br hr img input link meta wbr col")
_HEAD = _names("meta link title script")
_HEADINGS = _names("h1 h2 h3 h4 h5 h6")
# What ends an open paragraph.
_BLOCKS = _HEADINGS | _names(
    "article aside blockquote dd details div dl dt fieldset figcaption figure footer form header hr"
    " li main nav ol p section summary table ul"
    # Ends none, but is not to stand in one here; html5lib reads it as an element like others.
    " template"
)
_INLINE = _names(
    "a abbr b bdi button cite code data datalist del dfn em i img input ins kbd label legend mark"
    " meter optgroup option output progress q rp rt ruby s samp select small span strong sub sup"
    " svg textarea time var wbr br caption col colgroup thead tbody tfoot tr th td"
)
# May not stand in one of its kind, however deep; the nesting of formatting has rules of its own.
_NEVER_NESTED = _HEADINGS | _names(
    "a b button code em form i main p s select small strong svg textarea option label"
)
_PARENTS = {
    "dt": {"dl"},
    "dd": {"dl"},
    "li": {"ul", "ol"},
    "option": {"select", "optgroup", "datalist"},
    "optgroup": {"select"},
    "caption": {"table"},
    "colgroup": {"table"},
    "thead": {"table"},
    "tbody": {"table"},
    "tfoot": {"table"},
    "col": {"colgroup"},
    "tr": {"thead", "tbody", "tfoot"},
    "th": {"tr"},
    "td": {"tr"},
    "summary": {"details"},
    "legend": {"fieldset"},
    "rt": {"ruby"},
    "rp": {"ruby"},
}
_ONLY = {
    "": {"html"},
    "html": {"head", "body"},
    "head": _HEAD,
    "select": {"option", "optgroup"},
    "optgroup": {"option"},
    "option": set(),
    "textarea": set(),
    "title": set(),
    "script": set(),
    "table": {"caption", "colgroup", "thead", "tbody", "tfoot"},
    "colgroup": {"col"},
    "thead": {"tr"},
    "tbody": {"tr"},
    "tfoot": {"tr"},
    "tr": {"th", "td"},
    "svg": {"path", "circle", "rect", "line", "polyline"},
}
_WORDLESS = {""} | _names("html head script table colgroup thead tbody tfoot tr select")


class _NotPlainError(Exception):
    """Something that html5lib has to judge."""


class _Place:
    """What is open, one element in the other; each place is judged once and then known."""

    def __init__(self, name: str, around: "_Place | None") -> None:
        self.name = name
        self.around = around
        self.names: frozenset[str] = (around.names if around else frozenset()) | {name}
        self.wordless = name in _WORDLESS
        self.is_svg: bool = name == "svg" or (around is not None and around.is_svg)
        self.tag = _SVG + name if self.is_svg else name
        self._inside: dict[str, _Place | None] = {}

    def open(self, name: str) -> "_Place":
        """Step into an element; raises when it is not plain that it may stand here."""
        if name not in self._inside:
            self._inside[name] = _Place(name, self) if self._fits(name) else None
        inside = self._inside[name]
        if inside is None:
            raise _NotPlainError
        return inside

    def _fits(self, name: str) -> bool:
        if self.is_svg and self.name != "svg":
            return False
        if self.name in _ONLY:
            return name in _ONLY[self.name]
        if name in _PARENTS:
            around = self.around.name if self.around else ""
            in_group = name in {"dt", "dd"} and (self.name, around) == ("div", "dl")
            return in_group or self.name in _PARENTS[name]
        return not (
            (name not in _BLOCKS and name not in _INLINE)
            or (name in _NEVER_NESTED and name in self.names)
            or (name in _BLOCKS and "p" in self.names)
            or (name in _HEADINGS and not _HEADINGS.isdisjoint(self.names))
        )


_OUTSIDE = _Place("", None)


def read_plain(page: str) -> Element | None:
    """Return the tree that html5lib would make of a sound page; None when it is not plainly sound."""
    start = _START.match(page)
    if start is None or _ODD_CHARACTER.search(page) or _ODD_REFERENCE.search(page):
        return None
    try:
        return _read(page, start.end())
    except _NotPlainError:
        return None


def _read(page: str, end: int) -> Element:
    above = Element("")
    place, elements = _OUTSIDE, [above]
    for token in _TOKEN.finditer(page, end):
        if token.start() != end:
            raise _NotPlainError
        end = token.end()
        closes, name, attributes, slash, words = token.groups()
        if closes:
            if attributes or slash or name != place.name:
                raise _NotPlainError
            element = elements.pop()
            place = place.around or _OUTSIDE
            element.tail = _read_words(words, place)
            continue
        inside = place.open(name)
        element = SubElement(
            elements[-1], inside.tag, _read_attributes(attributes, is_svg=inside.is_svg)
        )
        if name in _VOID or (slash and place.is_svg):
            element.tail = _read_words(words, place)
        elif slash:
            raise _NotPlainError
        else:
            place = inside
            elements.append(element)
            if name == "textarea":
                words = words.removeprefix("\n")
            element.text = _read_words(words, place)
    if end != len(page) or len(elements) > 1 or len(above) != 1:
        raise _NotPlainError
    if [each.tag for each in above[0]] != ["head", "body"]:
        raise _NotPlainError
    return above[0]


def _read_words(words: str, place: _Place) -> str:
    if place.wordless and words and not words.isspace():
        raise _NotPlainError
    return html.unescape(words) if "&" in words else words


@lru_cache(maxsize=5_000)
def _read_attributes(source: str, *, is_svg: bool) -> dict[str, str]:
    found = _PAIR.findall(source)
    attributes = {name: html.unescape(double or single) for name, double, single in found}
    odd = [
        name for name in attributes if not (name.islower() or (is_svg and name in _SVG_ATTRIBUTES))
    ]
    if odd or len(attributes) != len(found):
        raise _NotPlainError
    return attributes
