"""A search kept under a name: by one person, acting for one organisation, and by nobody else.

Words, refusals and the way through the sign-in are those of pages, so asked on SQLite only.
"""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import select

from accounts.models import Membership, Organisation, Role
from accounts.services import hash_password
from catalog.offerings.models import Listing, ListingVersion, OfferAction, Offering
from core import db
from core.audit import AuditDetail, AuditEvent
from search import engine as contract
from search.embedded import EmbeddedEngine
from search.saved.models import SavedSearch
from search.saved.queries import MOST_SAVED
from tests import factories
from tests.accounts.conftest import PASSWORD
from tests.accounts.test_resubmission import db_now, fields_of, sign_in_with
from tests.page_checks import parse_page, text_of
from tests.search.test_search_pages import links, names
from vendors.models import Vendor, VendorAction

NEW = "/search/saved/new"


@pytest.fixture
def town(database):
    """A body with a clerk and the clerk's colleague; the clerk works for a second body as well."""
    with db.transaction() as session:
        home = factories.body(
            session, name="飯島町", prefecture="長野県", code="203840", population=9_007
        )
        other = factories.body(
            session, name="宮田村", prefecture="長野県", code="203882", population=8_900
        )
        clerk = factories.person(session, Role.CLERK, home, password_hash=hash_password(PASSWORD))
        session.add(Membership(person_id=clerk.id, organisation_id=other.id, role=Role.CLERK))
        colleague = factories.person(session, Role.APPROVER, home)
    return home, other, clerk, colleague


def main(page) -> str:
    return text_of(page.find(".//main"))


def keep(client, query, name):
    return client.submit(f"{NEW}?{query}", {"name": name}, button="この検索を保存する")


def saved_rows():
    with db.reading() as session:
        return list(session.exec(select(SavedSearch).order_by(SavedSearch.name)))


def test_a_search_is_kept_under_a_name_and_opens_as_it_was(client, market, town):
    home, _, clerk, _ = town
    market(*({"name": f"予約{n}号", "hosting_provider": "oci"} for n in range(2)))
    factories.sign_in_client(client, clerk, home)
    page = client.page("/search?q=予約&hosting=oci&size_class=own&sort=cost&page=1&seed=5")
    address = links(page, "この検索を保存する")[0]
    assert urlsplit(address).path == NEW
    asked = parse_qs(urlsplit(address).query)
    assert asked.keys() == {"q", "hosting", "size_class", "sort", "body"}
    shown = main(client.page(address))
    assert "キーワード：予約" in shown
    assert "設置場所：Oracle Cloud" in shown
    assert "対応する人口：計算する団体の人口" in shown
    assert "費用を計算する団体：飯島町（長野県）" in shown
    assert "並び順：費用の安い順" in shown
    for name, sentence in (("", "検索の名前を入力してください"), ("あ" * 61, "60文字以内")):
        refused = keep(client, urlsplit(address).query, name)
        assert refused.status_code == 422
        assert sentence in refused.text
    done = keep(client, urlsplit(address).query, "わたしの検索")
    assert (done.status_code, done.location) == (303, "/search/saved")
    assert "わたしの検索" in main(client.page("/search/saved"))
    (row,) = saved_rows()
    assert (row.match_count, len(row.matches), row.organisation_id) == (2, 2, home.id)
    opened = client.submit(f"/search/saved/{row.id}", {}, action="/open")
    assert opened.status_code == 303
    assert parse_qs(urlsplit(opened.location).query) == asked
    assert len(names(client.page(opened.location))) == 2


