"""The estimated price: named people read it, everyone else is told that there is nothing.

The pages are read on SQLite; what the rows refuse below the application is shown on both databases.
"""

import io
import re
import zipfile

import pytest
import sqlalchemy as sa
from pypdf import PdfReader
from sqlalchemy.exc import DatabaseError

from accounts.models import Membership, Role
from core import db
from core.errors import DomainError, Invalid, WrongState
from procurement.estimates import queries, services, vault
from procurement.estimates.models import EstimatedPrice, EstimateState
from procurement.estimates.services import Standing
from procurement.projects.services import edit_project
from tests import factories
from tests.page_checks import text_of
from tests.procurement.conftest import PROJECT
from tests.procurement.quoting import AFTER, Quoting

AMOUNT, BASIS = 1_234_567, "近隣の団体の契約額と\n人口の比から算定"
HIDDEN = ("1234567", "1,234,567", "近隣の団体")


@pytest.fixture
def way(market) -> str:
    market.reach_compared()
    return f"/projects/{market.project().id}/estimated-price"


def _act(market, act, *, person=None, **values):
    """Act by the services as a named person."""
    who = market.actor(person or market.clerk, Role.CLERK)
    with db.transaction() as session:
        estimate = queries.get_estimate(session, market.project().id, for_update=True)
        return act(session, who, estimate, **values)


def _begin(market, *others) -> EstimatedPrice:
    with db.transaction() as session:
        return services.open_estimate(
            session,
            market.actor(market.clerk, Role.CLERK),
            market._load(session),
            reader_ids=[each.id for each in others],
        )


def _row(market) -> EstimatedPrice:
    with db.reading() as session:
        found = queries.get_estimate(session, market.project().id)
        assert found is not None
        return found


@pytest.mark.sqlite_only
def test_a_named_clerk_enters_fixes_and_prints_it(market, way):
    clerk, project = market.as_(market.clerk), market.project()
    assert clerk.get(way).location.endswith("/new")
    assert f"{market.approver.name}（決裁者）" in clerk.get(f"{way}/new").text
    chosen = {"reader_ids": [str(market.approver.id)]}
    opened = clerk.submit(f"{way}/new", chosen, action="/estimated-price/new")
    assert opened.status_code == 303
    page = text_of(clerk.page(way))
    assert "取扱注意" in page
    assert f"見られる人：2名（{market.approver.name}、{market.clerk.name}）" in page.replace(
        "\n", ""
    )
    wrong = clerk.submit(way, {"amount": "0", "basis": ""}, button="保存する")
    assert wrong.status_code == 422
    assert "1円以上" in wrong.text
    assert "算定の根拠を入力してください" in wrong.text
    typed = {"amount": "１，２３４，５６７", "basis": BASIS}
    assert clerk.submit(way, typed, button="保存する").status_code == 303
    # The other named person has the page open from before: both texts are shown, nothing is lost.
    stale = market.as_(market.approver).prepare(
        way, {"amount": "2000000", "basis": "別の根拠"}, button="保存する"
    )
    again = {"amount": str(AMOUNT), "basis": f"{BASIS}。"}
    assert clerk.submit(way, again, button="保存する").status_code == 303
    conflict = stale()
    assert conflict.status_code == 412
    assert "別の根拠" in conflict.text
    assert "1,234,567" in conflict.text or str(AMOUNT) in conflict.text
    confirm = f"{way}/fix"
    assert clerk.submit(confirm, {}).status_code == 422
    assert clerk.submit(confirm, {"confirmed": "yes"}).status_code == 303
    page = text_of(clerk.page(way))
    assert "1,234,567円（うち消費税及び地方消費税の額 112,234円）" in page
    for_print = [clerk.submit(way, {}, action=f"/sheet.{kind}") for kind in ("pdf", "docx")]
    _check_sheet(project, _row(market).commitment, *for_print)
    history = text_of(clerk.page(f"/projects/{project.id}/history"))
    for said in ("見られる人を決めました", "予定価格を確定しました", "予定価格調書を作りました"):
        assert said in history
    assert _row(market).commitment[:8] in history
    # A second beginning leads to what there is; nothing changes any more.
    assert clerk.get(f"{way}/new").location.endswith("/estimated-price")
    assert clerk.get(confirm).location.endswith("/estimated-price")
    with pytest.raises(WrongState):
        _act(market, services.write_estimate, version=3, amount=1, basis="x")


