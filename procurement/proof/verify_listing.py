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


def check_listing(files: Files, events: Events, listed: Mapping[str, Any]) -> Iterator[str]:
    """Check that nothing beside what is listed is there, and that each thing bears its own name."""
    yield from _check_writing(files, listed)
    yield from _check_numbers(events, listed)
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


def _check_numbers(events: Events, listed: Mapping[str, Any]) -> Iterator[str]:
    project = listed["project"]
    numbers = {noun: told(events, *where) for noun, where in NUMBERED.items()}
    kinds = told(events, "paper.keep", "kind")
    begun = told(events, "project.create", "number").get(project["id"])
    if begun is not GONE and project["number"] != begun:
        yield f"project.json：案件の番号{project['number']}が、記録と合いません。"
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
        return rf"decisions/{position}\.json" if part == "path" else rf"decisions/{position}\.\w+"
    if noun == "requests":
        return rf"requests/{position}/{part}\.\w+"
    return rf"quotes/\d+/{part}\.json"
