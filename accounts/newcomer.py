"""Pure: what GビズID says of a person, read into values that may be used, or refused."""

from dataclasses import dataclass

from accounts.oauth import Identified, Refused
from core import japanese

_PRIME, _MEMBER = "2", "3"  # 1 is GビズIDエントリー, for which nobody was checked
_LONGEST_NAME, _LONGEST_EMAIL, _LONGEST_COMPANY = 100, 254, 200


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody of a company, vouched for by GビズID, whom we do not know yet."""

    issuer: str
    subject: str
    name: str
    email: str
    company: str
    corporate_number: str
    is_prime: bool
    authenticated_at: int | None  # seconds


def read_newcomer(who: Identified) -> Newcomer:
    """Return what GビズID says of a person of a company. Raises Refused for whatever is not enough."""
    told = who.values
    if told["account_type"] not in {_PRIME, _MEMBER}:
        raise Refused("account_type")
    if not told["corporate_number"]:
        raise Refused("no_corporate_number")
    try:
        number = japanese.check_corporate_number(told["corporate_number"])
    except japanese.JapaneseTextError as error:
        raise Refused("corporate_number") from error
    try:
        name, company = (japanese.clean_line(told[k]) for k in ("person_name", "company_name"))
    except japanese.JapaneseTextError as error:
        raise Refused("told.values") from error
    email = told["email"].strip().lower()
    if not name or not company or not _is_address(email):
        raise Refused("told.missing")
    return Newcomer(
        who.issuer,
        who.subject,
        name[:_LONGEST_NAME],
        email,
        company[:_LONGEST_COMPANY],
        number,
        told["account_type"] == _PRIME,
        who.authenticated_at,
    )


def _is_address(email: str) -> bool:
    name, at, host = email.rpartition("@")
    return bool(name and at and "." in host) and len(email) <= _LONGEST_EMAIL and email.isascii()
