"""What is suggested while a reader types: by both engines, and never what is not published."""

from dataclasses import replace
from datetime import date

import pytest

from catalog.offerings.models import OfferState
from catalog.specifications.models import SpecificationState, StandardSpecification
from core import db
from search.engine import SEEDS, SearchUnavailable
from search.prefixes import fold_key
from search.queries import get_engine
from search.suggestions import LIMIT, suggest
from tests import factories
from tests.search.corpus import make_record
from tests.search.market import index_all, open_listing
from vendors.models import Vendor, VendorState

DAY = date(2026, 11, 22)


def named(number, name, maker="架空の会社", **values):
    return replace(make_record(number, **values), name=name, maker=maker, maker_id=maker)


def complete(engine, typed, *, seed=0, limit=8):
    return engine.complete(fold_key(typed), seed=seed, limit=limit)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("住", [1]),
        ("住民き", []),
        ("住民記", [1, 2]),
        ("ｶﾞﾊﾞ", [3]),
        ("がば", [3]),
        ("ai-o", [4]),
        ("ＡＩＯ", [4]),
        ("見本 の", [2]),
        ("", []),
        ("・", []),
    ],
)
def test_names_that_begin_with_the_letters_come_before_names_that_hold_them(engine, typed, names):
    texts = ["住民記録クラウド", "見本の住民記録", "ガバクラ移行", "AI-OCR読取"]
    engine.upsert(named(number, text) for number, text in enumerate(texts, 1))
    found = complete(engine, typed)
    assert [hit.listing_id for hit in found.names] == [make_record(n).listing_id for n in names]


def test_each_maker_comes_once_in_an_order_that_its_number_of_services_does_not_change(engine):
    makers = [f"見本{letter}社" for letter in "あいうえ"]
    engine.rebuild(
        named(number, "予約", makers[0 if number > 3 else number], offering=number)
        for number in range(20)
    )
    firsts = set()
    for seed in range(SEEDS):
        found = complete(engine, "見本", seed=seed).makers
        assert sorted(found) == sorted(makers)
        firsts.add(found[0])
    assert firsts == set(makers)


def test_names_follow_the_seed(engine):
    engine.rebuild(named(number, f"予約{number}") for number in range(30))
    firsts = {complete(engine, "予約", seed=seed).names for seed in range(SEEDS)}
    assert len(firsts) > SEEDS // 2
    assert all(len(names) == 8 for names in firsts)


# --- held against the database ------------------------------------------------------------------


@pytest.fixture
def ask(settings):
    def suggested(typed, engine=None):
        with db.reading() as session:
            found = suggest(session, engine or get_engine(settings), typed, day=DAY)
        assert len(found) <= LIMIT
        return [(each.kind, each.text) for each in found]

    return suggested


def test_published_names_makers_specifications_and_words_are_suggested(settings, ask):
    with db.transaction() as session:
        version = factories.specification(session, name="施設予約")
        session.get(StandardSpecification, version.specification_id).field = "施設の管理"
        maker = factories.vendor(session, name="施設の杜株式会社")
        made = open_listing(session, maker=maker, specification=version, name="施設予約の見本")
    index_all(settings, made)
    assert ask("施設") == [
        ("specification", "施設予約"),
        ("affair", "施設の管理"),
        ("name", "施設予約の見本"),
        ("maker", "施設の杜株式会社"),
    ]
    assert ("specification", "施設予約") in ask("しせつよ")
    assert ("synonym", "ガバクラ") in ask("がば")
    assert ask("　") == ask("ぬぬぬ") == []


def test_nothing_unpublished_is_suggested_even_if_the_index_holds_it(settings, ask):
    with db.transaction() as session:
        factories.specification(session, name="秘密の版", state=SpecificationState.DRAFT)
        version = factories.specification(session, name="公開の版")
        shy, gone = (
            factories.vendor(session, name=name) for name in ("秘密の会社", "公開の消えた会社")
        )
        draft = open_listing(
            session, maker=shy, specification=version, name="秘密の製品", state=OfferState.DRAFT
        )
        shown = open_listing(session, specification=version, name="公開の製品")
        ended = open_listing(session, maker=gone, specification=version, name="公開の消えた製品")
    index_all(settings, shown, ended)
    with db.transaction() as session:
        record = named(1, "秘密の製品", shy.name)
        get_engine(settings).upsert(
            [replace(record, listing_id=str(draft.listing_id), maker_id=str(shy.id))]
        )
        session.get(Vendor, gone.id).state = VendorState.SUSPENDED
    assert ask("秘密") == []
    assert ask("公開") == [("specification", "公開の版"), ("name", "公開の製品")]


def test_words_are_suggested_while_the_engine_is_away(settings, ask):
    class Away:
        def complete(self, key, *, seed, limit):
            raise SearchUnavailable

    assert ("synonym", "ガバクラ") in ask("ガバ", Away())
