"""The two forms of an import of offerings: the file, then its columns and what it would do."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlmodel import Session
from werkzeug.datastructures import FileStorage, MultiDict

from accounts.identity import Actor
from catalog.offerings.models import OfferingUpload
from catalog.offerings.rules import explain_refusal
from catalog.offerings.sheets import services
from catalog.offerings.sheets.checking import Checked, OfferingDraft, check_book
from catalog.offerings.sheets.columns import EXTRAS, OFFERING_COLUMNS, PRICE_COLUMNS, Column
from catalog.offerings.sheets.known import load_known
from catalog.offerings.sheets.mapping import SheetMapping
from catalog.offerings.sheets.reading import ReadColumn, Reading, ReadTable, read_book
from catalog.offerings.sheets.rendering import name_specification
from core.db import transaction
from core.errors import DomainError, GuardFailed, Invalid, StaleVersion, WrongState
from core.fields import FormSchema, option
from core.forms import Form

_COLUMN, _PRICE = "column-", "price-"
_LONGEST_NAME = 200
_YES = "yes"
READ, IMPORT = "read", "import"


class SheetFileSchema(FormSchema):
    """Nothing is typed beside the file."""


class SheetChoicesSchema(FormSchema):
    """What a person chose about rows and cells that are wrong or doubtful."""

    act = option("操作", (READ, IMPORT), required=False)
    drop = option("空欄として取り込む", (_YES,), required=False)
    sound_only = option("直すところのない行だけ", (_YES,), required=False)


class SheetFileForm(Form):
    """The file to import; one that is no table is refused on the page."""

    def __init__(self, posted: MultiDict[str, str] | None) -> None:
        super().__init__(SheetFileSchema(), posted)
        self.file: dict[str, Any] = {}

    def read_file(self, files: Mapping[str, FileStorage]) -> bool:
        """Keep the name and bytes of a readable table; False when something has to be mended."""
        sent = files.get("file")
        if sent is None or not sent.filename:
            self.errors["file"], self.status = "取り込む表のファイルを選択してください。", 422
            return False
        name, content = sent.filename[-_LONGEST_NAME:], sent.read()
        try:
            read_book(content, name)
        except Invalid as error:
            self.errors["file"], self.status = error.errors.get("file", error.message), 422
            return False
        self.file = {"filename": name, "content": content}
        return True


class SheetForm(Form):
    """How the columns are read, what the import would do, and what a person chose about it."""

    def __init__(
        self,
        upload: OfferingUpload,
        posted: MultiDict[str, str] | None,
        chosen: Mapping[str, str],
    ) -> None:
        sent: MultiDict[str, str] = MultiDict() if posted is None else posted
        mapped = [name for name in sent if name.startswith((_COLUMN, _PRICE))]
        rest = None
        if posted is not None:
            kept = [
                (k, v) for k, v in sent.items(multi=True) if k not in (*mapped, "specification")
            ]
            rest = MultiDict(kept)
        initial = {name: chosen.get(name, "") for name in ("drop", "sound_only")}
        super().__init__(SheetChoicesSchema(), rest, initial)
        self.upload = upload
        self.mapping = SheetMapping.from_json(upload.mapping) if upload.mapping else None
        self.reading: Reading = read_book(upload.content, upload.filename, self.mapping)
        if mapped or "specification" in sent:
            self.mapping = self._read_mapping(sent)
            self.reading = read_book(upload.content, upload.filename, self.mapping)
        self.checked: Checked | None = None

    @property
    def is_told(self) -> bool:
        """Tell whether a person confirmed the columns, or the file is of our own shape."""
        return self.reading.is_own or self.mapping is not None

    @property
    def drops(self) -> bool:
        """Tell whether doubtful cells are left empty."""
        return self.value("drop") == _YES

    @property
    def sound_only(self) -> bool:
        """Tell whether rows with findings are left out."""
        return self.value("sound_only") == _YES

    @property
    def specification(self) -> str:
        """The standard that stands for the whole file."""
        return self.mapping.specification if self.mapping else ""

    @property
    def rows(self) -> list[OfferingDraft]:
        """The rows that would be imported as chosen."""
        return [] if self.checked is None else list(self.checked.drafts)

    @property
    def left_rows(self) -> int:
        """How many rows would be left out."""
        return 0 if self.checked is None else self.checked.rows - self.checked.same - len(self.rows)

    @property
    def is_ready(self) -> bool:
        """Tell whether pressing the button imports something."""
        checked = self.checked
        if checked is None or checked.conflicts:
            return False
        return bool(self.rows) and (self.sound_only or not checked.findings)

    def look(self, session: Session, actor: Actor) -> None:
        """Check the whole file against what is stored now."""
        if self.is_told and not self.reading.questions:
            known = load_known(session, actor)
            self.checked = check_book(self.reading, known, self.mapping, drop=self.drops)

    def submit_import(self, actor: Actor, load: Callable[[Session], OfferingUpload]) -> int | None:
        """Import all rows in one transaction; None when something has to be mended first."""
        if not self.validate():
            return None
        try:
            with transaction() as session:
                upload = load(session)
                self.look(session, actor)
                if self.checked is None or not self.is_ready:
                    self._say_what_stops()
                    return None
                source = services.ImportedSheet(
                    upload.filename, upload.sha256, len(self.checked.dropped), self.left_rows
                )
                count = services.import_offerings(session, actor, self.rows, source)
                services.finish_upload(session, actor, upload)
                return count
        except (GuardFailed, StaleVersion, WrongState) as error:
            self._refuse(error)
            return None

    def columns(self) -> list[tuple[str, ReadColumn, list[tuple[str, str]]]]:
        """Return (field, column, choices) of every column of the file."""
        flat = self.reading.prices is None
        told = [each for each in OFFERING_COLUMNS if each.target != "standing"]
        choices = [*told, *(PRICE_COLUMNS[1:] if flat else ()), *EXTRAS]
        found = [
            (f"{_COLUMN}{each.index}", each, _choices(choices))
            for each in self.reading.offerings.columns
        ]
        if self.reading.prices is not None:
            found += [
                (f"{_PRICE}{each.index}", each, _choices(PRICE_COLUMNS))
                for each in self.reading.prices.columns
            ]
        return found

    def _read_mapping(self, sent: MultiDict[str, str]) -> SheetMapping:
        prices = self.reading.prices
        return SheetMapping.from_json(
            {
                "columns": _told(self.reading.offerings, _COLUMN, sent),
                "prices": _told(prices, _PRICE, sent) if prices else {},
                "specification": sent.get("specification", self.specification),
            }
        )

    def _say_what_stops(self) -> None:
        self.status = 422
        sentence = "読み取り方を選び、「この読み取り方で確かめる」を押してください。"
        if self.checked is not None:
            count = len(self.checked.findings)
            sentence = f"表に直すところが{count}件あります。直すまで何も取り込みません。"
            if self.checked.conflicts:
                self.status = 412
                count = len(self.checked.conflicts)
                sentence = f"書き出したあとに変更された行が{count}件あります。何も取り込みません。"
            elif not count:
                sentence = "取り込むものがありません。新しい行も、変わる行もありません。"
            elif self.sound_only and not self.rows:
                sentence = "直すところのない行がありません。表を直してください。"
        self.extra_summary.append(("findings", sentence))

    def _refuse(self, error: DomainError) -> None:
        self.checked = None
        if isinstance(error, GuardFailed):
            self.refuse(error)
            return
        self.status = 412
        sentence = "取り込んでいる間に、ほかの人が下書きを変更しました。何も取り込んでいません。"
        self.extra_summary.append(("main", f"{sentence}書き出し直してください。"))


def list_choices(actor_known: Any) -> list[tuple[str, str]]:
    """Return the standards that take offerings, as (name in the sheets, label)."""
    return [
        (name_specification(each), f"{each.specification.name} {each.title}")
        for each in actor_known
        if explain_refusal(each) is None
    ]


def _told(table: ReadTable, prefix: str, sent: MultiDict[str, str]) -> dict[str, str]:
    return {each.heading: sent.get(f"{prefix}{each.index}", each.target) for each in table.columns}


def _choices(columns: Any) -> list[tuple[str, str]]:
    named: tuple[Column, ...] = tuple(columns)
    return [(each.target, each.heading) for each in named]
