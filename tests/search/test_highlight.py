"""What the page marks: pure functions, no database."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.highlight import excerpt, highlight
from search.spelling import normalise, normalise_with_origin

WRITTEN = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            "アァヴーｱｶﾞﾊﾟｻｰﾊﾞ-‐―−が゙゚\u200d\ufe0f申し込み障がい子ども髙京都津市AＡİΣaiＩSo0㈱㍿ｦ９ 　・/、。<&"
        ),
        st.characters(),
    ),
    max_size=60,
)
QUERIES = st.one_of(
    WRITTEN,
    st.sampled_from(["住基 ai-ocr", "サーバー 申込", "津市", "ｶﾞ", "か", "障害", "a", "ガバクラ"]),
)


def marked(text, query, **values):
    return [span.text for span in highlight(text, query, **values) if span.marked]


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("住基", "見本住民基本台帳システム", ["住民基本台帳"]),
        ("サーバー", "ｻｰﾊﾞの監視", ["ｻｰﾊﾞ"]),
        ("がばくら", "ガバクラ", ["ガバクラ"]),
        ("問合わせ 窓口", "お問い合わせ窓口", ["問い合わせ窓口"]),
        ("申込", "申し込みと申込", ["申し込み", "申込"]),
        ("aiocr", "ＡＩ－ＯＣＲとAI", ["ＡＩ－ＯＣＲ"]),
        ("ISO27001", "ISO/IEC 27001", ["ISO", "27001"]),
        ("京都", "東京都と京都市", ["京都"]),
        ("津市", "大津市と津市", ["津市"]),
        ("AWS", "lawsとaws", ["aws"]),
        ("税", "納税・課税", ["税", "税"]),
        ("株", "㈱見本", ["㈱"]),
        ("障害", "障がい者", ["障がい"]),
        ("高崎", "髙﨑市", ["髙﨑"]),
        ("辻", "辻\U000e0100様", ["辻\U000e0100"]),
        ("か", "か\u309aを", ["か\u309a"]),
        ("国保システム", "国民健康保険のシステム", ["国民健康保険", "システム"]),
        ("国保システム", "勤怠のシステム", []),
        ("", "なんでも", []),
        ("・・・", "なんでも・・・", []),
        ("a b c d e f g h i j k l", "a b c", []),
    ],
)
def test_what_was_found_is_marked_as_it_was_written(query, text, found):
    assert marked(text, query) == found


def test_the_wider_reading_marks_prefixes_slips_and_words_of_a_sentence():
    assert marked("マイナンバーカード", "マイナンパー") == []
    assert marked("マイナンバーカード交付", "マイナンパーカード", relaxed=True) == [
        "マイナンバーカード"
    ]
    assert marked("LGWAN接続", "lgwna", relaxed=True) == ["LGWAN"]
    assert marked("引越しの手続", "市民が引っ越しをするときの手続き", relaxed=True) == [
        "引越し",
        "手続",
    ]


def test_an_excerpt_shows_what_was_found_and_where_it_is_cut():
    text = "前置き。" * 40 + "ｶﾞﾊﾞｸﾗで動く" + "後書き。" * 40
    spans = excerpt(text, "ガバクラ", length=40)
    assert [span.text for span in spans if span.marked] == ["ｶﾞﾊﾞｸﾗ"]
    assert (spans[0].text, spans[-1].text) == ("…", "…")
    assert 40 <= sum(len(span.text) for span in spans[1:-1]) <= 44
    assert excerpt(text, "税務") == ()
    assert "".join(span.text for span in excerpt("税務管理", "税務")) == "税務管理"


@given(WRITTEN)
@settings(max_examples=300, deadline=None)
def test_each_folded_letter_knows_where_it_came_from(text):
    folded = normalise_with_origin(text)
    assert folded.text == normalise(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    for start, end in zip(folded.starts, folded.ends, strict=True):
        assert 0 <= start < end <= len(text)


@given(WRITTEN, QUERIES, st.booleans(), st.integers(1, 30))
@settings(max_examples=300, deadline=None)
def test_spans_joined_are_the_text_and_cut_no_letter(text, query, relaxed, length):
    spans = highlight(text, query, relaxed=relaxed)
    assert "".join(span.text for span in spans) == text
    assert all(span.text for span in spans)
    for span in spans[1:]:
        assert not unicodedata.combining(unicodedata.normalize("NFKD", span.text)[0])
    inner = "".join(span.text for span in excerpt(text, query, length=length, relaxed=relaxed))
    assert inner.strip("…") in text or inner in text
