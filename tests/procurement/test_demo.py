"""The sample world: built once by the acts of its people, refused outside development."""

import os
import socket
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlmodel import select

from accounts import queries as people
from app import cli, outbox_handlers
from catalog.certification.after_models import Appeal, AppealState, ConditionReport, ReportState
from catalog.certification.models import Certification, Finding, FindingState, ReviewState
from catalog.feed_upkeep import Drift, reconcile
from catalog.offerings.models import ListingVersion, OfferingVersion, OfferState
from catalog.offerings.queries import find_listed
from catalog.specifications.consultation.models import ConsultationComment
from catalog.specifications.models import LifecycleRecord, Pattern, StandardSpecification
from core import audit_checkpoints, db
from core.clock import today_jst
from core.config import Settings
from core.outbox import count_waiting
from procurement.contracts.models import RequestState, UsageContractRequest
from procurement.demo.cli import load_demo
from procurement.projects.costs import estimate_cost
from procurement.projects.models import Project, ProjectState
from procurement.quoting.models import QuoteRound, RoundState
from procurement.selection.models import Selection
from search.indexer import check
from search.queries import get_engine
from tests import factories
from tests.page_checks import text_of
from vendors.models import Vendor, VendorState

DEMO = Path(__file__).parents[2] / ".ci" / "demo"
PRODUCTION = {
    "NARABI_ENV": "production",
    "NARABI_SECRET_KEY": "s" * 40,
    "NARABI_AUDIT_KEY": "ab" * 32,
    "NARABI_SEAL_KEY": "cd" * 32,
    "NARABI_BASE_URL": "https://narabi.example.jp",
}


def run(settings: Settings, *arguments: str, **environment: str):
    told = {
        "NARABI_ENV": "development",
        "NARABI_DATABASE_URL": settings.effective_database_url,
        "NARABI_DATA_DIR": str(settings.data_dir),
        **environment,
    }
    return CliRunner().invoke(cli, ["demo", *arguments], env=told)


@pytest.mark.sqlite_only
def test_sample_world_is_whole_and_loaded_once(settings, client, new_client):
    assert load_demo(settings, outbox_handlers(settings)) > 300
    # Every act of all these people has told the feed all that it changed.
    assert reconcile(repair=False) == Drift()
    _check_market(settings)
    _check_cases(settings)
    _check_pages(client)
    _check_registry(client)
    _check_proceedings(client)
    before = _count_events()
    again = run(settings, "load")
    assert again.exit_code == 0, again.output
    assert _count_events() == before
    for words in ("mihon-narabi-2026", "clerk1@town.example.jp", "飯島町（長野県） 担当者"):
        assert words in again.output


def _check_market(settings):
    with db.reading() as session:
        bodies = people.list_bodies(session)
        assert len(bodies) == 1_788
        assert people.list_body_labels(session) == [each.label for each in bodies]
        assert states_of(session, Vendor) == {
            VendorState.ACTIVE: 9,
            VendorState.SUBMITTED: 1,
            VendorState.DRAFT: 1,
            VendorState.SUSPENDED: 1,
        }
        assert set(states_of(session, OfferingVersion)) == set(OfferState)
        assert set(states_of(session, Certification)) == set(ReviewState) - {ReviewState.DRAFT}
        assert OfferState.SUPERSEDED in states_of(session, ListingVersion)
        listed = find_listed(session)
        sellers = Counter(each.listing.offering_id for each in listed)
        assert len(listed) >= 30
        assert max(sellers.values()) == 3
        comments = session.exec(select(ConsultationComment)).all()
        said = {each.number: each.disposition_id for each in comments}
        assert [number for number in sorted(said) if said[number]] == [2, 5]
        assert len(said) == 5
        assert count_waiting(session) == (0, 0)
        assert not audit_checkpoints.verify(session).problems
    assert check(get_engine(settings)).count == 0


