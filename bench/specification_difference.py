"""The difference of two large versions, with the words of every changed requirement."""

from dataclasses import replace
from datetime import date

from bench.measures import measure, median_seconds
from catalog.specifications.difference import compare
from catalog.specifications.models import RequirementDraft
from catalog.terms import RequirementClass
from core.text_difference import compare_texts

_SENTENCE = (
    "{number}番の届出を受け付け、住民基本台帳の異動として{days}日以内に登録し、"
    "登録した内容を検索し、一覧で確認し、帳票として出力できること。"
)


def make_versions(count: int) -> tuple[list[RequirementDraft], list[RequirementDraft]]:
    """Return a version and its revision: of ten, one is gone, one new, three changed, one moved."""
    must, may = RequirementClass.MUST, RequirementClass.MAY
    before = [
        RequirementDraft(
            requirement_id=f"R-{number:05d}",
            text=_SENTENCE.format(number=number, days=3) * 3,
            name=f"機能{number}",
            class_designated_city=must,
            class_core_city=must,
            class_other=must,
            chapter=f"{number // 100} 章",
        )
        for number in range(count)
    ]
    after = []
    for number, each in enumerate(before):
        match number % 10:
            case 0:
                after.append(replace(each, requirement_id=f"N-{number:05d}"))
            case 1 | 2:
                after.append(
                    replace(each, text=each.text.replace("3日以内に登録", "5日以内に記録"))
                )
            case 3:
                after.append(
                    replace(each, text=f"{each.text}ただし書き。", conformity_date=date(2030, 4, 1))
                )
            case 4:
                after.append(replace(each, chapter="付録", class_core_city=may))
            case _:
                after.append(each)
    return before, after


@measure(
    "specification_difference",
    goal="<= 1",
    unit="s",
    base="2 × 2,000 requirements, 600 changed word by word",
)
def take_difference() -> float:
    """Return the median duration of the comparison and of the words of all changed texts."""
    before, after = make_versions(2_000)

    def act() -> None:
        for change in compare(before, after).changes:
            if change.before is not None and change.after is not None:
                compare_texts(change.before.text, change.after.text)

    return median_seconds(act)
