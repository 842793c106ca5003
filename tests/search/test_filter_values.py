"""Values of filters: whatever they hold, they mean themselves alone.

What a page says is the same on both databases.
"""

import re
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import db
from core.errors import BadRequest
from search.engine import SearchQuery
from search.meilisearch import MeilisearchEngine
from search.meilisearch_query import (
    MAX_FILTER_BYTES,
    build_filter,
    build_stale,
    quote_value,
    read_value,
    spell_value,
)
from tests.page_checks import text_of
from tests.search.conftest import name_index
from tests.search.corpus import make_record
from tests.search.fake_meilisearch import fits, parse_filter
from tests.search.market import index_all, open_listing
from tests.search.test_search_pages import facet_counts, names

HOSTILE = [
    *('x" OR kind = "solo', "x' OR '1' = '1", "x OR 1=1", 'x" OR "1" = "1', "NOT hosting = aws"),
    *("a\\", "a\\\\", 'a\\"', 'a\\" OR kind = "solo', '"', '""', "'", "[a, b]", "a, b", '", "'),
    *(
        "“引用”",
        "「括弧」",
        "\n",
        "a\nb",
        "\t",
        "\x00",
        "a\x00b",
        " a",
        "a ",
        "%41",
        "%5c",
        "é",
        "e\u0301",
    ),
]
FOLDED = ["AWS", "aws", "ＡＷＳ", "Aws", "ガ", "カ\u3099", "ｶﾞ", "が", "あ" * 150]
ODD = [*HOSTILE, *FOLDED]

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
"""Any text: what no text is (half of a surrogate pair) comes through no address and no database."""


def passes(rows, hosting):
    return fits(
        {"hosting": [hosting]}, parse_filter(rows, {"hosting", "kind", "offering_id", "id"})
    )


@given(words | st.sampled_from(ODD), words | st.sampled_from(ODD))
def test_quoting_brings_any_text_through_the_filter_language(text, other):
    rows = build_filter({"hosting": frozenset({text, "b"})})
    assert [len(row) for row in rows] == [len({text, "b"})]
    assert passes(rows, spell_value(text))
    assert passes(rows, spell_value(other)) is (other in {text, "b"})
    assert read_value(spell_value(text)) == text


@given(words | st.sampled_from(HOSTILE))
def test_one_quoted_value_stays_one_value(text):
    if "\\" in text:
        with pytest.raises(BadRequest):
            quote_value(text)
        return
    stale = build_stale(text, frozenset({text, "b"}))
    held = {"offering_id": text, "id": f"{text}c", "kind": "solo"}
    tests = parse_filter(stale, set(held))
    assert fits(held, tests)
    assert not fits({**held, "id": text}, tests)
    assert not fits({**held, "offering_id": text + "d"}, tests)


@pytest.mark.parametrize("text", ["あ" * (MAX_FILTER_BYTES // 3 + 1), "A" * MAX_FILTER_BYTES])
def test_a_value_that_the_filter_language_cannot_hold_is_refused(text):
    assert quote_value("あ" * (MAX_FILTER_BYTES // 3))
    with pytest.raises(BadRequest, match="長すぎる"):
        build_filter({"hosting": frozenset({text})})


def test_every_odd_value_finds_its_own_row_and_counts_it(engine):
    engine.rebuild(make_record(n, facets={"hosting": {each}}) for n, each in enumerate(ODD))
    counts = engine.search(SearchQuery()).facets["hosting"]
    assert counts == dict.fromkeys(ODD, 1)
    for number, each in enumerate(ODD):
        found = engine.search(SearchQuery(filters={"hosting": frozenset({each})}))
        assert [hit.listing_id for hit in found.hits] == [make_record(number).listing_id], each


@pytest.mark.sqlite_only
def test_hostile_values_are_refused_by_name_and_written_ones_mean_themselves(
    client, app, settings, fake, fake_server, monkeypatch
):
    engine = partial(MeilisearchEngine, index=name_index())
    monkeypatch.setattr("search.queries.MeilisearchEngine", engine)
    served = settings.model_copy(update={"search_url": fake_server[1]})
    app.config["NARABI"] = served
    region = HOSTILE[0]
    with db.transaction() as session:
        versions = [
            open_listing(session, name="まちのへや", hosting_region=region),
            open_listing(session, name="むらのへや"),
        ]
    index_all(served, *versions)
    for value in (*HOSTILE[1:], "あ" * 500):
        answer = client.get("/api/v1/search", query_string={"region": value})
        assert answer.status_code == 400, value
        assert re.search("はありません|使えない文字", answer.json["detail"]), value
    said = client.get("/api/v1/search?facets=hosting&facets=x").json["detail"]
    assert "facets：「x」という絞り込みの項目はありません。" in said
    for name in ("hosting", "maker", "specification", "size_class"):
        for path in ("/search", "/api/v1/search"):
            answer = client.get(path, query_string={name: HOSTILE[0]})
            assert answer.status_code == 400, (name, path)
            said = answer.json["detail"] if "api" in path else answer.get_data(as_text=True)
            assert "はありません" in said, (name, path)
    found = client.page("/search?region=x%22+OR+kind+%3D+%22solo")
    assert names(found) == ["まちのへや"]
    assert facet_counts(found, "region")[region] == "1件"
    assert "予備の索引" not in text_of(found)
