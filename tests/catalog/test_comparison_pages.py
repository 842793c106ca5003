"""The comparison and the cost page over HTTP: what a clerk sees, and what is refused."""

import uuid
from datetime import UTC, date, datetime
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from accounts.models import BodyKind, Organisation, Role
from catalog.certification.models import ReviewState
from catalog.offerings.models import OfferAction, OfferState
from catalog.offerings.queries import load_listing_versions
from catalog.price_plan import ComponentKind, Interval, PartMonth, Unit
from catalog.terms import Answer
from core import db
from tests import factories
from tests.page_checks import parse_page, text_of
from vendors.models import Vendor, VendorAction

# Words and refusals of pages: the same on both databases, so asked once.
pytestmark = pytest.mark.sqlite_only

SIGN_IN_TABLES = ("sign_ins", "people", "memberships", "organisations")


@pytest.fixture
def market(database, hold_clock):
    """Three services of three makers for one specification, two bodies and a second seller."""
    hold_clock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    with db.transaction() as session:
        version = factories.specification(session, requirements=6, name="施設予約")
        makers = [factories.vendor(session) for _ in range(3)]
        first, second, third = (
            factories.offering(session, maker, version, answers=answers, name=name)
            for maker, name, answers in zip(
                makers,
                ("ひかり予約", "みどり予約", "あおい予約"),
                (Answer.CONFORMS, Answer.NOT_CONFORMING, None),
                strict=True,
            )
        )
        rows = load_listing_versions(session, [first.id, second.id, third.id])
        factories.certification(session, rows[first.id].offering_version)
        town = factories.body(
            session, name="川上町", prefecture="群馬県", code="103667", population=8_421
        )
        city = factories.body(
            session,
            name="川上市",
            prefecture="東京都",
            code="131016",
            population=700_000,
            body_kind=BodyKind.DESIGNATED_CITY,
        )
        clerk = factories.person(session, Role.CLERK, town)
        return SimpleNamespace(
            version=version,
            makers=makers,
            first=first.id,
            second=second.id,
            third=third.id,
            rows=rows,
            town=town,
            city=city,
            clerk=clerk,
        )


def compare(*ids, **extra):
    pairs = [f"l={each}" for each in ids] + [f"{name}={value}" for name, value in extra.items()]
    return "/compare?" + "&".join(pairs)


def words(client, path, status=200):
    return text_of(client.page(path, status))


def test_services_stand_side_by_side_in_the_chosen_order(client, market):
    page = client.page(compare(market.second, market.first))
    heads = [text_of(head) for head in page.iter("th") if head.get("scope") == "col"]
    assert heads[:3] == ["機能要件", "みどり予約 見本", "ひかり予約 見本"]
    text = text_of(page)
    assert "2件のサービスを比較する" in text
    assert "6件のうち、違いがあるのは5件" in text
    assert "適合" in text
    assert "非適合" in text
    assert "認証済み" in text
    assert "申告のみ" in text


def test_unanswered_is_said_and_never_green(client, market):
    page = client.page(compare(market.first, market.third))
    gaps = [text_of(cell) for cell in page.iter("td") if cell.get("class") == "gap"]
    assert gaps.count("未回答") == 6
    assert "未回答のある要件は6件" in text_of(page)
    assert "情報なし" in text_of(page)


def test_only_differences_folds_what_is_alike_and_says_so(client, market):
    page = client.page(compare(market.first, market.second, diff=1))
    text = text_of(page)
    assert "違いのある5件" in text
    assert "5件を表示しています" in text
    codes = [text_of(code) for code in page.iter("code")]
    assert "R-006" not in codes
    assert "R-001" in codes


def test_only_must_leaves_options_and_prohibitions_out(client, market):
    codes = {
        text_of(code)
        for code in client.page(compare(market.first, market.second, must=1)).iter("code")
    }
    assert {"R-001", "R-002", "R-004", "R-005"} <= codes
    assert not {"R-003", "R-006"} & codes


def codes_on(page):
    return [text_of(code) for code in page.iter("code") if text_of(code).startswith("R-")]


