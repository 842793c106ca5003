"""Check the records of a purchase with Python alone: python -I -S verify_evidence.py [PLACE].

PLACE is the unpacked folder or the ZIP; without it, the folder of this file. Nothing is installed,
written or asked over the network. It ends with 0 when everything holds, with 1 when something does not.
"""

import argparse
import hashlib
import io
import json
import re
import struct
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

Point = tuple[int, int, int, int]
Files = Mapping[str, bytes]
Events = Sequence[Mapping[str, Any]]

MANIFEST = "manifest.json"
CHECKPOINT_FORMAT = "narabi-checkpoint-2"

# --- ed25519, as RFC 8032 section 6 gives it ---------------------------------------------------------

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def add_points(a: Point, b: Point) -> Point:
    """Add two points in extended coordinates."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    w, x, y, z = f - e, h - g, h + g, f + e
    return (w * x % P, y * z % P, x * y % P, w * z % P)


def multiply_point(number: int, point: Point) -> Point:
    """Multiply a point by a number."""
    total = (0, 1, 1, 0)
    while number > 0:
        if number & 1:
            total = add_points(total, point)
        point, number = add_points(point, point), number >> 1
    return total


def recover_x(y: int, sign: int) -> int | None:
    """Return the x of a point, or None when there is none."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P:
        return None
    return P - x if (x & 1) != sign else x


def read_point(text: bytes) -> Point | None:
    """Return the point that 32 bytes stand for, or None."""
    y = int.from_bytes(text, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0) or 0
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether an ed25519 signature (64 bytes) of a message is right."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    a, r = read_point(public_key), read_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    left = multiply_point(s, BASE)
    right = add_points(r, multiply_point(int.from_bytes(digest, "little") % Q, a))
    apart = [(left[n] * right[2] - right[n] * left[2]) % P for n in (0, 1)]
    return apart == [0, 0]


# --- canonical JSON (RFC 8785) -----------------------------------------------------------------------


def canonical(value: object) -> bytes:
    """Return the one byte form of a JSON value."""
    return _write(value).encode("utf-8")


def _write(value: object) -> str:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{_write(key)}:{_write(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_write, value)) + "]"
    if isinstance(value, float):
        return _write_float(value)
    return json.dumps(value, ensure_ascii=False)


def _write_float(value: float) -> str:
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    text = repr(abs(value))
    mantissa, _, exponent = text.partition("e")
    whole, _, part = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = (whole + part).rstrip("0")
    point -= len(digits) - len(digits.lstrip("0"))
    digits = digits.lstrip("0")
    sign = "-" if value < 0 else ""
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


