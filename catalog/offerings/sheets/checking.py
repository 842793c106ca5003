"""All rows of a file against the forms' schemas and what is stored: drafts, or every finding."""

import unicodedata
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from catalog.offerings.rules import explain_refusal
from catalog.offerings.sheets.acts import Act
from catalog.offerings.sheets.columns import (
    BY_TARGET,
    MOST_OFFERINGS,
    NEEDED,
    Part,
    targets_of,
)
from catalog.offerings.sheets.doubts import add_extras, find_doubts
from catalog.offerings.sheets.findings import Finding, finding_at
from catalog.offerings.sheets.loading import load_components, load_values
from catalog.offerings.sheets.mapping import SheetMapping
from catalog.offerings.sheets.queries import OwnOffering
from catalog.offerings.sheets.reading import Item, Place, Reading, is_sample, read_items
from catalog.offerings.sheets.rendering import (
    name_specification,
    render_component,
    render_offering,
)
from catalog.offerings.sheets.stored import choose_act, find_stale, find_stops
from catalog.specifications.models import SpecificationVersion
from core.japanese import normalise_nfc

_OFFERING, _LISTING = targets_of(Part.OFFERING), targets_of(Part.LISTING)
_PRICE = targets_of(Part.PRICE)


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored: all that the vendor sells, the published standards, the company's number and name."""

    own: Mapping[uuid.UUID, OwnOffering]
    specifications: Sequence[SpecificationVersion]
    corporate_number: str
    company: str
    today: date


@dataclass(frozen=True, slots=True)
class OfferingDraft:
    """One row that may be imported: a new offering, or what changes in a stored one."""

    row: int
    key: str
    name: str
    specification_id: uuid.UUID
    stored: OwnOffering | None
    offering: Mapping[str, Any]
    listing: Mapping[str, Any]
    components: tuple[Mapping[str, Any], ...] | None
    changed: tuple[str, ...] = ()
    act: Act = Act.NEW


@dataclass(frozen=True, slots=True)
class Checked:
    """A file as a whole: what it would make and change, and everything that is wrong or doubtful."""

    drafts: tuple[OfferingDraft, ...]
    findings: tuple[Finding, ...]
    same: int = 0
    samples: int = 0
    dropped: tuple[Finding, ...] = ()
    rows: int = 0

    @property
    def new(self) -> list[OfferingDraft]:
        """The offerings that the vendor has not yet."""
        return [each for each in self.drafts if each.stored is None]

    @property
    def changes(self) -> list[OfferingDraft]:
        """What is stored and would change: drafts, and public ones by a new draft."""
        return [each for each in self.drafts if each.stored is not None]

    @property
    def edits(self) -> list[OfferingDraft]:
        """The own drafts that would change."""
        return [each for each in self.drafts if each.act is Act.DRAFT]

    @property
    def openings(self) -> list[OfferingDraft]:
        """The public ones for which a draft would be opened; buyers go on seeing the public one."""
        return [each for each in self.drafts if each.act in {Act.VERSION, Act.TERMS}]

    @property
    def conflicts(self) -> list[Finding]:
        """Rows that somebody changed since the file was exported."""
        return [each for each in self.findings if each.is_conflict]

    @property
    def droppable(self) -> list[Finding]:
        """Cells that a person may drop: the row stands without them."""
        return [each for each in self.findings if each.can_drop]


def check_book(
    reading: Reading, known: Known, mapping: SheetMapping | None = None, *, drop: bool = False
) -> Checked:
    """Check every row; with `drop`, once more without the cells that may be dropped."""
    told = mapping or SheetMapping()
    checked = _Check(reading, known, told).run()
    if not drop or not checked.droppable:
        return checked
    places = frozenset(each.place for each in checked.droppable)
    again = _Check(reading, known, told, places).run()
    return Checked(
        again.drafts,
        again.findings,
        again.same,
        again.samples,
        tuple(checked.droppable),
        again.rows,
    )


