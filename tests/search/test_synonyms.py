"""Words that search treats as equal are changed by two leads, in public, and count at once.

Pages and words are the same on both databases; two leads at once are asked on both.
"""

import pytest
from sqlmodel import select

from accounts.models import OrganisationKind, Role
from core import db
from core.audit import AuditEvent
from core.errors import Conflict, DomainError
from search.equal_words import read_groups, use_synonyms
from search.synonyms import queries, services
from search.synonyms.models import SynonymChange
from tests import factories
from tests.page_checks import text_of
from tests.search.market import index_all, open_listing
from tests.vendors.test_races import at_once

LIST = "/search/synonyms"
NEW = {
    "words": "ぽんぽこ\nむじな台帳",
    "reason": "同じ台帳を、地方により二通りに呼ぶため（見本）。",
}


@pytest.fixture(autouse=True)
def own_words():
    """Search by the words of the program again after a test."""
    yield
    use_synonyms(read_groups(), 0)


@pytest.fixture
def leads(database, new_client):
    """Two leads of the agency, with a browser each."""
    with db.transaction() as session:
        home = factories.organisation(session, OrganisationKind.AGENCY)
        people = [factories.person(session, Role.LEAD_REVIEWER, home) for _ in range(2)]
    browsers = [new_client() for _ in people]
    for browser, person in zip(browsers, people, strict=True):
        factories.sign_in_client(browser, person)
    return browsers, [factories.actor(each, Role.LEAD_REVIEWER, home) for each in people]


@pytest.mark.sqlite_only
def test_a_group_that_two_leads_agree_on_is_searched_by_at_once_and_told_to_everybody(
    leads, client, settings
):
    (one, other), _ = leads
    with db.transaction() as session:
        version = open_listing(session, name="見本の台帳", summary="むじな台帳を書きます。")
    index_all(settings, version)
    asked = "/search?q=ぽんぽこ"
    assert "見本の台帳" not in results(client, asked)
    assert one.submit(f"{LIST}/new", {**NEW, "reason": ""}).status_code == 422
    for words, sentence in (
        ("ぽんぽこ", "1行に1つずつ、2つから12のことば"),
        ("ぽんぽこ\nﾎﾟﾝﾎﾟｺ\nポンポコ", "同じことばとして探されます"),
        ("ぽんぽこ\n！？", "検索語になりません"),
        ("住基\n住民記録\n住民基本台帳", "同じことばの組がもうあります"),
    ):
        refused = one.submit(f"{LIST}/new", {**NEW, "words": words})
        assert (refused.status_code, sentence in refused.text) == (422, True), words
        assert words.splitlines()[0] in refused.text
    proposed = one.submit(f"{LIST}/new", NEW)
    assert proposed.status_code == 303
    assert "別の主任審査員が確認します" in text_of(one.page(proposed.location))
    assert "見本の台帳" not in results(client, asked)
    assert NEW["reason"] not in text_of(client.page(LIST))
    done = other.submit(proposed.location, {"confirmed": "yes"}, button="検索に使う")
    assert done.status_code == 303
    assert "見本の台帳" in results(client, asked)
    public = text_of(client.page(LIST))
    assert "ぽんぽこ、むじな台帳" in public
    assert NEW["reason"] in public
    assert "同じ意味として探すことば" in text_of(client.page("/about/order"))
    again = other.submit(f"{LIST}/end?word=むじな台帳", {"reason": "見本", "confirmed": "yes"})
    assert one.submit(again.location, {"confirmed": "yes"}, button="検索に使う").status_code == 303
    assert "見本の台帳" not in results(client, asked)
    with db.reading() as session:
        acts = session.exec(select(AuditEvent.action).order_by(AuditEvent.sequence)).all()
        assert [a for a in acts if a.startswith("synonym.")] == [
            "synonym.propose",
            "synonym.apply",
        ] * 2


def results(client, path) -> str:
    """Return the words of the rows found."""
    found = client.page(path).find(".//ol[@class='results']")
    return "" if found is None else text_of(found)


@pytest.mark.sqlite_only
def test_no_name_of_one_maker_becomes_an_equal_word(leads, database):
    (one, other), _ = leads
    with db.transaction() as session:
        maker = factories.vendor(session, name="株式会社ぺがさす工房")
        open_listing(session, maker=maker, name="まちのへや予約 クラウド（見本）")
        for number in range(2):  # what several makers say, and what a specification names, is free
            open_listing(session, name=f"窓口むじな受付{number}")
        open_listing(
            session,
            name="みほし台帳",
            specification=factories.specification(session, name="みほし台帳"),
        )
    for word, named in (
        ("まちのへや予約", "製品「まちのへや予約"),
        ("マチノヘヤ予約システム", "製品「まちのへや予約"),
        ("まちのへや", "製品「まちのへや予約"),
        ("ぺがさす工房", "事業者「株式会社ぺがさす工房」"),
    ):
        refused = one.submit(f"{LIST}/new", {**NEW, "words": f"体育館\n{word}"})
        assert (refused.status_code, named in refused.text) == (422, True), word
    for words in ("体育館\n窓口むじな受付", "体育館\nみほし台帳", "体育館\n予約\nクラウド"):
        assert one.submit(f"{LIST}/new", {**NEW, "words": words}).status_code == 303, words
    proposed = one.submit(f"{LIST}/new", {**NEW, "words": "体育館\nらんらん丸"})
    assert proposed.status_code == 303
    with db.transaction() as session:
        open_listing(session, maker=maker, name="らんらん丸")
    late = other.submit(proposed.location, {"confirmed": "yes"}, button="検索に使う")
    assert (late.status_code, "製品「らんらん丸」" in late.text) == (409, True)


@pytest.mark.sqlite_only
def test_nobody_but_leads_changes_words(client, new_client, database):
    assert client.get(f"{LIST}/new").status_code == 303  # to the sign-in
    with db.transaction() as session:
        people = [factories.person(session, role) for role in (Role.CLERK, Role.REVIEWER)]
    for person in people:
        browser = new_client()
        factories.sign_in_client(browser, person)
        assert browser.get(f"{LIST}/new").status_code in {403, 404}
        assert "新しい組を提案する" not in text_of(browser.page(LIST))


def test_two_leads_at_once_and_the_same_group_twice(leads, monkeypatch):
    _, (one, other) = leads
    group = read_groups()[0]
    with db.transaction() as session:
        ids = [
            services.propose(session, one, before=group, after=after, reason="見本").id
            for after in ([*group, "一つめ"], [*group, "二つめ"])
        ]

    def apply(change_id):
        with db.transaction() as session:
            return services.apply(session, other, change_id, version=1).number

    first, second = at_once(lambda: apply(ids[0]), lambda: apply(ids[0]))
    assert sorted(isinstance(each, DomainError) for each in (first, second)) == [False, True]
    with pytest.raises(Conflict, match="ほかの変更で変わりました"):
        apply(ids[1])
    with db.transaction() as session:
        services.drop(session, one, ids[1], version=1)
    monkeypatch.setattr(queries, "MOST_CHANGES", 0)  # what a page lists bounds not what counts
    with db.reading() as session:
        assert queries.last_number(session) == 1
        assert (*group, "一つめ") in queries.current_groups(session)
        assert group not in queries.current_groups(session)
    with pytest.raises(DomainError), db.transaction() as session:
        made = services.propose(session, one, before=[], after=["甲乙", "丙丁"], reason="見本")
        services.apply(session, one, made.id, version=made.version)
    with db.reading() as session:
        assert len(session.exec(select(SynonymChange)).all()) == 2
