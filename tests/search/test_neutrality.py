"""Nobody gets a better place by names, repetition, length, resellers or by being first.

Twenty vendors sell much the same; one of them tries a trick. Over all 31 stored orders its median
place stays within one of what it was, for a term and for a sentence (the wider reading).
"""

import random
from dataclasses import replace
from statistics import median

import pytest

from search.engine import SEEDS, SearchQuery
from tests.search.corpus import make_record

ACTOR = 7
HI, LO = "見本{}の戸籍管理 戸籍", "架空の会社{} 戸籍の窓口を支えます。"
FT = "戸籍の写しを発行できます。届出を受け付けます。{}に対応します。"
EXTRAS = ["印鑑登録", "住居表示", "人口統計", "学齢簿", "選挙人名簿", "在留カード", "臨時運行"]

TERM = "戸籍 発行"
SENTENCE = "戸籍の写しを発行してほしいのですが、どうすればいいですか"
QUERIES = [TERM, SENTENCE]

CLAUSE = "戸籍の写しを発行する窓口{}を支援できます。"
OTHER = "職員{}もすぐに戸籍の写しを発行できます。"


ON_A_SERVER = (
    "as it was",
    "a long name",
    "words repeated in the text",
    "five resellers",
    "registered first",
)


def make_market():
    dice = random.Random(3)
    return [
        make_record(
            number,
            hi=HI.format(number),
            lo=LO.format(number),
            ft=FT.format("、".join(dice.sample(EXTRAS, 2))),
        )
        for number in range(20)
    ]


def actor(hi=HI, lo=LO, ft=FT):
    named = {"hi": hi.replace("{}", str(ACTOR)), "lo": lo.replace("{}", str(ACTOR))}
    return make_record(ACTOR, ft=ft.replace("{}", "、".join(EXTRAS[:2])), **named)


def padded(clauses):
    """Repeat clauses, every time with another word."""
    return "".join(clauses.replace("{}", each) for each in "甲乙丙丁戊")


def median_place(engine, records, text):
    """Give the median place of the actor among the software that is found, over every order."""
    engine.rebuild(records)
    places = []
    for seed in range(SEEDS):
        result = engine.search_all(SearchQuery(text=text, seed=seed))
        offerings = list(dict.fromkeys(hit.offering_id for hit in result.hits))
        assert result.relaxed is (text == SENTENCE)
        places.append(offerings.index(actor().offering_id))
    return median(places)


def tricks():
    market = make_market()
    market[ACTOR] = actor()
    others = [record for record in market if record.listing_id != actor().listing_id]

    def played(**zones):
        return [*others[:ACTOR], actor(**zones), *others[ACTOR:]]

    resold = [
        replace(make_record(100 + n), offering_id=actor().offering_id, analysed=actor().analysed)
        for n in range(5)
    ]
    return {
        "as it was": market,
        "a name that begins with A": played(hi="AAA{}の戸籍管理 戸籍"),
        "a short name": played(hi="戸籍{}"),
        "a long name": played(hi="自治体のためのあたらしいクラウド見本{}の戸籍管理 戸籍"),
        "words repeated in the name": played(hi="見本{}の戸籍管理 戸籍 戸籍 戸籍戸籍戸籍"),
        "words repeated in the text": played(
            ft=FT + "戸籍、戸籍、発行、発行。戸籍戸籍戸籍発行発行発行。"
        ),
        "the text twice": played(hi=HI + " " + HI, lo=LO + LO, ft=FT + FT),
        "the text ten times": played(ft=FT * 10),
        "a clause padded with another word": played(ft=FT + padded(CLAUSE)),
        "two padded clauses in turn": played(ft=FT + padded(CLAUSE + OTHER)),
        "five resellers": [*others, actor(), *resold],
        "registered first": [actor(), *others],
        "registered last": [*others, actor()],
    }


@pytest.mark.parametrize("text", QUERIES)
def test_no_trick_moves_the_median_place_by_more_than_one(engine, text):
    played = tricks()
    if engine.health().engine != "embedded":
        played = {trick: played[trick] for trick in ON_A_SERVER}  # each question takes a request
    places = {trick: median_place(engine, records, text) for trick, records in played.items()}
    before = places["as it was"]
    # More other words make a text longer, which may only cost places.
    moved = {
        trick: place
        for trick, place in places.items()
        if before - place > 1 or ("padded" not in trick and place - before > 1)
    }
    assert not moved, (before, moved)


def test_equal_software_leads_equally_often(engine):
    engine.rebuild(replace(actor(), **ids(number)) for number in range(5))
    for text in QUERIES:
        leaders = [
            engine.search_all(SearchQuery(text=text, seed=seed)).hits[0].offering_id
            for seed in range(SEEDS)
        ]
        assert {leaders.count(each) > 1 for each in leaders} == {True}
        assert len(set(leaders)) == 5


def ids(number):
    made = make_record(number)
    return {
        "listing_id": made.listing_id,
        "listing_version_id": made.listing_version_id,
        "offering_id": made.offering_id,
    }
