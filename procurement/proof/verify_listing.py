"""What project.json lists: every file once, under the name and number that its act recorded.

A part of the verifier, put into its one file (`archive.assemble_verifier`).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from procurement.proof.verify_acts import GONE, Events, told
from procurement.proof.verify_arithmetic import Files, canonical

ALWAYS = (
    "README.txt",
    "verify_evidence.py",
    "project.json",
    "events.jsonl",
    "proofs.json",
    "checkpoints.json",
)
# Where the number of a thing is told, and what it is called there.
NUMBERED = {
    "evidence": ("evidence.lock", "revision"),
    "papers": ("paper.keep", "number"),
    "requests": ("request.approve", "number"),
    "quotes": ("quote_round.send", "number"),
}


# What each thing is told by; a word more would be held by nothing.
KEYS = {
    "": {"format", "made_at", "project", "body", *NUMBERED, "decisions"},
    "project": {"id", "number", "title", "state"},
    "body": {"code", "name"},
    "evidence": {"id", "revision", "path"},
    "decisions": {"id", "label", "path", "scan"},
    "requests": {"id", "number", "payload", "document"},
    "papers": {"id", "kind", "title", "revision", "files"},
    "quotes": {"id", "number", "letter", "opened"},
}
OF_WITHHELD = {"papers": {"sha256", "withheld"}, "quotes": {"withheld"}}
EVENT = {"event", "hash", "detail", "salt"}


def check_listing(files: Files, events: Events, listed: Mapping[str, Any]) -> Iterator[str]:
    """Check that nothing beside what is listed is there, and that each thing bears its own name."""
    yield from _check_writing(files, listed)
    yield from _check_keys(events, listed)
    yield from _check_numbers(events, listed)
    yield from _check_gaps(listed)
    named = [*ALWAYS]
    for noun in ("evidence", "decisions", "requests", "papers", "quotes"):
        for position, each in enumerate(listed[noun], 1):
            paths = dict(_paths_of(noun, each))
            named += paths.values()
            for part, path in paths.items():
                if not re.fullmatch(_pattern(noun, position, each, part), path):
                    yield f"project.json：{path}は、そこに置かれるはずのないファイルです。"
    for path in sorted({each for each in named if named.count(each) > 1}):
        yield f"project.json：{path}が、2つのものとして書かれています。"
    for path in sorted(set(files) - set(named) - {"manifest.json"}):
        yield f"{path}：project.jsonのどこにも書かれていないファイルです。"


def _check_writing(files: Files, listed: Mapping[str, Any]) -> Iterator[str]:
    """A value written twice would be read in two ways; canonical JSON has one form only."""
    opened = [each["opened"] for each in listed["quotes"] if each["opened"]]
    for name in ("project.json", "proofs.json", "checkpoints.json", *opened):
        if canonical(json.loads(files[name])) != files[name]:
            yield f"{name}：書き方が変わっています。"
    lines = files["events.jsonl"].splitlines()
    if b"".join(canonical(json.loads(line)) + b"\n" for line in lines) != files["events.jsonl"]:
        yield "events.jsonl：書き方が変わっています。"


def _check_keys(events: Events, listed: Mapping[str, Any]) -> Iterator[str]:
    things = [("", listed), ("project", listed["project"]), ("body", listed["body"])]
    things += [(noun, each) for noun in (*NUMBERED, "decisions") for each in listed[noun]]
    for noun, each in things:
        more = OF_WITHHELD.get(noun, set()) if each.get("withheld") is True else set()
        if set(each) != KEYS[noun] | more:
            yield f"project.json：{noun or '一覧'}の項目が、書かれるはずのものと違います。"
    if any(each["label"] != "庁外決裁" for each in listed["decisions"]):
        yield "project.json：decisionsの項目が、書かれるはずのものと違います。"
    if any(set(each) != EVENT for each in events):
        yield "events.jsonl：書かれるはずのない項目があります。"


def _check_gaps(listed: Mapping[str, Any]) -> Iterator[str]:
    """Searches, and papers of one kind, are numbered without gaps from 1 on."""
    numbered = [("検索の記録", each["revision"]) for each in listed["evidence"]]
    numbered += [(each["title"], each["revision"]) for each in listed["papers"]]
    for name in sorted({name for name, _ in numbered}):
        found = sorted(number for each, number in numbered if each == name)
        if found != list(range(1, len(found) + 1)):
            yield f"project.json：{name}の番号が、1から続いていません。抜けているものがあります。"


def _check_numbers(events: Events, listed: Mapping[str, Any]) -> Iterator[str]:
    project = listed["project"]
    numbers = {noun: told(events, *where) for noun, where in NUMBERED.items()}
    kinds = told(events, "paper.keep", "kind")
    begun = told(events, "project.create", "number").get(project["id"])
    if begun is not GONE and project["number"] != begun:
        yield f"project.json：案件の番号{project['number']}が、記録と合いません。"
    titles = [
        GONE if each["detail"] is None else each["detail"].get("title")
        for each in events
        if each["event"]["action"] in {"project.create", "project.edit"}
        and each["event"]["outcome"] == "done"
    ]
    # None: recorded before the trail told titles; a detail that is there cannot have lost one since.
    if titles and titles[-1] not in (GONE, None, project["title"]):
        yield "project.json：案件の名前が、記録と合いません。"
    for noun, known in numbers.items():
        for each in listed[noun]:
            if each["id"] in known and known[each["id"]] not in (GONE, _number_of(noun, each)):
                yield f"project.json：{_number_of(noun, each)}の番号が、記録と合いません。"
    for each in listed["papers"]:
        if each["id"] in kinds and kinds[each["id"]] not in (GONE, each["kind"]):
            yield f"project.json：{_number_of('papers', each)}の種類が、記録と合いません。"


def _number_of(noun: str, each: Mapping[str, Any]) -> Any:
    if noun == "evidence":
        return each["revision"]
    return f"{each['title']}　第{each['revision']}版" if noun == "papers" else each["number"]


def _paths_of(noun: str, each: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if noun == "papers":
        yield from each["files"].items()
    for part in ("path", "scan", "payload", "document", "letter", "opened"):
        if noun != "papers" and each.get(part):
            yield part, each[part]


def _pattern(noun: str, position: int, each: Mapping[str, Any], part: str) -> str:
    if noun == "evidence":
        return rf"evidence/{each['revision']}\.json"
    if noun == "papers":
        begin = re.escape(f"papers/{each['kind']}-{each['revision']}.")
        return begin + ("json" if part == "payload" else part)
    if noun == "decisions":
        return (
            rf"decisions/{position}\.(json)"
            if part == "path"
            else rf"decisions/{position}\.(pdf|png)"
        )
    if noun == "requests":
        return rf"requests/{position}/{part}\." + ("json" if part == "payload" else "pdf")
    folder = re.match("quotes/([1-9][0-9]*)/", each["letter"])
    return rf"{folder[0] if folder else 'quotes/'}{part}\.json"
