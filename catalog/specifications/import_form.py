"""The two forms of an import: the file, then what it means."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlmodel import Session
from werkzeug.datastructures import FileStorage, MultiDict

from catalog.specifications import queries
from catalog.specifications.importing import ImportedTable, read_requirements
from catalog.specifications.levels import LevelClasses
from catalog.specifications.mapping import (
    CLASS_TARGETS,
    DROP,
    HEADING,
    KEEP,
    NO_CLASS,
    READ,
    REQUIREMENT,
    SKIP,
    ColumnMapping,
    fold_word,
)
from catalog.specifications.models import (
    RequirementDraft,
    SpecificationUpload,
    SpecificationVersion,
)
from catalog.specifications.outline import excerpt
from catalog.specifications.schemas import ImportFactsSchema, UploadSchema
from catalog.specifications.services import ImportFacts
from catalog.specifications.uploads import MappingToSave, find_offered, recall_mapping
from catalog.specifications.words import TARGET_LABELS
from catalog.terms import BodyClass, RequirementClass, RequirementKind
from core.db import reading, transaction
from core.errors import DomainError, Invalid, StaleVersion, WrongState
from core.forms import Form
from core.tables import TableError

_COLUMN, _WORD, _MEANING, _MUST, _SHEET = "column-", "word-", "meaning-", "must-", "sheet-"
_MAPPED = (_COLUMN, _WORD, _MEANING, _MUST, _SHEET, "mapping-", "open-")
_ACTS = ("act", "against", "save-mapping", "seen")
_RECALL = "recall-"
_LONGEST_NAME = 200
_TOGETHER = " ＋ "
_OPEN, _ABSENT = "open-", "（なし）"
_NONE_LABELS = (
    ("skip", "要件ではないものとして取り込まない"),
    ("inherit", "上の要件と同じ区分にする"),
    ("must", "実装必須とする"),
    ("may", "標準オプションとする"),
    ("must_not", "実装不可とする"),
)
_PARENT_LABELS = ((HEADING, "見出し"), (REQUIREMENT, "要件"))
_HIDDEN_LABELS = ((READ, "読む"), (SKIP, "読まない"))
_STRUCK_LABELS = ((DROP, "消されたものとして除く"), (KEEP, "そのまま読む"))
_DATE_LABELS = (("ymd", "年から"), ("dmy", "日／月／年"), ("mdy", "月／日／年"))


class UploadForm(Form):
    """The file to import; the address may already name the specification and version."""

    def __init__(self, posted: MultiDict[str, str] | None, arguments: Mapping[str, str]) -> None:
        names = ("code", "label")
        super().__init__(UploadSchema(), posted, {n: arguments.get(n, "") for n in names})
        self.refused = ""
        self.recalled_from = ""

    def read_file(self, files: Mapping[str, FileStorage]) -> dict[str, Any]:
        """Return what services.keep_upload takes; a file that is no table is refused on the page."""
        sent = files.get("file")
        if sent is None or not sent.filename:
            self.refused = "取り込む表のファイルを選択してください。"
            return {}
        name, content = sent.filename[-_LONGEST_NAME:], sent.read()
        found = None
        try:
            found = read_requirements(content, name, recall=self._recall)
        except Invalid as error:
            self.refused = error.errors.get("file", error.message)
        facts = {name: self.value(name) for name in ("code", "label")}
        mapping = found.told.to_json() if found and self.recalled_from else None
        if mapping is not None:
            facts["recalled_from"] = self.recalled_from
        return {"filename": name, "content": content, "facts": facts, "mapping": mapping}

    def _recall(self, fingerprint: str) -> ColumnMapping | None:
        with reading() as session:
            known = queries.find_specification(session, self.value("code"))
            saved = recall_mapping(session, fingerprint, known.ministry if known else "")
            if saved is None:
                return None
            self.recalled_from = saved.ministry
            return ColumnMapping.from_json(saved.mapping)

    def validate(self) -> bool:
        """Refuse the file beside its field together with the other errors."""
        sound = super().validate()
        if self.refused:
            self.errors["file"], self.status = self.refused, 422
        return sound and not self.refused


class ImportForm(Form):
    """What the file is and how its columns are read; the mapping is shown even when it is guessed."""

    def __init__(self, upload: SpecificationUpload, posted: MultiDict[str, str] | None) -> None:
        sent: MultiDict[str, str] = MultiDict() if posted is None else posted
        rest = None
        if posted is not None:
            kept = [(k, v) for k, v in sent.items(multi=True) if not k.startswith(_MAPPED)]
            rest = MultiDict([(k, v) for k, v in kept if k not in _ACTS])
        super().__init__(ImportFactsSchema(), rest, upload.facts)
        self.act = sent.get("act", "")
        self.against = str(sent.get("against", upload.facts.get("against", "")))
        self.recalled_from = str(upload.facts.get("recalled_from", ""))
        self.seen = str(sent.get("seen", ""))
        self.saves_mapping = bool(sent.get("save-mapping"))
        mapping = ColumnMapping.from_json(upload.mapping) if upload.mapping else ColumnMapping()
        if any(name.startswith(_MAPPED) for name in sent):
            mapping = self._read_mapping(sent, mapping)
        if self.act.startswith(_RECALL):
            mapping = self._recall(self.act[len(_RECALL) :]) or mapping
        self.mapping = mapping
        self.table: ImportedTable = self._read_table(upload)
        is_wrong = "mapping-text" in self.errors
        self._overrides["mapping-text"] = (
            str(sent.get("mapping-text", "")) if is_wrong else self.mapping_text
        )

    def _read_table(self, upload: SpecificationUpload) -> ImportedTable:
        """Read the file as chosen; what this file has no sheet for is told, and read as before."""
        try:
            return read_requirements(upload.content, upload.filename, self.mapping)
        except TableError as error:
            if not self.act.startswith(_RECALL):
                self.errors["mapping-text"], self.status = error.reason, 422
                kept = ColumnMapping.from_json(upload.mapping or {})
                self.mapping = kept
            else:  # the sheets of another ministry's workbook
                self.mapping = self.mapping.with_sheets()
            return read_requirements(upload.content, upload.filename, self.mapping)

    def _recall(self, mapping_id: str) -> ColumnMapping | None:
        saved = find_offered(mapping_id)
        if saved is None:
            return None
        self.recalled_from = saved.ministry
        return ColumnMapping.from_json(saved.mapping)

    def refuse(self, error: DomainError) -> None:
        """Show a refusal; another's draft that nobody looked at is named beside the version."""
        if isinstance(error, StaleVersion):
            self.errors["label"], self.status = error.message, 412
        else:
            super().refuse(error)

    @property
    def wants_import(self) -> bool:
        """Tell whether the reader pressed the button that imports."""
        return self.is_posted and self.act == "import"

    def submit_import(
        self,
        act: Callable[
            [Session, ImportFacts, Sequence[RequirementDraft], MappingToSave | None],
            SpecificationVersion,
        ],
    ) -> SpecificationVersion | None:
        """Import when the facts and every row are sound; a published version is refused on the page."""
        sound = self.validate()
        if not self.table.is_clear or "mapping-text" in self.errors:
            count = len(self.table.errors) + len(self.table.unclear)
            self.extra_summary.append(
                ("findings", f"表に直すところが{count}件あります。直すまで何も取り込みません。")
            )
            self.status = 422
            return None
        if not sound:
            return None
        drafts, saved = self.table.drafts, None
        if self.saves_mapping:
            portable = self.table.mapping.portable().to_json()
            saved = MappingToSave(self.table.fingerprint, portable)
        try:
            return self.submit(
                lambda session, data: act(session, ImportFacts(**data), drafts, saved)
            )
        except WrongState as error:
            self.errors["label"] = error.message
            self.status = 409
            return None

    def submit_mapping(
        self, act: Callable[[Session, dict[str, Any], dict[str, Any]], None]
    ) -> bool:
        """Keep the mapping and what was typed so far, checked only when it is imported."""
        if "mapping-text" in self.errors:
            self.status = 422
            return False
        facts = {name: self.value(name) for name in _typed(self)} | {"against": self.against}
        if self.act.startswith(_RECALL):
            facts["recalled_from"] = self.recalled_from
        with transaction() as session:
            act(session, facts, self.mapping.to_json())
        return True

    def columns(self) -> list[tuple[str, str, str, str]]:
        """Return (field, label, heading chosen, example of its cells) of all that a column can feed."""
        reading = self.table.reading
        found = []
        for target, label in TARGET_LABELS.items():
            indices = reading.columns.get(target, ())
            if target == "level" and not indices and isinstance(reading.plan.reader, LevelClasses):
                indices = reading.plan.reader.columns if reading.plan.reader.is_single else ()
            texts = reading.layout.texts(indices[0])[:1] if indices else []
            is_open = target in reading.doubtful
            chosen = "" if is_open else _TOGETHER.join(reading.headings[i] for i in indices)
            found.append(
                (f"{_COLUMN}{target}", label, chosen, excerpt(texts[0])[:40] if texts else "")
            )
        return found

    def is_doubtful(self, field: str) -> bool:
        """Tell whether a choice of columns waits for the reader: nothing is chosen beforehand."""
        return field.removeprefix(_COLUMN) in self.table.reading.doubtful

    @property
    def absent_choice(self) -> tuple[str, str]:
        """The choice that no column feeds something, where an empty one would only be unanswered."""
        return (_ABSENT, "この表にはない")

    @property
    def headings(self) -> list[tuple[str, str]]:
        """The headings to choose from; several that are read together are one choice."""
        plain = list(self.table.reading.headings)
        together = [chosen for _, _, chosen, _ in self.columns() if _TOGETHER in chosen]
        return [(each, each) for each in dict.fromkeys([*plain, *together])]

    def class_words(self) -> list[tuple[int, str, str]]:
        """Return (number, word in the cells, code chosen) of every class word in the file."""
        plan = self.table.reading.plan
        found = []
        for number, word in enumerate(plan.values):
            folded = fold_word(word)
            code = plan.words.get(folded)
            none = NO_CLASS if folded in plan.words and code is None else ""
            found.append((number, word, code.value if code else none))
        return found

    @property
    def class_choices(self) -> list[tuple[str, str]]:
        """The classes to choose from."""
        return [*RequirementClass.choices(), (NO_CLASS, "区分なし")]

    def musts(self) -> list[tuple[str, str, str]]:
        """Return (field, kind of body, level chosen) where levels stand for classes."""
        reader = self.table.reading.plan.reader
        if not isinstance(reader, LevelClasses) or reader.told.classes:
            return []
        told = reader.told.must
        return [
            (f"{_MUST}{kind.value}", kind.label, self._level_name(reader, told.get(kind.value, "")))
            for kind in BodyClass
        ]

    @staticmethod
    def _level_name(reader: LevelClasses, word: str) -> str:
        key = reader.key_of(word) if word else ""
        return reader.names[reader.keys.index(key)] if key in reader.keys else ""

    @property
    def levels(self) -> list[tuple[str, str]]:
        """The levels to choose from."""
        return [(each, f"{each}まで") for each in self.table.reading.plan.levels]

    def sheets(self) -> list[tuple[str, str, bool]]:
        """Return (field, name, is read) of the sheets of a workbook."""
        book = self.table.book
        read = set() if book.is_open else {each.sheet for each in book.readings}
        return [
            (f"{_SHEET}{number}", name, name in read)
            for number, name in enumerate(self.table.book.sheets)
        ]

    @property
    def none_choices(self) -> Sequence[tuple[str, str]]:
        """What may be meant by a row without a class."""
        return _NONE_LABELS

    @property
    def date_choices(self) -> Sequence[tuple[str, str]]:
        """In which order numbers make a day."""
        return _DATE_LABELS

    @property
    def hides(self) -> bool:
        """Tell whether a sheet that is read has hidden rows or columns."""
        tables = [each.layout.table for each in self.table.book.readings]
        return any(each.hidden_rows or each.hidden_columns for each in tables)

    @property
    def strikes(self) -> bool:
        """Tell whether letters are struck out in a sheet that is read."""
        return any(each.layout.table.struck for each in self.table.book.readings)

    @property
    def hidden_choices(self) -> Sequence[tuple[str, str]]:
        """What becomes of hidden rows and columns."""
        return _HIDDEN_LABELS

    @property
    def struck_choices(self) -> Sequence[tuple[str, str]]:
        """What becomes of letters that are struck out."""
        return _STRUCK_LABELS

    @property
    def parent_choices(self) -> Sequence[tuple[str, str]]:
        """What a row is whose id begins those of other rows."""
        return _PARENT_LABELS

    @property
    def kind_choices(self) -> list[tuple[str, str]]:
        """The kinds of requirement, for a whole table."""
        return list(RequirementKind.choices())

    @property
    def mapping_text(self) -> str:
        """The mapping as a file holds it."""
        return json.dumps(self.table.mapping.to_json(), ensure_ascii=False, indent=2)

    def _read_mapping(self, posted: MultiDict[str, str], before: ColumnMapping) -> ColumnMapping:
        """Return the mapping as chosen on the page, or as written in its text."""
        try:
            if self.act == "mapping":
                return ColumnMapping.from_file(posted.get("mapping-text", "").encode(), "対応表")
            kept = ColumnMapping.from_json(json.loads(posted.get("mapping-kept") or "{}"))
        except (Invalid, ValueError) as error:
            sentence = error.errors["mapping"] if isinstance(error, Invalid) else str(error)
            self.errors["mapping-text"] = sentence
            return before
        return _chosen(posted, kept)


