"""Check the records of a purchase with Python alone: python -I -S verify_evidence.py [PLACE].

PLACE is the unpacked folder or the ZIP; without it, the folder of this file. Nothing is installed,
written or asked over the network. It ends with 0 when everything holds, with 1 when something does not,
and with 3 when nothing is wrong but something could not be compared.
"""

import argparse
import hashlib
import io
import json
import re
import struct
import sys
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from procurement.proof.verify_acts import (
    GONE,
    Events,
    NotCompared,
    check_choosers,
    check_gone,
    check_order,
    check_people,
    compare,
    done,
    hides_quotes,
    told,
)
from procurement.proof.verify_arithmetic import (
    Files,
    canonical,
    hash_of,
    is_consistent,
    is_included,
    is_signed,
)
from procurement.proof.verify_listing import check_listing
from procurement.proof.verify_quotes import check_quotes

FORMAT = "narabi-proof-3"
NOT_ALL_COMPARED = 3
MANIFEST = "manifest.json"
CHECKPOINT_FORMAT = "narabi-checkpoint-2"
# The lists of project.json, and the act that made each thing in them.
WHOLE = {
    "evidence": "evidence.lock",
    "decisions": "selection.record_external",
    "requests": "request.approve",
    "papers": "paper.keep",
    "quotes": "quote_round.send",
}
# --- reading -----------------------------------------------------------------------------------------