def test_only_gaps_leaves_what_everybody_answered_out(client, market):
    page = client.page(compare(market.first, market.third, gaps=1))
    assert len(codes_on(page)) == 6
    assert codes_on(client.page(compare(market.first, market.second, gaps=1))) == []


def test_the_standard_options_in_use_are_chosen_and_kept_in_the_address(client, market):
    plain = client.page(compare(market.first, market.second, used=1))
    assert "使う標準オプションを選んでいないため、オプションを絞らずに表示しています" in text_of(
        plain
    )
    assert len(codes_on(plain)) == 6
    path = compare(market.first, market.second, body="103667", diff=1, gb=30, used=1)
    path = path.replace("/compare", "/compare/options")
    asked = client.page(path)
    assert "標準オプションは、「その他の団体」では1件です" in text_of(asked)
    assert "選んでも費用は変わりません" in text_of(asked)
    paid = next(a.get("href") for a in asked.iter("a") if text_of(a) == "計算の条件で選ぶ")
    assert "このサービスの料金表に、選べるオプションはありません" in words(client, paid)
    nothing = client.submit(path, {}, button="この標準オプションで比較する")
    page = client.page(nothing.location)
    assert codes_on(page) == ["R-001", "R-002", "R-004", "R-005"]
    assert "使う標準オプションを0件選んでいます" in text_of(page)
    kept = parse_qs(urlsplit(nothing.location).query)
    assert (kept["gb"], kept["diff"], kept["body"]) == (["30"], ["1"], ["103667"])
    chosen = client.submit(path, {"r": ["2"]}, button="この標準オプションで比較する")
    shown = client.page(chosen.location)
    assert codes_on(shown) == ["R-001", "R-002", "R-003", "R-004", "R-005"]
    assert "使う標準オプション1件だけ" in text_of(shown)
    again = next(a for a in shown.iter("a") if text_of(a) == "使う標準オプションを選び直す")
    ticked = [
        each
        for each in client.page(again.get("href")).iter("input")
        if each.get("checked") is not None
    ]
    assert [each.get("value") for each in ticked] == ["2"]


def test_options_of_another_version_or_of_none_are_refused_in_words(client, market):
    chosen = client.whole(
        compare(market.first, market.second).replace("?", "/options?") + "&r=2&done=1"
    )
    word = parse_qs(urlsplit(chosen.location).query)["use"][0]
    with db.transaction() as session:
        newer = factories.specification(session, name="施設予約", label="第2.0版")
        late = [factories.offering(session, market.makers[0], newer).id for _ in range(2)]
    text = words(client, compare(*late, use=word, used=1))
    assert "標準仕様書の別の版で選んだものです。この比較には使っていません" in text
    assert "別の版のものです" in words(client, compare(*late, use=word).replace("?", "/options?"))
    for broken in ("zzz", f"{word[:7]}%25%25", word + "8"):
        assert "使う標準オプションの指定を読み取れません" in words(
            client, compare(market.first, market.second, use=broken), 422
        )
    for tick in ("r=0", "r=99", "r=-1", "c=9"):
        path = compare(market.first, market.second).replace("?", "/options?") + f"&{tick}&done=1"
        assert "この標準仕様書にないものがあります" in words(client, path, 422)
    apart = client.whole(compare(market.first, late[0]).replace("?", "/options?"))
    assert apart.status_code == 303
    assert "2件以上" in words(client, compare(market.first).replace("?", "/options?"), 422)


def test_columns_can_be_chosen_for_a_narrow_screen(client, market):
    page = client.page(compare(market.first, market.second, market.third, show="1,3"))
    heads = [text_of(head) for head in page.iter("th") if head.get("scope") == "col"]
    assert heads[:3] == ["機能要件", "ひかり予約 見本", "あおい予約 見本"]
    assert "3件のうち2件を表示中" in text_of(page)
    for broken in ("1,3", "1,x", "1," + "9" * 5_000):
        assert client.whole(compare(market.first, market.second, show=broken)).status_code == 422


