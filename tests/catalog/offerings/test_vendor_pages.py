"""The vendor's pages over HTTP: the whole way by form, and everything that must be refused."""

from typing import Any
from uuid import UUID

import pytest

from accounts.models import Role
from catalog.offerings import queries, services
from catalog.offerings.models import OfferState
from core import db
from tests import factories
from tests.catalog.offerings.conftest import (
    Company,
    load,
    make_company,
    make_draft,
    make_lead,
    publish,
)
from tests.client import CheckedClient
from tests.page_checks import text_of

# Words and refusals of pages: the same on both databases, so asked once.
pytestmark = pytest.mark.sqlite_only

OVERVIEW = {
    "name": "まるごと見本予約",
    "kana": "まるごとみほんよやく",
    "summary": "窓口の予約を受け付けます。",
    "description": "住民が窓口を予約します。\n職員は順番を管理します。",
    "features": "予約の受付\n\n順番の案内",
}
HOSTING: dict[str, Any] = {
    "hosting_provider": "aws",
    "hosting_region": "東京",
    "networks": ["lgwan", "internet"],
    "size_classes": ["under_10k"],
    "import_formats": "CSV",
    "export_formats": "CSV、JSON",
    "api_specification": "",
}
PRICES = {
    "kind_1": "initial",
    "unit_1": "lump",
    "interval_1": "once",
    "price_1": "150,000円",
    "kind_2": "usage",
    "name_2": "人口割",
    "unit_2": "person",
    "interval_2": "month",
    "price_2": "３",
    "lower2_2": "50000",
    "price2_2": "2",
    "mode_2": "graduated",
    "minimum_term_months": "12",
    "tax_rounding": "per_year",
}
OPERATION = {
    "support_hours": "平日9時から17時まで",
    "planned_service_hours": "毎日0時から24時まで",
    "availability_basis_points": "99.5",
    "rto_hours": "12",
}
EXIT = {
    "notice_months": "6",
    "transition_days": "30",
    "retrieval_days": "60",
    "export_charge_yen": "0",
    "deletion_certificate": "true",
    "parallel_running": "false",
}


def sign_in(client: CheckedClient, company: Company, role: Role = Role.VENDOR_ADMIN) -> None:
    """Sign the administrator or the member in."""
    someone = company.admin if role is Role.VENDOR_ADMIN else company.member
    factories.sign_in_client(client, someone, company.home)


def draft(company: Company, requirements: int = 6) -> tuple[UUID, UUID]:
    """Make a complete draft; returns the ids of offering version and listing version."""
    with db.transaction() as session:
        specification_id = factories.specification(session, requirements=requirements).id
        version_id = make_draft(session, company, specification_id)
        return version_id, load(session, version_id)[1].id


def words(client: CheckedClient, path: str, status: int = 200) -> str:
    """Return the words of a page."""
    return text_of(client.page(path, status))


@pytest.mark.query_budget(40)
def test_vendor_registers_an_offering_by_form_alone(
    client: CheckedClient, company: Company
) -> None:
    with db.transaction() as session:
        specification = factories.specification(session, requirements=13)
    sign_in(client, company)
    made = client.submit(
        "/vendor/offerings/new",
        {"specification_version_id": str(specification.id), "name": "見本"},
    )
    home = made.location
    version_id = UUID(home.rsplit("/", 1)[1])
    page = words(client, home)
    assert "6件のうち1件が終わっています" not in page
    assert "足りないもの" in page
    with db.reading() as session:
        terms_id = load(session, version_id)[1].id

    step = client.submit(f"{home}/overview", OVERVIEW, button="保存して次へ進む")
    assert step.location.endswith("/hosting")
    step = client.submit(step.location, HOSTING, button="保存して次へ進む")
    assert step.location.endswith("/answers")
    for chapter, count in ((1, 4), (2, 4), (3, 4), (4, 1)):
        first = (chapter - 1) * 4 + 1
        numbers = range(first, first + count)
        answers = {f"answer_{n}": "not_implemented" if n == 13 else "conforms" for n in numbers}
        step = client.submit(f"{home}/answers/{chapter}", answers, button="保存して次へ進む")
        assert step.status_code == 303
    terms = f"/vendor/listings/{terms_id}"
    step = client.submit(f"{terms}/prices", PRICES, button="保存して次へ進む")
    assert step.location.endswith("/operation")
    step = client.submit(step.location, OPERATION, button="保存して次へ進む")
    assert step.location.endswith("/exit")
    step = client.submit(step.location, EXIT, button="保存して次へ進む")
    assert step.location.endswith("/check")
    checked = words(client, step.location)
    assert "足りないもの" not in checked
    assert "まるごと見本予約" in checked
    assert "50,000以上：2円" in checked
    assert "6件のうち6件が終わっています" in words(client, home)

    sent = client.submit(f"{home}/submit", {"confirmed": "yes"}, button="この内容で提出する")
    assert sent.status_code == 303
    check_stored(version_id)
    assert "結果が出るまで" in words(client, home)
    assert client.get(f"{home}/overview").status_code == 303


