"""What everybody is told: seven states, never merged, on every way out; pictures to embed.

The words of pages are the same on both databases, so they are asked once.
"""

import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from pypdf import PdfReader
from sqlmodel import select

from accounts.models import OrganisationKind, Role
from app import outbox_handlers
from catalog.certification import documents
from catalog.certification.models import Certification, ReviewState
from catalog.certification.services.expiry import announce_end
from catalog.feed_upkeep import reconcile
from catalog.offerings.models import ListingVersion, OfferingVersion, OfferState
from catalog.records import certificate_record
from catalog.specifications.ending import end_version
from catalog.specifications.models import SpecificationAction
from catalog.specifications.queries import get_version
from catalog.terms import CertificationState
from core import db, outbox
from core.changes import PublicChange
from core.clock import today_jst
from procurement.projects import services
from procurement.projects.queries import get_project
from search import indexer
from search.queries import get_engine
from tests import factories
from tests.page_checks import text_of
from tests.procurement.conftest import PROJECT

pytestmark = [pytest.mark.sqlite_only, pytest.mark.query_budget(40)]
SVG = "{http://www.w3.org/2000/svg}"
START = datetime(2026, 10, 1, 3, tzinfo=UTC)
STATES = tuple(CertificationState)
_KEPT = {
    CertificationState.CERTIFIED: ReviewState.CERTIFIED,
    CertificationState.CONDITIONAL: ReviewState.CONDITIONAL,
    CertificationState.EXPIRED: ReviewState.CERTIFIED,
    CertificationState.SUSPENDED: ReviewState.SUSPENDED,
    CertificationState.REVOKED: ReviewState.REVOKED,
}


@pytest.fixture
def market(settings, hold_clock) -> dict[CertificationState, ListingVersion]:
    """One listed offering in each state, indexed."""
    hold_clock(START)
    with db.transaction() as session:
        version = factories.specification(session)
        made = {}
        for state in STATES:
            unknown = {"answers": None} if state is CertificationState.UNKNOWN else {}
            maker = factories.vendor(session)
            listing = factories.offering(
                session, maker, version, name=f"見本{state.label}", **unknown
            )
            made[state] = listing
            if state in _KEPT:
                _certify(session, listing, state)
    with db.transaction() as session:
        outbox.publish(session, "search.rebuild", {})
    outbox.drain(outbox_handlers(settings))
    assert indexer.check(get_engine(settings)).count == 0
    return made


def _certify(session, listing: ListingVersion, state: CertificationState) -> None:
    row = session.get_one(OfferingVersion, listing.offering_version_id)
    values = {"number": f"NC-2026-{state.value.upper()}", "ended_on": today_jst()}
    if state is CertificationState.CONDITIONAL:
        due = (today_jst() + timedelta(days=90)).isoformat()
        values["conditions"] = [{"requirement_id": "R-001", "name": "機能1", "due_on": due}]
    if state is CertificationState.EXPIRED:
        values |= {"valid_from": START - timedelta(days=9), "valid_until": START}
    factories.certification(session, row, _KEPT[state], **values)


def shown(client, path: str) -> set[str]:
    """Give the certification words that a page's tags show; each with the look and sign of its own."""
    words = {state.label: state.value for state in STATES}
    words[ReviewState.SUPERSEDED.label] = ReviewState.SUPERSEDED.value
    found, signs = set(), {}
    for span in client.page(path).iter("span"):
        looks = [name for name in (span.get("class") or "").split() if name.startswith("tag--")]
        if looks and text_of(span) in words:
            label = text_of(span)
            assert looks == [f"tag--{words[label]}"], path
            found.add(label)
            signs[label] = "".join(each.get("d") or "" for each in span.iter() if each.get("d"))
    told = {sign for label, sign in signs.items() if label not in {"効力停止", "取消し"}}
    assert len(told) == len(found - {"効力停止", "取消し"}), path
    return found


