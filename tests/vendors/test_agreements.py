"""New versions of the framework agreement: issued, told, accepted, and what happens without.

Pages and their words are read on SQLite only; messages, races and the database's refusals on both.
"""

import re
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlmodel import select

import tests.factories as make
from accounts.models import Organisation, OrganisationKind, OrganisationNotice, Role
from accounts.services import hash_password
from app import outbox_handlers
from catalog.offerings.models import OfferingVersion, OfferState
from core import db, outbox
from core.audit import AuditEvent
from core.errors import GuardFailed, Invalid, ReauthenticationRequired
from tests.page_checks import text_of
from tests.vendors.test_races import at_once
from vendors import agreement, agreement_services, queries
from vendors.agreement import ORIGINAL, Edition, judge
from vendors.agreement_models import AgreementVersion
from vendors.models import FrameworkAgreement, VendorState
from vendors.queries import agreements

NEW = agreement.ORIGINAL.text.replace("14日以内に直します。", "7日以内に直します。")
GO = "新しい版を出す"
PASSWORD = "correct horse battery"


def noon(year, month, day):
    return datetime(year, month, day, 3, 0, tzinfo=UTC)


def western(name, day):
    parts = ("western", str(day.year), str(day.month), str(day.day))
    return {
        f"{name}-{part}": text
        for part, text in zip(("era", "year", "month", "day"), parts, strict=True)
    }


def issue_form(label="2.0", text=NEW, applies=date(2026, 11, 1), accept=date(2027, 1, 31)):
    return {
        "label": label,
        "note": "登録した内容を直す期間を7日にします。",
        "text": text,
        **western("applies_from", applies),
        **western("accept_by", accept),
        "confirmed": "yes",
    }


def issue(session, town, label, applies, accept, text=None):
    values = {"label": label, "note": "期間", "applies_from": applies, "accept_by": accept}
    text = text or f"{NEW}\n\n第12条（追加）\n第{label}版で加えます。"
    return agreement_services.issue(session, town.actor, town.settings, text=text, **values)


@pytest.fixture
def town(settings, hold_clock):
    """A lead and an active vendor under version 1.0, on 1 October 2026."""
    hold_clock(noon(2026, 10, 1))
    with db.transaction() as session:
        office = make.organisation(session, OrganisationKind.AGENCY)
        lead = make.person(
            session, Role.LEAD_REVIEWER, office, password_hash=hash_password(PASSWORD)
        )
        vendor = make.vendor(session, name="見本川ソフト株式会社", contact_email="v@example.jp")
        home = session.get_one(Organisation, vendor.owner_id)
        admin = make.person(session, Role.VENDOR_ADMIN, home, name="見本 花子")
    actor = make.actor(lead, Role.LEAD_REVIEWER, office)
    of_vendor = make.actor(admin, Role.VENDOR_ADMIN, home)
    return SimpleNamespace(
        settings=settings, lead=lead, vendor=vendor, home=home, admin=admin, actor=actor,
        of_vendor=of_vendor, path=f"/vendors/{vendor.id}/agreement",
    )  # fmt: skip


def accept(town, sha256):
    with db.transaction() as session:
        row = queries.lock_vendor(session, town.vendor.id)
        agreement_services.accept(session, town.of_vendor, row, text_sha256=sha256)


def test_standing_follows_the_days_of_every_version():
    second = Edition("2.0", "b", "2" * 64, date(2026, 11, 1), date(2027, 1, 31))
    third = Edition("3.0", "c", "3" * 64, date(2027, 1, 1), date(2027, 3, 31))
    editions = [ORIGINAL, second, third]
    for labels, day, offered, due, held in (
        (set(), date(2026, 10, 1), ORIGINAL, date(2027, 1, 31), False),
        ({"1.0"}, date(2026, 10, 1), second, date(2027, 1, 31), True),
        ({"1.0"}, date(2027, 1, 1), third, date(2027, 1, 31), True),
        ({"1.0"}, date(2027, 2, 1), third, date(2027, 1, 31), False),
        ({"1.0", "2.0"}, date(2026, 12, 31), third, date(2027, 3, 31), True),
        ({"1.0", "2.0"}, date(2027, 4, 1), third, date(2027, 3, 31), False),
        ({"3.0"}, date(2027, 4, 1), None, None, True),
        ({"before the first"}, date(2026, 10, 1), second, date(2027, 1, 31), True),
    ):
        found = judge(editions, labels, day)
        assert (found.offered, found.accept_by, found.is_held) == (offered, due, held), day


