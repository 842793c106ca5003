"""The state of a certificate as a small picture that other sites may show. Pure."""

import unicodedata
from dataclasses import dataclass
from datetime import date
from xml.sax.saxutils import escape

from catalog.terms import CertificationState
from core.japanese import format_date

_HEIGHT, _SIDE, _SIGN = 52, 14, 26


@dataclass(frozen=True, slots=True)
class _Look:
    """Frame, ground and letters, and a sign that tells the state without colour."""

    frame: str
    ground: str
    letters: str
    sign: str


_SHIELD = "M12 1.8 20.5 5v6.5c0 5-3.5 8.8-8.5 10.7-5-1.9-8.500-5.700-8.500-10.700V5z"
_OCTAGON = '<path d="M8 2h8l6 6v8l-6 6H8l-6-6V8z" fill="{0}"/><path d="M6.500 12h11" stroke="#ffffff" stroke-width="2.800"/>'
_LOOKS = {
    CertificationState.CERTIFIED: _Look(
        "#1d6b3a",
        "#edf7f0",
        "#14532d",
        f'<path d="{_SHIELD}" fill="{{0}}"/>'
        '<path d="m7.800 12 3 3 5.400-6" fill="none" stroke="#ffffff" stroke-width="2.200"/>',
    ),
    CertificationState.CONDITIONAL: _Look(
        "#8a5a00",
        "#fff8e6",
        "#5c3c00",
        f'<path d="{_SHIELD}" fill="none" stroke="{{0}}" stroke-width="2"/>'
        '<path d="M12 2.600v18.600c-4.800-1.800-7.800-5.200-7.800-9.600v-6z" fill="{0}"/>',
    ),
    CertificationState.CLAIMED: _Look(
        "#3d5a80",
        "#ffffff",
        "#27405f",
        '<path d="M3 4h18v13h-9l-5 4v-4H3z" fill="none" stroke="{0}" stroke-width="2"/>',
    ),
    CertificationState.EXPIRED: _Look(
        "#4a4a4a",
        "#f2f2f2",
        "#1a1a1a",
        '<circle cx="12" cy="12" r="9" fill="none" stroke="{0}" stroke-width="2"/>'
        '<path d="M12 7v5l3.500 2.500M3.500 20.500l17-17" fill="none" stroke="{0}" stroke-width="2"/>',
    ),
    CertificationState.UNKNOWN: _Look(
        "#4a4a4a",
        "#ffffff",
        "#1a1a1a",
        '<circle cx="12" cy="12" r="9" fill="none" stroke="{0}" stroke-width="2" stroke-dasharray="3 2"/>',
    ),
    CertificationState.SUSPENDED: _Look("#a51616", "#fdeeee", "#7a0f0f", _OCTAGON),
    CertificationState.REVOKED: _Look("#a51616", "#fdeeee", "#7a0f0f", _OCTAGON),
}

_SUPERSEDED = _Look(
    "#4a4a4a",
    "#f2f2f2",
    "#1a1a1a",
    '<circle cx="12" cy="12" r="9.500" fill="none" stroke="{0}" stroke-width="2"/>'
    '<path d="M7 12h9M12.500 8l4 4-4 4" fill="none" stroke="{0}" stroke-width="2"/>',
)


@dataclass(frozen=True, slots=True)
class Badge:
    """What a picture says: the state in a word, what it is about, and the number of the certificate."""

    state: CertificationState
    word: str
    number: str
    name: str
    specification: str
    last_day: date | None = None
    is_sample: bool = False
    is_superseded: bool = False
    explanation: str = ""


def draw_badge(badge: Badge) -> str:
    """Return the picture: no script, no style, nothing from elsewhere, with a title to read aloud."""
    look = _SUPERSEDED if badge.is_superseded else _LOOKS[badge.state]
    first = badge.word + ("（見本）" if badge.is_sample else "")
    second = f"Narabi {badge.number}"
    width = _SIDE * 2 + _SIGN + 8 + max(_measure(first, 16), _measure(second, 12))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" '
        f'viewBox="0 0 {width} {_HEIGHT}" role="img" aria-labelledby="title description" lang="ja">'
        f'<title id="title">{escape(_title(badge))}</title>'
        f'<desc id="description">{escape(_description(badge))}</desc>'
        f'<rect x="1" y="1" width="{width - 2}" height="{_HEIGHT - 2}" rx="6" '
        f'fill="{look.ground}" stroke="{look.frame}" stroke-width="2"/>'
        f'<g transform="translate({_SIDE} 14)">{look.sign.format(look.frame)}</g>'
        f'<g font-family="sans-serif" fill="{look.letters}">'
        f'<text x="{_SIDE + _SIGN + 8}" y="24" font-size="16" font-weight="700">{escape(first)}</text>'
        f'<text x="{_SIDE + _SIGN + 8}" y="42" font-size="12">{escape(second)}</text>'
        "</g></svg>"
    )


def _title(badge: Badge) -> str:
    return f"{badge.name}：{badge.word}"


def _description(badge: Badge) -> str:
    last = (
        f"有効な最後の日は{format_date(badge.last_day)}。"
        if badge.last_day and "満たされていません" not in badge.explanation
        else ""
    )
    sample = "見本です。" if badge.is_sample else ""
    return f"{sample}標準仕様書{badge.specification}に対する認証書{badge.number}の今の状態。{badge.explanation}{last}"


def _measure(text: str, size: int) -> int:
    wide = sum(unicodedata.east_asian_width(letter) in "WFA" for letter in text)
    return round(size * wide + size * 0.62 * (len(text) - wide))