@pytest.mark.acceptance(7, 22)
def test_nobody_else_has_it_nor_learns_of_it(client, new_client, market, town):
    """Not a colleague, not the same person acting for another body, not an auditor; not the trail."""
    home, other, clerk, colleague = town
    market({"name": "予約号"})
    factories.sign_in_client(client, clerk, home)
    assert keep(client, "q=秘密&hosting=oci", "秘密の検索").status_code == 303
    (row,) = saved_rows()
    one = f"/search/saved/{row.id}"
    with db.transaction() as session:
        auditor = factories.person(session, Role.AUDITOR)
    strangers = [new_client() for _ in range(3)]
    homes = ((clerk, other), (colleague, home), (auditor, None))
    for each, (person, at) in zip(strangers, homes, strict=True):
        factories.sign_in_client(each, person, at)
        assert "秘密" not in main(each.page("/search/saved"))
        for end in ("", "/rename", "/delete"):
            each.page(one + end, status=404)
        token = each.page(f"{NEW}?q=x").find(".//main//input[@name='csrf_token']").get("value")
        for end in ("/open", "/rename", "/delete"):
            fields = {"csrf_token": token, "name": "盗む", "confirmed": "yes"}
            assert each.post(one + end, data=fields).status_code == 404
    assert "秘密の検索" in main(client.page("/search/saved"))
    with db.reading() as session:
        acts = session.exec(select(AuditEvent).where(AuditEvent.subject_kind == "SavedSearch"))
        assert {(each.action, each.owner_id) for each in acts} == {("saved_search.create", None)}
        told = repr(session.exec(select(AuditDetail)).all())
    assert "秘密" not in told
    assert "oci" not in told


def test_it_is_renamed_and_deleted_and_names_and_numbers_have_limits(client, market, town):
    home, other, clerk, _ = town
    market({"name": "予約号"})
    factories.sign_in_client(client, clerk, home)
    owner = {"person_id": clerk.id, "organisation_id": home.id}
    with db.transaction() as session:
        session.add_all(SavedSearch(name=f"Ｎo {n}", **owner) for n in range(MOST_SAVED - 1))
        session.add(SavedSearch(name="別の団体の検索", **{**owner, "organisation_id": other.id}))
    taken = keep(client, "q=予約", "no 3")
    assert taken.status_code == 422
    assert "「no 3」という名前の検索がもうあります" in taken.text
    assert keep(client, "q=予約", "最後の一つ").status_code == 303
    full = keep(client, "q=予約", "一つ多い")
    assert full.status_code == 422
    assert "30件までです" in full.text
    row = next(each for each in saved_rows() if each.name == "最後の一つ")
    one = f"/search/saved/{row.id}"
    assert client.submit(f"{one}/rename", {"name": "NO3"}, action="").status_code == 422
    assert client.submit(f"{one}/rename", {"name": "別の団体の検索"}, action="").status_code == 303
    assert "別の団体の検索" in main(client.page(one))
    assert client.submit(f"{one}/delete", {}, action="").status_code == 422
    gone = client.submit(f"{one}/delete", {"confirmed": "yes"}, action="")
    assert (gone.status_code, gone.location) == (303, "/search/saved")
    client.page(one, status=404)
    assert len(saved_rows()) == MOST_SAVED


@pytest.mark.sqlite_only
def test_what_changed_is_told_and_counted_from_the_last_opening(
    client, market, town, settings, monkeypatch
):
    home, _, clerk, _ = town
    stays, hidden, changed = market(
        {"name": "残る予約"},
        {"name": "消える予約"},
        {"name": "変わる予約", "hosting_provider": "oci"},
    )
    factories.sign_in_client(client, clerk, home)
    keep(client, "q=予約&hosting=oci&hosting=aws&cost_max=9000000", "予約")
    (row,) = saved_rows()
    one = f"/search/saved/{row.id}"
    page = main(client.page(one))
    assert "増えたサービスも、合わなくなったサービスもありません" in page
    (added,) = market({"name": "増えた予約"})
    with db.transaction() as session:
        offering = session.get(Offering, session.get(Listing, hidden.listing_id).offering_id)
        session.get(Vendor, offering.maker_id).apply(VendorAction.SUSPEND)
        session.get(ListingVersion, changed.id).apply(OfferAction.WITHDRAW)
    # The index is not told of it: the database is asked.
    page = client.page(one)
    assert "3件、いまは2件です" in main(page)
    assert "新しく合うようになったサービス（1件）" in main(page)
    assert links(page, "増えた予約") == [f"/listings/{added.listing_id}"]
    assert "合わなくなったサービス（2件）" in main(page)
    assert "名前を示せないもの2件" in main(page)
    assert "消える予約" not in main(page)
    assert len(client.business_statements("people", "sign_ins", "memberships")) <= 20
    # Looking changes nothing; opening does.
    assert "3件、いまは2件です" in main(client.page(one))
    assert client.submit(one, {}, action="/open").status_code == 303
    assert "2件、いまは2件です" in main(client.page(one))

    # While the search cannot answer, nothing is counted and nothing is lost.
    with monkeypatch.context() as broken:

        def fail(_self, _query):
            raise contract.SearchUnavailable

        broken.setattr(EmbeddedEngine, "search", fail)
        broken.setattr(EmbeddedEngine, "search_all", fail)
        assert "変化を数えられません" in main(client.page(one))
        assert client.submit(one, {}, action="/open").status_code == 303
        assert keep(client, "q=予約", "あとで").status_code == 303
    assert [each.match_count for each in saved_rows()] == [None, 2]
    later = next(each for each in saved_rows() if each.match_count is None)
    assert "まだ開いていない" in main(client.page(f"/search/saved/{later.id}"))

    # Above the most that is compared, only the numbers are told.
    monkeypatch.setattr("search.saved.queries.MOST_COMPARED", 1)
    assert "どのサービスが変わったかは示しません" in main(client.page(one))
    assert client.submit(one, {}, action="/open").status_code == 303
    monkeypatch.undo()
    assert stays.id


