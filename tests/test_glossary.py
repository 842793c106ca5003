"""One word per thing: every table and every role is in the glossary."""

import re

from accounts.models import Role
from core.models import Model
from tests.test_migrations import ROOT, import_all_models

# Rows that exist for the machine only and are never spoken of.
UNSPOKEN = {"OutboxWorker", "FeedState"}


def glossary() -> list[tuple[str, str]]:
    rows = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE
    )
    return [(japanese, english) for japanese, english in rows if japanese not in {"日本語", "---"}]


def test_each_term_stands_once():
    japanese, english = zip(*glossary(), strict=True)
    assert len(japanese) > 50
    assert len(set(japanese)) == len(japanese)
    assert len(set(english)) == len(english)


def test_every_role_has_its_japanese_word():
    terms = dict(glossary())
    spoken = {role.value.replace("_", " "): role.label for role in Role}
    for english in ("clerk", "approver", "reviewer", "lead reviewer", "operator", "auditor"):
        assert terms[spoken[english]] == english


def test_every_table_is_named_as_in_the_glossary():
    import_all_models()
    text = (ROOT / "docs/glossary.md").read_text().lower().replace("-", " ")
    missing = []
    for mapper in Model._sa_registry.mappers:
        name = mapper.class_.__name__.removesuffix("Row")
        words = re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()
        if name not in UNSPOKEN and not re.search(rf"\b{words}\b", text):
            missing.append(name)
    assert not sorted(missing)