@pytest.mark.sqlite_only
@pytest.mark.parametrize("is_over", [False, True], ids=["under way", "over"])
def test_for_everyone_else_there_is_no_such_page(app, market, way, new_client, is_over):
    _begin(market)
    _act(market, services.write_estimate, version=1, amount=AMOUNT, basis=BASIS)
    _act(market, services.fix_estimate, version=2)
    if is_over:
        clerk = market.as_(market.clerk)
        cancel = f"/projects/{market.project().id}/cancel"
        ended = clerk.submit(cancel, {"reason": "予算の見直し", "confirmed": "yes"})
        assert ended.status_code == 303
    roles = (Role.OPERATOR, Role.AUDITOR, Role.REVIEWER, Role.LEAD_REVIEWER, Role.COORDINATOR)
    with db.transaction() as session:
        strangers = {role: factories.person(session, role) for role in roles}
        elsewhere = factories.person(session, Role.APPROVER)
    others = [
        market.second_clerk, market.approver, market.both, market.seller_admin,
        *strangers.values(), elsewhere,
    ]  # fmt: skip
    app.config["WTF_CSRF_ENABLED"] = False
    for person in others:
        client = new_client()
        factories.sign_in_client(client, person)
        for path, methods in (
            ("", ("GET", "POST")), ("/readers", ("GET", "POST")), ("/fix", ("GET", "POST")),
            ("/sheet.pdf", ("POST",)), ("/readers/strike", ("POST",)), ("/hand-over", ("GET",)),
        ):  # fmt: skip
            for method in methods:
                answer = client.open(
                    f"{way}{path}",
                    method=method,
                    data={"csrf_token": "x"} if method == "POST" else None,
                )
                reads = person is strangers[Role.AUDITOR] and is_over
                is_read = (method, path) in {
                    ("GET", ""),
                    ("GET", "/readers"),
                    ("POST", "/sheet.pdf"),
                }
                expected = {200, 422} if reads and is_read else {404}
                assert answer.status_code in expected, (person.name, method, path)
                assert reads or not any(word in answer.text for word in HIDDEN)
    assert market.as_(market.clerk).get(way).status_code == 200


@pytest.mark.sqlite_only
def test_readers_are_named_struck_out_and_handed_over(market, way):
    _begin(market)
    clerk = market.as_(market.clerk)
    page = f"{way}/readers"
    assert "外せません" in clerk.get(page).text
    assert f"{market.both.name}（担当者・決裁者）" in clerk.get(page).text
    typed = {"person_id": str(market.second_clerk.id)}
    assert clerk.submit(page, typed, action="/readers").status_code == 303
    assert market.as_(market.second_clerk).get(way).status_code == 200
    again = clerk.post(f"{way}/readers", data={**typed, **_token(clerk, page)})
    assert again.status_code == 422
    assert "すでに見られる人です" in again.text
    nobody = {"person_id": str(market.seller_admin.id), **_token(clerk, page)}
    assert "同じ団体の担当者か決裁者" in clerk.post(page, data=nobody).text
    struck = clerk.post(f"{page}/strike", data={**typed, **_token(clerk, page)})
    assert struck.status_code == 303
    assert market.as_(market.second_clerk).get(way).status_code == 404
    alone = clerk.post(
        f"{page}/strike", data={"person_id": str(market.clerk.id), **_token(clerk, page)}
    )
    assert alone.status_code == 422
    assert "先に、ほかの人を加えてください" in alone.text
    # While somebody holds it nobody hands it over; when all have left, an approver does, unseeing.
    approver = market.as_(market.approver)
    assert approver.get(f"{way}/hand-over").status_code == 404
    with db.transaction() as session:
        left = session.execute(
            sa.select(Membership).where(Membership.person_id == market.clerk.id)
        ).scalars()
        for membership in left:
            membership.ended_at = db.now(session)
    assert clerk.get(way).status_code in {303, 404}  # the right ends with the membership
    assert "引き継いでください" in approver.get(f"/projects/{market.project().id}").text
    given = {"reason": "担当者が異動したため"}
    own = {"person_id": str(market.approver.id), **given}
    handing = _token(approver, f"{way}/hand-over")
    assert (
        "自分を見られる人にできません"
        in approver.post(f"{way}/hand-over", data={**own, **handing}).text
    )
    moved = approver.submit(f"{way}/hand-over", {**typed, **given})
    assert moved.status_code == 303
    assert approver.get(way).status_code == 404
    assert market.as_(market.second_clerk).get(way).status_code == 200
    history = text_of(
        market.as_(market.second_clerk).page(f"/projects/{market.project().id}/history")
    )
    assert "引き継ぎました" in history
    assert "担当者が異動したため" in history


