"""What bodies compare besides functions: users, accreditations, data per category, maintenance, training.

Pages and their words are the same on both databases, so they are asked once.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from accounts.models import Role
from app import outbox_handlers
from catalog.offerings import queries, services
from catalog.offerings.content import hash_content, listing_content, offering_content
from catalog.offerings.row_schemas import ACCREDITATIONS, CATEGORIES, read_rows, write_rows
from core import db, outbox
from tests import factories
from tests.catalog.offerings.conftest import (
    Company,
    load,
    make_company,
    make_draft,
    make_lead,
    publish,
)
from tests.page_checks import text_of

pytestmark = [pytest.mark.sqlite_only, pytest.mark.query_budget(40)]

ISMAP = {
    "kind_1": "ismap",
    "number_1": "C26-0001",
    "body_1": "見本登録簿",
    "scope_1": "窓口予約の提供",
    "expires_on_1": "2026-12-31",
}
PRIVACY = {
    "kind_2": "privacy_mark",
    "number_2": "10-26",
    "body_2": "見本協会",
    "scope_2": "全社",
    "expires_on_2": "2030-03-31",
}


@pytest.fixture
def company(database, hold_clock) -> Company:
    """A vendor that may sell."""
    hold_clock(datetime(2026, 11, 22, 3, tzinfo=UTC))
    with db.transaction() as session:
        return make_company(session)


@pytest.fixture
def draft(company) -> tuple[UUID, UUID]:
    """A complete draft: the ids of its offering version and of the maker's terms."""
    with db.transaction() as session:
        version_id = make_draft(session, company, factories.specification(session).id)
        return version_id, load(session, version_id)[1].id


def words(client, path, status=200):
    """Return the words of a page."""
    return text_of(client.page(path, status))


USERS = {
    "body_kinds": ["town", "village"],
    "languages": ["ja", "en"],
    "authentication": ["multi_factor"],
    "accessibility_level": "aa_partly",
}
BAD_ROWS = (
    ({"scope_1": ""}, "1行目の対象の範囲を入力してください。"),
    ({"kind_1": ""}, "1行目の種類を選択してください。"),
    (
        {"expires_on_1-year": "", "expires_on_1-month": "", "expires_on_1-day": ""},
        "1行目の有効期限を入力",
    ),
    ({"kind_2": "ismap", "number_2": "C26-0001"}, "2行目の種類と番号は1行目と同じです"),
)


def test_optional_groups_are_asked_apart(client, company, draft):
    factories.sign_in_client(client, company.member, company.home)
    home = f"/vendor/offerings/{draft[0]}"
    assert "6件のうち6件が終わっています" in words(client, home)
    assert "書かなくても提出できます" in words(client, home)
    refused = client.submit(f"{home}/users", USERS, button="保存して次へ進む")
    assert refused.status_code == 422
    assert "試験の結果のアドレスか説明も入力してください" in refused.text
    stated = {**USERS, "accessibility_statement": "主な20画面を試験。"}
    step = client.submit(f"{home}/users", stated, button="保存して次へ進む")
    assert step.location == f"{home}/data"
    category = {"name_1": "予約", "exports_1": "CSV、JSON", "conformity_1": "conforms"}
    step = client.submit(step.location, category, button="保存して次へ進む")
    assert step.location == f"{home}/accreditations"
    typed = typed_dates({**ISMAP, **PRIVACY})
    for changes, sentence in BAD_ROWS:
        answer = client.submit(step.location, {**typed, **changes}, button="下書きを保存する")
        assert answer.status_code == 422, changes
        assert sentence in answer.text, sentence
        assert "10-26" in answer.text or "C26-0001" in answer.text
    done = client.submit(step.location, typed, button="保存して次へ進む")
    assert done.location.endswith("/discounts")
    assert "入力済み" in words(client, home)
    wider = client.submit(f"{home}/accreditations", {}, button="保存して行を増やす")
    assert wider.location.endswith("?rows=7")
    for group, most in (("accreditations", 14), ("data", 20)):
        page = text_of(client.page(f"{home}/{group}?rows={most}"))
        assert f"ここでは{most}行までです" in page
    terms = {"maintenance_notice_days": "7", "training": "操作研修2回"}
    client.submit(f"/vendor/listings/{draft[1]}/operation", terms, button="下書き")
    checked = words(client, f"{home}/check")
    for fact in ("C26-0001", "町、村", "7日前まで", "操作研修2回", "主な20画面を試験。"):
        assert fact in checked, fact


@pytest.fixture
def shelf(company, draft) -> UUID:
    """The id of a published listing whose offering tells all facts."""
    with db.transaction() as session:
        row, terms = load(session, draft[0])
        told: dict[str, Any] = {**USERS, "accessibility_statement": "主な20画面を試験。"}
        told["accreditations"] = rows(
            "ISMAP｜C26-0001｜見本登録簿｜窓口予約の提供｜2026-12-31\n"
            "プライバシーマーク｜10-26｜見本協会｜全社｜2030-03-31"
        )
        told["data_categories"] = read_rows(CATEGORIES, "予約｜｜CSV、JSON｜データ要件に適合")
        services.edit_offering_version(session, company.acts(), row, version=row.version, **told)
        terms_told = {"maintenance_notice_days": 7, "training": "操作研修2回"}
        services.edit_listing_version(
            session, company.acts(), terms, version=terms.version, **terms_told
        )
        lead = make_lead(session)
    return publish(company, lead, draft[0]).listing_id


