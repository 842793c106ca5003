"""The words of the API: a field that does not say itself what it is takes them from here.

tests/api/test_description.py demands words for every field, parameter, code and group.
"""

import json
from pathlib import Path
from typing import Any

from catalog.api_words.codes import CODES, GROUPS, PARAMETERS
from catalog.api_words.fields import FIELDS
from catalog.api_words.shapes import OF_ONE
from core.api_description import Words

_EXAMPLES = Path(__file__).parent / "examples.json"
WORDS = Words(FIELDS, OF_ONE, PARAMETERS, CODES, GROUPS)


def read_examples() -> dict[str, dict[str, Any]]:
    """Return a request and its answer by operation; tests/procurement/test_api_examples.py sends them all."""
    found: dict[str, dict[str, Any]] = json.loads(_EXAMPLES.read_text("utf-8"))
    return found
