"""How a table says the class of a requirement: chosen as told, or as it plainly is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from catalog.specifications.classes import (
    ClassReader,
    ConstantClass,
    MarkClasses,
    MatrixClasses,
    TextClasses,
    WordClasses,
    class_words,
    explain_letters,
    is_blank,
    modal_of_texts,
    read_legend,
    unknown_words,
)
from catalog.specifications.columns import (
    Placed,
    body_of,
    class_targets_of,
    find_heading,
    known_headings,
    looks_like_classes,
    partial_bodies,
)
from catalog.specifications.doubts import (
    FEW_WORDS,
    ask_about_answers,
    ask_about_chosen,
    ask_about_mixed,
    ask_about_rivals,
    describes_levels,
)
from catalog.specifications.layout import Layout, Question, heading_words
from catalog.specifications.levels import (
    LevelClasses,
    level_family,
    level_key,
    level_parts,
    order_of_values,
    tick_meaning,
)
from catalog.specifications.mapping import CLASS_TARGETS, ColumnMapping, Levels, fold_word
from catalog.specifications.words import (
    CLASS_WORDS,
    DOUBTFUL_TICK,
    LEVEL_HINTS,
    RANKINGS,
    TARGET_LABELS,
)
from catalog.terms import RequirementClass

_NEEDED_MODALS = 0.6
_NOT_NESTED = 0.2
_SHORT_WORD = 15


@dataclass(frozen=True, slots=True)
class Plan:
    """How classes are read, with the words found for the page on which they are corrected."""

    reader: ClassReader | None = None
    questions: tuple[Question, ...] = ()
    values: tuple[str, ...] = ()
    words: Mapping[str, RequirementClass | None] = field(default_factory=dict)
    levels: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        """Say in words from what the class of a requirement is read."""
        match self.reader:
            case LevelClasses():
                return f"段階（{'、'.join(self.levels)}）から"
            case TextClasses():
                return "本文の MUST、SHALL、SHOULD、MAY から"
            case ConstantClass():
                return "どの要件も同じ"
            case MarkClasses() | MatrixClasses():
                return "印のある列から"
        return "実装区分の言葉から"


def plan_classes(layout: Layout, placed: Placed, told: ColumnMapping) -> Plan:
    """Choose how the class is said: as told, or the first way that the table plainly uses."""
    if told.levels.sheets and layout.table.sheet in told.levels.sheets:
        return _plan_sheet(layout.table.sheet, told)
    return _plan_table(layout, placed, told)


def _plan_table(layout: Layout, placed: Placed, told: ColumnMapping) -> Plan:
    if told.class_columns:
        return _plan_marks(layout, dict(told.class_columns), told)
    if told.levels.columns or told.levels.order:
        return (
            _plan_levels(layout, placed, told)
            or _guess_by_content(layout, placed, told)
            or _no_class(layout, placed)
        )
    if told.class_from_text:
        return _plan_text(layout, placed, is_told=True)
    constant = _constant(told)
    if constant is not None:
        return Plan(constant)
    if any(told.columns.get(target) for target in ("class", *CLASS_TARGETS)):
        return _plan_words(layout, class_targets_of(placed.columns), told) or _no_class(
            layout, placed
        )
    return _guess_plan(layout, placed, told)


def _guess_plan(layout: Layout, placed: Placed, told: ColumnMapping) -> Plan:
    own = set(placed.columns.get("class", ()))
    one_each = {
        heading: code
        for index, heading in enumerate(layout.headings)
        if index not in placed.used - own
        for word in heading_words(heading)[:2]
        if (code := CLASS_WORDS.get(word)) is not None
    }
    if len(set(one_each.values())) > 1 and "class" not in told.columns:
        return _plan_marks(layout, one_each, told)
    stated = class_targets_of(placed.columns)
    if stated and told.columns.get("level") is None:
        ranked = _as_ranking(layout, placed, told) if len(set(stated)) == 1 else None
        plan = ranked or _plan_words(layout, stated, told) or _no_class(layout, placed)
        if isinstance(plan.reader, WordClasses):
            rivals = ask_about_rivals(layout, placed, plan.reader.columns)
            answers = ask_about_answers(layout, placed, plan.reader.columns)
            plan = replace(plan, questions=(*plan.questions, *rivals, *answers))
        return plan
    if partial_bodies(placed.columns):
        return _no_class(layout, placed)
    levels = _plan_levels(layout, placed, told)
    if levels is not None:
        return levels
    return _guess_by_content(layout, placed, told) or _plan_text(layout, placed, is_told=False)


def _guess_by_content(layout: Layout, placed: Placed, told: ColumnMapping) -> Plan | None:
    """Find the class where no heading speaks of it: the only column of levels, or of class words."""
    free = [index for index in range(len(layout.headings)) if index not in placed.used]
    named = [index for index in free if _names_levels(layout, index)]
    if len(named) == 1 and "level" not in told.columns:
        family = level_family(layout.headings).columns
        if family and named[0] not in family and describes_levels(layout, family):
            return Plan(questions=(ask_about_chosen(layout.headings, named[0], family),))
        return _plan_single(layout, named[0], _order_in(layout, named[0]), told)
    alike = [index for index in free if looks_like_classes(layout.texts(index))]
    alike = [index for index in alike if len(set(layout.texts(index))) > 1]
    if len(alike) == 1 and "class" not in told.columns:
        placed.columns["class"] = (alike[0],)
        plan = _plan_words(layout, (alike[0],), told)
        answers = ask_about_answers(layout, placed, alike)
        return plan and replace(plan, questions=(*plan.questions, *answers))
    return None


def _order_in(layout: Layout, column: int) -> tuple[str, ...]:
    """Return the levels that a column names, from the one that counts first; nothing if none."""
    order = order_of_values([each for each in _distinct(layout, (column,)) if not is_blank(each)])
    is_ranking = RANKINGS.intersection(heading_words(layout.headings[column]))
    return order[::-1] if is_ranking and order and not order[0].isdigit() else order


def _names_levels(layout: Layout, index: int) -> bool:
    """Tell whether a column says levels, by its words, or by its heading and numbers."""
    order = _order_in(layout, index)
    words = heading_words(layout.headings[index])
    is_hinted = any(hint in word for word in words for hint in LEVEL_HINTS)
    return len(order) > 1 and (is_hinted or not order[0].isdigit())


def _likely_classes(layout: Layout, placed: Placed) -> list[tuple[str, tuple[str, ...]]]:
    """Return columns in which a few short words come again and again, with these words."""
    found = []
    for index, heading in enumerate(layout.headings):
        values = _distinct(layout, (index,))
        is_short = 0 < len(values) <= FEW_WORDS and max(map(len, values)) <= _SHORT_WORD
        is_word = not any(each.isdigit() for value in values for each in value)
        recurs = len(layout.texts(index)) > len(values)
        if index not in placed.used and is_short and (recurs or is_word):
            found.append((heading, values))
    return found


def _no_class(layout: Layout, placed: Placed) -> Plan:
    missing = partial_bodies(placed.columns) or ["class"]
    likely = _likely_classes(layout, placed)
    hint = "".join(f"「{heading}」（{'、'.join(words)}）" for heading, words in likely[:3])
    sentence = f"{hint}でしょうか。" if hint else ""
    sentence += "区分の列がない表なら、対応表の constants の class に must などを書いてください。"
    example = likely[0][0] if len(likely) == 1 else "（表の見出し）"
    return Plan(
        questions=tuple(
            Question(
                f"{TARGET_LABELS[target]}の列が分かりません。選んでください。"
                f"{sentence}{known_headings(layout)}",
                {"columns": {target: example}} if likely else {"constants": {target: "must"}},
            )
            for target in missing
        )
    )


def _plan_sheet(sheet: str, told: ColumnMapping) -> Plan:
    """Read a sheet as one level: what it holds is asked for there and in the levels above."""
    names = told.levels.sheets
    reader = LevelClasses((), tuple(map(level_key, names)), names, told.levels)
    questions = _ask_level(reader, told.levels)
    if questions:
        return Plan(questions=questions)
    return Plan(ConstantClass(reader.classes_from(names.index(sheet))))


def _constant(told: ColumnMapping) -> ConstantClass | None:
    common = told.constants.get("class", "")
    codes = [told.constants.get(target, common) for target in CLASS_TARGETS]
    if not all(codes):
        return None
    first, second, third = (RequirementClass(code) for code in codes)
    return ConstantClass((first, second, third))


def _distinct(layout: Layout, columns: Sequence[int]) -> tuple[str, ...]:
    found = dict.fromkeys(
        " ".join(text.split()) for index in dict.fromkeys(columns) for text in layout.texts(index)
    )
    return tuple(found)


def _plan_words(layout: Layout, columns: tuple[int, ...], told: ColumnMapping) -> Plan | None:
    if not columns:
        return None
    values = tuple(each for each in _distinct(layout, columns) if not is_blank(each))
    legend = read_legend(layout.around, layout.headings, layout.headings[columns[0]], values)
    letters = explain_letters(layout.around, layout.headings, values)
    legend |= {word: code for word, code in letters.items() if code is not None}
    words, doubt = class_words(values, told, legend)
    unknown = {word for word in letters.keys() - legend.keys() if word not in told.classes}
    doubt += [each for each in values if fold_word(each) in unknown and each not in doubt]
    words = {word: code for word, code in words.items() if word not in unknown}
    texts = [" ".join(text.split()) for index in columns for text in layout.texts(index)]
    strange = unknown_words(texts, words)
    questions = tuple(
        Question(
            f"実装区分の「{value}」が実装必須か標準オプションか実装不可か分かりません"
            "（凡例がないため）。選んでください。",
            {"classes": {value: "must か may か must_not か none"}},
        )
        for value in dict.fromkeys([*doubt, *strange])
    )
    return Plan(WordClasses(columns, words), questions, values[:200], words)


def _plan_marks(
    layout: Layout, headings: Mapping[str, RequirementClass], told: ColumnMapping
) -> Plan:
    marks, names, questions = {}, {}, []
    for heading, code in headings.items():
        index = find_heading(layout.headings, heading)
        if index is None:
            sentence = f"対応表の見出し「{heading}」が表にありません。{known_headings(layout)}"
            questions.append(Question(sentence, {"class_columns": {"（表の見出し）": code.value}}))
        else:
            marks[index], names[index] = code, heading
    ticks = tick_meaning(set(_distinct(layout, tuple(marks))), told.levels.marks)
    bodies = {index: body_of(layout.headings[index]) for index in marks}
    lacking = set(CLASS_TARGETS) - set(bodies.values())
    if not all(bodies.values()) or questions:
        return Plan(MarkClasses(marks, names, ticks), tuple(questions))
    if lacking:
        sentence = "団体の種類ごとに実装区分の列がありますが、指定都市、中核市、その他の団体がそろっていません。"
        return Plan(questions=(Question(sentence, {"columns": dict.fromkeys(lacking, "…")}),))
    parts = [{i: code for i, code in marks.items() if bodies[i] == each} for each in CLASS_TARGETS]
    return Plan(MatrixClasses(tuple(MarkClasses(part, names, ticks) for part in parts)))


def _plan_text(layout: Layout, placed: Placed, *, is_told: bool) -> Plan:
    columns = placed.columns.get("text", ())
    modal, share = modal_of_texts([text for index in columns for text in layout.texts(index)])
    if not is_told and (share < _NEEDED_MODALS or "class" in placed.columns):
        return _no_class(layout, placed)
    reader = TextClasses(columns, modal, japanese=is_told)
    return Plan(reader, () if is_told else ask_about_mixed(layout, placed, reader))


def _as_ranking(layout: Layout, placed: Placed, told: ColumnMapping) -> Plan | None:
    """A priority in words of levels (high, medium, low) is no class: from which on is it 必須?"""
    column = placed.columns["class"][0]
    values = _distinct(layout, (column,))
    words = {fold_word(value) for value in values}
    order = _order_in(layout, column)
    if not order or words <= set(CLASS_WORDS):
        return None
    return _plan_single(layout, column, order, told)


def _plan_levels(layout: Layout, placed: Placed, told: ColumnMapping) -> Plan | None:
    columns = [find_heading(layout.headings, text) for text in told.levels.columns]
    absent = [t for t, i in zip(told.levels.columns, columns, strict=True) if i is None]
    if absent:
        sentence = f"対応表の見出し「{absent[0]}」が表にありません。{known_headings(layout)}"
        return Plan(questions=(Question(sentence, {"levels": {"columns": ["…", "…"]}}),))
    known = [index for index in columns if index is not None]
    if len(known) > 1:
        keys = [level_key(layout.headings[index].split("／")[-1]) for index in known]
        return _plan_several(layout, known, keys, told)
    if known or "level" in placed.columns:
        column = known[0] if known else placed.columns["level"][0]
        order = tuple(map(level_key, told.levels.order)) or _order_in(layout, column)
        if order:
            return _plan_single(layout, column, order, told)
        if known or told.columns.get("level"):
            sentence = (
                f"「{layout.headings[column]}」の段階の順が分かりません。低い順に書いてください。"
            )
            return Plan(questions=(Question(sentence, {"levels": {"order": ["…", "…"]}}),))
    family = level_family(layout.headings)
    if family.columns and not (
        placed.used.intersection(family.columns) or describes_levels(layout, family.columns)
    ):
        return _plan_several(layout, family.columns, family.keys, told)
    return None


def _plan_single(layout: Layout, column: int, order: Sequence[str], told: ColumnMapping) -> Plan:
    order = tuple(map(level_key, told.levels.order)) or order
    shown: dict[str, str] = {}
    for value in _distinct(layout, (column,)):
        if len(level_parts(value)) == 1:
            shown.setdefault(level_key(value), value)
    names = tuple(shown.get(key, key) for key in order)
    ticks = {fold_word(each): False for each in _distinct(layout, (column,)) if is_blank(each)}
    ticks |= {word: tick for word, tick in told.levels.marks.items() if not tick}
    nested = told.levels.nested is not False
    reader = LevelClasses((column,), tuple(order), names, told.levels, nested, ticks=ticks)
    return Plan(reader, _ask_level(reader, told.levels, layout.headings[column]), levels=names)


def _plan_several(
    layout: Layout, columns: Sequence[int], keys: Sequence[str], told: ColumnMapping
) -> Plan:
    names = tuple(layout.headings[index] for index in columns)
    values = set(_distinct(layout, columns))
    ticks = tick_meaning(values, told.levels.marks)
    codes = {CLASS_WORDS.get(fold_word(each)) for each in values} - {None}
    stated = sorted(each for each in values if fold_word(each) in CLASS_WORDS and len(each) > 1)
    if stated and len(codes) > 1:
        sentence = (
            f"「{'」「'.join(names)}」のそれぞれに区分の言葉（{stated[0]}など）があります。"
            "どの列を実装区分とするかを選んでください。"
        )
        return Plan(questions=(Question(sentence, {"columns": {"class": names[-1]}}),))
    questions: list[Question] = []
    if DOUBTFUL_TICK in values - set(told.levels.marks) and not any(ticks.values()):
        sentence = "段階の列の「×」が、該当するという印か、しないという印か分かりません。"
        questions.append(Question(sentence, {"levels": {"marks": {"×": True}}}))
    reader = LevelClasses(tuple(columns), tuple(keys), names, told.levels, ticks=ticks)
    reader, more = _nesting(layout, reader)
    return Plan(reader, (*questions, *more, *_ask_level(reader, told.levels)), levels=names)


def _nesting(layout: Layout, reader: LevelClasses) -> tuple[LevelClasses, list[Question]]:
    """Tell how the ticks nest: in all higher levels, only at the lowest, or not at all."""
    if reader.told.nested is not None:
        return replace(reader, nested=reader.told.nested), []
    ticked = []
    for row in layout.body:
        cells = [row.cells[i] if i < len(row.cells) else "" for i in reader.columns]
        ticked.append([bool(reader.ticks.get(fold_word(cell))) for cell in cells])
    held = [each for each in ticked if any(each)]
    odd = [each for each in held if not all(each[each.index(True) :])]
    if held and all(sum(each) == 1 for each in held):
        return replace(reader, sparse=True), []
    if len(odd) <= _NOT_NESTED * len(held):
        return reader, []
    sentence = (
        f"「{'」「'.join(reader.names)}」の印が入れ子になっていません（{len(held)}行のうち{len(odd)}行）。"
        "互いに別の基準なら nested を false にし、must に従う列を選んでください。"
    )
    return reader, [Question(sentence, {"levels": {"nested": False, "must": reader.names[-1]}})]


def _ask_level(reader: LevelClasses, told: Levels, heading: str = "") -> tuple[Question, ...]:
    for word in told.must.values():
        if reader.key_of(word) not in reader.keys:
            sentence = f"対応表の段階「{word}」が表にありません。段階：{'、'.join(reader.names)}"
            return (Question(sentence, {"levels": {"must": reader.names[0]}}),)
    if told.is_told:
        return ()
    names = "、".join(reader.names)
    place = f"「{heading}」の" if heading else ""
    sentence = (
        f"{place}「{names}」を、先に求める順（低い順）の段階と読みました。どの段階までを実装必須とするか分かりません"
        "（それより後の段階は標準オプションになります）。選んでください。順が違うときは levels の order も書いてください。"
    )
    return (Question(sentence, {"levels": {"must": reader.names[0]}}),)