@pytest.mark.sqlite_only  # pages and words: the same on both
def test_lead_compares_and_issues_a_version_and_vendors_read_what_changes(
    town, new_client, hold_clock
):
    lead, admin, public = new_client(), new_client(), new_client()
    for browser, person in ((lead, town.lead), (admin, town.admin)):
        make.sign_in_client(browser, person)
    assert admin.get("/agreements/issue").status_code in {403, 404}
    page = "/agreements/issue"
    for wrong, sentence in (
        ({"label": "第二版"}, "半角の数字と点"),
        ({"label": "1.0"}, "すでにあります"),
        ({"text": ORIGINAL.text}, "同じ文面"),
        (western("applies_from", date(2026, 9, 30)), "今日か後の日"),
        (western("accept_by", date(2026, 10, 31)), "同じか後の日"),
        ({"confirmed": []}, "チェックを入れて"),
    ):
        answer = lead.submit(page, {**issue_form(), **wrong}, button=GO)
        assert (answer.status_code, sentence in answer.text) == (422, True), sentence
        assert "登録した内容を直す期間を7日にします。" in answer.text
    looked = lead.submit(page, {**issue_form(), "confirmed": []}, button="前の版との違いを見る")
    assert looked.status_code == 200
    assert re.search(r"14</del><ins>.{0,60}7</ins>日以内に直します。", looked.text)
    assert queries_count(AgreementVersion) == 0
    hold_clock(datetime(2026, 10, 1, 3, 11, tzinfo=UTC))
    assert (
        lead.submit(page, issue_form(), button=GO).status_code == 422
    )  # the sign-in is eleven minutes old
    click = lead.prepare(page, {**issue_form(), "password": PASSWORD}, button=GO)
    assert click().status_code == 303
    listed = text_of(lead.page("/agreements"))
    assert "第2.0版を出しました" in listed
    assert click().location == "/agreements"  # a double click issues once and says so
    assert "1回だけ受け付けました" in text_of(lead.page("/agreements"))
    assert queries_count(AgreementVersion) == 1
    assert "1社" in listed
    assert "同意した事業者" not in text_of(public.page("/agreements"))
    assert "これから効力が生じる版" in text_of(public.page("/agreements/2.0"))
    assert public.get("/agreements/9.9").status_code == 404
    outbox.drain(outbox_handlers(town.settings))
    front = admin.get("/").text
    assert "基本契約の第2.0版が出ました" in front
    assert "第2.0版が出ています。期限のあとは" in front
    shown = admin.get(town.path).text
    for words in ("同意の期限は令和9年1月31日です", "同意した第1.0版との違い", "7</ins>日以内に直します。"):  # fmt: skip
        assert words in shown, words


@pytest.mark.sqlite_only  # pages and words: the same on both
def test_vendor_that_did_not_accept_in_time_reads_what_to_do(town, new_client, hold_clock):
    lead, admin, member, public = (new_client() for _ in range(4))
    with db.transaction() as session:
        home = session.get_one(Organisation, town.home.id)
        colleague = make.person(session, Role.VENDOR_MEMBER, home)
        version = make.offering(session, town.vendor, make.specification(session))
        draft = session.get_one(OfferingVersion, version.offering_version_id)
        issue(session, town, "2.0", date(2026, 11, 1), date(2027, 1, 31))
    hold_clock(noon(2027, 2, 1))
    for browser, person in ((admin, town.admin), (lead, town.lead), (member, colleague)):
        make.sign_in_client(browser, person)
    with db.transaction() as session:
        session.get_one(OfferingVersion, draft.id).state = OfferState.APPROVED
    publish = f"/vendor/offerings/{draft.id}/publish"
    assert "いまは公開と承諾ができません" in admin.get(publish).text
    refused = admin.submit(publish, {"confirmed": "yes"})
    assert refused.status_code == 422
    assert f'href="{town.path}">基本契約の第1.0版で続けられるのは令和9年1月31日まで' in refused.text
    for browser, path in ((admin, f"/vendors/{town.vendor.id}/file"), (admin, town.path)):
        assert "いまは公開と承諾ができません" in browser.get(path).text
    assert "期限切れ" in admin.get("/").text
    assert "期限切れ" in lead.get(f"/vendors/{town.vendor.id}/file").text
    assert "承諾は止まっています" in public.get(f"/vendors/{town.vendor.id}").text
    assert "同意する</button>" not in member.get(town.path).text
    assert admin.submit(town.path, {"confirmed": "yes"}).status_code == 303
    done = text_of(admin.page(town.path))
    assert "第2.0版に同意しています" in done
    assert "見本 花子" in done
    assert "いまは公開と承諾ができません" not in admin.get(publish).text
    with db.reading() as session:
        event = session.exec(
            select(AuditEvent).where(
                AuditEvent.action == "vendor.accept_agreement", AuditEvent.outcome == "done"
            )
        ).one()
        assert event.person_id == town.admin.id
        row = agreements.find_agreement(session, town.vendor.id, "2.0")
        assert (row.text_sha256, row.accepted_by_id) == (
            agreements.list_editions(session)[-1].sha256,
            town.admin.id,
        )


def queries_count(model):
    with db.reading() as session:
        return len(session.exec(select(model)).all())


