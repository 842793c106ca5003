"""Check the records of a purchase with Python alone: python -I -S verify_evidence.py [PLACE].

PLACE is the unpacked folder or the ZIP; without it, the folder of this file. Nothing is installed,
written or asked over the network. It ends with 0 when everything holds, with 1 when something does not,
and with 3 when nothing is wrong but something could not be compared.
"""

import argparse
import hashlib
import io
import json
import struct
import sys
import unicodedata
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from procurement.proof.verify_acts import (
    NotCompared,
    check_choosers,
    check_gone,
    check_order,
    check_people,
)
from procurement.proof.verify_arithmetic import Files, canonical, is_signed
from procurement.proof.verify_documents import check_documents, tell_withheld
from procurement.proof.verify_files import read_files
from procurement.proof.verify_listing import ALWAYS, check_listing
from procurement.proof.verify_quotes import check_quotes
from procurement.proof.verify_trail import (
    check_beginning,
    check_checkpoints,
    check_events,
    check_moments,
    compare_kept,
    is_hex,
    moment_of,
)

FORMAT = "narabi-proof-3"
NOT_ALL_COMPARED = 3
MANIFEST = "manifest.json"


def check_manifest(files: Files, manifest: Mapping[str, Any], key: bytes) -> Iterator[str]:
    """Compare every file with the manifest, and the manifest with its signature."""
    signed = {name: value for name, value in manifest.items() if name != "signature"}
    if manifest["format"] != FORMAT:
        yield f"{MANIFEST}：このプログラムは、形式「{manifest['format']}」の一式を確かめられません。"
    signature = manifest["signature"] if is_hex(manifest["signature"], 128) else ""
    if not is_signed(key, canonical(signed), bytes.fromhex(signature)):
        size = len(files[MANIFEST])
        yield f"{MANIFEST}：0～{size - 1}バイト目のどこかが変わっています（署名が合いません）。"
    elif canonical(manifest) != files[MANIFEST]:
        yield f"{MANIFEST}：書き方が変わっています。"
    for name, known in manifest["files"].items():
        if name not in files:
            yield f"{name}：ファイルがありません。"
        elif hashlib.sha256(files[name]).hexdigest() != known["sha256"]:
            yield f"{name}：{_changed_ranges(files[name], known, manifest['block'])}"
    for name in ALWAYS:
        if name not in files:
            yield f"{name}：ファイルがありません。"
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
    if not checkpoints or not events:
        return Finding(manifest, 0, ["確認点か操作の記録が一つもありません。"])
    first = events[0]["event"]["sequence"]
    said = [
        *check_checkpoints(checkpoints, proofs, key),
        *(compare_kept(checkpoints, outside, first) if outside is not None else ()),
        *check_events(events, listed["project"]["id"], proofs, checkpoints[-1]),
        *check_moments(events, checkpoints),
        *check_beginning(events, listed["project"]),
        *_check_making(files, manifest, checkpoints[-1], listed, key),
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


def _check_making(
    files: Files,
    manifest: Mapping[str, Any],
    last: Mapping[str, Any],
    listed: Mapping[str, Any],
    key: bytes,
) -> Iterator[str]:
    """Check that the records were made at one moment, and that the README names the key."""
    if not moment_of(manifest) == moment_of(last) == moment_of(listed):
        yield f"{MANIFEST}：一式を作成した日時が、最後の確認点の日時と違います。"
    if key.hex().encode() not in files["README.txt"]:
        yield "README.txt：署名の鍵が書かれていません。"


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


def show(sentence: str) -> str:
    """Return a sentence without what would move or hide the words of a terminal."""
    return "".join(
        "�"
        if unicodedata.category(each)[0] == "C" or unicodedata.category(each) in {"Zl", "Zp"}
        else each
        for each in sentence
    )


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
        why = show(f"{type(error).__name__}：{error}")
        say(f"{MANIFEST}かほかのファイルが壊れていて読めません（{why}）。\n")
        return 1
    except (zipfile.BadZipFile, struct.error):
        say("ZIPファイルが壊れているか、この一式の書き方と違います。\n")
        return 1
    status, conclusion = conclude(found)
    for sentence in (*found.faults, *found.not_compared, conclusion):
        say(f"{show(sentence)}\n")
    if status != 1 and not is_hex(asked.public_key, 64):
        key = show(str(found.manifest["public_key"]))
        say(f"署名の鍵 {key} が公開されている鍵と同じか、見比べてください。\n")
    if status != 1 and outside is None:
        say(
            "鍵を持つ人が記録の全体を書きかえたかどうかは、前に保管した確認点（--checkpoint）と"
            "比べなければ分かりません。\n"
        )
    return status


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    sys.exit(main(sys.argv[1:]))
