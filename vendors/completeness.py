"""What a registration file still needs before it can be submitted: pure, the whole list at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from core.japanese import fiscal_year, format_date
from vendors.models import GbizIdType, MarketRole, QualificationKind

QUALIFICATION_YEARS = 3


@dataclass(frozen=True, slots=True)
class Section:
    """One task of the registration file: its name in addresses, its words and its fields."""

    name: str
    label: str
    hint: str
    fields: tuple[str, ...]


SECTIONS = (
    Section(
        "company",
        "会社の情報を入力する",
        "名称、代表者、所在地、市場での役割",
        ("name", "kana", "representative", "address", "is_small_or_medium", "roles"),
    ),
    Section(
        "qualification",
        "全省庁統一資格を入力する",
        "資格の番号、種類、等級、地域、有効期限",
        (
            "qualification_number",
            "qualification_kinds",
            "qualification_grade",
            "qualification_regions",
            "qualification_expires_on",
        ),
    ),
    Section(
        "exclusions",
        "指名停止等を入力する",
        "国や団体から受けている指名停止などの期間。ないときは「ない」",
        ("has_exclusions",),
    ),
    Section(
        "contact",
        "連絡先を入力する",
        "団体とデジタル庁からの連絡を受けるところ",
        ("contact_email", "gbizid_type"),
    ),
)

_ENTER = {
    "name": "商号又は名称",
    "kana": "かな",
    "representative": "代表者の氏名",
    "address": "本店の所在地",
    "qualification_number": "資格の登録番号",
    "qualification_expires_on": "資格の有効期限",
    "contact_email": "連絡先のメールアドレス",
}
_CHOOSE = {
    "is_small_or_medium": "中小企業に当たるか",
    "roles": "市場での役割",
    "qualification_kinds": "資格の種類",
    "qualification_grade": "資格の等級",
    "qualification_regions": "競争参加地域",
    "has_exclusions": "指名停止等の期間があるか",
    "gbizid_type": "GビズIDの種類",
}


class Registration(Protocol):
    """The fields of a registration that the rules read."""

    roles: list[str]
    qualification_kinds: list[str]
    qualification_expires_on: date | None
    gbizid_type: str
    has_exclusions: bool | None
    exclusions: list[dict[str, str]]


def list_missing(registration: Registration, today: date) -> list[tuple[str, str]]:
    """Return (field, sentence) for everything that prevents the submission, in the order of the form.

    `today` is the Japanese day; a seller needs both kinds of the unified qualification, a maker any.
    """
    found = []
    for section in SECTIONS:
        for name in section.fields:
            sentence = _blank_sentence(registration, name) or _rule_sentence(
                registration, name, today
            )
            if sentence:
                found.append((name, sentence))
    return found


def section_of(field: str) -> str:
    """Return the name of the section that holds a field."""
    return next(section.name for section in SECTIONS if field in section.fields)


def _blank_sentence(registration: Registration, name: str) -> str:
    value = getattr(registration, name)
    if value is not None and value not in ("", []):
        return ""
    if name in _ENTER:
        return f"{_ENTER[name]}を入力してください。"
    return f"{_CHOOSE[name]}を選択してください。"


def _rule_sentence(registration: Registration, name: str, today: date) -> str:
    if name == "qualification_kinds":
        return list_missing_kinds(registration.roles, registration.qualification_kinds)
    expires = registration.qualification_expires_on
    if name == "qualification_expires_on" and expires is not None and expires < today:
        return "資格の有効期限が過ぎています。更新した資格の期限を入力してください。"
    if name == "qualification_expires_on" and expires is not None:
        return tell_far_expiry(expires, today)
    if name == "has_exclusions" and registration.has_exclusions and not registration.exclusions:
        return "指名停止等の期間を入力してください。ないときは「ない」を選択してください。"
    if name == "gbizid_type" and registration.gbizid_type == GbizIdType.ENTRY.value:
        return "GビズIDエントリーでは登録できません。プライムかメンバーを用意してください。"
    return ""


def tell_far_expiry(expires: date, today: date) -> str:
    """Return the sentence that refuses an expiry farther away than any notice can name, or nothing.

    The unified qualification of 令和7・8・9年度 runs from 令和7年4月1日 to 令和10年3月31日, three
    fiscal years (競争参加者の資格に関する公示, 予算決算及び会計令72条); whoever applies for the next
    three hears of it in the fiscal year before.
    """
    latest = date(fiscal_year(today) + 1 + QUALIFICATION_YEARS, 3, 31)
    if expires <= latest:
        return ""
    return (
        f"全省庁統一資格の有効期間は{QUALIFICATION_YEARS}年度までなので、有効期限は{format_date(latest)}までの日付になります。"
        "資格審査結果通知書に書かれた有効期限を確かめてください。"
    )


def list_missing_kinds(roles: Sequence[str], kinds: Sequence[str]) -> str:
    """Return the sentence that says which kinds of the qualification a seller lacks, or nothing."""
    lacking = [kind.label for kind in QualificationKind if kind.value not in kinds]
    if MarketRole.SELLER.value not in roles or not lacking:
        return ""
    return f"団体に提供するには、資格の種類に「{'」と「'.join(lacking)}」も必要です。"


def sections_missing(missing: Sequence[tuple[str, str]]) -> frozenset[str]:
    """Return the names of the sections in which something is missing."""
    return frozenset(section_of(field) for field, _ in missing)