def test_cost_is_computed_for_the_acting_body_by_fiscal_year(client, market):
    factories.sign_in_client(client, market.clerk, market.town)
    text = words(client, compare(market.first, market.second))
    # 8,421 people: 100,000 once and 28,421 a month, tax on the whole.
    assert "川上町（群馬県）・人口8,421人" in text
    assert "令和9年度" in text
    assert "令和11年度" in text
    whole = 100_000 + 36 * 28_421
    assert f"{whole:,}" in text
    assert f"{whole + whole // 10:,}" in text
    path = compare(market.first, market.second, start="2027-10-15", months=12)
    assert "令和9年度（6か月）の費用（円）" in words(client, path)
    with db.transaction() as session:
        row = load_listing_versions(session, [market.second])[market.second]
        row.revise(part_month=PartMonth.DAYS)
    # One list counts months of the contract, the other days: the heading names neither.
    counted_apart = words(client, path)
    assert "令和9年度の費用（円）" in counted_apart
    assert "令和9年度（" not in counted_apart


def test_without_a_body_the_reference_is_said_in_words(client, market):
    text = words(client, compare(market.first, market.second))
    assert "人口10,000人の団体（目安）" in text
    assert f"{100_000 + 36 * 30_000:,}" in text


def same_address(page):
    return next(a.get("href") for a in page.iter("a") if text_of(a) == "この比較のアドレス")


def table_of(page, table):
    found = next(each for each in page.iter("table") if each.get("id") == table)
    return [[text_of(cell) for cell in row] for row in found.iter("tr")]


def test_a_link_reproduces_the_page_for_anyone_on_any_day(client, new_client, market, hold_clock):
    factories.sign_in_client(client, market.clerk, market.town)
    page = client.page(compare(market.first, market.second))
    link = same_address(page)
    asked = {name: value[0] for name, value in parse_qs(urlsplit(link).query).items()}
    assert (asked["body"], asked["on"], asked["population"]) == ("103667", "2026-11-21", "8421")
    anyone = new_client()
    again = anyone.page(link)
    assert "内容は変わっていません" in text_of(again)
    assert "入力した人口" not in text_of(again)
    for table in ("functions", "terms", "costs"):
        assert table_of(again, table) == table_of(page, table)
    hold_clock(datetime(2027, 5, 6, 3, 0, tzinfo=UTC))
    with db.transaction() as session:
        session.get(Organisation, market.town.id).population = 8_000
    later = anyone.page(link)
    assert table_of(later, "costs") == table_of(page, "costs")
    assert "登録されている川上町（群馬県）の人口は8,000人です" in text_of(later)
    assert "変わったものがあります" not in text_of(later)
    assert table_of(anyone.page(same_address(later)), "costs") == table_of(page, "costs")


def test_a_link_says_what_has_changed_since_it_was_made(client, market, monkeypatch):
    link = same_address(client.page(compare(market.first, market.second, body="103667")))
    with monkeypatch.context() as other_words:
        other_words.setattr("catalog.comparison_costs.NOT_LISTED", "料金表に載っていない")
        other_words.setattr("catalog.comparison_costs.UNKNOWN", "わからない")
        other_words.setattr("catalog.term_values._NETWORKS", {"lgwan": "行政の回線"})
        reworded = words(client, link)
    assert "行政の回線" in reworded
    assert "内容は変わっていません" in reworded
    with db.transaction() as session:
        row = load_listing_versions(session, [market.second])[market.second]
        factories.certification(session, row.offering_version)
        session.get(Vendor, market.makers[0].id).apply(VendorAction.SUSPEND)
    text = words(client, link)
    assert "変わったものがあります：掲載の状態・名称・事業者、認証の状態。" in text
    assert "表は今の内容なので" in text
    assert "内容は変わっていません" not in text
    with db.transaction() as session:
        row = load_listing_versions(session, [market.first])[market.first]
        row.revise(retrieval_days=90)
        row.components[0].revise(tiers=[[0, 100_001]])
    assert "認証の状態、条件、料金・費用。" in words(client, link)
    for broken in ("1", "zzzzzz." * 6, "x" * 80):
        changed = compare(market.first, market.second, sha=broken)
        assert client.whole(changed).status_code == 422


