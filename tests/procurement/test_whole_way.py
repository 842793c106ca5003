"""The whole way of a purchase over HTTP: from need to the registered contract."""

import io
from hashlib import sha256

import pytest
from pypdf import PdfReader

from core.clock import day_in_japan
from procurement.contracts.models import RequestState
from procurement.projects.models import ProjectState
from tests.page_checks import text_of


@pytest.mark.acceptance(20)
def test_a_purchase_goes_from_need_to_contract(market):
    clerk, vendor = market.as_(market.clerk), market.as_(market.seller_admin)
    show = market.open_project()
    page = text_of(clerk.page(show))
    assert market.project().number in page
    assert market.project().number.endswith("-0001")
    market.search(q="予約")
    assert "3件" in text_of(clerk.page(f"{show}/search"))
    assert market.lock().location.endswith("/candidates")
    assert market.exclude(market.dear).status_code == 303
    listed = text_of(clerk.page(f"{show}/candidates"))
    assert "夜間の受付に合わないため。" in listed
    assert "971,982" in listed
    assert market.compare().status_code == 303
    assert market.propose(market.cheap).status_code == 303
    assert market.decide("approve").status_code == 303
    assert market.draw_up().status_code == 303
    assert market.on_request("submit", market.clerk, confirmed="yes").status_code == 303
    assert "届いた依頼はありません" in text_of(vendor.page("/requests/inbox"))
    assert market.on_request("decision", market.approver, decision="approve").status_code == 303
    request = market.request()
    assert request.number.endswith("-0001")
    assert market.send().status_code == 303
    assert market.request().sent_sha256 == request.approved_sha256
    assert "公共施設の予約" in text_of(vendor.page("/requests/inbox"))
    accepted = market.on_request("accept", market.seller_admin, confirmed="yes")
    assert accepted.status_code == 303
    assert "事業者が承諾しました" in text_of(clerk.page(show))
    signed = b"signed by both sides"
    day = day_in_japan(market.request().sent_at)
    registered = clerk.submit(
        f"/requests/{request.id}/contract",
        {
            "number": "契約第123号",
            "signed_on-era": "western",
            "signed_on-year": str(day.year),
            "signed_on-month": str(day.month),
            "signed_on-day": str(day.day),
            "signed_record": (io.BytesIO(signed), "契約書.pdf"),
        },
    )
    assert registered.status_code == 303, registered.text
    contract = text_of(clerk.page(registered.location))
    assert sha256(signed).hexdigest() in contract
    assert "契約第123号" in text_of(clerk.page("/contracts"))
    assert "契約第123号" in text_of(vendor.page("/contracts"))
    assert market.request().state is RequestState.CONTRACT_REGISTERED
    assert market.project().state is ProjectState.CLOSED
    history = text_of(clerk.page(f"{show}/history"))
    for words in (
        "検索結果を確定しました",
        "候補から除外しました",
        "依頼を送信しました",
        "契約を記録しました",
    ):
        assert words in history


def test_the_pdf_holds_number_amount_and_evidence_hash(market):
    market.reach_approved()
    request = market.request()
    response = market.as_(market.clerk).get(f"/requests/{request.id}/document.pdf")
    assert response.mimetype == "application/pdf"
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(response.data)).pages)
    flat = "".join(text.split())
    assert request.number in flat
    assert "金971,982円" in flat
    assert "うち消費税及び地方消費税の額88,362円" in flat
    assert market.pack().sha256 in flat
    assert "契約成立" not in flat
