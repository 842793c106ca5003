"""The pages on which a reviewer imports a specification."""

import io
import re

import pytest

from accounts.models import Role
from catalog.specifications import queries
from catalog.specifications.models import SpecificationState
from core import db
from tests import factories
from tests.catalog.specifications.conftest import SAMPLE, csv_bytes, sample_rows
from tests.page_checks import parse_page, text_of

# Words and refusals of pages: the same on both databases, so asked once.
pytestmark = pytest.mark.sqlite_only

START = "/manage/specifications/import"


def upload(browser, content, name="table.csv", path=START, **fields):
    return browser.submit(path, {"file": (io.BytesIO(content), name), **fields})


def requirements_of(code, label):
    with db.reading() as session:
        version = queries.find_version(session, code, label)
        return [] if version is None else queries.list_requirements(session, version.id)


def test_a_reviewer_imports_the_sample_step_by_step(as_person, agency):
    browser = as_person("reviewer")
    sent = upload(browser, SAMPLE.read_bytes(), SAMPLE.name)
    assert sent.status_code == 303
    page = text_of(browser.page(sent.location))
    assert "60件の要件を、誤りなく読み取りました" in page
    assert "必須 40件" in page
    assert "SY-0010" in page
    done = browser.submit(
        sent.location,
        {
            "code": "MIHON",
            "label": "1.0",
            "name": "見本の標準仕様書",
            "pattern": "b",
            "applies_from-year": "9",
            "applies_from-month": "4",
            "applies_from-day": "1",
        },
        button="下書きとして取り込む",
    )
    assert (done.status_code, done.location) == (303, "/specifications/MIHON/1.0")
    page = text_of(browser.page(done.location))
    assert "60件の要件を下書きに取り込みました" in page
    assert "この版は下書きです" in page
    with db.reading() as session:
        version = queries.find_version(session, "MIHON", "1.0")
    assert version is not None
    assert version.state is SpecificationState.DRAFT
    assert version.last_editor_id == agency.reviewer.id
    assert version.specification.name == "見本の標準仕様書"
    assert str(version.applies_from) == "2027-04-01"
    # A second press on the same page leads to what the first one made.
    assert browser.get(sent.location).location == done.location


def test_the_real_specification_is_imported_by_page(as_person, real_file):
    browser = as_person("reviewer")
    sent = upload(browser, real_file.read_bytes(), real_file.name)
    page = text_of(browser.page(sent.location))
    assert "197件の要件を、誤りなく読み取りました" in page
    assert "必須 132件" in page
    done = browser.submit(sent.location, {"code": "JYUKI", "label": "1.0"}, button="下書きとして")
    assert done.status_code == 303
    assert len(requirements_of("JYUKI", "1.0")) == 197


def test_every_broken_row_is_shown_and_nothing_is_imported(as_person):
    rows = sample_rows()
    rows[3][6], rows[4][4], rows[9][0] = "たぶん", "", rows[1][0]
    browser = as_person("reviewer")
    sent = upload(browser, csv_bytes(rows))
    page = text_of(browser.page(sent.location))
    for words in ("3件の誤り", "4行目", "「たぶん」は分からない言葉です", "5行目", "10行目"):
        assert words in page
    refused = browser.submit(sent.location, {"code": "X", "label": "1"}, button="下書きとして")
    assert refused.status_code == 422
    assert "直すまで何も取り込みません" in refused.text
    assert 'value="X"' in refused.text
    assert requirements_of("X", "1") == []


def test_an_unclear_column_is_chosen_and_the_file_is_not_lost(as_person):
    rows = sample_rows()
    rows[0][0], rows[0][6] = "A欄", "B欄"
    browser = as_person("reviewer")
    sent = upload(browser, csv_bytes(rows))
    assert "要件IDの列が分かりません" in browser.get(sent.location).text
    again = browser.submit(
        sent.location,
        {"column-requirement_id": "A欄", "column-class": "B欄", "label": "3.0"},
        button="この読み取り方で読み直す",
    )
    assert (again.status_code, again.location) == (303, sent.location)
    page = browser.get(sent.location).text
    assert "60件の要件を、誤りなく読み取りました" in page
    assert 'value="3.0"' in page
    browser.submit(sent.location, {"code": "MIHON"}, button="下書きとして")
    assert len(requirements_of("MIHON", "3.0")) == 60