def test_a_name_leads_to_the_address_with_the_code(client, market):
    answer = client.get(compare(market.first, market.second, body="川上町（群馬県）"))
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.location).query)["body"] == ["103667"]
    assert "川上町（群馬県）・人口8,421人" in words(client, answer.location)


def test_kinds_of_body_have_their_own_classes(client, market):
    text = words(client, compare(market.first, market.second, body="131016"))
    assert "実装の区分は「指定都市」のものです" in text
    assert "人口700,000人" in text


def test_conditions_are_changed_by_a_form_without_script(client, market):
    path = compare(market.first, market.second, body="103667").replace(
        "/compare", "/compare/conditions"
    )
    start = {"start-year": "9", "start-month": "10", "start-day": ""}
    answer = client.submit(path, {"body": "川上市（東京都）", **start, "months": "60"})
    assert answer.status_code == 303
    shown = words(client, answer.location)
    assert "川上市（東京都）" in shown
    assert "令和9年10月1日から令和14年9月30日まで（60か月）" in shown
    assert "令和9年度（6か月）" in shown


def test_unclear_bodies_and_terms_are_explained_beside_the_field(client, market):
    answer = client.get(compare(market.first, market.second, body="川上"))
    assert answer.status_code == 422
    assert "近い名前：川上町（群馬県）、川上市（東京都）" in answer.text
    for name, value in (
        ("start", "2027-13"),
        ("months", "0"),
        ("months", "601"),
        ("body", "999999"),
    ):
        refused = client.get(compare(market.first, market.second, **{name: value}))
        assert refused.status_code == 422, name
        fields = {
            each.get("id", "").removesuffix("-month").removesuffix("-day")
            for each in parse_page(refused.text).iter()
            if each.get("aria-invalid")
        }
        assert fields == {f"f-{name}"}


def test_a_body_that_a_service_is_not_for_is_told_so(client, market):
    path = compare(market.first, market.second, body="131016")
    for page in (path, f"/cost?l={market.first}&body=131016"):
        text = words(client, page)
        assert "川上市（東京都）は、事業者が対応するとしている団体に入っていません" in text
    assert "対応するとしている団体に" not in words(client, path.replace("131016", "103667"))


def test_zero_is_kept_and_a_day_before_publication_is_refused(client, market):
    path = compare(market.first, market.second, market.third, body="103667", households=0)
    kept = {
        each.get("value")
        for each in client.page(path).iter("input")
        if each.get("name") == "households"
    }
    assert kept == {"0"}
    refused = client.whole(f"/cost?l={market.first}&on=2020-01-01")
    assert refused.status_code == 422
    assert "料金表が公表されたのは令和8年11月21日です" in refused.text


def test_a_refused_body_keeps_the_term_that_counts(client, market):
    page = parse_page(client.get(compare(market.first, market.second, body="川上")).text)
    typed = {each.get("name"): each.get("value") for each in page.iter("input")}
    assert typed["body"] == "川上"
    assert [typed[f"start-{part}"] for part in ("year", "month", "day")] == ["2027", "4", "1"]
    assert typed["months"] == "36"


def test_unknown_parameters_are_refused_by_name(client, market):
    for path in (
        compare(market.first, market.second, colour="red"),
        f"/cost?l={market.first}&colour=red",
    ):
        assert "「colour」という項目は受け付けていません" in words(client, path, 422)


def test_too_few_and_too_many_get_a_way_back(client, market):
    one = client.page(compare(market.first), 422)
    assert "比較するサービスを2件以上選んでください" in text_of(one)
    assert "ひかり予約" in text_of(one)
    assert any(a.get("href") == "/search" for a in next(one.iter("main")).iter("a"))
    assert "2件以上" in words(client, "/compare", 422)
    assert "2件以上" in words(client, compare(market.first, market.first), 422)
    with db.transaction() as session:
        more = [factories.offering(session, market.makers[0], market.version).id for _ in range(4)]
    six = client.page(compare(market.first, market.second, *more), 422)
    assert "5件まで" in text_of(six)
    assert "1件外して" in text_of(six)
    five = next(a.get("href") for a in six.iter("a") if text_of(a).startswith("外す"))
    assert "5件のサービスを比較する" in words(client, five)
    six = client.page(compare(market.first, market.second, *more) + "&months=24", 422)
    assert all("months=24" in a.get("href") for a in six.iter("a") if "外す" in text_of(a))


