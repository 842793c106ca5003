"""What the trail holds of documents: searches, papers, decisions on paper, and approved requests.

A part of the verifier, put into its one file (`archive.assemble_verifier`).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from procurement.proof.verify_acts import (
    GONE,
    Events,
    NotCompared,
    compare,
    done,
    hides_quotes,
    told,
)
from procurement.proof.verify_arithmetic import Files, canonical, hash_of

# The lists of project.json, and the act that made each thing in them.
WHOLE = {
    "evidence": "evidence.lock",
    "decisions": "selection.record_external",
    "requests": "request.approve",
    "papers": "paper.keep",
    "quotes": "quote_round.send",
}


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


def _check_whole(listed: Mapping[str, Any], events: Events) -> Iterator[str]:
    for part, action in WHOLE.items():
        ids = {each["id"] for each in listed[part]}
        acts = done(events, action)
        for each in acts:
            if each["event"]["subject_id"] not in ids:
                number = each["event"]["sequence"]
                yield f"project.json：{number}番の記録（{action}）の書類が、この一式に入っていません。"
        for unknown in sorted(ids - {each["event"]["subject_id"] for each in acts}):
            yield f"project.json：{unknown}を作った記録（{action}）がありません。"


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
    proposed = {each["event"]["subject_id"] for each in done(events, "selection.propose")}
    for each in listed["papers"]:
        recorded = kept.get(each["id"])
        if each.get("withheld"):
            yield from _check_withheld(each, recorded, listed)
            continue
        payload = each["files"]["payload"]
        hashes = {name: hash_of(files, path) for name, path in each["files"].items()}
        found = hashlib.sha256(canonical(hashes)).hexdigest()
        fault = "書類を作ったときの記録と合いません。"
        yield from compare(found, recorded, payload, fault)
        references = json.loads(files[payload])["references"]
        printed, chosen = references.get("evidence_sha256"), references.get("selection_id")
        if printed and printed not in searches:
            yield f"{payload}：確定した検索の記録にもとづいていません。"
        if chosen and chosen not in proposed:
            yield f"{payload}：もとにした選定の案の記録がありません。"


def _check_withheld(
    each: Mapping[str, Any], recorded: Any, listed: Mapping[str, Any]
) -> Iterator[str]:
    """A paper may be left out only whole, and only the 選定調書 while opened quotes are left out."""
    place = f"project.json：{name_paper(each)}"
    if each["files"] or not hides_quotes(listed) or each["kind"] != "selection_record":
        yield f"{place}は、伏せる書類ではないのに入っていません。"
    fault = "ハッシュが、作ったときの記録と合いません。"
    yield from compare(each["sha256"], recorded, place, fault)


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
