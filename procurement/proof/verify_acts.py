"""What the trail says was done: who did it, in which order, and what its details still tell.

A part of the verifier, put into its one file (`archive.assemble_verifier`); it imports nothing of ours.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Events = Sequence[Mapping[str, Any]]
# What stands where a detail was erased by law, or is not told to whoever took the records.
GONE = object()

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
}


def told(events: Events, action: str, name: str) -> dict[str, Any]:
    """Return what the details of an act say under a name, by subject; GONE where a detail is gone."""
    return {
        each["event"]["subject_id"]: GONE if each["detail"] is None else each["detail"].get(name)
        for each in done(events, action)
    }


def differs(found: str, recorded: Any) -> bool:
    """Tell whether a hash is another than the recorded one; what is gone cannot be compared."""
    return recorded is not GONE and found != recorded


def done(events: Events, action: str) -> Events:
    """Return the acts of a kind that were done, not only attempted."""
    return [e for e in events if (e["event"]["action"], e["event"]["outcome"]) == (action, "done")]


def tell_gone(events: Events) -> Iterator[str]:
    """Say of each act whose detail is gone that nothing can be held against it; that is no fault."""
    for each in events:
        fields = each["event"]
        if each["detail"] is None:
            yield (
                f"events.jsonl：{fields['sequence']}番の記録（{fields['action']}）の詳細は、"
                "法令により消されたか、取り出した人に伏せられています。"
                "偽造とは言えませんが、この記録の詳細とは比べられません。"
            )


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
        if action in FOUR_EYES:
            mine = [who for key, who in prepared.items() if key[0] == f"{subject} {action}"]
            if not mine or fields["person_id"] in mine:
                yield f"{fields['sequence']}番の決裁が、準備した人と別の人のものではありません。"
            approved[subject] = GONE if each["detail"] is None else each["detail"].get("sha256")
        sent = (
            detail_of(each).get("sha256") if action in {"request.send", "request.accept"} else None
        )
        if sent and differs(sent, approved.get(subject)):
            yield f"{fields['sequence']}番で送ったか承諾したものが、決裁したものと違います。"


def check_choosers(events: Events) -> Iterator[str]:
    """Check that nobody decided the request that was drawn up for a choice of their own."""
    proposer: str | None = None
    choosers: dict[str, str | None] = {}
    for each in events:
        fields = each["event"]
        if fields["outcome"] != "done":
            continue
        if fields["action"] == "selection.propose":
            proposer = fields["person_id"]
        elif fields["action"] == "request.create":
            choosers[fields["subject_id"]] = proposer
        elif fields["action"] == "request.approve" and fields["person_id"] == choosers.get(
            fields["subject_id"], ""
        ):
            yield f"{fields['sequence']}番の決裁が、その選定の案を作った人によるものです。"
