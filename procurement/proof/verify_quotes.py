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
    priced = told(events, "selection.propose", "quote_id").values()
    if any(isinstance(each, str) for each in priced) and not done(events, "quote_round.open"):
        yield "events.jsonl：見積で選んでいますが、開封の記録がありません。"


def _check_round(
    files: Files, events: Events, letter: Mapping[str, Any], each: Mapping[str, Any]
) -> Iterator[str]:
    opening = _acts_on(events, "quote_round.open", each["id"])
    if not opening:
        if each["opened"] is not None or each.get("withheld"):
            yield f"{each['letter']}：開封の記録がありません。"
        return
    yield from _check_openers(opening[0])
    yield from _check_deadline(events, letter, opening[0], each)
    if each.get("withheld"):
        if each["opened"] is not None:
            yield f"{each['opened']}：伏せたはずの見積が入っています。"
    elif each["opened"] is None:
        yield f"{each['letter']}：開封した見積が、この一式に入っていません。"
    else:
        yield from _check_set(json.loads(files.get(each["opened"], b"[]")), opening[0], each)


def _acts_on(events: Events, action: str, subject_id: str) -> Events:
    return [each for each in done(events, action) if each["event"]["subject_id"] == subject_id]


def _check_openers(opening: Mapping[str, Any]) -> Iterator[str]:
    if opening["detail"] is None:
        return
    known, number = detail_of(opening), opening["event"]["sequence"]
    if len({known.get("first_by"), known.get("second_by"), None}) < 3:
        yield f"{number}番の開封が、別々の2人によるものではありません。"
    if opening["event"]["person_id"] != known.get("second_by"):
        yield f"{number}番の開封をした人が、記録と違います。"


def _check_deadline(
    events: Events,
    letter: Mapping[str, Any],
    opening: Mapping[str, Any],
    each: Mapping[str, Any],
) -> Iterator[str]:
    """The deadline of the letter or of the last extension is the one that held at the opening."""
    extended = _acts_on(events, "quote_round.extend", each["id"])
    until = [detail_of(e)["until"] for e in extended if e["detail"] is not None]
    try:
        deadline = max(map(datetime.fromisoformat, [letter["deadline_at"], *until]))
    except ValueError:  # recorded in words, before the trail told moments
        yield NotCompared(
            f"{each['letter']}：締切の変更が文で記録されているので、締切と比べられません。"
        )
        return
    number, opened_at = opening["event"]["sequence"], opening["event"]["occurred_at"]
    if datetime.fromisoformat(opened_at) < deadline:
        yield f"{number}番の開封が、見積の締切より前です。"
    is_whole = opening["detail"] is not None and all(e["detail"] is not None for e in extended)
    held = detail_of(opening).get("deadline_at")  # older records do not tell it
    if is_whole and held and datetime.fromisoformat(held) != deadline:
        yield f"{number}番の開封のときの締切が、依頼と締切の変更の記録から分かる締切と違います。"


def _check_set(
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
