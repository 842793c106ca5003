"""Judge answers as their page does: everything that is wrong with them at once, by its place."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import ValidationError

from catalog.offerings.answer_rules import AnswersRefused, AnswerValues, Fault
from catalog.offerings.answer_schemas import answers_schema, name_faults, read_answers
from catalog.specifications.models import Requirement
from core.forms import first_sentence

# The parts of an answer on its page, and in JSON.
NAMES = {"answer": "answer", "note": "note", "due": "due_on", "evidence": "evidence_url"}
Sent = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class _Refusals:
    """What is wrong, by the field of the JSON."""

    prefix: str
    errors: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)

    def add(self, place: int, name: str, fault: Fault, sentence: str) -> None:
        told = f"{self.prefix.format(place)}{name}"
        self.errors[told], self.codes[told] = sentence, fault.value


def judge_answers(
    requirements: Sequence[Requirement], sent: Sent, prefix: str
) -> dict[uuid.UUID, AnswerValues]:
    """Return what is answered by requirement row; AnswersRefused names every refusal.

    `prefix` says where the answer of a number stands in the JSON ("answers.{}.").
    """
    refusals = _Refusals(prefix)
    places = _place(sent, {each.requirement_id for each in requirements}, refusals)
    asked = [each for each in requirements if each.requirement_id in places]
    while asked:
        posted = _post(asked, sent, places)
        try:
            loaded = answers_schema(asked).load(posted)
            break
        except ValidationError as error:
            refused = _refuse(asked, posted, error, places, refusals)
        # A field that cannot be read hides what answers contradict: judge the others once more.
        asked = [each for each in asked if each.position not in refused]
    if refusals.errors:
        raise AnswersRefused(refusals.errors, codes=refusals.codes)
    return read_answers(asked, loaded)


def _place(sent: Sent, known: set[str], refusals: _Refusals) -> dict[str, int]:
    """Return by requirement id where it is answered; what is unknown or repeated is refused."""
    places: dict[str, int] = {}
    for place, each in enumerate(sent):
        number = each["requirement_id"]
        if number not in known:
            sentence = f"「{number}」という要件は、この版の標準仕様書にありません。"
            refusals.add(place, "requirement_id", Fault.UNKNOWN_REQUIREMENT, sentence)
        elif number in places:
            sentence = f"「{number}」が{places[number] + 1}件目にもあります。1件にしてください。"
            refusals.add(place, "requirement_id", Fault.REPEATED, sentence)
        else:
            places[number] = place
    return places


def _post(asked: Sequence[Requirement], sent: Sent, places: Mapping[str, int]) -> dict[str, str]:
    """Return answers as the fields of their page."""
    return {"version": "1"} | {
        f"{part}_{each.position}": told
        for each in asked
        for part, name in NAMES.items()
        if (told := sent[places[each.requirement_id]][name])
    }


def _refuse(
    asked: Sequence[Requirement],
    posted: Mapping[str, str],
    error: ValidationError,
    places: Mapping[str, int],
    refusals: _Refusals,
) -> set[int]:
    """Note what the page refuses, and return the positions of these requirements."""
    found = {field: first_sentence(told) for field, told in error.messages_dict.items()}
    faults = name_faults(asked, posted, found)
    by_position = {each.position: places[each.requirement_id] for each in asked}
    refused = set()
    for name, sentence in found.items():
        part, _, position = name.rpartition("_")
        refusals.add(by_position[int(position)], NAMES[part], Fault(faults[name]), sentence)
        refused.add(int(position))
    return refused