def test_vendors_are_told_reminded_and_left_in_peace_once_they_accepted(town, hold_clock):
    with db.transaction() as session:
        slow = make.vendor(session, contact_email="slow@example.jp")
        make.vendor(session, VendorState.SUSPENDED, contact_email="stopped@example.jp")
        version = issue(session, town, "2.0", date(2026, 11, 1), date(2027, 1, 31))
    told = []
    for day in ((2026, 10, 1), (2027, 1, 1), (2027, 1, 2), (2027, 1, 24)):
        hold_clock(noon(*day))
        if day == (2027, 1, 1):
            accept(town, version.text_sha256)
            with db.transaction() as session:  # the same message twice
                again = {"label": "2.0", "days": 30}
                outbox.publish(session, agreement_services.AGREEMENT_ISSUED, again)
        outbox.drain(outbox_handlers(town.settings))
        with db.reading() as session:
            rows = session.exec(select(OrganisationNotice)).all()
            told.append(sorted(r.organisation_id == slow.owner_id for r in rows))
    assert told == [[False, True], [False, True, True], [False, True, True], [False, True, True, True]]  # fmt: skip
    letters = [p.read_text() for p in (town.settings.data_dir / "mail").glob("*.eml")]
    assert sorted("slow@" in letter for letter in letters) == [False, True, True, True]
    assert not any("stopped@" in letter for letter in letters)


def test_versions_follow_each_other_and_old_ones_are_refused(town, hold_clock):
    with db.transaction() as session:
        second = issue(session, town, "2.0", date(2026, 11, 1), date(2027, 1, 31))
        third = issue(session, town, "3.0", date(2027, 1, 1), date(2027, 3, 31))
    with pytest.raises(Invalid) as refusal, db.transaction() as session:
        issue(session, town, "2.5", date(2026, 12, 31), date(2027, 3, 31))
    assert "applies_from" in refusal.value.errors
    with pytest.raises(Invalid, match=r"第3.0版の前に、第2.0版を"):
        accept(town, third.text_sha256)
    hold_clock(noon(2027, 2, 1))
    with db.reading() as session, pytest.raises(GuardFailed, match=r"第3.0版を読んで同意"):
        agreements.require_selling(session, town.vendor)
    with pytest.raises(Invalid, match=r"第2.0版は、第3.0版に替わったため"):
        accept(town, second.text_sha256)
    with pytest.raises(Invalid, match="文面が新しくなりました"):
        accept(town, "f" * 64)
    assert at_once(*[lambda: accept(town, third.text_sha256)] * 3) == [None] * 3
    with db.reading() as session:
        agreements.require_selling(session, town.vendor)
        labels = [row.label for row, _ in agreements.list_acceptances(session, town.vendor.id)]
        assert labels == ["3.0", "1.0"]
        assert queries_count(FrameworkAgreement) == 2


def test_two_leads_issue_at_once_and_nobody_changes_what_was_issued(town, hold_clock):
    def act():
        with db.transaction() as session:
            issue(session, town, "2.0", date(2026, 11, 1), date(2027, 1, 31))

    outcomes = at_once(act, act)
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Invalid) for outcome in outcomes) == 1
    for statement in ("UPDATE agreement_versions SET text = 'x'", "DELETE FROM agreement_versions"):
        with pytest.raises(Exception, match=r"append-only|同じ内容"), db.transaction() as session:
            session.execute(sa.text(statement))
    hold_clock(datetime(2026, 10, 1, 3, 11, tzinfo=UTC))
    with pytest.raises(ReauthenticationRequired), db.transaction() as session:
        issue(session, town, "3.0", date(2026, 12, 1), date(2027, 1, 31))


@pytest.mark.sqlite_only  # pages and words: the same on both
@pytest.mark.parametrize(
    ("roles", "kinds", "said", "page"),
    [
        (["maker"], ["service"], "「市場での役割」に", "company"),
        (["seller"], ["service"], "「物品の販売」も必要です", "qualification"),
    ],
)
def test_only_a_seller_with_both_kinds_publishes_and_accepts(new_client, roles, kinds, said, page):
    with db.transaction() as session:
        vendor = make.vendor(session, roles=roles, qualification_kinds=kinds)
        able = make.vendor(session, roles=["seller"], qualification_kinds=["goods_sale", "service"])
        home = session.get_one(Organisation, vendor.owner_id)
        admin = make.person(session, Role.VENDOR_ADMIN, home)
        agreements.require_selling(session, able)
    browser = new_client()
    make.sign_in_client(browser, admin)
    file = browser.get(f"/vendors/{vendor.id}/file").text
    assert said in file
    assert f'href="/vendors/{vendor.id}/{page}"' in file
    with db.reading() as session, pytest.raises(GuardFailed) as refused:
        agreements.require_selling(session, vendor)
    assert [address for address, _ in refused.value.reasons] == [f"/vendors/{vendor.id}/{page}"]