def check_stored(version_id: UUID) -> None:
    """Assert that everything typed is what was stored, and that both parts are submitted."""
    with db.reading() as session:
        row, stored = load(session, version_id)
        assert row.state is stored.state is OfferState.SUBMITTED
        assert row.features == ["予約の受付", "順番の案内"]
        assert [each.tiers for each in stored.components] == [[[0, 150_000]], [[0, 3], [50_000, 2]]]
        assert (stored.availability_basis_points, stored.export_charge_yen) == (9_950, 0)
        assert (stored.deletion_certificate, stored.parallel_running, stored.escrow) == (
            True,
            False,
            None,
        )
        assert len(queries.list_answers(session, [row.id])[row.id]) == 13


def test_missing_list_links_to_each_field(client: CheckedClient, company: Company) -> None:
    with db.transaction() as session:
        specification = factories.specification(session, requirements=6)
        made = services.create_offering(
            session, company.acts(), specification_version_id=specification.id, name="見本"
        )
        version_id, terms_id = made.offering_version_id, made.id
    sign_in(client, company)
    page = client.page(f"/vendor/offerings/{version_id}")
    links = [a.get("href", "") for a in page.iter("a")]
    for anchor in ("overview#f-summary", "hosting#f-networks", "hosting#f-export_formats"):
        assert f"/vendor/offerings/{version_id}/{anchor}" in links
    for anchor in ("prices#f-kind_1", "operation#f-support_hours", "exit#f-deletion_certificate"):
        assert f"/vendor/listings/{terms_id}/{anchor}" in links
    assert f"/vendor/offerings/{version_id}/answers/1?show=missing#f-answer_1" in links
    assert len(client.business_statements("people", "sessions", "memberships")) <= 10
    for href in {link.split("#")[0] for link in links if "/vendor/" in link}:
        fields = [element.get("id") for element in client.page(href).iter()]
        wanted = [link.split("#")[1] for link in links if link.startswith(f"{href}#")]
        assert set(wanted) <= set(fields)


def test_stranger_gets_404_member_may_not_submit_and_nobody_is_sent_to_sign_in(
    client: CheckedClient, new_client, company: Company
) -> None:
    version_id, terms_id = draft(company)
    with db.transaction() as session:
        rival = make_company(session)
    other, anonymous = new_client(), new_client()
    sign_in(other, rival)
    sign_in(client, company, Role.VENDOR_MEMBER)
    paths = [
        f"/vendor/offerings/{version_id}{tail}"
        for tail in ("", "/overview", "/hosting", "/answers", "/answers/1", "/check", "/submit")
    ]
    paths += [f"/vendor/listings/{terms_id}/{tail}" for tail in ("prices", "operation", "exit")]
    for path in paths:
        assert other.get(path).status_code == 404, path
        assert anonymous.get(path).location.startswith("/sign-in"), path
    for path in paths[:-4]:
        assert client.get(path).status_code == 200, path
    assert client.get(f"/vendor/offerings/{version_id}/submit").status_code == 403
    stolen = other.post(f"/vendor/listings/{terms_id}/exit", data={"version": "1"})
    assert stolen.status_code in {400, 404}
    assert "見本の窓口予約" not in words(other, "/vendor/offerings")
    assert "見本の窓口予約" in words(client, "/vendor/offerings")


def test_stale_edit_shows_both_texts_and_loses_nothing(
    client: CheckedClient, company: Company
) -> None:
    version_id, _ = draft(company)
    sign_in(client, company)
    path = f"/vendor/offerings/{version_id}/overview"
    with db.reading() as session:
        seen = load(session, version_id)[0].version
    client.submit(path, {"summary": "先に保存した説明"}, button="下書きを保存する")
    late = client.submit(
        path, {"summary": "あとから送った説明", "version": str(seen)}, button="下書きを保存する"
    )
    assert late.status_code == 412
    assert "先に保存した説明" in late.text
    assert "あとから送った説明" in late.text
    with db.reading() as session:
        assert load(session, version_id)[0].summary == "先に保存した説明"