def test_a_doubtful_mark_is_given_its_meaning(as_person):
    rows = [["要件ID", "機能要件", "実装区分"], ["1", "本文", "○"], ["2", "本文", "×"]]
    browser = as_person("reviewer")
    sent = upload(browser, csv_bytes(rows))
    page = browser.page(sent.location)
    assert "「○」が実装必須か標準オプションか実装不可か分かりません" in text_of(page)
    names = {e.get("value"): e.get("name") for e in page.iter("input") if e.get("value")}
    field = names["○"].replace("word", "meaning")
    browser.submit(
        sent.location,
        {field: "must", "code": "MARU", "label": "1"},
        button="下書きとして",
    )
    assert [each.class_other.value for each in requirements_of("MARU", "1")] == [
        "must",
        "must_not",
    ]


def test_importing_again_replaces_a_draft_wholly(as_person):
    browser = as_person("reviewer")
    for rows in (sample_rows(), sample_rows()[:11]):
        start = f"{START}?code=MIHON&label=1.0"
        sent = upload(browser, csv_bytes(rows), path=start)
        browser.submit(sent.location, {}, button="下書きとして")
    assert len(requirements_of("MIHON", "1.0")) == 10
    page = text_of(browser.page(upload(browser, csv_bytes(sample_rows()), path=start).location))
    assert "追加 50件、変更 0件、なくなるもの 0件、同じもの 10件" in page


def test_a_published_version_is_not_replaced(as_person):
    with db.transaction() as session:
        version = factories.specification(session, code="PUB", label="1.0")
    browser = as_person("reviewer")
    sent = upload(browser, csv_bytes(sample_rows()), path=f"{START}?code=PUB&label=1.0")
    refused = browser.submit(sent.location, {}, button="下書きとして")
    assert refused.status_code == 409
    assert "新しい版として取り込んでください" in refused.text
    with db.reading() as session:
        assert len(queries.list_requirements(session, version.id)) == 6


def test_facts_of_a_known_specification_are_not_changed_in_passing(as_person):
    with db.transaction() as session:
        factories.specification(session, code="PUB", name="元の名称")
    browser = as_person("reviewer")
    sent = upload(browser, csv_bytes(sample_rows()), path=f"{START}?code=PUB&label=2.0")
    refused = browser.submit(sent.location, {"name": "別の名称"}, button="下書きとして")
    assert refused.status_code == 422
    assert "「元の名称」（共通化B）として登録済み" in refused.text


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"%PDF-1.7", "spec.pdf", "CSVかXLSXを選んでください"),
        (b"", "spec.csv", "空です"),
        (b"PK\x03\x04 broken", "spec.xlsx", "壊れているか"),
        (b"\xff\xfe\x00\x00", "spec.csv", "CSV"),
    ],
)
def test_what_is_no_table_is_refused_beside_the_field(as_person, content, name, words):
    browser = as_person("reviewer")
    refused = upload(browser, content, name)
    assert refused.status_code == 422
    assert words in refused.text
    assert "エラー：" in refused.text


def test_no_file_at_all_is_refused(as_person):
    refused = as_person("reviewer").submit(START, {})
    assert refused.status_code == 422
    assert "取り込む表のファイルを選択してください" in refused.text


def test_cp932_is_read(as_person):
    browser = as_person("reviewer")
    sent = upload(browser, csv_bytes(sample_rows(), "cp932"))
    assert "60件の要件を" in browser.get(sent.location).text


def test_unknown_fields_and_codes_are_refused(as_person):
    browser = as_person("reviewer")
    sent = upload(browser, SAMPLE.read_bytes())
    page = browser.page(sent.location)
    token = next(e.get("value") for e in page.iter("input") if e.get("name") == "csrf_token")
    answer = browser.post(
        sent.location,
        data={"csrf_token": token, "act": "import", "code": "あ", "label": "1/2", "x": "1"},
    )
    assert answer.status_code == 422
    for words in ("「x」という項目", "半角の英字", "斜線"):
        assert words in answer.text
    wrong = browser.post(sent.location, data={"csrf_token": token, "column-nonsense": "A"})
    assert wrong.status_code == 422


@pytest.mark.parametrize("role", [Role.CLERK, Role.VENDOR_ADMIN, Role.AUDITOR, Role.OPERATOR])
def test_others_do_not_import(new_client, as_person, role):
    sent = upload(as_person("reviewer"), SAMPLE.read_bytes())
    with db.transaction() as session:
        someone = factories.person(session, role)
    browser = new_client()
    factories.sign_in_client(browser, someone)
    assert browser.get(START).status_code in {403, 404}
    assert browser.get(sent.location).status_code in {403, 404}


def test_nobody_signed_in_is_sent_to_sign_in(client):
    assert re.match(r"/sign-in\?next=", client.get(START).location)


def test_an_unknown_upload_is_absent(as_person):
    path = f"{START}/00000000-0000-0000-0000-000000000000"
    parse_page(as_person("reviewer").get(path).text)
    assert as_person("reviewer").get(path).status_code == 404