def test_what_is_kept_tells_no_amount_and_cannot_be_changed(market, way):
    made = _begin(market, market.approver)
    _act(market, services.write_estimate, version=1, amount=AMOUNT, basis=BASIS)
    with pytest.raises(DomainError):
        _act(market, services.fix_estimate, person=market.second_clerk, version=2)
    before = _row(market).sealed
    _act(market, services.write_estimate, version=2, amount=7, basis="短い")
    assert len(before or b"") == len(
        _row(market).sealed or b""
    )  # nor does the length tell anything
    _act(market, services.write_estimate, version=3, amount=AMOUNT, basis=BASIS)
    _act(market, services.fix_estimate, version=4)
    row = _row(market)
    content = vault.unlock(row)
    assert (content.amount, content.basis, content.commitment) == (AMOUNT, BASIS, row.commitment)
    assert str(AMOUNT) not in repr(content)
    with db.reading() as session:
        kept = [
            repr(session.execute(sa.text(f"SELECT * FROM {table}")).all())
            for table in (
                "estimated_prices", "audit_events", "audit_details", "form_postings",
                "form_drafts", "outbox_messages",
            )
        ]  # fmt: skip
        assert not any(word in text for text in kept for word in HIDDEN)
    changes = [
        f"UPDATE estimated_prices SET {each} WHERE id = :id"
        for each in ("commitment = 'x'", "state = 'draft'", "sealed = NULL", "version = 9")
    ]
    changes += [
        "DELETE FROM estimated_prices WHERE id = :id",
        "DELETE FROM estimated_price_readers WHERE estimated_price_id = :id",
        "UPDATE estimated_price_readers SET person_id = named_by_id WHERE estimated_price_id = :id",
    ]
    bound = {"id": made.id.hex if db.current().is_sqlite else made.id}
    for change in changes:
        with (
            pytest.raises(DatabaseError) as told,
            db.current().engine.begin() as connection,
        ):
            connection.execute(sa.text(change), bound)
        assert re.search(r"estimated_price\w*_(fixed_stays|kept|names_stay)", str(told.value))


def test_it_is_fixed_in_time_and_compared_only_when_a_choice_is_made(market, way):
    assert _compare(market, 1) is Standing.NOT_SET
    _begin(market)
    _act(market, services.write_estimate, version=1, amount=AMOUNT, basis=BASIS)
    assert _compare(market, AMOUNT) is Standing.NOT_SET
    _act(market, services.fix_estimate, version=2)
    assert _compare(market, AMOUNT) is Standing.WITHIN
    assert _compare(market, AMOUNT + 1) is Standing.ABOVE
    with db.reading() as session:
        asked = session.execute(
            sa.text(
                "SELECT d.detail FROM audit_details d JOIN audit_events e ON e.sequence = d.sequence"
                " WHERE e.action = 'estimated_price.compare' ORDER BY e.sequence"
            )
        ).scalars()
        found = [re.sub(r"\W+", " ", str(each)).split() for each in asked]
    assert found == [["standing", "within"], ["standing", "above"]]
    assert _row(market).state is EstimateState.FIXED


def test_it_cannot_be_fixed_after_an_opening_not_even_when_the_round_is_given_up(
    market, way, hold_clock
):
    row = _begin(market)
    _act(market, services.write_estimate, version=1, amount=AMOUNT, basis=BASIS)
    quoting = Quoting(market).send()
    quoting.quote(quoting.seller, market.cheap.id, 24_000)
    hold_clock(AFTER)
    assert not quoting.open(quoting.clerk)
    assert quoting.open(quoting.approver)
    bound = {"id": row.id.hex if db.current().is_sqlite else row.id}
    late = (
        "UPDATE estimated_prices SET state = 'fixed', commitment = 'c',"
        " fixed_by_id = created_by_id, fixed_at = created_at WHERE id = :id"
    )
    engine = db.current().engine
    for state, rule in (("quotes_opened", "fixed_"), ("compared", "fixed_before_opening")):
        with engine.begin() as connection:
            connection.execute(sa.text(f"UPDATE projects SET state = '{state}'"))
        with pytest.raises(WrongState, match="見積の開封や選定の案の提出より前"):
            _act(market, services.fix_estimate, version=2)
        with (
            pytest.raises(DatabaseError, match=f"estimated_prices_{rule}"),
            engine.begin() as connection,
        ):
            connection.execute(sa.text(late), bound)