def test_stale_answers_show_the_other_answer_in_words(
    client: CheckedClient, company: Company
) -> None:
    version_id, _ = draft(company)
    sign_in(client, company)
    path = f"/vendor/offerings/{version_id}/answers/1"
    with db.reading() as session:
        seen = load(session, version_id)[0].version
    first = {"answer_1": "alternative", "note_1": "帳票で代えます"}
    client.submit(path, first, button="下書きを保存する")
    late = client.submit(
        path, {"answer_1": "not_conforming", "note_1": "", "version": str(seen)}, button="下書き"
    )
    assert late.status_code == 412
    assert "代替手段" in late.text
    assert "帳票で代えます" in late.text


def test_stale_prices_show_the_other_amount(client: CheckedClient, company: Company) -> None:
    _, terms_id = draft(company)
    sign_in(client, company)
    path = f"/vendor/listings/{terms_id}/prices"
    with db.reading() as session:
        seen = queries.load_listing_versions(session, [terms_id])[terms_id].version
    client.submit(path, {"price_1": "25,000"}, button="下書きを保存する")
    late = client.submit(path, {"price_1": "31,000", "version": str(seen)}, button="下書き")
    assert late.status_code == 412
    assert "31000" in late.text
    assert "25000" in late.text


BAD_OVERVIEW = (
    ("name", "見本\u202e予約", "文字目に"),
    ("name", "", "サービスの名称を入力してください。"),
    ("summary", "あ" * 201, "200文字以内で入力してください。現在201文字です。"),
    ("features", "\n".join(["機能"] * 21), "20行以内で入力してください。現在21行です。"),
    ("description", "見本\u200b予約", "文字目に"),
)


def test_overview_refuses_what_no_page_could_show(client: CheckedClient, company: Company) -> None:
    version_id, _ = draft(company)
    sign_in(client, company)
    for name, value, sentence in BAD_OVERVIEW:
        typed = {**OVERVIEW, name: value}
        answer = client.submit(f"/vendor/offerings/{version_id}/overview", typed, button="下書き")
        assert answer.status_code == 422
        assert sentence in answer.text
        if name != "name":
            assert "まるごと見本予約" in answer.text
    with db.reading() as session:
        assert load(session, version_id)[0].name == "見本の窓口予約"


def test_unknown_field_is_refused_by_name(client: CheckedClient, company: Company) -> None:
    version_id, _ = draft(company)
    sign_in(client, company)
    path = f"/vendor/offerings/{version_id}/overview"
    page = client.page(path)
    fields = {
        each.get("name"): each.get("value")
        for each in page.iter("input")
        if each.get("name") in {"csrf_token", "version"}
    }
    answer = client.post(path, data={**fields, **OVERVIEW, "state": "published"})
    assert answer.status_code == 422
    assert "「state」という項目は受け付けていません。" in answer.text


BAD_PRICES = (
    ({"interval_1": "month"}, "種類が「初期」のときは、回数に「1回」を選択してください。"),
    ({"kind_1": ""}, "1行目の種類を選択してください。"),
    ({"price_1": "12万"}, "円単位の数字ではありません"),
    ({"price_1": "-5"}, "円単位の数字ではありません"),
    ({"lower2_2": ""}, "2行目の段階2の始まりを入力してください。"),
    ({"price2_2": ""}, "2行目の段階2の単価を入力してください。"),
    ({"lower3_2": "50000", "price3_2": "1"}, "段階3の始まりは50,000より大きい数字"),
    ({"price_2": ""}, "2行目は、0からの単価を入力してください。"),
    ({"minimum_2": "500", "maximum_2": "100"}, "最高額は最低額以上にしてください。"),
    (
        {"kind_1": "option", "name_1": "研修", "kind_2": "option", "name_2": "研修"},
        "2行目の名前は1行目と同じです。",
    ),
    ({"kind_1": "option", "name_1": ""}, "1行目のオプションの名前を入力してください。"),
    ({"minimum_term_months": "601"}, "0以上600以下"),
)


def test_prices_that_no_plan_could_hold_are_refused_beside_their_field(
    client: CheckedClient, company: Company
) -> None:
    _, terms_id = draft(company)
    sign_in(client, company)
    for changes, sentence in BAD_PRICES:
        answer = client.submit(
            f"/vendor/listings/{terms_id}/prices", {**PRICES, **changes}, button="下書き"
        )
        assert answer.status_code == 422, changes
        assert sentence in answer.text
        assert "人口割" in answer.text or "研修" in answer.text
    with db.reading() as session:
        (kept,) = queries.load_listing_versions(session, [terms_id])[terms_id].components
        assert kept.tiers == [[0, 20_000]]