def test_an_expired_accreditation_is_not_held_on_any_page(
    new_client, company, draft, shelf, settings, hold_clock
):
    page = f"/listings/{shelf}"
    shown = words(new_client(), page)
    for fact in (
        "町、村", "日本語、英語", "多要素認証", "一部準拠", "主な20画面を試験。", "7日前まで",
        "操作研修2回", "ISMAP", "令和8年12月31日", "データ要件に適合",
    ):  # fmt: skip
        assert fact in shown, fact
    assert "期限切れ" not in shown
    reader = new_client()
    record = version_of(reader)
    assert [each["kind"] for each in record["accreditations"]] == ["ismap", "privacy_mark"]
    assert record["accessibility"]["level"] == "aa_partly"
    assert record["data_categories"][0]["imports"] is None
    head = reader.get("/api/v1/changes?since=0").get_json()["head"]

    # The day after: nobody acted, and it is no longer held anywhere.
    hold_clock(datetime(2027, 1, 1, 3, tzinfo=UTC))
    assert "期限切れ" in words(new_client(), page)
    assert [each["kind"] for each in version_of(reader)["accreditations"]] == ["privacy_mark"]
    compared = compare(company, draft[0], new_client)
    assert "プライバシーマーク 10-26（見本協会、令和12年3月31日まで）：全社" in compared
    assert compared.count("ISMAP") == compared.count("期限切れ：ISMAP C26-0001（見本登録簿") == 1
    outbox.run_due(outbox_handlers(settings))
    changed = reader.get(f"/api/v1/changes?since={head}").get_json()["changes"]
    offering = [each for each in changed if each["kind"] == "offering"]
    assert [len(each["data"]["version"]["accreditations"]) for each in offering] == [1]


def typed_dates(values):
    """Give dates as the three fields of the form."""
    typed = {}
    for name, value in values.items():
        if not name.startswith("expires_on"):
            typed[name] = value
            continue
        typed[f"{name}-era"] = "western"
        for part, text in zip(("year", "month", "day"), value.split("-"), strict=True):
            typed[f"{name}-{part}"] = text
    return typed


def version_of(client):
    """Return what the API says of the one offering that has accreditations."""
    items = client.get("/api/v1/offerings").get_json()["items"]
    return next(each["version"] for each in items if each["version"]["data_categories"])


def compare(company, version_id, new_client):
    """Return the words of a comparison with another offering of the same standard."""
    with db.transaction() as session:
        row, terms = load(session, version_id)
        other = factories.offering(session, factories.vendor(session), row.specification_version)
        ids = (terms.id, other.id)
    return words(new_client(), f"/compare?l={ids[0]}&l={ids[1]}")


def test_what_was_hashed_before_these_facts_keeps_its_hash(company, draft):
    version_id, _ = draft
    with db.transaction() as session:
        row, terms = load(session, version_id)
        content = offering_content(row, {})
        assert "accreditations" not in content
        assert "training" not in listing_content(terms)
        before = hash_content(content)
        told = {"languages": ["ja"], "accreditations": rows("ISMAP｜1｜見本｜全部｜2030-01-01")}
        services.edit_offering_version(session, company.acts(), row, version=row.version, **told)
        assert hash_content(offering_content(row, {})) != before
        services.edit_offering_version(
            session, company.acts(), row, version=row.version, languages=[], accreditations=[]
        )
        assert hash_content(offering_content(row, {})) == before


def test_facts_travel_in_cells_and_to_the_next_specification(client, company, draft):
    version_id, _ = draft
    text = "ISO/IEC 27001 ｜ A-1 ｜ 見本審査機構 ｜ 開発と運用 ｜ 2028-03-31"
    assert write_rows(ACCREDITATIONS, rows(text)) == text
    with db.transaction() as session:
        row, _ = load(session, version_id)
        services.edit_offering_version(
            session, company.acts(), row, version=row.version, accreditations=rows(text)
        )
        lead = make_lead(session)
    factories.sign_in_client(client, company.admin, company.home)
    exported = client.get("/vendor/offerings/sheets/export.csv")
    assert text in exported.get_data(as_text=True)
    publish(company, lead, version_id)
    with db.transaction() as session:
        row, _ = load(session, version_id)
        target = factories.specification(session, label="第2.0版")
        target.specification_id = row.specification_version.specification_id
        session.flush()
        made = services.copy_to_specification(
            session, company.acts(), row, specification_version_id=target.id
        )
        assert made.accreditations == rows(text)


def rows(text):
    """Return the accreditations of a cell."""
    return read_rows(ACCREDITATIONS, text)


BAD_CELLS = (
    ("ISMAP｜1｜見本｜全部", "今は4つです"),
    ("JIS｜1｜見本｜全部｜2030-01-01", "「JIS」は選べません"),
    ("ISMAP｜1｜見本｜全部｜いつか", "1行目の有効期限は"),
    ("ISMAP｜1｜｜全部｜2030-01-01", "1行目の認証した機関を入力してください。"),
)


@pytest.mark.parametrize(("text", "sentence"), BAD_CELLS)
def test_a_cell_with_rows_names_what_is_wrong(text, sentence):
    from marshmallow import ValidationError

    with pytest.raises(ValidationError, match=sentence):
        rows(text)


def test_stranger_sees_none_of_the_optional_pages(client, company, draft):
    with db.transaction() as session:
        rival = factories.person(session, Role.VENDOR_ADMIN)
    factories.sign_in_client(client, rival)
    for page in ("users", "data", "accreditations"):
        assert client.get(f"/vendor/offerings/{draft[0]}/{page}").status_code == 404
    with db.reading() as session:
        assert queries.get_offering_version(session, draft[0]).accreditations == []