@pytest.mark.acceptance(15)
def test_states_are_distinct_on_page_facet_comparison_api_snapshot_and_certificate(
    client, market
) -> None:
    labels = {state: state.label for state in STATES}
    assert len(set(labels.values())) == len(STATES)
    for state, listing in market.items():
        assert shown(client, f"/listings/{listing.listing_id}") == {labels[state]}
        found = client.page(f"/search?certification={state.value}")
        names = [text_of(a) for a in found.iter("a") if text_of(a).startswith("見本")]
        assert [
            name for name in names if name in {f"見本{label}" for label in labels.values()}
        ] == [f"見本{labels[state]}"]
        answered = client.get(f"/api/v1/offerings?certification={state.value}").json["items"]
        assert [each["version"]["name"] for each in answered] == [f"見本{labels[state]}"]
        assert answered[0]["certification"]["state"] == state.value
        one = client.get(f"/api/v1/offerings/{answered[0]['id']}").json
        assert one["certification"]["state"] == state.value
        assert shown(client, f"/search?certification={state.value}") == {labels[state]}
        assert shown(client, f"/cost?l={listing.id}") == {labels[state]}
    facets = text_of(client.page("/search"))
    for state in (s for s in STATES if s.value not in {"suspended", "revoked"}):
        assert labels[state] in facets
    for chunk in (STATES[:5], STATES[3:]):
        query = "&".join(f"l={market[state].id}" for state in chunk)
        assert shown(client, f"/compare?{query}") == {labels[state] for state in chunk}
    reconcile()
    _, *lines = client.get("/api/v1/snapshot").get_data(as_text=True).splitlines()
    records = [json.loads(line) for line in lines]
    told = {r["data"]["number"]: r["data"]["state"] for r in records if r["kind"] == "certificate"}
    assert told == {f"NC-2026-{state.value.upper()}": state.value for state in _KEPT}
    claims = [r["data"] for r in records if r["kind"] == "offering"]
    assert {each["version"]["name"]: each["claim"] for each in claims} == {
        f"見本{labels[state]}": "unknown" if state.value == "unknown" else "claimed"
        for state in STATES
    }
    for state in _KEPT:
        number = f"NC-2026-{state.value.upper()}"
        assert shown(client, f"/certificates/{number}") == {labels[state]}
        whole = client.get(f"/certificates/{number}?format=json").json
        assert (whole["state"], whole["label"]) == (state.value, state.label)
        printed = _print(client, number)
        assert printed.count(f"適合確認の認証書{state.label}") == 1, state
        others = [label for other, label in labels.items() if other != state]
        assert not any(f"適合確認の認証書{label}" in printed for label in others)


@pytest.mark.acceptance(15)
def test_overdue_condition_reads_as_expired_with_its_reason(
    client, market, hold_clock, settings
) -> None:
    listing, path = market[CertificationState.CONDITIONAL], "/certificates/NC-2026-CONDITIONAL"
    with db.transaction() as session:
        made = session.exec(select(Certification).where(Certification.number == path[14:])).one()
        announce_end(session, made)
    hold_clock(datetime(2026, 12, 30, 14, 59, 20, tzinfo=UTC))
    before = client.get(f"{path}/status.json")
    assert (before.json["state"], before.json["lapsed_on"]) == ("conditional", None)
    assert before.headers["Cache-Control"] == "public, max-age=40"
    hold_clock(datetime(2026, 12, 30, 15, tzinfo=UTC))
    told = client.get(f"{path}/status.json").json
    assert (told["state"], told["is_in_force"]) == ("expired", False)
    assert told["lapsed_on"] == "2026-12-30"
    why = "までに条件が満たされていません"
    assert why in told["explanation"]
    assert why in client.get(f"{path}/status.svg").get_data(as_text=True)
    assert why in _print(client, path[14:])
    for page in (path, f"/listings/{listing.listing_id}", f"/cost?l={listing.id}"):
        assert shown(client, page) == {"期限切れ"}, page
        assert "条件が満たされていません" in text_of(client.page(page)), page
    found = client.get("/api/v1/offerings?certification=expired").json["items"]
    assert {each["version"]["name"]: each["certification"]["lapsed_on"] for each in found} == {
        "見本期限切れ": None, "見本条件付き認証": "2026-12-30",
    }  # fmt: skip
    assert client.get("/api/v1/offerings?certification=conditional").json["items"] == []
    outbox.drain(outbox_handlers(settings))
    assert indexer.check(get_engine(settings)).count == 0
    names = text_of(client.page("/search?certification=expired"))
    assert "見本条件付き認証" in names
    with db.reading() as session:
        kinds = [
            row.kind for row in session.exec(select(PublicChange)) if row.subject_id == made.id
        ]
    assert kinds == ["certificate"]


def _print(client, number: str) -> str:
    """Give the words of a certificate's PDF without the breaks of its lines."""
    document = client.get(f"/certificates/{number}.pdf")
    printed = "".join(page.extract_text() for page in PdfReader(io.BytesIO(document.data)).pages)
    return "".join(printed.split())


