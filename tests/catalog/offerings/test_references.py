"""A body that a vendor names as a user shows only while that body itself says yes.

Pages are the same on both databases and asked once; who may do what when is asked on both.
"""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from accounts.models import Role
from app import outbox_handlers
from catalog.offerings import queries, services
from catalog.offerings.queries import references
from catalog.offerings.reference_models import ReferenceAction, ReferenceState
from core import db, outbox
from core.errors import Conflict, DomainError, WrongState
from tests import factories
from tests.catalog.offerings.conftest import (
    make_draft,
    make_lead,
    publish,
)
from tests.page_checks import text_of

ASKED = {
    "body": "102032",
    "used_since": "令和7年4月から",
    "note": "公民館の予約に使っています。",
}
SECRET = "たぬき町"


@pytest.fixture
def shelf(company) -> UUID:
    """The id of its published listing."""
    with db.transaction() as session:
        lead = make_lead(session)
        version_id = make_draft(session, company, factories.specification(session).id)
    return publish(company, lead, version_id).listing_id


@pytest.fixture
def town(database):
    """A body with a clerk and an approver."""
    with db.transaction() as session:
        body = factories.body(session, name="たぬき町", code="102032", kana="たぬきまち")
        clerk = factories.person(session, Role.CLERK, body)
        approver = factories.person(session, Role.APPROVER, body)
        other = factories.person(session, Role.CLERK)
    return body, clerk, approver, other


def words(client, path, status=200):
    """Return the words of a page."""
    return text_of(client.page(path, status))


def told_anywhere(client, shelf) -> list[str]:
    """Return the public places that tell the name of the body."""
    places = [f"/listings/{shelf}", f"/listings/{shelf}/history"]
    found = [place for place in places if SECRET in words(client, place)]
    for place in ("/api/v1/offerings", "/api/v1/changes?since=0"):
        found += [place] if SECRET in str(client.get(place).get_json()) else []
    return found


@pytest.mark.sqlite_only
@pytest.mark.query_budget(40)
def test_a_named_body_shows_only_while_it_says_yes(
    client, new_client, company, shelf, town, settings, hold_clock
):
    hold_clock(datetime(2026, 11, 22, 3, tzinfo=UTC))
    _, clerk, approver, other = town
    factories.sign_in_client(client, company.member, company.home)
    page = f"/vendor/own-listings/{shelf}/references"
    find_the_body(client, page)
    page = f"{page}?q=たぬき"
    wrong = client.submit(page, {**ASKED, "body": []}, button="この団体に確認を頼む")
    assert wrong.status_code == 422
    assert "公民館の予約に使っています。" in wrong.text
    assert client.submit(page, ASKED, button="この団体に確認を頼む").status_code == 303
    assert client.submit(page, ASKED, button="この団体に確認を頼む").status_code == 409
    anyone, rival = new_client(), new_client()
    with db.transaction() as session:
        envious = factories.person(session, Role.VENDOR_ADMIN)
    factories.sign_in_client(rival, envious)
    assert told_anywhere(anyone, shelf) == []
    assert rival.get(page).status_code == 404

    outbox.run_due(outbox_handlers(settings))
    body, stranger, chief = new_client(), new_client(), new_client()
    for browser, person in ((body, clerk), (stranger, other), (chief, approver)):
        factories.sign_in_client(browser, person)
    assert "導入団体として名前を載せてよいか尋ねています" in words(body, "/")
    with db.reading() as session:
        (row,) = references.list_references(session, shelf)
    answer = f"/references/{row.id}"
    assert stranger.get(answer).status_code == 404
    assert client.get(answer).status_code == 404
    assert "公民館の予約に使っています。" in words(body, answer)
    for said, status in (("refuse", 422), ("confirm", 303)):
        sent = body.submit(answer, {"answer": said}, button="この答えを事業者に伝える")
        assert sent.status_code == status
    assert len(told_anywhere(anyone, shelf)) == 3
    assert "確認済み（公開中）" in words(client, page)
    assert len(client.statements) <= 10, client.statements

    gone = {"answer": "withdraw", "reason": "契約が終わりました。"}
    assert chief.submit(answer, gone, button="この答えを事業者に伝える").status_code == 303
    assert told_anywhere(anyone, shelf) == []
    assert "契約が終わりました。" in words(client, page)
    assert "この掲載は終わりました" in words(body, answer)
    outbox.run_due(outbox_handlers(settings))
    assert "団体が取り消しました" in words(client, "/")
    ask_too_soon(client, page, company, hold_clock)


