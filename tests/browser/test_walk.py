"""The whole chain, from a ministry's table to a registered contract, walked by everyone it needs."""

import json
import re
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from accounts.models import OrganisationKind, Role
from accounts.services import hash_password
from app import outbox_handlers
from catalog.certification import services as reviews
from catalog.offerings import services as offers
from catalog.specifications.queries import find_version
from core import audit_checkpoints, outbox
from core.clock import today_jst
from core.db import reading, transaction
from tests import factories
from tests.browser.conftest import SCREENS
from tests.browser.selling import PASSWORD, offer, register_vendor
from tests.browser.walker import make_walkers
from tests.catalog.offerings.conftest import load, make_company, make_draft

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
MOST_CLICKS = 40  # from need to accepted request, without signing in
PEOPLE = (
    ("reviewer-a", Role.REVIEWER, "審査 一郎"),
    ("reviewer-b", Role.REVIEWER, "審査 二郎"),
    ("lead", Role.LEAD_REVIEWER, "主任 花子"),
    ("clerk", Role.CLERK, "担当 一子"),
    ("approver", Role.APPROVER, "決裁 二郎"),
)


@pytest.fixture
def people(database):
    """Create the agency's and the town's people; the vendors register by themselves."""
    with transaction() as session:
        password_hash = hash_password(PASSWORD)
        agency = factories.organisation(session, OrganisationKind.AGENCY, name="デジタル庁（見本）")
        town = factories.body(
            session, name="飯島町", code="203840", prefecture="長野県", population=9_007
        )
        for name, role, words in PEOPLE:
            at = agency if role in {Role.REVIEWER, Role.LEAD_REVIEWER} else town
            factories.person(
                session,
                role,
                at,
                email=f"{name}@example.jp",
                name=words,
                password_hash=password_hash,
            )


@pytest.fixture
def walkers(open_page, audit_page, people, request):
    """Give each person a browser; audits and script only on SQLite, no script on PostgreSQL."""
    with_script = request.node.callspec.params["database"] == "sqlite"
    return make_walkers(open_page, audit_page if with_script else None, "", javascript=with_script)


def import_and_publish(walker):
    """A reviewer imports the ministry's table; a lead publishes it and opens it to SaaS."""
    walker("reviewer-a").sign_in("reviewer-a@example.jp", PASSWORD)
    (
        walker("reviewer-a")
        .open("/specifications")
        .follow("仕様書を取り込む")
        .press("表を読み取る")
        .sees("取り込む表のファイルを選択してください")
        .attach("要件の表", SHARED / "specification_jyuki_v1.csv")
        .press("表を読み取る")
        .sees("197件")
        .fill("仕様書コード", "JYUKI")
        .fill("版", "1.0")
        .date("適用の始まる日", 2025, 4, 1)
        .fill("仕様書の名称", "住民記録システム標準仕様書")
        .fill("業務", "住民記録")
        .fill("所管府省", "総務省")
        .choose("政策上の型", "標準化")
        .press("下書きとして取り込む")
        .sees("197")
        .follow("版の情報を変更する")
        .fill("元の文書の名前", "住民記録システム標準仕様書 第1.0版（総務省）")
        .fill("元の文書のURL", "https://www.example.jp/mihon.pdf")
        .date("府省が公表した日", 2025, 3, 1)
        .fill("出典の表示", "出典：総務省（第三者が整理したもの）")
        .press("版の情報を保存する")
    )
    lead = walker("lead").sign_in("lead@example.jp", PASSWORD)
    lead.open("/specifications/JYUKI/1.0").follow("この版を公表する")
    lead.tick("府省が採択した文書と内容を確かめました").press("この版を公表する")
    lead.open("/specifications/JYUKI").follow("SaaSの登録を認める")
    lead.fill("理由", "調達の選択肢を広げるため、標準化の仕様にもSaaSの登録を認めます。")
    lead.tick("この仕様書のSaaS登録を認める理由を確かめました").press("SaaSの登録を認める")


def sell(walker, settings, name):
    """A vendor submits a service: without a script by its forms, from sign-up on; else it has done so.

    With a script, axe and pictures that way is walked by test_first_time_vendor.
    """
    if walker("vendor-a").audit is None:
        number = factories.corporate_number(900_001)
        told = ("架空ソフト株式会社", "かくうそふと")
        register_vendor(walker, settings, "vendor-a", number, *told)
        standard, chapter = "住民記録システム標準仕様書", "1. 管理項目"
        reading = "まるごとじゅうみんきろく"
        return offer(walker, "vendor-a", name, reading, standard=standard, chapter=chapter)
    with transaction() as session:
        company = make_company(session)
        company.admin.email = "vendor-a@example.jp"
        company.admin.password_hash = hash_password(PASSWORD)
        specification = find_version(session, "JYUKI", "1.0")
        version_id = make_draft(session, company, specification.id)
    with transaction() as session:
        version, _terms = load(session, version_id)
        values = {"name": name, "version": version.version}
        offers.edit_offering_version(session, company.acts(), version, **values)
        reviews.submit_offering(session, company.acts(), version)
    walker("vendor-a").sign_in("vendor-a@example.jp", PASSWORD)
    return f"/vendor/offerings/{version_id}"


