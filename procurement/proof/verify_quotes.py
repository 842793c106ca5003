"""What the records say of quotes: letters, deadlines, receipts and the two people who opened them.

A part of the verifier, put into its one file (`archive.assemble_verifier`).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from procurement.proof.verify_acts import Events, NotCompared, compare, detail_of, done, told
from procurement.proof.verify_arithmetic import Files, canonical, hash_of

QUOTE = {"content", "nonce", "invitation_id", "receipt_sha256"}


def check_quotes(files: Files, events: Events, listed: Mapping[str, Any]) -> Iterator[str]:
    """Check every round of quotes: its letter, its conditions, and its opening."""
    sent = told(events, "quote_round.send", "sha256")
    for each in listed["quotes"]:
        fault = "見積を依頼したときの記録と合いません。"
        said = list(
            compare(hash_of(files, each["letter"]), sent.get(each["id"]), each["letter"], fault)
        )
        yield from said
        if not all(isinstance(one, NotCompared) for one in said):
            continue
        letter = json.loads(files[each["letter"]])
        stated = hashlib.sha256(canonical(letter["conditions"])).hexdigest()
        if letter["conditions_sha256"] != stated:
            yield f"{each['letter']}：依頼の条件がハッシュと合いません。"
        yield from _check_round(files, events, letter, each)


def _check_round(
    files: Files, events: Events, letter: Mapping[str, Any], each: Mapping[str, Any]
) -> Iterator[str]:
    opening = _acts_on(events, "quote_round.open", each["id"])
    if each["opened"] is None:
        if opening and not each.get("withheld"):
            yield f"{each['letter']}：開封した見積が、この一式に入っていません。"
        return
    if not opening:
        yield f"{each['opened']}：開封の記録がありません。"
        return
    yield from _check_opening(json.loads(files.get(each["opened"], b"[]")), opening[0], each)
    extended = _acts_on(events, "quote_round.extend", each["id"])
    until = [detail_of(e)["until"] for e in extended if e["detail"] is not None]
    deadline = max([letter["deadline_at"], *until], key=datetime.fromisoformat)
    opened_at = opening[0]["event"]["occurred_at"]
    if datetime.fromisoformat(opened_at) < datetime.fromisoformat(deadline):
        yield f"{opening[0]['event']['sequence']}番の開封が、見積の締切より前です。"


def _acts_on(events: Events, action: str, subject_id: str) -> Events:
    return [each for each in done(events, action) if each["event"]["subject_id"] == subject_id]


def _check_opening(
    quotes: Sequence[Mapping[str, Any]], opening: Mapping[str, Any], each: Mapping[str, Any]
) -> Iterator[str]:
    for quote in quotes:
        if set(quote) != QUOTE:
            yield f"{each['opened']}：封をした見積にない項目があります。"
        sealed = canonical(quote["content"]) + bytes.fromhex(quote["nonce"])
        if hashlib.sha256(sealed).hexdigest() != quote["receipt_sha256"]:
            yield f"{each['opened']}：見積の内容が、事業者に渡した控えのハッシュと合いません。"
    opened = sorted([quote["invitation_id"], quote["receipt_sha256"]] for quote in quotes)
    found = hashlib.sha256(canonical(opened)).hexdigest()
    (recorded,) = told([opening], "quote_round.open", "opened_set_sha256").values()
    fault = "開封した見積が、開封の記録と合いません。"
    yield from compare(found, recorded, each["opened"], fault)
    if opening["detail"] is None:
        return
    known, number = detail_of(opening), opening["event"]["sequence"]
    if len({known.get("first_by"), known.get("second_by"), None}) < 3:
        yield f"{number}番の開封が、別々の2人によるものではありません。"
    if opening["event"]["person_id"] != known.get("second_by"):
        yield f"{number}番の開封をした人が、記録と違います。"