def find_the_body(client, page) -> None:
    """A body is found by name, reading or code; the page holds none that was not asked for."""
    for asked in ("たぬき町", "タヌキ", "10203", "群馬県たぬき", "たぬき町（群馬県）"):
        assert "団体コード 102032" in words(client, f"{page}?q={asked}"), asked
    for asked, said in (("ない町", "「ない町」に当てはまる団体は0件です"), ("", "団体を探す")):
        none = client.page(f"{page}?q={asked}")
        assert said in text_of(none)
        assert not none.findall(".//input[@type='radio']")
        assert not none.findall(".//datalist")


def ask_too_soon(client, page, company, hold_clock) -> None:
    """A body that said no is left in peace for a year."""
    soon = client.submit(page, ASKED, button="この団体に確認を頼む")
    assert soon.status_code == 409
    assert "もう一度頼めるのは令和9年11月22日からです" in soon.text
    hold_clock(datetime(2027, 11, 22, 3, tzinfo=UTC))
    factories.sign_in_client(client, company.member, company.home)
    for _ in range(2):
        assert client.submit(page, ASKED, button="この団体に確認を頼む").status_code == 303
        assert client.submit(page, {}, button="たぬき町の掲載を取り下げる").status_code == 303
    pressing = client.submit(page, ASKED, button="この団体に確認を頼む")
    assert pressing.status_code == 409
    assert "もう一度頼めるのは令和10年11月22日からです" in pressing.text


def ask(company, shelf, body):
    """Ask a body by the service; returns the id of the reference."""
    with db.transaction() as session:
        listing = queries.get_listing(session, shelf)
        made = services.ask_reference(
            session, company.acts(), listing, body, used_since="", note=""
        )
        return made.id


def test_only_the_named_body_answers_and_only_once(company, shelf, town):
    body, clerk, _, other = town
    reference_id = ask(company, shelf, body)
    with pytest.raises(Conflict):
        ask(company, shelf, body)
    here = factories.actor(clerk, Role.CLERK, body)
    with db.transaction() as session:
        away = factories.body(session)
    elsewhere = factories.actor(other, Role.CLERK, away)

    def answer(actor, action):
        with db.transaction() as session:
            row = references.get_reference(session, reference_id)
            return services.answer_reference(session, actor, row, action, reason="理由。").state

    for actor in (elsewhere, company.acts()):
        with pytest.raises(DomainError):
            answer(actor, ReferenceAction.CONFIRM)
    with pytest.raises(WrongState):
        answer(here, ReferenceAction.WITHDRAW)
    assert answer(here, ReferenceAction.CONFIRM) is ReferenceState.CONFIRMED
    with pytest.raises(WrongState):
        answer(here, ReferenceAction.REFUSE)
    with db.reading() as session:
        listing = queries.get_listing(session, shelf)
        assert [each["name"] for each in listing.references] == [body.label]
    with db.transaction() as session:
        row = references.get_reference(session, reference_id)
        services.drop_reference(session, company.acts(), row)
    with db.reading() as session:
        assert queries.get_listing(session, shelf).references == []


def test_a_long_list_of_requests_hides_no_confirmed_body(company, shelf, town, monkeypatch):
    body, clerk, _, _ = town
    reference_id = ask(company, shelf, body)
    with db.transaction() as session:
        row = references.get_reference(session, reference_id)
        here = factories.actor(clerk, Role.CLERK, body)
        services.answer_reference(session, here, row, ReferenceAction.CONFIRM)
        others = [factories.body(session) for _ in range(3)]
    monkeypatch.setattr(references, "MOST_LISTED", 2)
    for each in others:
        ask(company, shelf, each)
    with db.reading() as session:
        assert [row.body_id for row in references.list_confirmed(session, shelf)] == [body.id]
        assert len(references.list_references(session, shelf)) == 2
