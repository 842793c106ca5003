"""Days as ministries' tables write them: eras, slashes, English months, serial numbers of a sheet."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta

from catalog.specifications.mapping import fold_word
from core.japanese import DateError, parse_date

_NO_DAY = frozenset({"", "-", "ー", "―", "－", "—", "–", "なし", "n/a", "N/A"})
_FIRST_SERIAL = date(1899, 12, 30)
_SERIALS = range(20_000, 80_000)  # 1954 to 2119
_PLAIN = re.compile(r"(?P<year>(?:19|20)[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})")
_PARTS = re.compile(r"(?P<first>[0-9]{1,2})[/.-](?P<second>[0-9]{1,2})[/.-](?P<year>[0-9]{4})")
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        start=1,
    )
}
_ENGLISH = re.compile(
    r"(?:(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?[ -]+(?P<month>[a-z]{3})[a-z]*\.?"
    r"|(?P<month2>[a-z]{3})[a-z]*\.? +(?P<day2>[0-9]{1,2})(?:st|nd|rd|th)?),?[ -]+(?P<year>[0-9]{4})"
)


def read_day(text: str, order: str, told: Mapping[str, str]) -> date | None:
    """Return the day that a cell names, None for a blank one; raises DateError in a sentence.

    `order` says what stands first in 4/1/2026 (dmy, mdy), `told` what words such as 即時 mean.
    """
    written = re.sub(r"[T ]00:00(:00)?$", "", text.strip())
    if fold_word(written) in told and written:
        meant = told[fold_word(written)]
        return parse_date(meant) if meant else None
    if written in _NO_DAY:
        return None
    plain = " ".join(unicodedata.normalize("NFKC", written).casefold().split())
    if plain.isascii() and plain.isdigit() and int(plain) in _SERIALS:
        return _FIRST_SERIAL + timedelta(days=int(plain))
    for pattern in (_PLAIN, _PARTS, _ENGLISH):
        match = pattern.fullmatch(plain)
        if match:
            return _built(match.groupdict(), order, written)
    return parse_date(written, label="適合基準日")


def _built(parts: Mapping[str, str | None], order: str, written: str) -> date:
    if "first" in parts:
        if order not in ("dmy", "mdy"):
            raise DateError(
                f"適合基準日の「{written}」は、日と月のどちらが先か分かりません。"
                "2026/4/1のように直すか、対応表の date_order に dmy か mdy を書いてください。"
            )
        first, second = str(parts["first"]), str(parts["second"])
        day, month = (first, second) if order == "dmy" else (second, first)
    else:
        day = str(parts.get("day") or parts.get("day2"))
        month = str(parts.get("month") or parts.get("month2"))
    number = int(month) if month.isdigit() else _MONTHS.get(month, 0)
    return parse_date(f"{parts['year']}-{number}-{int(day)}", label="適合基準日")