def _check_cases(settings):
    with db.reading() as session:
        assert set(states_of(session, Project)) == {*ProjectState}
        assert states_of(session, QuoteRound) == {RoundState.SENT: 1, RoundState.OPENED: 1}
        assert states_of(session, UsageContractRequest) == {
            RequestState.SENT: 1,
            RequestState.CONTRACT_REGISTERED: 1,
        }
        proposed = session.exec(
            select(Selection, Project)
            .join(Project)
            .where(Project.state == ProjectState.SELECTION_PROPOSED)
        ).one()
        selection, project = proposed
        assert (
            selection.total_with_tax == 940_777
        )  # the body rounds once, the price list by the year
        town = people.find_body_by_code(session, "203840")
        by_name = {each.offering_version.name: each for each in find_listed(session)}
        rival = by_name["とびら施設予約クラウド（見本）"]
        assert estimate_cost(rival, project, town).total is not None


def _check_pages(client):
    page = text_of(client.page("/notices").find(".//main"))
    assert "（訂正あり）" in page
    assert "（見本）" in page
    main = text_of(client.page("/").find(".//main"))
    assert "公共施設予約システム標準仕様書（見本）" in main
    asked = text_of(client.page("/specifications/MIHON-SHISETSU/3.0/consultation").find(".//main"))
    assert "締切りまであと16日" in asked
    assert "第2.0版との違いを見る" in asked
    found = text_of(client.page("/search?q=まちのへや").find(".//main"))
    assert "まちのへや予約（見本）" in found
    with db.transaction() as session:
        clerk = people.find_person_by_email(session, "clerk2@town.example.jp")
    factories.sign_in_client(client, clerk)
    desk = text_of(client.page("/").find(".//main"))
    assert "準備を続ける：農園の区画の予約（見本）" in desk


AFFAIRS = [
    "JUMIN-KIHON",
    "KOSEKI",
    "KOSEKI-FUHYO",
    "INKAN",
    "SENKYO",
    "KOTEI-SHISAN",
    "KOJIN-JUMIN",
    "HOJIN-JUMIN",
    "KEIJIDOSHA",
    "KODOMO-KOSODATE",
    "SHUGAKU",
    "JIDO-TEATE",
    "JIDO-FUYO",
    "KOKUHO",
    "NENKIN",
    "SHOGAI",
    "KOKI-KOREI",
    "KAIGO",
    "SEIKATSU-HOGO",
    "KENKO-KANRI",
]


def _check_registry(client):
    """The 20 affairs of the law, VRS and 窓口DXSaaS, each with its facts and a page of its own."""
    listed = text_of(client.page("/specifications").find(".//main"))
    with db.reading() as session:
        known = {each.code: each for each in session.exec(select(StandardSpecification))}
        records = session.exec(select(LifecycleRecord)).all()
        staged = {code: record for code, each in known.items() for record in records
                  if record.specification_id == each.id}  # fmt: skip
    patterns = dict.fromkeys(AFFAIRS, Pattern.STANDARDISED)
    patterns |= {"VRS": Pattern.COMMON_A, "MADOGUCHI-DX": Pattern.COMMON_B}
    patterns["MIHON-SHISETSU"] = Pattern.COMMON_B
    assert len(AFFAIRS) == 20
    assert {code: each.pattern for code, each in known.items()} == patterns
    for code, each in known.items():
        assert each.name in listed, code
        page = text_of(client.page(f"/specifications/{code}").find(".//main"))
        assert code in staged
        stage = staged[code].stage.label if staged[code].stage else "情報なし"
        for words in (each.name, each.field, each.ministry, each.pattern.label, stage):
            assert words, code
            assert words in page, (code, words)
        if code != "MIHON-SHISETSU":
            assert "まだ取り込まれていません" in page


