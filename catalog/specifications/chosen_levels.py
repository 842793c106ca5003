"""Lists of grades: one column says what each level means, another which level is asked for (選択レベル)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.specifications.columns import find_heading, known_headings
from catalog.specifications.layout import Layout, Question
from catalog.specifications.levels import Problem, level_family, level_key
from catalog.specifications.mapping import ColumnMapping


@dataclass(frozen=True, slots=True)
class ChosenLevels:
    """The column of the chosen level, and the columns that say what each level means."""

    column: int
    meanings: Mapping[str, int]
    headings: tuple[str, ...]

    def add_to(self, text: str, cells: Sequence[str]) -> str:
        """Return the text of a requirement with the level that is asked for and what it means."""
        index = self.meanings.get(level_key(self._cell(cells, self.column)))
        if index is None:
            return text
        return f"{text}\n{self.headings[index]}：{self._cell(cells, index)}".strip()

    def problem(self, cells: Sequence[str]) -> Problem | None:
        """Return what is wrong where no level is chosen, an unknown one, or one without a meaning."""
        chosen = self._cell(cells, self.column)
        index = self.meanings.get(level_key(chosen)) if chosen else None
        if index is not None and self._cell(cells, index):
            return None
        names = "、".join(self.headings[each] for each in self.meanings.values())
        reason = f"選んだ段階は、この行に説明のある段階（{names}のうち）の番号にしてください。"
        return Problem(self.column, chosen, reason)

    @staticmethod
    def _cell(cells: Sequence[str], index: int) -> str:
        return cells[index].strip() if index < len(cells) else ""


def plan_chosen(
    layout: Layout, told: ColumnMapping
) -> tuple[ChosenLevels | None, tuple[Question, ...]]:
    """Find the columns of a list of grades as told; what is not there is asked about."""
    if not told.chosen_level:
        return None, ()
    column = find_heading(layout.headings, told.chosen_level)
    family = level_family(layout.headings)
    if column is None or not family.columns:
        lacking = f"「{told.chosen_level}」" if column is None else "段階ごとの説明の列"
        sentence = f"対応表の chosen_level の{lacking}が表にありません。{known_headings(layout)}"
        return None, (Question(sentence, {"chosen_level": "（表の見出し）"}),)
    meanings = dict(zip(family.keys, family.columns, strict=True))
    return ChosenLevels(column, meanings, layout.headings), ()