def test_price_page_shows_three_towns_and_grows(client: CheckedClient, company: Company) -> None:
    _, terms_id = draft(company)
    sign_in(client, company)
    path = f"/vendor/listings/{terms_id}/prices"
    assert "人口8千人" in words(client, path)
    assert "240,000" in words(client, path)
    more = client.submit(path, {}, button="保存して行を増やす")
    assert more.status_code == 303
    assert "ここでは40行までです" in text_of(client.page(f"{path}?rows=40"))
    wider = client.page(more.location.split("#")[0])
    assert any(each.get("name") == "kind_7" for each in wider.iter("select"))
    page = client.page(path)
    fields = {
        each.get("name"): each.get("value")
        for each in page.iter("input")
        if each.get("name") in {"csrf_token", "version", "rows"}
    }
    typed = {
        **fields,
        "kind_1": "usage",
        "unit_1": "person",
        "interval_1": "month",
        "price_1": "3",
    }
    preview = client.post(f"{path}/preview", data=typed, headers={"HX-Request": "true"})
    assert "288,000" in preview.text
    assert "1,800,000" in preview.text
    typed["price_1"] = "三円"
    preview = client.post(f"{path}/preview", data=typed, headers={"HX-Request": "true"})
    assert "試算できません" in preview.text


BAD_ANSWERS = (
    ({"answer_1": "conditional"}, "R-001に適合する日を入力してください。"),
    ({"answer_1": "violates"}, "R-001の回答は一覧から選択してください。"),
    ({"evidence_1": "http://example.jp/a"}, "https:// で始まるアドレス"),
    ({"evidence_1": "https://例"}, "https:// で始まるアドレス"),
    ({"due_1": "令和10年2月30日", "answer_1": "conditional"}, "日"),
    ({"note_1": "説明\u2066"}, "文字目に"),
)


def test_answers_that_the_class_does_not_allow_are_refused(
    client: CheckedClient, company: Company
) -> None:
    version_id, _ = draft(company)
    sign_in(client, company)
    path = f"/vendor/offerings/{version_id}/answers/1"
    for changes, sentence in BAD_ANSWERS:
        refused = client.submit(path, {"note_2": "残る説明", **changes}, button="下書き")
        assert refused.status_code == 422, changes
        assert sentence in refused.text
        assert "残る説明" in refused.text


def test_answer_filters_and_dates(client: CheckedClient, company: Company) -> None:
    version_id, _ = draft(company, requirements=30)
    sign_in(client, company)
    path = f"/vendor/offerings/{version_id}/answers/1"
    good = {
        "answer_1": "conditional",
        "due_1": "令和10年4月1日",
        "evidence_1": "https://example.jp/evidence",
    }
    assert client.submit(path, good, button="下書き").status_code == 303
    assert "2028-04-01" in client.get(path).text
    assert "0件です" in words(client, f"{path}?show=unanswered")
    assert client.get(f"{path}?show=everything").status_code == 404
    assert client.get(f"{path}?page=2").status_code == 404
    assert client.get(f"/vendor/offerings/{version_id}/answers/99").status_code == 404
    assert "R-003" not in words(client, f"{path}?show=must")


def test_saving_the_last_page_of_a_shrinking_list_leads_to_one_that_opens(
    client: CheckedClient, company: Company, monkeypatch
) -> None:
    monkeypatch.setattr("catalog.offerings.views.answer_pages.ANSWERS_PER_PAGE", 3)
    with db.transaction() as session:
        specification = factories.specification(session, requirements=4)
        terms = factories.offering(
            session, company.vendor, specification, OfferState.DRAFT, answers=None
        )
    sign_in(client, company)
    path = f"/vendor/offerings/{terms.offering_version_id}/answers/1?show=unanswered"
    saved = client.submit(f"{path}&page=2", {"answer_4": "not_implemented"}, button="下書き")
    assert saved.location == path
    assert "回答を保存しました" in words(client, path)


@pytest.mark.query_budget(40)
def test_edit_of_a_published_offering_is_shown_to_its_vendor_only(
    client: CheckedClient, new_client, company: Company
) -> None:
    version_id, _ = draft(company)
    with db.transaction() as session:
        lead = make_lead(session)
    terms = publish(company, lead, version_id)
    sign_in(client, company)
    made = client.submit(f"/vendor/offerings/{version_id}", {}, button="新しい版を作る")
    client.submit(f"{made.location}/overview", {"name": "改めた名前"}, button="下書き")
    sent = client.submit(f"{made.location}/submit", {"confirmed": "yes"}, button="提出する")
    assert sent.status_code == 303
    assert "変更審査中" in words(client, "/vendor/offerings")
    shown = words(new_client(), f"/listings/{terms.listing_id}")
    assert "見本の窓口予約" in shown
    assert "改めた名前" not in shown
    assert "変更審査中" not in shown