def _check_proceedings(client):
    """What a reviewer and a lead find to do: conversations, a report, a proposal, an appeal."""
    with db.reading() as session:
        lead = people.find_person_by_email(session, "lead2@agency.example.jp")
        found = session.exec(select(Certification, OfferingVersion).join(OfferingVersion)).all()
        reviews = {version.name: review.id for review, version in found}
        assert set(states_of(session, Finding)) == {
            FindingState.OPEN, FindingState.ANSWERED, FindingState.ACCEPTED,
        }  # fmt: skip
        assert states_of(session, Appeal) == {AppealState.FILED: 1}
        assert states_of(session, ConditionReport) == {ReportState.REPORTED: 1}
        due = [
            date.fromisoformat(condition["due_on"])
            for each, _ in found
            if each.state is ReviewState.CONDITIONAL
            for condition in each.conditions
        ]
    assert max(due) > today_jst()
    factories.sign_in_client(client, lead)
    shown = {
        "そらごと地域交流予約（見本）": "年数を示してください",
        "かりな斎場予約（見本）": "条例の写しを次の提出に添えます",
        "かりなホール管理（見本）": "見本の団体での試験に合格しました",
        "公民館だより予約（見本）": "障害の報告が続けて遅れたため",
        "でんわでよやく例示版（見本）": "実績の表を添えて、効力の回復を求めます",
    }
    for name, words in shown.items():
        assert words in text_of(client.page(f"/reviews/{reviews[name]}").find(".//main")), name
    changed = text_of(client.page("/specifications/MIHON-SHISETSU/2.0/changes").find(".//main"))
    assert "追加" in changed


def states_of(session, model) -> dict:
    return dict(Counter(row.state for row in session.exec(select(model))))


def _count_events() -> int:
    with db.reading() as session:
        return audit_checkpoints.verify(session).events


def test_sample_world_is_refused_outside_development(settings):
    for command in ("load", "accounts"):
        refused = run(settings, command, **PRODUCTION)
        assert refused.exit_code == 1
        assert "開発環境だけで使えます" in refused.output
    with db.reading() as session:
        assert people.list_bodies(session) == []


def test_load_that_broke_off_is_told(settings):
    with db.transaction() as session:
        factories.person(session, email="lead1@agency.example.jp")
    refused = run(settings, "load")
    assert refused.exit_code == 1
    assert "途中で止まっています" in refused.output
    assert f"rm -r {settings.data_dir}" in refused.output


FAKE_NARABI = """#!/bin/bash
echo "$* $NARABI_ENV ${NARABI_DATABASE_URL-none} $(basename "$NARABI_DATA_DIR")" >> calls
[ "$1" = outbox ] && exec sleep 60
[ "$1" = demo ] && { [ -e breaks ] && rm breaks && exit 130; echo "見本の利用者の一覧"; }
exit 0
"""
FAKE_SITE = """#!/bin/bash
exec {python} -m http.server --bind 127.0.0.1 "$PORT"
"""


@pytest.mark.sqlite_only
def test_make_demo_begins_anew_after_a_break_and_keeps_off_the_callers_database(tmp_path):
    """The script that `make demo` runs, with programs in place of the site and its commands."""
    for name, text in (("narabi", FAKE_NARABI), ("gunicorn", FAKE_SITE)):
        program = tmp_path / ".venv" / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text.format(python=sys.executable) if name == "gunicorn" else text)
        program.chmod(0o755)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = {**os.environ, "PORT": str(port), "NARABI_DATABASE_URL": "sqlite:////ours.db"}
        start = {"args": [DEMO], "cwd": tmp_path, "env": told, "text": True}
        refused = subprocess.run(**start, capture_output=True, timeout=60, check=False)
    assert refused.returncode == 1
    assert "PORT=8001" in refused.stderr
    assert not (tmp_path / "calls").exists()  # told before the minute of loading, not after
    (tmp_path / "breaks").touch()
    assert subprocess.run(**start, capture_output=True, timeout=60, check=False).returncode == 1
    assert not (tmp_path / "var" / "demo").exists()
    with subprocess.Popen(**start, stdout=subprocess.PIPE) as site:
        for line in site.stdout:
            if "Ctrl-C" in line:
                site.terminate()
                break
        assert "終了しました" in site.stdout.read()
    assert (tmp_path / "var" / "demo" / "accounts.txt").read_text() == "見本の利用者の一覧\n"
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["demo"]
    calls = (tmp_path / "calls").read_text().splitlines()
    assert all(call.split()[-3:-1] == ["development", "none"] for call in calls)
    assert [call.split()[-1] for call in calls] == ["demo.new"] * 4 + ["demo"] * 3


def test_accounts_are_named_before_they_are_loaded(settings):
    shown = run(settings, "accounts")
    assert shown.exit_code == 0
    assert "まだ読み込まれていません" in shown.output