def certify(walker, name):
    """A lead assigns two reviewers, both recommend blind, the lead certifies."""
    lead = walker("lead").open("/reviews").follow(name).follow("担当する審査員を決める")
    lead.select("1人目の審査員", "審査 一郎").select("2人目の審査員", "審査 二郎")
    lead.press("担当する審査員を決める")
    walker("reviewer-b").sign_in("reviewer-b@example.jp", PASSWORD)
    for key, words in (
        ("reviewer-a", "帳票を確認しました。"),
        ("reviewer-b", "画面を確認しました。"),
    ):
        reviewer = walker(key).open("/reviews").follow(name)
        reviewer.choose("この事業者との利害関係", "ありません").tick("申告の内容は事実")
        reviewer.press("申告する").follow(name)
        if key == "reviewer-b":
            reviewer.sees_not("帳票を確認しました。")
        reviewer.follow("意見を提出する").choose("意見", "認証する").fill("理由", words)
        reviewer.tick("提出された内容を自分で").press("意見を提出する")
    walker("reviewer-b").sees("帳票を確認しました。")
    lead.open("/reviews").follow(name).follow("認証について決定する").choose("決定", "認証する")
    today = today_jst()
    lead.date("認証が有効な最後の日", today.year + 2, 3, 31)
    lead.tick("要件ごとの結果と").press("決定を確定する").sees("認証済み")


def publish(walker, key, tasks):
    """The vendor publishes what was certified; the worker indexes it."""
    vendor = walker(key).open(tasks).follow("サービスを公開する")
    vendor.tick("提出した内容と同じもの").press("サービスを公開する")


def choose_and_request(walker, name, rival):
    """A clerk finds, compares, locks, selects; an approver decides twice and sends with the second.

    Two refused tries are part of it.
    """
    clerk = walker("clerk").sign_in("clerk@example.jp", PASSWORD)
    clerk.open("/projects").follow("案件を始める").fill("件名", "住民記録システムの更新")
    clerk.fill("必要なこと", "今のシステムの保守が終わるため、窓口を止めずに更新したい。")
    year = today_jst().year + 1
    clerk.reiwa("利用の始まり", date(year, 4, 1)).fill("利用する月数", "36")
    clerk.choose("期間の根拠", "単年度").fill("予算科目", "2款3項1目 使用料及び賃借料")
    clerk.choose("サービスの利用の契約の種類", "その他のもの").press("保存して次へ進む").sees(
        "年度"
    )
    clerk.choose("期間の根拠", "債務負担行為").fill("限度額", "90000000")
    today = today_jst()
    clerk.reiwa("議決の日", today).press("保存して次へ進む")
    project = re.match(r".*/projects/[0-9a-f-]{36}", clerk.page.url).group()
    clerk.follow("サービスを探します").fill("検索語", "住民記録").press("この条件で検索する")
    clerk.sees(name).sees(rival).follow("検索結果を確定する画面へ進む")
    clerk.press("検索結果を確定する").sees("チェックを入れてください")
    clerk.tick("検索条件と候補の数を確認しました").press("検索結果を確定する")
    clerk.follow("残りの2件の比較表を開く")
    clerk.sees("飯島町").sees(name).sees(rival).sees("令和")
    clerk.back().press("価格だけで比べて、比較を終える")
    clerk.follow("選定の案を作る").choose("選ぶサービス", name)
    clerk.choose("契約の根拠", "少額の契約").choose("契約の種類", "その他のもの")
    clerk.fill("選んだ理由", "必要な機能をすべて満たし、3年間の費用が最も小さいためです。")
    clerk.fill("1者だけに依頼する理由", "公開された料金で比べ、最も安い事業者に依頼します。")
    clerk.press("選定の案を提出する")
    approver = walker("approver").sign_in("approver@example.jp", PASSWORD)
    approver.follow("選定を決裁する")
    approver.choose("決裁", "決裁する").press("決裁の結果を保存する")
    clerk.open(project).follow("利用契約の依頼書を作る")
    clerk.fill("差出人の職と氏名", "飯島町長　見本　一郎")
    clerk.fill("問い合わせ先の部署", "総務課情報係").fill("問い合わせ先の担当者", "担当 一子")
    clerk.fill("電話番号", "0265-00-0000").fill("メールアドレス", "joho@example.jp")
    clerk.reiwa("回答の期限", date(year, 3, 1)).choose("入札参加資格者名簿", "載って")
    clerk.press("保存して次へ進む")
    clerk.tick("依頼書の内容を確認しました").press("決裁者に提出する")
    approver.open(project).follow("依頼書を決裁する")
    approver.choose("決裁", "この内容で決裁し、すぐに").press("決裁の結果を保存する")
    approver.sees("事業者の承諾を待っています")
    return re.match(r".*/requests/[0-9a-f-]{36}", approver.page.url).group()


