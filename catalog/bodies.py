"""For which body a reader computes: the acting one, or one named by code or name."""

import re
import unicodedata
from collections.abc import Sequence

from sqlmodel import Session

from accounts import queries as people
from accounts.identity import Actor
from accounts.models import Organisation, OrganisationKind
from core.errors import Invalid
from core.japanese import JapaneseTextError, complete_local_government_code

REFERENCE = "reference"
_CODE = re.compile(r"\d{5,6}")
_SUGGESTED = 10


def acting_body(session: Session, actor: Actor) -> Organisation | None:
    """Return the body for which the reader acts."""
    if actor.organisation_kind is not OrganisationKind.BODY or actor.organisation_id is None:
        return None
    body = people.get_organisation(session, actor.organisation_id)
    if body is not None and body.code is not None and session.info.get("read_only"):
        _known(session)[body.code] = body
    return body


def find_body(session: Session, text: str) -> Organisation | None:
    """Return the body of a code or a name, None for the reference; Invalid tells what is near."""
    wanted = unicodedata.normalize("NFKC", text).strip()
    if wanted in {"", REFERENCE}:
        return None
    if _CODE.fullmatch(wanted):
        return _find_by_code(session, wanted)
    name = wanted.replace("(", "（").replace(")", "）").replace(" ", "")
    bodies = people.list_bodies(session)
    same = [body for body in bodies if name in {body.label, body.name, body.prefecture + body.name}]
    if len(same) == 1:
        return same[0]
    near = same or [body for body in bodies if name in body.label]
    raise Invalid({"body": _explain_bodies(wanted, near, is_same=bool(same))})


def _find_by_code(session: Session, code: str) -> Organisation:
    try:
        whole = complete_local_government_code(code)
    except JapaneseTextError as error:
        raise Invalid({"body": str(error)}) from error
    known = _known(session) if session.info.get("read_only") else {}
    found = known.get(whole) or people.find_body_by_code(session, whole)
    if found is None:
        raise Invalid({"body": f"団体コード{code}の団体は見つかりません。数字を確かめてください。"})
    known[whole] = found
    return found


def _known(session: Session) -> dict[str, Organisation]:
    """Return the bodies that a reading session has met, by code: each is asked for once."""
    known: dict[str, Organisation] = session.info.setdefault("bodies", {})
    return known


def _explain_bodies(wanted: str, near: Sequence[Organisation], *, is_same: bool) -> str:
    labels = "、".join(body.label for body in near[:_SUGGESTED])
    more = "など" if len(near) > _SUGGESTED else ""
    if is_same:
        return f"「{wanted}」は{len(near)}団体あります。都道府県を付けて入力してください：{labels}{more}。"
    if near:
        return f"「{wanted}」という団体は見つかりません。近い名前：{labels}{more}。"
    return f"「{wanted}」という団体は見つかりません。名前か6桁の団体コードを確かめてください。"
