"""What the trail says was done: who did it, in which order, and what its details still tell.

A part of the verifier, put into its one file (`archive.assemble_verifier`); it imports nothing of ours.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

Events = Sequence[Mapping[str, Any]]
# What stands where a detail was erased by law, or is not told to whoever took the records.
GONE = object()


class NotCompared(str):
    """A sentence of what could not be held against anything; it is no fault, and no proof either."""

    __slots__ = ()


# The decision, and who must not be the one who decides: whoever edited and whoever handed in last.
FOUR_EYES = {
    "selection.approve": {"selection.propose": "submit"},
    "selection.record_external": {"selection.propose": "submit"},
    "request.approve": {
        "request.create": "edit",
        "request.edit": "edit",
        "request.submit": "submit",
    },
    "quote_round.send": {
        "quote_round.create": "edit",
        "quote_round.edit": "edit",
        "quote_round.submit": "submit",
    },
    "quote_round.extend": {"quote_round.propose_extension": "submit"},
    "contract.confirm": {"contract.register": "submit"},
    "notice.publish": {"notice.prepare": "submit"},
    "notice.correct": {"notice.prepare": "submit"},
}
SENDING = frozenset({"request.send", "request.accept"})


def told(events: Events, action: str, name: str) -> dict[str, Any]:
    """Return what the details of an act say under a name, by subject; GONE where a detail is gone."""
    return {
        each["event"]["subject_id"]: GONE if each["detail"] is None else each["detail"].get(name)
        for each in done(events, action)
    }


def compare(found: str, recorded: Any, place: str, fault: str) -> Iterator[str]:
    """Hold the hash of a place against what the trail recorded of it; what is gone is told as such."""
    if recorded is GONE:
        yield NotCompared(f"{place}：操作の記録の詳細がないので、記録と比べられません。")
    elif found != recorded:
        yield f"{place}：{fault}"


def done(events: Events, action: str) -> Events:
    """Return the acts of a kind that were done, not only attempted."""
    return [e for e in events if (e["event"]["action"], e["event"]["outcome"]) == (action, "done")]


def check_gone(events: Events, erased: Collection[int], listed: Mapping[str, Any]) -> Iterator[str]:
    """Call each missing detail a fault, but for those that somebody says were erased by law.

    The price of a proposal is kept from whoever may not read the opened quotes yet.
    """
    hidden = {"selection.propose"} if hides_quotes(listed) else set()
    for each in events:
        fields = each["event"]
        if each["detail"] is not None:
            continue
        named = f"events.jsonl：{fields['sequence']}番の記録（{fields['action']}）の詳細"
        if fields["sequence"] in erased:
            yield NotCompared(f"{named}は、法令により消されたものとして扱いました。")
        elif fields["action"] in hidden:
            yield NotCompared(f"{named}は、取り出した人がまだ見られないため、入っていません。")
        else:
            yield (
                f"{named}がありません。法令により消されたものかどうかを団体に確かめ、"
                f"そうであれば --erased {fields['sequence']} を付けてください。"
            )


def hides_quotes(listed: Mapping[str, Any]) -> bool:
    """Tell whether the opened quotes of some round were kept from whoever took the records."""
    return any(each.get("withheld") for each in listed["quotes"])


def detail_of(each: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the detail of an event, empty where it is gone."""
    found: Mapping[str, Any] = each["detail"] or {}
    return found


def check_order(events: Events) -> Iterator[str]:
    """Check that the weights of an evaluation were fixed before anybody gave a score."""
    fixed: dict[str, bool] = {}
    scored: set[str] = set()
    for each in events:
        fields = each["event"]
        subject, number = fields["subject_id"], fields["sequence"]
        if fields["outcome"] != "done":
            continue
        if fields["action"] in {"evaluation.fix", "evaluation.unfix"}:
            if subject in scored:
                yield f"{number}番で、採点のあとに評価の重みが変えられています。"
            fixed[subject] = fields["action"] == "evaluation.fix"
        if fields["action"] == "evaluation.score":
            scored.add(subject)
            if not fixed.get(subject):
                yield f"{number}番の採点が、評価の重みの確定より前です。"


def check_people(events: Events) -> Iterator[str]:
    """Check that another person approved what was prepared, and that what was sent was approved."""
    prepared: dict[tuple[str, str], str] = {}
    approved: dict[str, Any] = {}
    for each in events:
        fields = each["event"]
        subject, action = fields["subject_id"], fields["action"]
        if fields["outcome"] != "done":
            continue
        for decision, acts in FOUR_EYES.items():
            if action in acts:
                prepared[f"{subject} {decision}", acts[action]] = fields["person_id"]
        if action == "selection.propose":
            for decision in ("selection.approve", "selection.record_external"):
                prepared[f"{subject} {decision}", "edit"] = last_editor(each)
        if action in FOUR_EYES:
            mine = {key[1]: who for key, who in prepared.items() if key[0] == f"{subject} {action}"}
            is_prepared = set(FOUR_EYES[action].values()) <= set(mine)
            if not is_prepared or fields["person_id"] in {None, *mine.values()}:
                yield f"{fields['sequence']}番の決裁が、準備した人と別の人のものではありません。"
            approved[subject] = GONE if each["detail"] is None else each["detail"].get("sha256")
        sent = detail_of(each).get("sha256") if action in SENDING else None
        if sent and approved.get(subject) is not GONE and sent != approved.get(subject):
            yield f"{fields['sequence']}番で送ったか承諾したものが、決裁したものと違います。"


def last_editor(proposal: Mapping[str, Any]) -> str:
    """Return who last touched what a proposal rests on, empty where its detail is gone."""
    found: str = detail_of(proposal).get("last_editor_id", "")
    return found


def check_choosers(events: Events) -> Iterator[str]:
    """Check that nobody decided the request that was drawn up for a choice of their own."""
    choosers: set[str] = set()
    of_request: dict[str, set[str]] = {}
    for each in events:
        fields = each["event"]
        if fields["outcome"] != "done":
            continue
        if fields["action"] == "selection.propose":
            choosers = {fields["person_id"], last_editor(each)}
        elif fields["action"] == "request.create":
            of_request[fields["subject_id"]] = choosers
        elif fields["action"] == "request.approve" and fields["person_id"] in of_request.get(
            fields["subject_id"], set()
        ):
            yield f"{fields['sequence']}番の決裁が、その選定の案を作った人によるものです。"