def accept(walker, key):
    """The vendor accepts what came into its inbox."""
    vendor = walker(key).open("/requests/inbox").follow("住民記録システムの更新")
    vendor.follow("承諾する画面へ進む").tick("依頼書の内容を確認しました").press("依頼を承諾する")


def tell_clicks(walker, keys, before, seconds):
    """Print what the way from need to accepted request took; of the audited walk, also keep it."""
    walkers = {key: walker(key) for key in keys}
    by = {key: each.clicks - before[key] for key, each in walkers.items()}
    told = {
        "clicks": sum(by.values()),
        "goal": MOST_CLICKS,
        "clicks_by_person": by,
        "sign_in_clicks": sum(walkers[key].sign_in_clicks for key in ("clerk", "approver")),
        "seconds": round(seconds - sum(each.audit_seconds for each in walkers.values()), 1),
    }
    sys.stdout.write(f"{json.dumps(told)}\n")
    if walkers["clerk"].audit is not None:
        path = SCREENS.parent / "walk.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(told, indent=2) + "\n")
    assert told["clicks"] <= MOST_CLICKS, told


def register(walker, request):
    """The clerk registers the contract that both sides signed elsewhere; the approver confirms it."""
    clerk = walker("clerk").open(request).sees("承諾").follow("契約を記録する")
    today = today_jst()
    clerk.fill("契約番号", "令和8年度契約第123号").date(
        "契約日", today.year, today.month, today.day
    )
    clerk.fill("署名済みの契約書のSHA-256", "zz").press("契約を記録する").sees("64文字")
    assert clerk.field("契約番号").input_value() == "令和8年度契約第123号"
    clerk.fill("署名済みの契約書のSHA-256", "ab" * 32).press("契約を記録する")
    approver = walker("approver").open("/").follow("契約の記録を確かめる")
    approver.follow("記録を確かめる画面へ進む").tick("手元の契約書と同じ")
    approver.press("記録を確かめたことにする").sees("確かめた人")
    clerk.open("/contracts").follow("住民記録システムの更新").sees("令和8年度契約第123号")


@pytest.mark.timeout(900)
@pytest.mark.shared_data
@pytest.mark.acceptance(23)
def test_the_chain_from_standard_to_registered_contract(walkers, settings):
    name, rival = "まるごと住民記録", "みらい住民記録"
    import_and_publish(walkers)
    tasks = sell(walkers, settings, name)
    certify(walkers, name)
    publish(walkers, "vendor-a", tasks)
    with transaction() as session:
        version = find_version(session, "JYUKI", "1.0")
        made = factories.offering(session, factories.vendor(session), version, name=rival)
        outbox.publish(session, "search.listing_changed", {"listing_id": made.listing_id})
    outbox.drain(outbox_handlers(settings))
    anyone = walkers("anyone").open("/").open("/search?q=住基").sees(name).sees(rival)
    anyone.follow(name).sees("認証済み").follow("認証書")
    keys = ("clerk", "approver", "vendor-a")
    begun = time.monotonic() + sum(walkers(key).audit_seconds for key in keys)
    before = {key: walkers(key).clicks for key in keys}
    request = choose_and_request(walkers, name, rival)
    accept(walkers, "vendor-a")
    tell_clicks(walkers, keys, before, time.monotonic() - begun)
    register(walkers, request)
    answer = walkers("anyone").page.request.get("/api/v1/offerings?specification=JYUKI")
    assert name in answer.text()
    for address in ("changes?since=0", "snapshot", "openapi.json"):
        answer = walkers("anyone").page.request.get(f"/api/v1/{address}")
        assert answer.ok, address
        assert ("openapi" if address == "openapi.json" else "epoch") in answer.text(), address
    with reading() as session:
        result = audit_checkpoints.verify(session)
    assert result.events > 20
    assert result.problems == ()