@pytest.mark.parametrize("state", [OfferState.DRAFT, OfferState.IN_REVIEW, OfferState.APPROVED])
def test_what_was_never_published_is_not_found(client, market, state):
    with db.transaction() as session:
        hidden = factories.offering(
            session, market.makers[0], market.version, state, name="秘密の下書き"
        )
    page = client.get(compare(market.first, hidden.id))
    assert page.status_code == 404
    assert "秘密の下書き" not in page.text
    assert "秘密の下書き" not in words(client, compare(hidden.id), 422)
    assert client.get(f"/cost?l={hidden.id}").status_code == 404
    assert client.get(compare(market.first, uuid.uuid4())).status_code == 404
    assert client.get("/compare?l=1&l=2").status_code == 422


def test_a_seller_without_confirmation_is_not_shown(client, market):
    with db.transaction() as session:
        rows = load_listing_versions(session, [market.first])
        offering = rows[market.first].listing.offering
        other = factories.listing(
            session,
            offering,
            rows[market.first].offering_version,
            market.makers[1],
            OfferState.PUBLISHED,
            [(ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 9_000)],
        )
        load_listing_versions(session, [other.id])[other.id].listing.revise(confirmed_at=None)
    assert client.get(compare(market.first, other.id)).status_code == 404


def test_two_sellers_of_one_software_are_not_two_competitors(client, market):
    with db.transaction() as session:
        rows = load_listing_versions(session, [market.first])
        other = factories.listing(
            session,
            rows[market.first].listing.offering,
            rows[market.first].offering_version,
            market.makers[1],
            OfferState.PUBLISHED,
            [(ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 9_000)],
        )
    text = words(client, compare(market.first, other.id))
    assert "同じサービスを2つの条件で並べています" in text
    assert "競争する別のサービスではありません" in text
    assert "違いがあるのは0件" in text
    # Both have a bar, in the money of the sentence.
    dear, cheap = (100_000 + 36 * 30_000) * 11 // 10, 36 * 9_000 * 11 // 10
    assert (
        f"全期間の合計（料金表にない費目を除く）は、税込{cheap:,}円から{dear:,}円までです。" in text
    )
    page = client.page(compare(market.first, other.id))
    bars = [text_of(each) for each in page.iter("span") if each.get("class") == "chart__total"]
    assert bars == [f"{dear:,}円", f"{cheap:,}円"]


def test_a_version_no_longer_listed_says_why(client, market):
    with db.transaction() as session:
        rows = load_listing_versions(session, [market.second])
        rows[market.second].apply(
            OfferAction.WITHDRAW,
            published_at=db.now(session),
            withdrawn_at=db.now(session),
            service_ends_on=date(2027, 9, 30),
        )
    text = words(client, compare(market.first, market.second))
    assert "提供を終了します（令和9年9月30日まで）" in text
    assert "今はカタログに掲載していません" in words(client, f"/cost?l={market.second}")
    with db.transaction() as session:
        session.get(Vendor, market.makers[0].id).apply(VendorAction.SUSPEND)
    assert "事業者の登録が有効でないため" in words(client, compare(market.first, market.third))


def test_different_versions_of_a_specification_are_not_mixed(client, market):
    with db.transaction() as session:
        newer = factories.specification(session, name="施設予約", label="第2.0版")
        late = factories.offering(session, market.makers[0], newer, name="ひかり予約 二")
    page = client.page(compare(market.first, late.id, market.second))
    text = text_of(page)
    assert "標準仕様書の版が違うため、機能は並べて比べられません" in text
    assert "R-001" not in text
    assert "ひかり予約 二" in text
    assert "令和9年度の費用（円）" in text
    assert "事業者と認証" in text
    assert "認証済み" in text
    apart = next(a.get("href") for a in page.iter("a") if text_of(a) == "この2件の機能を比較する")
    assert "6件のうち" in words(client, apart)


