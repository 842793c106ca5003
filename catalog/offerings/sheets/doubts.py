"""Cells that no schema refuses but nobody should take on trust; none of them is guessed."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date

from catalog.offerings.sheets.columns import NOTE
from catalog.offerings.sheets.findings import Finding, finding_at
from catalog.offerings.sheets.reading import Item
from catalog.specifications.mapping import fold_word
from core import japanese

_ADDED = ("starts_on", "ends_on", "category", "page")
_PAGE = re.compile(r"https?://[^\s/]+\.[^\s]+", re.ASCII)


def find_doubts(
    items: Sequence[Item], corporate_number: str, company: str, today: date
) -> Iterator[Finding]:
    """Give every doubtful cell of the rows; each may be dropped but one that names another company."""
    spelled = _spellings(items)
    for item in items:
        yield from _doubt_days(item, today)
        yield from _doubt(item, "corporate_number", _number)
        yield from _doubt_company(item, corporate_number, company)
        yield from _doubt(item, "page", _page)
        yield from _doubt(item, "category", lambda text: _category(text, spelled))
        yield from _doubt(item, "availability_basis_points", _percent)


def add_extras(item: Item) -> dict[str, str]:
    """Return the description with what is only added to it, nothing where there is none."""
    lines = []
    for target in _ADDED:
        column, text = item.column(target), item.cells.get(target, "")
        if column and text:
            lines.append(f"{column.heading}：{text}")
    lines += [f"{column.heading}：{text}" for column, text in item.notes if text]
    has_any = any(t in item.table.targets for t in (*_ADDED, NOTE))
    if not has_any:
        return {}
    return {"description": "\n".join([*filter(None, [item.cells.get("description", "")]), *lines])}


def _doubt(item: Item, target: str, ask: Callable[[str], str]) -> Iterator[Finding]:
    text = item.cells.get(target, "")
    reason = ask(text) if text else ""
    if reason:
        yield finding_at(item, item.column(target), reason, text, target=target, can_drop=True)


def _doubt_days(item: Item, today: date) -> Iterator[Finding]:
    days: dict[str, date] = {}
    for target in ("starts_on", "ends_on"):
        text = item.cells.get(target, "")
        try:
            if text:
                days[target] = japanese.parse_date(text)
        except japanese.JapaneseTextError:
            reason = "日付として読めません。2026/10/1のように年から書くか、空欄にしてください。"
            yield finding_at(item, item.column(target), reason, text, target=target, can_drop=True)
    if "ends_on" not in days:
        return
    reason = ""
    if "starts_on" in days and days["ends_on"] < days["starts_on"]:
        reason = f"始まる日（{days['starts_on']}）より前です。どちらが正しいかを確かめてください。"
    elif days["ends_on"] < today:
        reason = "過ぎた日です。提供を続けているなら空欄にし、終えたなら行を外してください。"
    if reason:
        text = item.cells["ends_on"]
        yield finding_at(
            item, item.column("ends_on"), reason, text, target="ends_on", can_drop=True
        )


def _doubt_company(item: Item, number: str, company: str) -> Iterator[Finding]:
    """Doubt a row that names another company: it may be somebody else's service."""
    text = item.cells.get("corporate_number", "")
    digits = japanese.normalise_corporate_number(text)
    if text and not _number(text) and digits != number:
        reason = f"自社の法人番号（{number}）と違います。自社のサービスなら直し、違うなら行を外してください。"
        yield finding_at(item, item.column("corporate_number"), reason, text)
    text = item.cells.get("provider", "")
    if text and japanese.name_skeleton(text) != japanese.name_skeleton(company):
        reason = f"自社の名称（{company}）と違います。自社のサービスなら直し、違うなら行を外してください。"
        yield finding_at(item, item.column("provider"), reason, text)


def _page(text: str) -> str:
    if _PAGE.fullmatch(text):
        return ""
    return "一つのアドレスとして読めません。https://で始まるアドレスを一つだけ書くか、空欄にしてください。"


def _number(text: str) -> str:
    digits = japanese.normalise_corporate_number(text)
    if not re.fullmatch(r"[0-9]{13}", digits):
        return f"法人番号は13桁の数字です。今は{len(digits)}文字です。"
    try:
        japanese.check_corporate_number(digits)
    except japanese.JapaneseTextError as error:
        return str(error)
    return ""


def _percent(text: str) -> str:
    if re.fullmatch(r"0?\.[0-9]+|1(\.0+)?", text):
        return f"1以下です。割合ではなく、99.5のように百分率で書いてください。（今の値：{text}）"
    return ""


def _words(text: str) -> list[str]:
    return [word for each in text.split(",") if (word := each.strip())]


def _spellings(items: Sequence[Item]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        for word in _words(item.cells.get("category", "")):
            found[fold_word(word)][word] += 1
    return found


def _category(text: str, spelled: dict[str, Counter[str]]) -> str:
    for word in _words(text):
        ways = spelled[fold_word(word)].most_common()
        if len(ways) > 1 and ways[0][0] != word:
            shown = "、".join(f"「{each}」（{count}行）" for each, count in ways)
            return f"同じ分野が{len(ways)}通りに書かれています：{shown}。どれかにそろえてください。"
    return ""