@pytest.mark.sqlite_only
def test_a_condition_that_no_longer_is_is_named_and_never_left_out_unasked(client, market, town):
    home, _, clerk, _ = town
    market(
        {"name": "東の予約", "hosting_region": "東京"},
        {"name": "西の予約", "hosting_region": "大阪"},
    )
    factories.sign_in_client(client, clerk, home)
    keep(client, "q=予約&region=大阪&size_class=own", "大阪の予約")
    (row,) = saved_rows()
    one = f"/search/saved/{row.id}"
    with db.transaction() as session:
        kept = session.get(SavedSearch, row.id)
        changed = [
            ["region", "月面", "設置する地域：月面"] if c[0] == "region" else c
            for c in kept.conditions
        ]
        kept.revise(conditions=[*changed, ["colour", "red", "色：赤"]])
    page = client.page(one)
    assert "保存したときのままでは開けません" in main(page)
    assert "設置する地域：月面、色：赤" in main(page)
    assert "前に開いたときからの変化は数えません" in main(page)
    assert "この検索を開く" not in main(page)
    token = client.page(f"{NEW}?q=x").find(".//main//input[@name='csrf_token']").get("value")
    refused = client.post(f"{one}/open", data={"csrf_token": token})
    assert (refused.status_code, refused.location) == (303, one)
    without = links(page, "選べない条件を除いて検索する")[0]
    assert parse_qs(urlsplit(without).query) == {
        "q": ["予約"],
        "size_class": ["own"],
    }
    # The own body without a population has no size class any more.
    with db.transaction() as session:
        session.get(Organisation, home.id).revise(population=None, population_date=None)
    assert "対応する人口：計算する団体の人口" in main(client.page(one))
    client.page(f"{NEW}?hosting=moon", status=400)
    client.page(f"{NEW}?body=ない町", status=404)


@pytest.mark.sqlite_only
@pytest.mark.acceptance(17)
def test_whoever_is_not_signed_in_is_led_there_and_back_with_all_conditions(
    client, market, town, hold_clock
):
    clerk = town[2]
    market({"name": "窓口の予約", "hosting_provider": "oci"})
    wanted = "q=予約&hosting=oci&hosting=aws&cost_max=9000000"
    address = links(client.page(f"/search?{wanted}"), "この検索を保存する")[0]
    led = client.get(address)
    assert led.status_code == 303
    signing = client.get(led.location)
    back = sign_in_with(client, signing.text, clerk)
    assert back.status_code == 303
    assert parse_qs(urlsplit(back.location).query) == parse_qs(wanted)
    fields = {**fields_of(client.get(back.location).text, ""), "name": "予約の検索"}
    # The sign-in ends while the name is typed.
    hold_clock(db_now() + timedelta(hours=13))
    stopped = client.post(back.location, data=fields)
    assert stopped.status_code == 401
    assert "入力した内容は消えていません" in stopped.text
    welcome = sign_in_with(client, stopped.text, clerk)
    target = next(
        form.get("action")
        for form in parse_page(welcome.text).iter("form")
        if (form.get("action") or "").startswith(NEW)
    )
    again = client.post(target, data=fields_of(welcome.text, target))
    assert again.status_code == 303
    (row,) = saved_rows()
    assert row.name == "予約の検索"
    assert [each[1] for each in row.conditions] == ["予約", "oci", "aws", "9000000"]
    # Sent twice it is kept once.
    assert client.post(target, data=fields_of(welcome.text, target)).status_code == 303
    assert len(saved_rows()) == 1
