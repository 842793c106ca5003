"""What a table leaves in doubt although a class could be read: columns or words that say another."""

from collections.abc import Sequence

from catalog.specifications.classes import TextClasses, read_legend
from catalog.specifications.columns import Placed, looks_like_classes
from catalog.specifications.layout import Layout, Question, heading_words
from catalog.specifications.mapping import CLASS_TARGETS, fold_word
from catalog.specifications.words import (
    ANSWER_NAMES,
    CLASS_NAMES,
    CLASS_WORDS,
    MARKS,
    STRONG_HEADINGS,
)

FEW_WORDS = 6  # a column with no more different words may say one thing of each row


def ask_about_rivals(
    layout: Layout, placed: Placed, columns: Sequence[int]
) -> tuple[Question, ...]:
    """Ask where other columns say other classes: of the version before, or of further kinds of body."""
    rivals = [
        index
        for index in range(len(layout.headings))
        if index not in placed.used and _says_otherwise(layout, index, columns)
    ]
    if not rivals:
        return ()
    targets = [each for each in ("class", *CLASS_TARGETS) if each in placed.columns]
    placed.doubtful.update(targets)
    shown = "」「".join(layout.headings[index] for index in rivals)
    sentence = (
        f"「{shown}」にも区分の言葉があり、「{layout.headings[columns[-1]]}」と違います。"
        "どの列を実装区分とするかを選んでください。"
    )
    example = {each: layout.headings[placed.columns[each][0]] for each in targets}
    return (Question(sentence, {"columns": example}),)


def ask_about_answers(
    layout: Layout, placed: Placed, columns: Sequence[int]
) -> tuple[Question, ...]:
    """Ask whether a column holds classes or somebody's answers, where only its marks look like classes."""
    column = columns[0]
    heading = layout.headings[column]
    names = set(heading_words(heading))
    if len(set(columns)) > 1 or names & STRONG_HEADINGS["class"]:
        return ()
    words = {fold_word(text) for text in layout.texts(column)}
    is_explained = words <= set(read_legend(layout.around, layout.headings))
    is_bare = words <= MARKS and not is_explained and not names & CLASS_NAMES
    if not is_bare and not any(each in fold_word(heading) for each in ANSWER_NAMES):
        return ()
    placed.doubtful.add("class")
    sentence = (
        f"「{heading}」が実装区分か、事業者の回答や評価などか分かりません。"
        "実装区分ならこの列を、そうでなければほかの列を選んでください。"
    )
    return (Question(sentence, {"columns": {"class": heading}}),)


def _says_otherwise(layout: Layout, index: int, columns: Sequence[int]) -> bool:
    """Tell whether a column has class words throughout, and another class than the one that is read.

    Marks count beside the columns of the kinds of body only: elsewhere ○ and × say many things.
    """
    texts = layout.texts(index)
    words = {fold_word(text) for text in texts}
    is_sibling = len(set(columns)) > 1 and looks_like_classes(texts)
    if not is_sibling and not (len(words) > 1 and words <= set(CLASS_WORDS) - MARKS):
        return False
    pairs = ((_code(row.cells, index), _code(row.cells, columns[-1])) for row in layout.body)
    return any(other and other != own for other, own in pairs)


def _code(cells: Sequence[str], index: int) -> str:
    word = fold_word(cells[index]) if index < len(cells) and cells[index].strip() else ""
    return CLASS_WORDS[word].value if word in CLASS_WORDS else word


def ask_about_mixed(layout: Layout, placed: Placed, reader: TextClasses) -> tuple[Question, ...]:
    """Ask where texts say several classes: is the strongest one meant?"""
    mixed = [row for row in layout.body if reader.says_several(row.cells)]
    if not mixed:
        return ()
    ids = placed.columns.get("requirement_id", (0,))[0]
    shown = mixed[0].cells[ids] if ids < len(mixed[0].cells) else f"{mixed[0].number}行目"
    sentence = (
        f"本文に強さの違う語（SHALL と MAY など）のある行が{len(mixed)}行あります（{shown}など）。"
        "最も強い語を実装区分とするなら、対応表の class_from_text を true にしてください。"
    )
    return (Question(sentence, {"class_from_text": True}),)


def ask_about_chosen(headings: Sequence[str], column: int, levels: Sequence[int]) -> Question:
    """Ask whether a column of numbers says which of the levels beside it is asked for."""
    chosen = headings[column]
    names = "、".join(headings[index] for index in levels)
    return Question(
        f"「{chosen}」は、説明のある段階（{names}）のどれを求めるかを示すようです。"
        "その段階の説明を本文に加えるなら、対応表の chosen_level にこの見出しを、"
        "constants の class に実装区分を書いてください。",
        {"chosen_level": chosen, "constants": {"class": "must"}},
    )


def describes_levels(layout: Layout, columns: Sequence[int]) -> bool:
    """Tell whether the columns say what each level is instead of ticking it."""
    texts = [text for index in columns for text in layout.texts(index)]
    return len(set(texts)) > max(FEW_WORDS, len(texts) / 2)
