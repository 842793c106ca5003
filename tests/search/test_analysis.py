import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadRequest
from search import analysis, words
from search.analysis import (
    MAX_COMBINATIONS,
    analysis_version,
    matches,
    plan_query,
    read_zones,
    searchable_text,
)
from search.equal_words import load_synonyms, synonyms_hash
from search.spelling import normalise

JAPANESE_TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from("アァヴーｱｶﾞﾊﾟ-‐―−ー申し込み障がい子ども髙京都津市AＡaiＩSo0９ 　・/、。"),
        st.characters(),
    ),
    max_size=60,
)


@given(JAPANESE_TEXT)
@settings(max_examples=400, deadline=None)
def test_normalising_twice_changes_nothing_more(text):
    once = normalise(text)
    assert normalise(once) == once


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("ｻｰﾊﾞｰ", "サーバ"),
        ("サ－バ", "サーバ"),
        ("コピー", "コピー"),
        ("ヴァイオリン", "バイオリン"),
        ("ＬＧＷＡＮ―ＡＳＰ", "lgwan-asp"),
        ("問い合わせ", "問合せ"),
        ("お申し込み", "お申込"),
        ("障がい者", "障害者"),
        ("こども", "子供"),
        ("髙﨑市", "高崎市"),
        ("ファイル", "フアイル"),
        ("㈱見本", "(株)見本"),
    ],
)
def test_spellings_fold_into_one(written, folded):
    assert normalise(written) == folded


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("住基", "住民基本台帳システム", True),
        ("住基", "居住基準の管理", False),
        ("京都", "東京都の施設", False),
        ("京都", "京都府の施設", True),
        ("津市", "大津市の防災", False),
        ("津市", "津市の防災", True),
        ("ﾏｲﾅﾝﾊﾞｰ", "マイナンバーカード", True),
        ("SSO", "ｓｓｏに対応", True),
        ("AWS", "lawsの一覧", False),
        ("aiocr", "AI-OCRで読む", True),
        ("AI-OCR", "aiocrで読む", True),
        ("ISO27001", "ISO/IEC 27001を取得", True),
        ("税", "納税通知", True),
        ("コピー", "カラーコピー", True),
        ("国保システム", "国民健康保険のシステム", True),
        ("問合わせ", "お問い合わせ窓口", True),
        ("防災 京都", "京都市の防災", True),
        ("防災 京都", "東京都の防災", False),
        ("", "なんでも", True),
        ("・・・", "なんでも・・・", False),
    ],
)
def test_stored_text_is_judged_like_a_search(query, text, found):
    assert matches(query, searchable_text("見本", text, "")) is found


def test_a_phrase_does_not_reach_over_punctuation_or_zones():
    assert not matches("住民記録", searchable_text("住民、記録", "", ""))
    assert not matches("住民記録", searchable_text("住民", "記録", ""))


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_text_can_be_stored_and_read_back(hi, lo, ft):
    zones = read_zones(searchable_text(hi, lo, ft))
    assert list(zones) == ["hi", "lo", "ft"]
    assert zones["hi"].runs.replace(" ", "").isalnum() or not zones["hi"].runs


def test_unanalysed_text_is_refused():
    with pytest.raises(ValueError, match="not an analysed text"):
        matches("住基", "住民基本台帳")


def test_more_than_ten_words_are_refused():
    with pytest.raises(BadRequest, match="10個"):
        plan_query(" ".join("abcdefghijk"))


def test_alternatives_stay_bounded():
    plan = plan_query("住基 国保 生保 ごみ 罹災証明 gis rpa aiocr 保育所 ガバクラ")
    product = 1
    for term in plan.terms:
        product *= len(term.variants)
    assert len(plan.terms) == 10
    assert product <= MAX_COMBINATIONS


def test_every_synonym_finds_the_others():
    for member, others in load_synonyms().items():
        for other in others:
            assert matches(member, searchable_text(other, "", "")), (member, other)


def test_the_synonyms_have_one_hash():
    assert len(synonyms_hash()) == 64
    assert analysis_version().startswith("6+")


def test_threads_analyse_at_the_same_time():
    expected = searchable_text("住民基本台帳の申請", "", "")
    found: list[str] = []
    threads = [
        threading.Thread(
            target=lambda: found.extend(
                searchable_text("住民基本台帳の申請", "", "") for _ in range(50)
            )
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 200


def test_a_lexicon_serves_where_no_dictionary_is_installed(monkeypatch):
    monkeypatch.setattr(words, "load_dictionary", lambda: None)
    analysis.plan_with.cache_clear()
    try:
        assert analysis_version() == "6+lexicon-2"
        assert matches("京都", searchable_text("京都府", "", ""))
        assert not matches("京都", searchable_text("東京都", "", ""))
        assert not matches("津市", searchable_text("大津市", "", ""))
        assert matches("住基", searchable_text("住民基本台帳", "", ""))
        for query, text in [("久留米", "東久留米市"), ("大和", "東大和市"), ("保険", "国保険路")]:
            assert matches(query, searchable_text(query, "", ""))
            assert not matches(query, searchable_text(text, "", "")), text
        sentence = plan_query("住民票の申請を京都市で受けたい").sentence
        assert [ways[0] for ways in sentence.words] == ["住民票", "申請", "京都"]
    finally:
        analysis.plan_with.cache_clear()