def read_files(place: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a folder or of a ZIP, by its path."""
    if place.is_dir():
        found = sorted(path for path in place.rglob("*") if path.is_file())
        return {path.relative_to(place).as_posix(): path.read_bytes() for path in found}
    content = place.read_bytes()
    with zipfile.ZipFile(place) as archive:
        entries = archive.infolist()
        names = [each.filename for each in entries]
    if len(names) != len(set(names)):
        raise zipfile.BadZipFile
    return {each.filename: _stored(content, each) for each in entries}


def _stored(content: bytes, each: zipfile.ZipInfo) -> bytes:
    # Read past the archive's own checksum, so that the file and the place of a fault can be named.
    name, extra = struct.unpack("<HH", content[each.header_offset + 26 : each.header_offset + 30])
    start = each.header_offset + 30 + name + extra
    if content[each.header_offset + 30 : start - extra].decode() != each.filename:
        raise zipfile.BadZipFile  # one name for us, another for a program that unpacks
    return content[start : start + each.compress_size]


# --- checks: each gives a sentence for everything that does not hold ---------------------------------


def check_manifest(files: Files, manifest: Mapping[str, Any], key: bytes) -> Iterator[str]:
    """Compare every file with the manifest, and the manifest with its signature."""
    signed = {name: value for name, value in manifest.items() if name != "signature"}
    if manifest["format"] != FORMAT:
        yield f"{MANIFEST}：このプログラムは、形式「{manifest['format']}」の一式を確かめられません。"
    if not is_signed(key, canonical(signed), bytes.fromhex(manifest["signature"])):
        size = len(files[MANIFEST])
        yield f"{MANIFEST}：0～{size - 1}バイト目のどこかが変わっています（署名が合いません）。"
    elif canonical(manifest) != files[MANIFEST]:
        yield f"{MANIFEST}：書き方が変わっています。"
    for name, known in manifest["files"].items():
        if name not in files:
            yield f"{name}：ファイルがありません。"
        elif hashlib.sha256(files[name]).hexdigest() != known["sha256"]:
            yield f"{name}：{_changed_ranges(files[name], known, manifest['block'])}"
    for name in sorted(set(files) - set(manifest["files"]) - {MANIFEST}):
        yield f"{name}：一式にないファイルです。"


def _changed_ranges(content: bytes, told: Mapping[str, Any], block: int) -> str:
    size = told["bytes"]
    same = len(content) == size
    found = "" if same else f"大きさが{size}バイトではなく{len(content)}バイトです。"
    for number, digest in enumerate(told["blocks"]):
        start = number * block
        if hashlib.sha256(content[start : start + block]).hexdigest() != digest:
            return (
                f"{found}{start}～{min(start + block, size) - 1}バイト目のどこかが変わっています。"
            )
    return found or "内容が変わっています。"


def check_checkpoints(
    checkpoints: Sequence[Mapping[str, Any]],
    proofs: Mapping[str, Any],
    key: bytes,
    outside: Mapping[str, Any] | None,
) -> Iterator[str]:
    """Check each checkpoint's signature, that each continues the one before, and those from outside."""
    for each in checkpoints:
        signed = {k: v for k, v in each.items() if k not in {"public_key", "signature"}}
        good = each["format"] == CHECKPOINT_FORMAT and each["public_key"] == key.hex()
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
    if outside is not None:
        yield from compare_kept(checkpoints, outside)


def compare_kept(
    checkpoints: Sequence[Mapping[str, Any]], outside: Mapping[str, Any]
) -> Iterator[str]:
    """Hold what was kept elsewhere, one checkpoint or the list that the site publishes, against ours."""
    kept = outside.get("checkpoints", [outside])
    roots = {each["sequence"]: each["root"] for each in checkpoints}
    met = [each for each in kept if each["sequence"] in roots]
    if not met:
        numbers = "、".join(f"{each['sequence']}番" for each in kept[:5]) or "0件"
        yield f"手元の確認点（{numbers}まで）は、この一式にないので比べられません。"
    for each in met:
        if roots[each["sequence"]] != each["root"]:
            yield f"{each['sequence']}番までの確認点が、手元のものと違います。記録が書きかえられています。"


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


def check_documents(files: Files, events: Events, listed: Mapping[str, Any]) -> Iterator[str]:
    """Compare all documents with the hashes that the trail holds of them; none may be left out."""
    yield from _check_whole(listed, events)
    locked = told(events, "evidence.lock", "sha256")
    for each in listed["evidence"]:
        fault = "検索を確定したときの記録と合いません。"
        yield from compare(
            hash_of(files, each["path"]), locked.get(each["id"]), each["path"], fault
        )
    yield from _check_decisions(files, events, listed)
    yield from _check_requests(files, events, listed)
    # Where the record of a search is gone, its papers still print the hash of what was locked.
    files_of = {each["id"]: each["path"] for each in listed["evidence"]}
    searches = {
        hash_of(files, files_of.get(key, "")) if sha256 is GONE else sha256
        for key, sha256 in locked.items()
    }
    yield from _check_papers(files, events, listed, searches)


def _check_requests(files: Files, events: Events, listed: Mapping[str, Any]) -> Iterator[str]:
    approved = told(events, "request.approve", "sha256")
    decisions = ("selection.approve", "selection.record_external")
    choices = {each for act in decisions for each in told(events, act, "sha256").values()}
    for each in listed["requests"]:
        parts = {name: hash_of(files, each[name]) for name in ("payload", "document")}
        combined = hashlib.sha256(canonical(parts)).hexdigest()
        fault = "決裁したときの記録と合いません。"
        yield from compare(combined, approved.get(each["id"]), each["document"], fault)
        chosen = json.loads(files[each["payload"]])["references"].get("selection_sha256")
        if chosen and chosen not in choices:
            fault = "決裁した選定にもとづいていません。"
            yield from compare(chosen, GONE if GONE in choices else None, each["payload"], fault)


def _check_papers(
    files: Files, events: Events, listed: Mapping[str, Any], searches: set[str]
) -> Iterator[str]:
    kept = told(events, "paper.keep", "sha256")
    for each in listed["papers"]:
        recorded = kept.get(each["id"])
        if each.get("withheld"):
            place = f"project.json：{name_paper(each)}"
            if not is_lawfully_withheld(each, listed):
                yield f"{place}は、伏せる書類ではないのに入っていません。"
            fault = "ハッシュが、作ったときの記録と合いません。"
            yield from compare(each["sha256"], recorded, place, fault)
            continue
        payload = each["files"]["payload"]
        hashes = {name: hash_of(files, path) for name, path in each["files"].items()}
        found = hashlib.sha256(canonical(hashes)).hexdigest()
        fault = "書類を作ったときの記録と合いません。"
        yield from compare(found, recorded, payload, fault)
        printed = json.loads(files[payload])["references"].get("evidence_sha256")
        if printed and printed not in searches:
            yield f"{payload}：確定した検索の記録にもとづいていません。"


def is_lawfully_withheld(paper: Mapping[str, Any], listed: Mapping[str, Any]) -> bool:
    """Tell whether a paper may be left out: the 選定調書, while the opened quotes are left out too."""
    return hides_quotes(listed) and paper["kind"] == "selection_record"


def name_paper(paper: Mapping[str, Any]) -> str:
    """Name a paper as its body does."""
    return f"{paper['title']}　第{paper['revision']}版"


def tell_withheld(listed: Mapping[str, Any]) -> Iterator[str]:
    """Say what whoever took the records could not read yet; that is no fault."""
    hidden = [
        f"{each['number']}の開封した見積" for each in listed["quotes"] if each.get("withheld")
    ]
    hidden += [name_paper(each) for each in listed["papers"] if each.get("withheld")]
    for name in hidden:
        yield NotCompared(f"{name}は、取り出した人がまだ見られないため、入っていません。")


def _check_decisions(files: Files, events: Events, listed: Mapping[str, Any]) -> Iterator[str]:
    recorded = told(events, "selection.record_external", "decision_sha256")
    for each in listed["decisions"]:
        fault = "庁外決裁を記録したときの内容と合いません。"
        yield from compare(
            hash_of(files, each["path"]), recorded.get(each["id"]), each["path"], fault
        )
        scan = json.loads(files[each["path"]])["file_sha256"]
        fault = "庁外決裁の記録にある写しと違います。"
        yield from compare(hash_of(files, each["scan"]), scan, each["scan"], fault)


def _check_whole(listed: Mapping[str, Any], events: Events) -> Iterator[str]:
    for part, action in WHOLE.items():
        ids = {each["id"] for each in listed[part]}
        for each in done(events, action):
            if each["event"]["subject_id"] not in ids:
                number = each["event"]["sequence"]
                yield f"project.json：{number}番の記録（{action}）の書類が、この一式に入っていません。"


@dataclass(frozen=True)
class Finding:
    """What a check of the records found: faults, and what could not be compared, as sentences."""

    manifest: Mapping[str, Any]
    events: int
    faults: Sequence[str]
    not_compared: Sequence[str] = ()


def check_all(
    files: Files,
    public_key: str = "",
    outside: Mapping[str, Any] | None = None,
    erased: Collection[int] = (),
) -> Finding:
    """Check everything; the details of events `erased` may be gone, no others."""
    manifest = json.loads(files[MANIFEST])
    key = bytes.fromhex(public_key or manifest["public_key"])
    if faults := list(check_manifest(files, manifest, key)):
        return Finding(manifest, 0, faults)
    events = [json.loads(line) for line in files["events.jsonl"].splitlines()]
    checkpoints = json.loads(files["checkpoints.json"])
    proofs, listed = json.loads(files["proofs.json"]), json.loads(files["project.json"])
    said = [
        *check_checkpoints(checkpoints, proofs, key, outside),
        *check_events(events, listed["project"]["id"], proofs, checkpoints[-1]),
        *check_gone(events, erased, listed),
        *check_listing(files, events, listed),
        *check_documents(files, events, listed),
        *check_quotes(files, events, listed),
        *check_order(events),
        *check_people(events),
        *check_choosers(events),
        *tell_withheld(listed),
    ]
    faults = [each for each in said if not isinstance(each, NotCompared)]
    return Finding(
        manifest, len(events), faults, [each for each in said if isinstance(each, NotCompared)]
    )


def conclude(found: Finding) -> tuple[int, str]:
    """Return the exit status, and the sentence that sums up."""
    if found.faults:
        return 1, f"{len(found.faults)}件の問題があります。"
    whole = f"{len(found.manifest['files'])}個のファイルと{found.events}件の記録"
    if found.not_compared:
        return NOT_ALL_COMPARED, (
            f"{whole}のうち、上の{len(found.not_compared)}件は比べられませんでした。"
            "そこが作成したときのままかどうかは、分かりません。ほかに問題はありません。"
        )
    return 0, f"{whole}は、作成したときのままです。"


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read what was asked on the command line."""
    parser = argparse.ArgumentParser(description="証跡一式を確かめます。")
    parser.add_argument("place", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--public-key", default="", help="公開されている鍵（16進数64桁）")
    parser.add_argument(
        "--checkpoint",
        type=Path,
        help="手元に保管した確認点のファイル（公開の一覧 checkpoints.json でも、1件でも）",
    )
    parser.add_argument(
        "--erased",
        action="append",
        type=int,
        default=[],
        help="法令により詳細が消された記録の番号（くり返して指定できます）",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Check and tell; returns the exit status."""
    asked, say = read_arguments(arguments), sys.stdout.write
    try:
        outside = json.loads(asked.checkpoint.read_text("utf-8")) if asked.checkpoint else None
        found = check_all(read_files(asked.place), asked.public_key, outside, asked.erased)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, OSError) as error:
        say(
            f"{MANIFEST}かほかのファイルが壊れていて読めません（{type(error).__name__}：{error}）。\n"
        )
        return 1
    except (zipfile.BadZipFile, struct.error):
        say("ZIPファイルが壊れています。\n")
        return 1
    status, conclusion = conclude(found)
    for sentence in (*found.faults, *found.not_compared, conclusion):
        say(f"{sentence}\n")
    if status != 1 and not re.fullmatch("[0-9a-f]{64}", asked.public_key):
        key = found.manifest["public_key"]
        say(f"署名の鍵 {key} が公開されている鍵と同じか、見比べてください。\n")
    return status


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    sys.exit(main(sys.argv[1:]))
