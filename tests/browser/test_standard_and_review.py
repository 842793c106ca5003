"""The pages around a standard and a review, each once as its reader meets it: axe, width, a picture.

Layout and script are the browser's matter, the same over both databases: SQLite only.
"""

from datetime import date
from uuid import UUID

import pytest
from sqlmodel import select

from accounts.models import Organisation
from catalog.certification import services
from catalog.specifications import uploads
from catalog.specifications.consultation import services as consultations
from catalog.specifications.consultation.models import KeepCategory, Outcome
from catalog.specifications.consultation.queries import list_comments_by_number
from catalog.specifications.models import Requirement, SpecificationVersion
from core import db
from tests import factories
from tests.browser.conftest import WIDTHS
from tests.catalog.certification.conftest import Stage, declare, load, publish, set_stage, submit
from tests.catalog.certification.test_proceedings import (
    act,
    make_conditional,
    measure,
)
from tests.catalog.specifications.conftest import csv_bytes, sample_rows
from tests.catalog.specifications.consulting import NOON, Scene, make_scene

pytestmark = pytest.mark.sqlite_only
LONG = "利用者は、施設ごと及び室場ごとに、曜日と時間帯を指定して空き状況を照会できること。"
SHORTER = "利用者は、施設ごとに、曜日を指定して空き状況を照会できること。"


@pytest.fixture
def look(open_page, audit_page):
    """Open a page as somebody, audit it and keep a picture at both widths."""
    pages = {}

    def see(name: str, path: str, who=None, at: Organisation | None = None) -> None:
        key = who.id if who else None
        if key not in pages:
            pages[key] = page = open_page()
            if who:
                with db.transaction() as session:
                    token = factories.sign_in(session, who, at)
                cookie = {"name": "narabi_session", "value": token, "path": "/"}
                page.context.add_cookies([{**cookie, "domain": "127.0.0.1"}])
        page = pages[key]
        answered = page.goto(path)
        assert answered is not None
        assert answered.status == 200, (path, answered.status)
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            # The document is the same at both widths, so axe reads it once.
            audit_page(page, f"standard-{name}", axe=width == max(WIDTHS))

    return see


def upload_unclear(scene: Scene) -> str:
    """Let the reviewer send a table of which two columns are unclear; gives the page's address."""
    rows = sample_rows()
    rows[0][0], rows[0][6] = "A欄", "B欄"
    with db.transaction() as session:
        kept = uploads.keep_upload(
            session,
            scene.actor("reviewer"),
            filename="見本の要件一覧.csv",
            content=csv_bytes(rows),
            facts={"code": "MIHON", "label": "3.0"},
        )
        return f"/manage/specifications/import/{kept.id}"


def prepare_consultation(new_client) -> Scene:
    """Make two versions that differ, a consultation and comments, one of them disposed of."""
    scene = make_scene(new_client)
    with db.transaction() as session:
        factories.thaw(session)
        draft = session.get_one(SpecificationVersion, scene.version.id)
        rows = session.exec(select(Requirement).where(Requirement.requirement_id == "R-002")).all()
        for row in rows:
            is_new = row.specification_version_id == draft.id
            row.text = LONG if is_new else SHORTER
    scene.open()
    scene.say("clerk", "曜日ごとの受付時間が要ります。祝日の扱いも書いてください。")
    scene.say("admin", "室場ごとの照会は、画面の数が多くなりすぎます。", "R-003")
    scene.say("approver", "用語の定義を一つにそろえてください。", "")
    with db.transaction() as session:
        said = list_comments_by_number(session, scene.id, [2])
        decision = consultations.Decision(
            Outcome.KEEP, KeepCategory.OWN_CIRCUMSTANCES, reasoning="一つの事業者の事情のためです。"
        )
        version = consultations.version_of(said)
        consultations.dispose(
            session, scene.actor("reviewer"), scene.id, [2], decision, version=version
        )
    return scene