def test_every_standing_has_its_own_word(client, market):
    with db.transaction() as session:
        ids = []
        for state, values in (
            (
                ReviewState.CONDITIONAL,
                {"conditions": [{"requirement_id": "R-001", "due_on": "2027-03-31"}]},
            ),
            (
                ReviewState.CERTIFIED,
                {
                    "valid_from": datetime(2025, 1, 1, tzinfo=UTC),
                    "valid_until": datetime(2026, 1, 1, tzinfo=UTC),
                },
            ),
            (ReviewState.REVOKED, {"ended_on": date(2026, 10, 1)}),
        ):
            made = factories.offering(session, market.makers[0], market.version)
            ids.append(made.id)
            row = load_listing_versions(session, [made.id])[made.id]
            factories.certification(session, row.offering_version, state, **values)
    text = words(client, compare(*ids, market.first, market.third))
    for word in ("条件付き認証", "期限切れ", "取消し", "認証済み", "情報なし"):
        assert word in text


def test_cost_page_shows_years_rounding_and_the_computation(client, market):
    page = client.page(f"/cost?l={market.first}&body=103667&start=2026-10&months=60")
    text = text_of(page)
    assert "川上町（群馬県）が5年間に支払う費用" in text
    assert "令和8年度（6か月）" in text
    assert "令和13年度（6か月）" in text
    assert f"{100_000 + 6 * 28_421:,}" in text
    whole = 100_000 + 60 * 28_421
    assert f"{whole:,}" in text
    assert f"{whole + whole // 10:,}" in text
    assert "全期間の合計で計算し、1円未満を切り捨てています" in text
    assert "1円／人口1人" in text
    assert "8,421" in text
    assert "料金表にありません" in text
    assert "28,421円" in text
    assert len([each for each in page.iter() if each.get("class") == "chart__bar"]) == 6 + 3


def test_what_needs_a_quote_is_said_and_never_zero(client, market):
    with db.transaction() as session:
        unknown = factories.offering(
            session,
            market.makers[0],
            market.version,
            name="窓口ごとの料金",
            prices=[
                (ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 10_000),
                (ComponentKind.OPTION, Unit.LUMP, Interval.MONTH, 5_000),
                (ComponentKind.USAGE, Unit.COUNTER, Interval.MONTH, 700),
                (ComponentKind.EXIT, Unit.LUMP, Interval.ONCE, 80_000),
            ],
        )
    page = client.page(f"/cost?l={unknown.id}")
    text = text_of(page)
    assert "見積が必要な費用があるため、合計は計算できません" in text
    assert "「従量」は、窓口の数がわからないため計算できません" in text
    assert "80,000円" in text
    assert "オプション" in text
    assert not [each for each in page.iter() if "chart__bar" in (each.get("class") or "")]
    compared = words(client, compare(market.first, unknown.id))
    assert "見積が必要：「従量」は、窓口の数がわからないため計算できません。" in compared


def test_a_body_without_population_is_not_taken_for_an_empty_one(client, market):
    with db.transaction() as session:
        factories.body(
            session, name="未登録村", code="100005", population=None, population_date=None
        )
    text = words(client, f"/cost?l={market.first}&body=100005")
    assert "未登録村（群馬県）の人口は登録されていません" in text
    assert "「従量」は、人口がわからないため計算できません" in text


def test_cost_page_needs_exactly_one_listing(client, market):
    assert client.get("/cost").status_code == 422
    assert client.get(f"/cost?l={market.first}&l={market.second}").status_code == 422


def test_pages_are_read_only(client, market):
    for path in ("/compare", "/cost", "/compare/conditions", "/cost/conditions"):
        assert client.post(path, data={"months": "1"}).status_code in {400, 405}


def test_pages_keep_the_sql_budget(client, market):
    factories.sign_in_client(client, market.clerk, market.town)
    for path in (
        compare(market.first, market.second, market.third),
        compare(market.first, market.second, body="131016", diff=1),
        f"/cost?l={market.first}&body=131016",
    ):
        assert client.whole(path).status_code == 200
        asked = client.business_statements(*SIGN_IN_TABLES, "external_identities")
        assert 3 <= len(asked) <= 6, asked