@pytest.mark.query_budget(40)
def test_price_change_goes_through_lead_and_publication_by_page(
    client: CheckedClient, new_client, company: Company
) -> None:
    version_id, _ = draft(company)
    with db.transaction() as session:
        lead = make_lead(session)
    terms = publish(company, lead, version_id)
    sign_in(client, company)
    made = client.submit(f"/vendor/offerings/{version_id}", {}, button="料金や条件を変更する")
    home = made.location
    step = client.submit(f"{home}/prices", {"price_1": "45,000"}, button="保存して次へ進む")
    assert step.location.endswith("/operation")
    assert "45,000円" in words(client, f"{home}/check")
    assert client.submit(f"{home}/check", {"confirmed": "yes"}, button="提出").status_code == 303
    chief = new_client()
    with db.transaction() as session:
        token = factories.sign_in(session, session.get_one(_person(), lead.person_id), None)
    chief.set_cookie("narabi_session", token)
    assert "見本の窓口予約" in words(chief, "/vendor/price-changes")
    decision = f"/vendor/price-changes/{home.rsplit('/', 1)[1]}"
    refused = chief.submit(decision, {"decision": "return"}, button="判断を確定する")
    assert refused.status_code == 422
    assert "差し戻す理由を入力してください。" in refused.text
    done = chief.submit(decision, {"decision": "approve"}, button="判断を確定する")
    assert done.status_code == 303
    assert client.get(decision).status_code == 403
    assert "20,000" in words(chief, f"/listings/{terms.listing_id}")
    client.submit(f"{home}/publish", {"confirmed": "yes"}, button="公開する")
    public = words(chief, f"/listings/{terms.listing_id}")
    assert "45,000" in public
    assert "第2版" in public


def test_vendor_list_of_500_offerings_stays_within_ten_statements(
    client: CheckedClient, company: Company
) -> None:
    with db.transaction() as session:
        specification = factories.specification(session, requirements=1)
        for _ in range(120):
            factories.offering(session, company.vendor, specification, answers=None)
    sign_in(client, company)
    client.page("/vendor/offerings?page=3")
    assert len(client.statements) <= 10
    assert client.get("/vendor/offerings?page=4").status_code == 404


@pytest.mark.acceptance(10)
def test_vendor_narrows_its_list_down_and_every_count_is_reached(
    client: CheckedClient, company: Company
) -> None:
    with db.transaction() as session:
        first, second = (
            factories.specification(session, code=code, requirements=1)
            for code in ("MADO", "KENSHIN")
        )
        for number in range(60):
            factories.offering(
                session, company.vendor, first, name=f"見本予約{number}", answers=None
            )
        for name, state in (("ﾖﾔｸ窓口", OfferState.DRAFT), ("健診台帳", OfferState.SUBMITTED)):
            factories.offering(
                session, company.vendor, second, name=name, state=state, answers=None
            )
    sign_in(client, company)
    start = "/vendor/offerings"

    def count_of(path: str) -> int:
        return sum(
            len(client.page(f"{path}{'&' if '?' in path else '?'}page={n}").findall(".//tbody/tr"))
            for n in range(1, 3)
            if client.get(f"{path}{'&' if '?' in path else '?'}page={n}").status_code == 200
        )

    page = client.page(start)
    offered = 0
    for choice in page.findall(".//div[@class='choice']"):
        box = choice.find("input")
        address = f"{start}?{box.get('name')}={box.get('value')}"
        assert f"{count_of(address)}件" == text_of(choice.find("span"))
        offered += 1
    assert offered == 9
    both = f"{start}?state=draft&state=review"
    assert "2件見つかりました（全部で62件）" in words(client, both)
    assert "健診台帳" in words(client, f"{both}&q=健診")
    assert "0件です" in words(client, f"{both}&specification=MADO")
    assert "ﾖﾔｸ窓口" in words(client, f"{start}?q=ヨヤク")
    assert "条件を外す：下書き" in words(client, both)
    assert client.get(f"{start}?state=nothing").status_code == 400
    assert client.get(f"{start}?colour=red").status_code == 400
    last = client.page(f"{start}?state=published&page=2")
    assert any(a.get("href") == f"{start}?state=published" for a in last.iter("a"))


def _person() -> Any:
    from accounts.models import Person

    return Person
