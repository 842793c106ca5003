"""The examples of the description: each request is sent, each answer is what came back.

`catalog/api_words/examples.json` holds them by operation, in the order in which they are sent. Ids in them are made up; here
each stands for a row of the test's world. To add one, write its request and let the answers be written anew (docs/testing.md).
"""

import json
import os
import re
import uuid
from pathlib import Path

from catalog import api_words

FILE = Path(api_words.__file__).parent / "examples.json"
# Answers without a shape: the description itself, and evidence, whose bytes belong to its own version.
SHAPELESS = {"get /api/v1/openapi.json", "get /api/v1/projects/{project_id}/evidence/{revision}"}
LEARNED = {
    "post /api/v1/drafts": {"offering_version_id": lambda told: told["id"]},
    "get /api/v1/drafts/{offering_version_id}/answers": {
        "draft_requirement_id": lambda told: told["items"][0]["id"]
    },
    "post /api/v1/drafts/{offering_version_id}/answers/{requirement_id}/evidence": {
        "evidence_id": lambda told: told["id"]
    },
    "post /api/v1/webhooks": {"webhook_id": lambda told: told["id"]},
    "post /api/v1/webhooks/{webhook_id}/test": {"message_id": lambda told: told["id"]},
}
_SECRETS = {r"whsec_[\w+/=-]+": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SPACE = uuid.UUID("5f0f3c1e-2d4b-5d0f-9a6f-4f1f2c3b4a59")


def is_writing():
    """Tell whether the answers are to be written anew."""
    return os.environ.get("WRITE_EXAMPLES") == "1"


def load():
    """Return the examples by operation."""
    return json.loads(FILE.read_text("utf-8"))


def save(examples):
    """Write the examples."""
    FILE.write_text(json.dumps(examples, ensure_ascii=False, indent=1) + "\n", "utf-8")


def shape_of(value):
    """Return names and types, without values: what a program relies on."""
    if isinstance(value, dict):
        return {name: shape_of(each) for name, each in value.items()}
    if isinstance(value, list):
        return sorted({json.dumps(shape_of(each), sort_keys=True) for each in value})
    return type(value).__name__


class World:
    """The rows of a test, each by the name and by the made-up id that stands for it."""

    def __init__(self, codes, **known):
        self.codes = codes  # what stands for a code of this world
        self.known = {name: str(value) for name, value in known.items()}
        self.others = {}

    def learn(self, operation, told):
        """Take what an answer named, for the requests that follow."""
        for name, read in LEARNED.get(operation, {}).items():
            self.known[name] = read(told)

    def real(self, value):
        """Return a request of the examples with the ids of this world."""
        if isinstance(value, dict):
            return {name: self.real(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.real(each) for each in value]
        named = {made_up(name): found for name, found in self.known.items()}
        return {**self.codes, **named}.get(value, value)

    def shown(self, told):
        """Return an answer with made-up ids and no secrets."""
        text = json.dumps(told, ensure_ascii=False)
        named = {found: made_up(name) for name, found in self.known.items()}
        for pattern, shown in _SECRETS.items():
            text = re.sub(pattern, shown, text)
        for shown, code in self.codes.items():
            text = re.sub(rf"\b{code}\b", shown, text)
        return json.loads(_UUID.sub(lambda found: self._name(named, found[0]), text))

    def _name(self, named, found):
        if found in named:
            return named[found]
        return self.others.setdefault(found, str(uuid.uuid5(_SPACE, str(len(self.others)))))


def made_up(name):
    """Return the id that stands for a row of this name in the examples."""
    return str(uuid.uuid5(_SPACE, name))