# --- the tree of RFC 6962 ----------------------------------------------------------------------------


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node of the tree."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def is_included(content: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a proof leads from a leaf to the root of a tree of `size` leaves."""
    if not 0 <= index < size:
        return False
    found, place, last = hashlib.sha256(b"\x00" + content).digest(), index, size - 1
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node(step, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node(found, step)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(
    first: int, second: int, roots: tuple[bytes, bytes], proof: Sequence[bytes]
) -> bool:
    """Tell whether a proof shows that the second tree begins with the first."""
    if not 0 <= first <= second:
        return False
    if first in {0, second}:
        return not proof and (first == 0 or roots[0] == roots[1])
    steps = [roots[0], *proof] if first & (first - 1) == 0 else list(proof)
    if not steps:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node(step, old), node(step, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node(new, step)
        place, last = place >> 1, last >> 1
    return last == 0 and (old, new) == roots


# --- reading -----------------------------------------------------------------------------------------


def read_files(place: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a folder or of a ZIP, by its path."""
    if place.is_dir():
        found = sorted(path for path in place.rglob("*") if path.is_file())
        return {path.relative_to(place).as_posix(): path.read_bytes() for path in found}
    content = place.read_bytes()
    with zipfile.ZipFile(place) as archive:
        return {each.filename: _stored(content, each) for each in archive.infolist()}


def _stored(content: bytes, each: zipfile.ZipInfo) -> bytes:
    # Read past the archive's own checksum, so that the file and the place of a fault can be named.
    name, extra = struct.unpack("<HH", content[each.header_offset + 26 : each.header_offset + 30])
    start = each.header_offset + 30 + name + extra
    return content[start : start + each.compress_size]


# --- checks: each gives a sentence for everything that does not hold ---------------------------------


def check_manifest(files: Files, manifest: Mapping[str, Any], key: bytes) -> Iterator[str]:
    """Compare every file with the manifest, and the manifest with its signature."""
    signed = {name: value for name, value in manifest.items() if name != "signature"}
    if not is_signed(key, canonical(signed), bytes.fromhex(manifest["signature"])):
        size = len(files[MANIFEST])
        yield f"{MANIFEST}：0～{size - 1}バイト目のどこかが変わっています（署名が合いません）。"
    elif canonical(manifest) != files[MANIFEST]:
        yield f"{MANIFEST}：書き方が変わっています。"
    for name, told in manifest["files"].items():
        if name not in files:
            yield f"{name}：ファイルがありません。"
        elif hashlib.sha256(files[name]).hexdigest() != told["sha256"]:
            yield f"{name}：{_changed_ranges(files[name], told, manifest['block'])}"
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
    """Check each checkpoint's signature, that each continues the one before, and one from outside."""
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
        same = [each for each in checkpoints if each["sequence"] == outside["sequence"]]
        if not same:
            yield f"{outside['sequence']}番までの確認点は、この一式にないので比べられません。"
        elif any(each["root"] != outside["root"] for each in same):
            yield f"{outside['sequence']}番までの確認点が、手元のものと違います。記録が書きかえられています。"


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
    """Compare locked searches and approved requests with the hashes that the trail holds of them."""
    locked = {
        e["event"]["subject_id"]: _detail(e).get("sha256") for e in _done(events, "evidence.lock")
    }
    for each in listed["evidence"]:
        if hashlib.sha256(files.get(each["path"], b"")).hexdigest() != locked.get(each["id"]):
            yield f"{each['path']}：検索を確定したときの記録と合いません。"
    approved = {
        e["event"]["subject_id"]: _detail(e).get("sha256") for e in _done(events, "request.approve")
    }
    for each in listed["requests"]:
        parts = {
            name: hashlib.sha256(files.get(each[name], b"")).hexdigest()
            for name in ("payload", "document")
        }
        if hashlib.sha256(canonical(parts)).hexdigest() != approved.get(each["id"]):
            yield f"{each['document']}：決裁したときの記録と合いません。"


def check_people(events: Events) -> Iterator[str]:
    """Check that another person approved what was prepared, and that what was sent was approved."""
    prepared: dict[tuple[str, str], str] = {}
    approved: dict[str, str | None] = {}
    steps = {"selection.propose": "selection.approve", "request.submit": "request.approve"}
    for each in events:
        fields = each["event"]
        subject, action = fields["subject_id"], fields["action"]
        if fields["outcome"] != "done":
            continue
        if action in steps:
            prepared[subject, steps[action]] = fields["person_id"]
        if action in steps.values():
            approved[subject] = _detail(each).get("sha256")
            if prepared.get((subject, action), fields["person_id"]) == fields["person_id"]:
                yield f"{fields['sequence']}番の決裁が、準備した人と別の人のものではありません。"
        sent = _detail(each).get("sha256") if action in {"request.send", "request.accept"} else None
        if sent and sent != approved.get(subject):
            yield f"{fields['sequence']}番で送ったか承諾したものが、決裁したものと違います。"


def _done(events: Events, action: str) -> Events:
    return [e for e in events if (e["event"]["action"], e["event"]["outcome"]) == (action, "done")]


def _detail(each: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = each["detail"] or {}
    return found


def check_all(
    files: Files, public_key: str, outside: Mapping[str, Any] | None
) -> tuple[list[str], Mapping[str, Any], int]:
    """Return the sentence of every fault, the manifest, and the number of events."""
    manifest = json.loads(files[MANIFEST])
    key = bytes.fromhex(public_key or manifest["public_key"])
    faults = list(check_manifest(files, manifest, key))
    if faults:
        return faults, manifest, 0
    events = [json.loads(line) for line in files["events.jsonl"].splitlines()]
    checkpoints = json.loads(files["checkpoints.json"])
    proofs, listed = json.loads(files["proofs.json"]), json.loads(files["project.json"])
    faults += check_checkpoints(checkpoints, proofs, key, outside)
    faults += check_events(events, listed["project"]["id"], proofs, checkpoints[-1])
    faults += check_documents(files, events, listed)
    faults += check_people(events)
    return faults, manifest, len(events)


def main(arguments: Sequence[str]) -> int:
    """Check and tell; returns the exit status."""
    parser = argparse.ArgumentParser(description="証跡一式を確かめます。")
    parser.add_argument("place", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--public-key", default="", help="公開されている鍵（16進数64桁）")
    parser.add_argument("--checkpoint", type=Path, help="手元に保管した確認点のファイル")
    asked = parser.parse_args(arguments)
    say = sys.stdout.write
    try:
        outside = json.loads(asked.checkpoint.read_text("utf-8")) if asked.checkpoint else None
        faults, manifest, events = check_all(read_files(asked.place), asked.public_key, outside)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, OSError) as error:
        say(
            f"{MANIFEST}かほかのファイルが壊れていて読めません（{type(error).__name__}：{error}）。\n"
        )
        return 1
    except (zipfile.BadZipFile, struct.error):
        say("ZIPファイルが壊れています。\n")
        return 1
    for fault in faults:
        say(f"{fault}\n")
    if faults:
        say(f"{len(faults)}件の問題があります。\n")
        return 1
    say(f"{len(manifest['files'])}個のファイルと{events}件の記録は、作成したときのままです。\n")
    if not re.fullmatch("[0-9a-f]{64}", asked.public_key):
        say(f"署名の鍵 {manifest['public_key']} が公開されている鍵と同じか、見比べてください。\n")
    return 0


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    sys.exit(main(sys.argv[1:]))