def test_pages_of_a_standard_are_sound(look, new_client, hold_clock):
    hold_clock(NOON)
    scene = prepare_consultation(new_client)
    clerk, reviewer = (scene.people[who] for who in ("clerk", "reviewer"))
    own = (clerk[0], clerk[2])
    inside = (reviewer[0], reviewer[2])
    look("import-mapping", upload_unclear(scene), *inside)
    look("difference", "/specifications/YOYAKU/1.0/changes?to=2.0")
    look("requirement", "/specifications/YOYAKU/2.0/R-002")
    look("consultation-open", "/specifications/YOYAKU/2.0/consultation", *own)
    look("comment", f"/consultations/{scene.id}/comments/new?requirement=R-002", *own)
    look("worklist", f"/manage/consultations/{scene.id}", *inside)
    look("dispose", f"/manage/consultations/{scene.id}/dispose?c=1&c=3", *inside)
    look("registry", "/specifications")


def discuss(stage: Stage, review_id: UUID) -> UUID:
    """Let both declare, raise two findings, and let the vendor answer one, which is returned."""
    for number in range(2):
        declare(stage.reviewer(number), review_id)
    with db.reading() as session:
        statement = select(Requirement).where(
            Requirement.specification_version_id == stage.specification.id,
            Requirement.requirement_id == "R-002",
        )
        row = session.exec(statement).one()
    first, _ = (
        act(services.raise_finding, stage.reviewer(n), review_id, requirement_id=on, words=words)
        for n, on, words in (
            (0, row.id, "画面の写しでは、時間帯を指定できません。どの画面で指定しますか。"),
            (1, None, "導入手順書がありません。"),
        )
    )

    def say(service, who, words):
        act(lambda s, a, c: service(s, a, c, first.id, words), who, review_id)

    say(
        services.reply, stage.company.acts(), "「詳しい条件」の画面で指定します。写しを加えました。"
    )
    say(services.ask_again, stage.reviewer(0), "その画面は管理者だけのものではありませんか。")
    say(services.reply, stage.company.acts(), "利用者も開けます。説明の3章に書きました。")
    act(
        services.request_info,
        stage.reviewer(0),
        review_id,
        reason="導入手順書を付けてください。",
        due_on=date(2027, 1, 31),
    )
    return first.id


def test_pages_of_a_review_are_sound(look, database):
    with db.transaction() as session:
        stage = set_stage(session, name="公共施設予約", code="YOYAKU", label="2.0")
    company = (stage.company.admin, stage.company.home)
    reviewer, lead = ((each, stage.agency) for each in (stage.reviewers[0], stage.leads[0]))
    review_id = submit(stage)
    with db.transaction() as session:
        people = [each.id for each in stage.reviewers]
        services.assign(session, stage.lead(), load(session, review_id), *people)
    look("declare", f"/reviews/{review_id}/declare", *reviewer)
    finding_id = discuss(stage, review_id)
    look("conformance", f"/vendor/offerings/{stage.version_id}/answers/1", *company)
    look("finding", f"/reviews/{review_id}/findings/{finding_id}", *reviewer)
    look("review", f"/reviews/{review_id}", *reviewer)
    look("queue", "/reviews", *lead)


def test_pages_of_a_certificate_are_sound(look, database):
    with db.transaction() as session:
        stage = set_stage(session, name="公共施設予約", code="YOYAKU", label="2.0")
    company = (stage.company.admin, stage.company.home)
    lead = (stage.leads[0], stage.agency)
    review_id = make_conditional(stage)
    publish(stage)
    measure(services.propose_revocation, stage.lead(1), review_id, "申告と違う動作がありました。")
    look("suspend", f"/reviews/{review_id}/suspend", *lead)
    look("revoke-confirm", f"/reviews/{review_id}/revoke/confirm", *lead)
    measure(services.suspend, stage.lead(1), review_id, "確かめる間、効力を止めます。")
    look("appeal", f"/reviews/{review_id}/appeal", *company)
    act(services.file_appeal, stage.company.acts(), review_id, reason="動作は仕様のとおりです。")
    look("appeal-decide", f"/reviews/{review_id}/appeal/decide", *lead)
    look("desk-lead", "/", *lead)
    with db.reading() as session:
        number = load(session, review_id).number
    look("certificate", f"/certificates/{number}")