def _typed(form: Form) -> list[str]:
    posted = form.posted if form.posted is not None else MultiDict()
    return [name for name in posted if name != "csrf_token"]


def _chosen(posted: MultiDict[str, str], kept: ColumnMapping) -> ColumnMapping:
    """Return a mapping with everything replaced that was chosen in the fields of the page."""
    told = kept.to_json()
    columns = {
        name[len(_COLUMN) :]: heading.split(_TOGETHER) if heading else None
        for name, heading in posted.items()
        if name.startswith(_COLUMN) and (heading or posted.get(f"{_OPEN}{name}") is None)
    }
    columns |= {target: None for target, each in columns.items() if each == [_ABSENT]}
    told["columns"] = {**told.get("columns", {}), **columns}
    meanings = {
        word: posted.get(f"{_MEANING}{name[len(_WORD) :]}", "")
        for name, word in posted.items()
        if name.startswith(_WORD)
    }
    told["classes"] = {w: c for w, c in told.get("classes", {}).items() if w not in meanings}
    told["classes"] |= {word: code for word, code in meanings.items() if code}
    musts = {name[len(_MUST) :]: level for name, level in posted.items() if name.startswith(_MUST)}
    if musts and all(musts.values()):
        told["levels"] = {**told.get("levels", {}), "must": musts}
    if any(columns.get(name) for name in ("class", *CLASS_TARGETS)):
        # A class that stands in a column is not read from levels, marks or the text.
        told = {
            k: v for k, v in told.items() if k not in ("levels", "class_columns", "class_from_text")
        }
    sheets = [name for field, name in posted.items() if field.startswith(_SHEET)]
    told["sheets"] = sheets or told.get("sheets", [])
    if "mapping-none" in posted:
        told["none"] = posted["mapping-none"]
        told["parents"] = posted.get("mapping-parents", "")
        for name in ("hidden", "struck"):
            told[name] = posted.get(f"mapping-{name}", told.get(name, ""))
        told["date_order"] = posted.get("mapping-date-order") or "ymd"
        kind = posted.get("mapping-kind", "")
        rest = {k: v for k, v in told.get("constants", {}).items() if k != "kind"}
        told["constants"] = rest | ({"kind": kind} if kind else {})
    return ColumnMapping.from_json(told)