@dataclass
class _Check:
    """The check of one file; findings are gathered over all rows."""

    reading: Reading
    known: Known
    told: SheetMapping
    dropped: frozenset[Place] = frozenset()
    findings: list[Finding] = field(default_factory=list)
    drafts: list[OfferingDraft] = field(default_factory=list)
    same: int = 0
    prices: dict[str, list[Item]] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    seen: dict[Any, int] = field(default_factory=dict)

    def run(self) -> Checked:
        """Check every row of the file."""
        items = read_items(self.reading.offerings, self.dropped)
        samples = [each for each in items if is_sample(each)]
        rows = self._join([each for each in items if not is_sample(each)])
        if len(rows) > MOST_OFFERINGS:
            reason = f"1回に取り込めるのは{MOST_OFFERINGS:,}件までです。ファイルを分けてください。"
            self._find(rows[MOST_OFFERINGS], "name", reason, can_drop=False)
            rows = rows[:MOST_OFFERINGS]
        self._find_faults()
        self.findings += find_doubts(
            rows, self.known.corporate_number, self.known.company, self.known.today
        )
        names = Counter(each.version.name for each in self.known.own.values())
        for item in rows:
            self._read(item, names)
        order = {each.sheet: number for number, each in enumerate(self.reading.tables)}
        once = {
            (each.place, each.reason if each.place[2] < 0 else ""): each
            for each in reversed(self.findings)
        }
        found = sorted(once.values(), key=lambda e: (order.get(e.sheet, 9), e.row, e.place[2]))
        # A doubt about one cell keeps its row out as an error does.
        wrong = {each.key for each in found}
        sound = tuple(each for each in self.drafts if each.key not in wrong)
        return Checked(sound, tuple(found), self.same, len(samples), rows=len(rows))

    def _join(self, items: list[Item]) -> list[Item]:
        """Return the rows of offerings; the rows of prices are kept by key."""
        rows: list[Item] = []
        for item in items:
            if rows and self._goes_on(rows[-1], item):
                self.prices[item.key].append(item)
                continue
            rows.append(item)
            first = self.keys.setdefault(item.key, item.number)
            if not item.key:
                self._find(item, "key", "キーを入力してください。", can_drop=False)
            elif first != item.number:
                reason = f"キー「{item.key}」は{first}行目にもあります。別のキーにしてください。"
                self._find(item, "key", reason, can_drop=False)
            has_price = any(item.cells.get(target) for target in _PRICE)
            self.prices.setdefault(item.key, []).extend([item] if has_price else [])
        if self.reading.prices is not None:
            self._join_prices()
        return rows

    def _goes_on(self, first: Item, item: Item) -> bool:
        """Tell whether a row of a flat table only holds a further price of the row before."""
        if self.reading.prices is not None or "key" not in item.table.targets:
            return False
        is_further = bool(item.key) and item.key == first.key
        own = [*_OFFERING, *_LISTING, "version_id", "versions", "standing", "specification"]
        return (
            is_further
            and any(item.cells.get(target) for target in _PRICE)
            and all(item.cells.get(t, "") in ("", first.cells.get(t, "")) for t in own)
        )

    def _join_prices(self) -> None:
        table = self.reading.prices
        for item in read_items(table, self.dropped) if table else ():
            if is_sample(item):
                continue
            if item.key in self.keys:
                self.prices[item.key].append(item)
            else:
                reason = f"キー「{item.key}」のサービスがありません。サービスの表のキーと同じにしてください。"
                if not item.key:
                    reason = "どのサービスの料金か、キーを入力してください。"
                self._find(item, "key", reason, can_drop=False)

    def _find_faults(self) -> None:
        for table in self.reading.tables:
            if not table.table.faults:
                continue
            items = {each.number: each for each in read_items(table)}
            by_index = {each.index: each for each in table.columns if each.target}
            for (number, index), reason in table.table.faults.items():
                if number not in items or index not in by_index:
                    continue
                item, column = items[number], by_index[index]
                if item.place(column) not in self.dropped and not is_sample(item):
                    can_drop = column.target not in NEEDED and column.target not in _PRICE
                    text = item.cells.get(column.target, "")
                    self.findings.append(finding_at(item, column, reason, text, can_drop=can_drop))

    def _read(self, item: Item, names: Mapping[str, int]) -> None:
        before = len(self.findings)
        stored = self._find_stored(item)
        if len(self.findings) > before:
            return
        prices = self.prices.get(item.key, [])
        shown = render_offering(stored) if stored else {}
        changed = _changed(item, shown) if stored else ()
        new_prices = self._are_prices_new(prices, stored)
        if stored and not changed and not new_prices:
            self.same += 1
            return
        specification = self._find_specification(item, stored)
        if stored:
            self._check_stored(item, stored, changed, new_prices=new_prices)
        elif specification is not None:
            self._check_twice(item, specification, names)
        given = {t: text for t, text in item.cells.items() if BY_TARGET[t].part is not Part.PRICE}
        cells = {**shown, **given, **add_extras(item)}
        values, wrong = load_values(item, cells, terms_only=stored is not None and stored.is_resold)
        self.findings += wrong
        components, wrong = load_components(prices)
        self.findings += wrong
        if specification is None or len(self.findings) > before:
            return
        told = set(changed) if stored else set(_OFFERING) | set(_LISTING)
        draft = OfferingDraft(
            row=item.number,
            key=item.key,
            name=stored.version.name if stored and stored.is_resold else values["name"],
            specification_id=specification.id,
            stored=stored,
            offering={name: values[name] for name in _OFFERING if name in told},
            listing={name: values[name] for name in _LISTING if name in told},
            components=tuple(components) if new_prices else None,
            changed=(*(BY_TARGET[t].heading for t in changed), *(["料金"] if new_prices else [])),
            act=choose_act(stored, changed, has_new_prices=new_prices),
        )
        self.drafts.append(draft)

    def _find_stored(self, item: Item) -> OwnOffering | None:
        written = item.cells.get("version_id", "")
        if not written:
            if item.cells.get("versions"):
                reason = "更新番号だけがあります。IDも書くか、両方を空欄にしてください。"
                self._find(item, "versions", reason, can_drop=False)
            return None
        try:
            stored = self.known.own.get(uuid.UUID(written))
        except ValueError:
            stored = None
        if stored is None:
            reason = "このIDのサービスは自社にありません。新しいサービスなら空欄にしてください。"
            self._find(item, "version_id", reason, can_drop=False)
            return None
        first = self.seen.setdefault(stored.id, item.number)
        if first != item.number:
            reason = f"同じIDが{first}行目にもあります。どちらか1行にしてください。"
            self._find(item, "version_id", reason, can_drop=False)
        return stored

    def _are_prices_new(self, prices: Sequence[Item], stored: OwnOffering | None) -> bool:
        if not self.reading.has_prices:
            return False
        if stored is None:
            return True
        shown = [render_component(each) for each in stored.terms.components]
        if len(shown) != len(prices):
            return True
        return any(
            each.cells.get(target, old[target]) != old[target]
            for each, old in zip(prices, shown, strict=True)
            for target in _PRICE
        )

    def _find_specification(
        self, item: Item, stored: OwnOffering | None
    ) -> SpecificationVersion | None:
        written = item.cells.get("specification") or (
            "" if "specification" in item.table.targets else self.told.specification
        )
        if stored is not None:
            own = stored.version.specification_version
            if item.cells.get("specification") and _fold(written) not in _names(own):
                reason = f"登録したあとは変えられません。{name_specification(own)}に戻すか、新しいサービスとして登録してください。"
                self._find(item, "specification", reason, can_drop=False)
            return own
        if not written:
            self._find(item, "specification", "標準仕様書を選択してください。", can_drop=False)
            return None
        for each in self.known.specifications:
            if _fold(written) in _names(each):
                refusal = explain_refusal(each)
                if refusal:
                    self._find(item, "specification", refusal, can_drop=False)
                return each
        reason = f"「{written}」という標準仕様書の版はありません。書式の一覧から選んでください。"
        self._find(item, "specification", reason, can_drop=False)
        return None

    def _check_stored(
        self, item: Item, stored: OwnOffering, changed: Iterable[str], *, new_prices: bool
    ) -> None:
        stale = find_stale(item.cells.get("versions", ""), stored)
        if stale:
            self._find(item, "versions", stale, can_drop=False, is_conflict=True)
            return
        for target, reason, is_late in find_stops(stored, changed, has_new_prices=new_prices):
            self._find(item, target, reason, can_drop=False, is_conflict=is_late)

    def _check_twice(
        self, item: Item, specification: SpecificationVersion, names: Mapping[str, int]
    ) -> None:
        name = normalise_nfc(item.cells.get("name", ""))
        if not name:
            return
        first = self.seen.setdefault((name, specification.id), item.number)
        if first != item.number:
            reason = f"同じ名称が{first}行目にもあります。名称を分けるか、1行にしてください。"
            self._find(item, "name", reason, can_drop=False)
        elif name in names and any(
            each.version.name == name and each.version.specification_version_id == specification.id
            for each in self.known.own.values()
            if not each.is_resold
        ):
            reason = (
                "同じ名称と標準仕様書のサービスが、自社にもうあります。"
                "変えるときは、書き出したファイルのIDと更新番号を入れてください。"
            )
            self._find(item, "name", reason, can_drop=False)

    def _find(
        self, item: Item, target: str, reason: str, *, can_drop: bool, is_conflict: bool = False
    ) -> None:
        column = item.column(target)
        text = item.cells.get(target, "")
        found = finding_at(
            item, column, reason, text, target=target, can_drop=can_drop, is_conflict=is_conflict
        )
        self.findings.append(found)


def _changed(item: Item, shown: Mapping[str, str]) -> tuple[str, ...]:
    told = {**item.cells, **add_extras(item)}
    return tuple(t for t in (*_OFFERING, *_LISTING) if t in told and told[t] != shown[t])


def _names(version: SpecificationVersion) -> set[str]:
    specification = version.specification
    titles = (f"{specification.name} {version.title}", f"{specification.code} {version.title}")
    return {_fold(each) for each in (name_specification(version), *titles)}


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