@pytest.mark.sqlite_only
def test_published_prices_cannot_probe_a_fixed_price(market, way):
    """A refused comparison stays in the trail, the term is frozen, and each new lock counts."""
    _begin(market)
    _act(market, services.write_estimate, version=1, amount=980_000, basis=BASIS)
    _act(market, services.fix_estimate, version=2)
    refused = market.propose(market.other)  # 990,000
    assert (refused.status_code, "金額が予定価格をこえる" in refused.text) == (422, True)
    clerk, path = market.as_(market.clerk), f"/projects/{market.project().id}"
    history = text_of(clerk.page(f"{path}/history"))
    assert "選ぶ額と予定価格の比較" in history
    with db.reading() as session:
        statement = sa.text(
            "SELECT person_id, outcome FROM audit_events WHERE action = 'estimated_price.compare'"
        )
        (asked,) = session.execute(statement).all()
    assert (str(asked.person_id).replace("-", ""), asked.outcome) == (
        market.clerk.id.hex,
        "refused",
    )
    # Another term would make other amounts: page and service keep to what was locked.
    edit = f"{path}/edit"
    page = clerk.page(edit)
    typed = [each.get("name") for each in page.iter()]
    assert "budget_line" in typed
    assert not {"term_months", "need", "starts_on-year"} & set(typed)
    assert "検索をやり直す" in text_of(page)
    moved = {
        name: page.find(f".//input[@name='{name}']").get("value")
        for name in ("csrf_token", "version")
    }
    moved |= {"budget_line": "1款", "term_months": "24"}
    posted = clerk.post(edit, data={**moved, "term_basis": "debt_burden"})
    assert (posted.status_code, "検索をやり直して" in posted.text) == (422, True)
    with pytest.raises(Invalid, match="検索結果を確定したあとは変えられません"):
        _edit(market, term_months=24)
    assert market.project().term_months == 36
    assert clerk.submit(edit, {"budget_line": "2款2項"}).status_code == 303
    assert market.project().budget_line == "2款2項"
    for _ in range(2):
        market.search()
        assert market.lock().status_code == 303
        assert market.compare().status_code == 303
    probed = market.propose(market.cheap)  # 971,982: its answer would be the third
    assert (probed.status_code, "予定価格を探ることになる" in probed.text) == (422, True)


def _edit(market, **values) -> None:
    with db.transaction() as session:
        project = market._load(session)
        who = market.actor(market.clerk, Role.CLERK)
        given = {**PROJECT, "starts_on": project.starts_on, **values}
        edit_project(session, who, project, version=project.version, **given)


def _compare(market, amount: int) -> Standing:
    with db.transaction() as session:
        who, project = market.actor(market.clerk, Role.CLERK), market._load(session)
        return services.estimate_standing(session, who, project, amount)


def _token(client, path: str) -> dict[str, str]:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)
    return {"csrf_token": found.group(1)} if found else {}


def _words(answer) -> str:
    """Give what a file says, without blanks."""
    data = io.BytesIO(answer.data)
    if answer.mimetype == "application/pdf":
        return re.sub(r"\s", "", "".join(p.extract_text() for p in PdfReader(data).pages))
    with zipfile.ZipFile(data) as archive:
        parts = [name for name in archive.namelist() if re.fullmatch(r"word/\w+\.xml", name)]
        return re.sub(r"\s|<[^<>]*>", "", "".join(archive.read(n).decode() for n in parts))


def _check_sheet(project, commitment: str, *sheets) -> None:
    """Both formats say the same, and neither is kept on the way."""
    for sheet in sheets:
        assert sheet.status_code == 200
        assert "no-store" in sheet.headers["Cache-Control"]
        words = _words(sheet)
        for said in ("取扱注意", "金1,234,567円", project.title, "税抜の額1,122,333円", commitment):
            assert said in words, said
        assert "人口の比から算定" in words