@pytest.mark.acceptance(15)
def test_states_stay_distinct_from_a_search_in_a_case_to_what_is_decided_on(
    client, market, settings
) -> None:
    with db.transaction() as session:
        body = factories.body(session)
        clerk = factories.person(session, Role.CLERK, body)
        lead = factories.person(session, Role.LEAD_REVIEWER, factories.organisation(session, OrganisationKind.AGENCY))  # fmt: skip
        version_id = session.get_one(OfferingVersion, market[STATES[0]].offering_version_id).specification_version_id  # fmt: skip
    acting = factories.actor(clerk, Role.CLERK, body, authenticated_at=START)
    with db.transaction() as session:
        made = services.create_project(session, acting, **PROJECT, starts_on=date(2027, 4, 1))
        query = {"text": "", "filters": {}, "sort": "relevance", "seed": 7}
        services.save_search(session, acting, made, version=made.version, query=query)
        case = f"/projects/{made.id}"
    factories.sign_in_client(client, clerk)
    every = {state.label for state in STATES}
    assert shown(client, f"{case}/search") == every
    assert shown(client, f"{case}/lock") == every
    with db.transaction() as session:
        found = get_project(session, made.id)
        services.lock_evidence(session, acting, found, get_engine(settings), version=found.version)
    assert shown(client, f"{case}/evidence/1") == every
    assert shown(client, f"{case}/candidates") == every
    hits = client.get(f"{case}/evidence/1.json").json["hits"]
    locked = {each["name"]: each["certification"] for each in hits}
    assert {name: each["state"] for name, each in locked.items()} == {
        f"見本{state.label}": state.value for state in STATES
    }
    assert locked["見本条件付き認証"]["conditions_due_on"] == "2026-12-30"
    factories.sign_in_client(client, lead)
    affected = f"/manage/specifications/versions/{version_id}/end"
    assert shown(client, affected) == every


@pytest.mark.acceptance(15, 26)
def test_embedded_status_tells_the_state_of_this_moment(client, market, hold_clock) -> None:
    signs = {}
    for state in _KEPT:
        path = f"/certificates/NC-2026-{state.value.upper()}/status"
        told = client.get(f"{path}.json")
        assert (told.json["state"], told.json["label"]) == (state.value, state.label)
        assert told.json["is_in_force"] is (state.value in {"certified", "conditional"})
        picture = client.get(f"{path}.svg")
        assert picture.mimetype == "image/svg+xml"
        root = ET.fromstring(picture.data)  # noqa: S314 - our own answer
        assert root.get("role") == "img"
        ids = {each.get("id") for each in root.iter() if each.get("id")}
        assert set(root.get("aria-labelledby", "").split()) <= ids
        assert state.label in (root.findtext(f"{SVG}title") or "")
        assert "見本" in (root.findtext(f"{SVG}desc") or "")
        drawn = [each.get("d") or each.get("r") or "" for each in root.iter()]
        signs["".join(drawn), root.find(f"{SVG}rect").get("fill")] = state
        for element in root.iter():
            assert element.tag.removeprefix(SVG) not in {"script", "style", "image", "a"}
            assert not {"style", "href", "onload"} & set(element.attrib)
        assert client.get(f"/certificates/NC-2026-{state.value.upper()}").status_code == 200
    assert len(signs) == len(_KEPT) - 1  # suspended and revoked share the octagon, not the word


@pytest.mark.acceptance(26)
def test_embedded_status_is_kept_for_minutes_and_never_beyond_the_end(
    client, market, hold_clock
) -> None:
    path = "/certificates/NC-2026-CERTIFIED/status.json"
    first = client.get(path)
    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    tag = {"If-None-Match": first.headers["ETag"]}
    assert client.get(path, headers=tag).status_code == 304
    last_moment = START + timedelta(days=730)
    hold_clock(last_moment - timedelta(seconds=40))
    assert client.get(path).headers["Cache-Control"] == "public, max-age=40"
    hold_clock(last_moment)
    after = client.get(path, headers=tag)
    assert (after.status_code, after.json["state"]) == (200, "expired")
    assert after.headers["ETag"] != first.headers["ETag"]
    picture = client.get("/certificates/NC-2026-CERTIFIED/status.svg").get_data(as_text=True)
    assert "：期限切れ</title>" in picture
    assert ">認証済み" not in picture
    for kind in ("svg", "json"):
        assert client.get(f"/certificates/NC-2026-NONE/status.{kind}").status_code == 404


def test_document_lists_every_requirement_and_names_no_person(client, market) -> None:
    response = client.get("/certificates/NC-2026-SUSPENDED.pdf")
    before = documents._render.cache_info().misses
    assert client.get("/certificates/NC-2026-SUSPENDED.pdf").data == response.data
    tag = {"If-None-Match": response.headers["ETag"]}
    assert client.get("/certificates/NC-2026-SUSPENDED.pdf", headers=tag).status_code == 304
    assert documents._render.cache_info().misses == before
    printed = "".join(p.extract_text() for p in PdfReader(io.BytesIO(response.data)).pages)
    printed = printed.replace("\n", "")
    for seen in ("効力停止", "要件ごとの結果", "R-001", "R-006", "機能6", "非実装", "主任審査員"):
        assert seen in printed, seen
    assert "見本 太郎" not in printed
    assert "見本　太郎" not in printed


