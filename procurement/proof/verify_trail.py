"""What holds the trail: checkpoints, the tree, the order of numbers and of moments.

A part of the verifier, put into its one file (`archive.assemble_verifier`).
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from procurement.proof.verify_acts import Events
from procurement.proof.verify_arithmetic import canonical, is_consistent, is_included, is_signed

Checkpoints = Sequence[Mapping[str, Any]]

CHECKPOINT_FORMAT = "narabi-checkpoint-2"
# An event's moment is the beginning of its transaction, a checkpoint's is cut to the second.
BEFORE, AFTER = timedelta(hours=1), timedelta(minutes=1)


def check_checkpoints(
    checkpoints: Checkpoints, proofs: Mapping[str, Any], key: bytes
) -> Iterator[str]:
    """Check each checkpoint's signature and moment, and that each continues the one before."""
    for each in checkpoints:
        signed = {k: v for k, v in each.items() if k not in {"public_key", "signature"}}
        good = each["format"] == CHECKPOINT_FORMAT and each["public_key"] == key.hex()
        good = good and each["sequence"] >= 1 and is_hex(each["signature"], 128)
        if not good or not is_signed(key, canonical(signed), bytes.fromhex(each["signature"])):
            yield f"checkpoints.json：{each['sequence']}番までの確認点の署名が合いません。"
    pairs = list(pairwise(checkpoints))
    if len(pairs) != len(proofs["consistency"]):
        yield "proofs.json：確認点のつながりの証明の数が合いません。"
    for (old, new), proof in zip(pairs, proofs["consistency"], strict=False):
        roots = (bytes.fromhex(old["root"]), bytes.fromhex(new["root"]))
        steps = [bytes.fromhex(step) for step in proof]
        if not is_consistent(old["sequence"], new["sequence"], roots, steps):
            numbers = f"{new['sequence']}番までの確認点が、{old['sequence']}番までの確認点"
            yield f"checkpoints.json：{numbers}に続いていません。"
        if moment_of(new) < moment_of(old) - AFTER:
            yield f"checkpoints.json：{new['sequence']}番までの確認点の日時が、前の確認点より前です。"


def compare_kept(checkpoints: Checkpoints, outside: Mapping[str, Any], first: int) -> Iterator[str]:
    """Hold what was kept elsewhere, one checkpoint or the list that the site publishes, against ours.

    Of the published list every checkpoint from event `first` on, and before the records were taken, has
    to be among ours, as it is: an older or another tree would leave some out.
    """
    roots = {each["sequence"]: each["root"] for each in checkpoints}
    ours = {(each["sequence"], each["root"], each["made_at"]) for each in checkpoints}
    last = checkpoints[-1]
    kept = outside.get("checkpoints", [outside])
    is_list = "checkpoints" in outside
    due = [
        each
        for each in kept
        if each["sequence"] in roots
        or (is_list and each["sequence"] >= first and _was_there(each, last))
    ]
    if not due:
        numbers = "、".join(f"{each['sequence']}番" for each in kept[:5]) or "0件"
        yield f"手元の確認点（{numbers}まで）は、この一式にないので比べられません。"
    for each in due:
        named = f"{each['sequence']}番までの確認点"
        if roots.get(each["sequence"], each["root"]) != each["root"]:
            yield f"{named}が、手元のものと違います。記録が書きかえられています。"
        elif is_list and (each["sequence"], each["root"], each["made_at"]) not in ours:
            yield f"手元にある{named}が、この一式にありません。記録が切りつめられたか、書きかえられています。"


def _was_there(kept: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    return kept["sequence"] <= last["sequence"] or moment_of(kept) <= moment_of(last) - BEFORE


def check_events(
    events: Events, case: str, proofs: Mapping[str, Any], last: Mapping[str, Any]
) -> Iterator[str]:
    """Check each event: its hash, its detail, that it is of this case, and that it is in the tree."""
    previous = 0
    for each in events:
        fields, number = each["event"], each["event"]["sequence"]
        named = f"events.jsonl：{number}番の記録"
        if hashlib.sha256(canonical(fields)).hexdigest() != each["hash"]:
            yield f"{named}の内容がハッシュと合いません。"
        if each["detail"] is not None:
            committed = each["salt"].encode() + canonical(each["detail"])
            if hashlib.sha256(committed).hexdigest() != fields["commitment"]:
                yield f"{named}の詳細が約束の値と合いません。"
        if fields["case_id"] != case:
            yield f"{named}は別の案件のものです。"
        if number <= previous:
            yield f"{named}の順番が違います。"
        previous = number
        steps = [bytes.fromhex(step) for step in proofs["inclusion"].get(str(number), [])]
        root = bytes.fromhex(last["root"])
        leaf = bytes.fromhex(each["hash"])
        if not is_included(leaf, number - 1, last["sequence"], steps, root):
            yield f"{named}が監査記録の木に入っていることを確かめられません。"


def check_moments(events: Events, checkpoints: Checkpoints) -> Iterator[str]:
    """Check that no event was added later with an earlier moment: checkpoints tell what came before."""
    for each in events:
        fields = each["event"]
        happened, number = datetime.fromisoformat(fields["occurred_at"]), fields["sequence"]
        for one in checkpoints:
            is_late = number > one["sequence"] and happened < moment_of(one) - BEFORE
            is_early = number <= one["sequence"] and happened > moment_of(one) + AFTER
            if is_late or is_early:
                yield (
                    f"events.jsonl：{number}番の記録の日時が、"
                    f"{one['sequence']}番までの確認点の日時と合いません。"
                )
                break


def check_beginning(events: Events, project: Mapping[str, Any]) -> Iterator[str]:
    """Check that the records begin with the beginning of the case."""
    begun = [e["event"] for e in events if e["event"]["action"] == "project.create"]
    whole = len(begun) == 1 and begun[0] is events[0]["event"]
    if not whole or begun[0]["subject_id"] != project["id"]:
        yield "events.jsonl：案件を作った記録から始まっていません。"


def moment_of(checkpoint: Mapping[str, Any]) -> datetime:
    """Return when a checkpoint was made."""
    return datetime.fromisoformat(checkpoint["made_at"])


def is_hex(text: str, digits: int) -> bool:
    """Tell whether a text is so many digits in the one form that is written here."""
    return re.fullmatch(f"[0-9a-f]{{{digits}}}", text) is not None
