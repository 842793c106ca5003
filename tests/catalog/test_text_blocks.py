"""Long texts of a standard keep the lines of their source; nothing of them is lost by folding."""

import csv
from pathlib import Path

import pytest

from catalog.text_blocks import fold_text, text_blocks

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
ORDER = """以下の並び順によること。ただし任意に設定することもできること。

【並び順】
・世帯主
・配偶者
（1）長男
①次男
なお、転入した者は末尾に記載すること。"""


def test_paragraphs_captions_and_lists_stand_as_in_the_source():
    kinds = [(block.kind, len(block.lines)) for block in text_blocks(ORDER)]
    assert kinds == [("paragraph", 1), ("caption", 1), ("list", 4), ("paragraph", 1)]
    assert text_blocks("  \n\n") == ()
    # A number or a dash inside a sentence makes no list.
    assert [block.kind for block in text_blocks("20.1.2で規定する様式のとおり。\n-5度まで")] == [
        "paragraph",
        "paragraph",
    ]


def test_short_text_is_whole_and_a_long_one_begins_with_its_first_lines():
    assert fold_text(ORDER).folded == ()
    long = fold_text(
        "\n".join([ORDER, "【出力】", *(f"・項目{n}を出力できること。" for n in range(60))])
    )
    assert long.shown[0].lines[0].startswith("以下の並び順")
    assert long.shown[-1].kind != "caption"
    assert long.folded_length > 500
    assert fold_text("あ" * 2_000).folded == ()  # one paragraph cannot be parted


@pytest.mark.shared_data
def test_no_line_of_the_resident_record_standard_is_lost():
    with (SHARED / "specification_jyuki_v1.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    texts = [cell for row in rows[1:] for cell in row if "\n" in cell]
    assert len(texts) > 100
    for text in texts:
        parts = fold_text(text)
        lines = [line for block in (*parts.shown, *parts.folded) for line in block.lines]
        assert lines == [line.strip() for line in text.splitlines() if line.strip()]
        assert parts.shown