def test_certificate_of_a_retired_text_says_so_everywhere(client, market) -> None:
    path = "/certificates/NC-2026-CERTIFIED"
    assert client.get(f"{path}/status.json").json["explanation"] is None
    with db.transaction() as session:
        row = session.get_one(OfferingVersion, market[STATES[0]].offering_version_id)
        agency = factories.organisation(session, OrganisationKind.AGENCY)
        lead = factories.person(session, Role.LEAD_REVIEWER, agency)
        version = get_version(session, row.specification_version_id)
        acting = factories.actor(lead, Role.LEAD_REVIEWER, agency)
        version.apply(SpecificationAction.TAKE_EFFECT)
        end_version(session, acting, version, version=version.version, reason="法の改正のため。")
    told = client.get(f"{path}/status.json").json
    assert (told["state"], told["specification"]["state"]) == ("certified", "retired")
    assert told["specification"]["retired_on"] == "2026-10-01"
    assert told["specification"]["retired_because"] == "法の改正のため。"
    page, picture = (
        text_of(client.page(path)),
        client.get(f"{path}/status.svg").get_data(as_text=True),
    )
    for said in (told["explanation"], page, picture, _print(client, path[14:])):
        assert "廃止されました" in said
        assert "法の改正のため" in said
    assert "（廃止された版）" in picture


def test_claim_after_a_refusal_says_so_and_stays_a_claim(client, market) -> None:
    listing = market[CertificationState.CLAIMED]
    other = market[CertificationState.REVOKED]
    with db.transaction() as session:
        for each in (listing, other):
            row = session.get_one(OfferingVersion, each.offering_version_id)
            factories.certification(session, row, ReviewState.REFUSED, valid_until=None)
    page = f"/listings/{listing.listing_id}"
    assert shown(client, page) == {"申告のみ"}
    words = text_of(client.page(page))
    for seen in ("審査の結果、認証されませんでした", "2026年10月1日", "認証しないと決定"):
        assert seen in words, seen
    assert "未審査" not in words
    assert shown(client, f"/listings/{other.listing_id}") == {"取消し"}
    for path in (f"/cost?l={listing.id}", "/search?certification=claimed", f"/compare?l={listing.id}&l={other.id}"):  # fmt: skip
        assert "審査の結果、不認証" in text_of(client.page(path)), path
    told = client.get("/api/v1/offerings?certification=claimed").json["items"]
    assert [each["certification"]["refused_on"] for each in told] == ["2026-10-01"]


def test_superseded_certificate_never_reads_as_a_claim(client, market) -> None:
    listing = market[CertificationState.CLAIMED]
    with db.transaction() as session:
        row = session.get_one(OfferingVersion, listing.offering_version_id)
        made = factories.certification(
            session, row, ReviewState.SUPERSEDED, number="NC-2026-SUPERSEDED"
        )
        record = certificate_record(made, db.now(session), None)
        kept = {"name", "specification_version_id", "offering_id", "owner_id", "published_at"}
        newer = OfferingVersion(
            **row.model_dump(include=kept), number=2, state=OfferState.SUPERSEDED
        )
        session.add(newer)
        session.flush()
        factories.certification(session, newer, number="NC-2026-NEXT")
    told = client.get("/certificates/NC-2026-SUPERSEDED/status.json").json
    assert (told["state"], told["label"], told["is_in_force"]) == (
        "superseded", "新しい認証あり", False,
    )  # fmt: skip
    assert record["state"] == told["state"]
    picture = client.get("/certificates/NC-2026-SUPERSEDED/status.svg").get_data(as_text=True)
    expired = client.get("/certificates/NC-2026-EXPIRED/status.svg").get_data(as_text=True)
    assert "新しい認証あり" in picture
    assert set(re.findall(r' d="([^"]+)"', picture)).isdisjoint(
        re.findall(r' d="([^"]+)"', expired)
    )
    document = client.get("/certificates/NC-2026-SUPERSEDED.pdf")
    printed = "".join(p.extract_text() for p in PdfReader(io.BytesIO(document.data)).pages)
    assert "新しい認証あり（" in printed
    assert "申告のみ（" not in printed
    for path in (f"/listings/{listing.listing_id}", f"/cost?l={listing.id}", "/certificates/NC-2026-SUPERSEDED"):  # fmt: skip
        assert shown(client, path) == {"新しい認証あり"}
    page = client.page("/certificates/NC-2026-SUPERSEDED")
    assert [a.get("href") for a in page.iter("a") if "NC-2026-NEXT" in text_of(a)] == [
        "/certificates/NC-2026-NEXT"
    ]
    assert "決定したときの有効な最後の日" in text_of(page)
