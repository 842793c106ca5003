"""The two forms of an import: the file, then what it means."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlmodel import Session
from werkzeug.datastructures import FileStorage, MultiDict

from catalog.specifications.importing import ImportedTable, read_requirements
from catalog.specifications.mapping import ColumnMapping, fold_word
from catalog.specifications.models import (
    RequirementDraft,
    SpecificationUpload,
    SpecificationVersion,
)
from catalog.specifications.schemas import ImportFactsSchema, UploadSchema
from catalog.specifications.services import ImportFacts
from catalog.specifications.words import TARGET_LABELS
from catalog.terms import RequirementClass
from core.db import transaction
from core.errors import Invalid, WrongState
from core.forms import Form

_COLUMN, _WORD, _MEANING = "column-", "word-", "meaning-"
_MAPPED = (_COLUMN, _WORD, _MEANING)
_LONGEST_NAME = 200


class UploadForm(Form):
    """The file to import; the address may already name the specification and version."""

    def __init__(self, posted: MultiDict[str, str] | None, arguments: Mapping[str, str]) -> None:
        names = ("code", "label")
        super().__init__(UploadSchema(), posted, {n: arguments.get(n, "") for n in names})
        self.refused = ""

    def read_file(self, files: Mapping[str, FileStorage]) -> dict[str, Any]:
        """Return what services.keep_upload takes; a file that is no table is refused on the page."""
        sent = files.get("file")
        if sent is None or not sent.filename:
            self.refused = "取り込む表のファイルを選択してください。"
            return {}
        name, content = sent.filename[-_LONGEST_NAME:], sent.read()
        sheet = self.value("sheet").strip()
        try:
            read_requirements(content, name, ColumnMapping(sheet=sheet))
        except Invalid as error:
            self.refused = error.errors.get("file", error.message)
        facts = {name: self.value(name) for name in ("code", "label")}
        mapping = ColumnMapping(sheet=sheet).to_json() if sheet else None
        return {"filename": name, "content": content, "facts": facts, "mapping": mapping}

    def validate(self) -> bool:
        """Refuse the file beside its field together with the other errors."""
        sound = super().validate()
        if self.refused:
            self.errors["file"], self.status = self.refused, 422
        return sound and not self.refused


class ImportForm(Form):
    """What the file is and how its columns are read; the mapping is shown even when it is guessed."""

    def __init__(self, upload: SpecificationUpload, posted: MultiDict[str, str] | None) -> None:
        mapped = {k: v for k, v in (posted or {}).items() if k.startswith(_MAPPED)}
        rest = None
        if posted is not None:
            kept = [(k, v) for k, v in posted.items(multi=True) if not k.startswith(_MAPPED)]
            rest = MultiDict([(k, v) for k, v in kept if k != "act"])
        super().__init__(ImportFactsSchema(), rest, upload.facts)
        self.act = "" if posted is None else posted.get("act", "")
        told = ColumnMapping.from_json(upload.mapping) if upload.mapping else ColumnMapping()
        self.mapping = _read_mapping(mapped, told.sheet) if mapped else told
        self.table: ImportedTable = read_requirements(upload.content, upload.filename, self.mapping)

    @property
    def wants_import(self) -> bool:
        """Tell whether the reader pressed the button that imports."""
        return self.is_posted and self.act == "import"

    def submit_import(
        self,
        act: Callable[[Session, ImportFacts, Sequence[RequirementDraft]], SpecificationVersion],
    ) -> SpecificationVersion | None:
        """Import when the facts and every row are sound; a published version is refused on the page."""
        sound = self.validate()
        if not self.table.is_clear:
            count = len(self.table.errors) + len(self.table.reading.unclear)
            self.extra_summary.append(
                ("findings", f"表に直すところが{count}件あります。直すまで何も取り込みません。")
            )
            self.status = 422
            return None
        if not sound:
            return None
        drafts = self.table.drafts
        try:
            return self.submit(lambda session, data: act(session, ImportFacts(**data), drafts))
        except WrongState as error:
            self.errors["label"] = error.message
            self.status = 409
            return None

    def submit_mapping(
        self, act: Callable[[Session, dict[str, Any], dict[str, Any]], None]
    ) -> bool:
        """Keep the mapping and what was typed so far, checked only when it is imported."""
        with transaction() as session:
            act(session, {n: self.value(n) for n in _typed(self)}, self.mapping.to_json())
        return True

    def columns(self) -> list[tuple[str, str, str]]:
        """Return (field, label, heading chosen) of everything a column can feed."""
        reading = self.table.reading
        return [
            (
                f"{_COLUMN}{target}",
                label,
                reading.headings[reading.columns[target]] if target in reading.columns else "",
            )
            for target, label in TARGET_LABELS.items()
        ]

    @property
    def headings(self) -> list[tuple[str, str]]:
        """The headings to choose from."""
        return [(each, each) for each in self.table.reading.headings]

    def class_words(self) -> list[tuple[int, str, str]]:
        """Return (number, word in the cells, code chosen) of every class word in the file."""
        reading = self.table.reading
        found = []
        for number, word in enumerate(reading.class_values):
            code = reading.classes.get(fold_word(word))
            found.append((number, word, code.value if code else ""))
        return found

    @property
    def class_choices(self) -> list[tuple[str, str]]:
        """The classes to choose from."""
        return [(each.value, each.label) for each in RequirementClass]


def _typed(form: Form) -> list[str]:
    posted = form.posted if form.posted is not None else MultiDict()
    return [name for name in posted if name != "csrf_token"]


def _read_mapping(posted: Mapping[str, str], sheet: str) -> ColumnMapping:
    meanings = {
        word: posted.get(f"{_MEANING}{name[len(_WORD) :]}", "")
        for name, word in posted.items()
        if name.startswith(_WORD)
    }
    return ColumnMapping.from_json(
        {
            "columns": {
                name[len(_COLUMN) :]: heading or None
                for name, heading in posted.items()
                if name.startswith(_COLUMN)
            },
            "classes": {word: code for word, code in meanings.items() if code},
            "sheet": sheet,
        }
    )
