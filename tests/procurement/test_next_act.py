"""The page of a project leads on: one filled button for whoever is to act, none for the others.

The pages read what both databases hold alike, so they are looked at on SQLite only.
"""

import pytest

from tests.page_checks import text_of

pytestmark = pytest.mark.sqlite_only


def _leads(market, person):
    """Give the ends of the addresses to which the page's links of the next act lead."""
    main = market.as_(person).page(f"/projects/{market.project().id}").find(".//main")
    buttons = [a for a in main.iter("a") if "button--primary" in a.get("class", "")]
    assert len(buttons) <= 1
    assert "次は、" in text_of(main) or not buttons
    links = list(main.find("p[@class='page-state']").iter("a"))
    assert [a.get("href") for a in links] == [a.get("href") for a in buttons]
    return buttons[0].get("href").rsplit("/", 1)[1] if buttons else None


def test_every_state_has_one_next_act_for_one_kind_of_person(market):
    def leads():
        return _leads(market, market.clerk), _leads(market, market.approver)

    market.open_project()
    assert leads() == ("search", None)
    market.search(q="予約")
    assert leads() == ("search", None)
    market.lock()
    assert leads() == ("candidates", None)
    market.exclude(market.dear)
    market.compare()
    assert leads() == ("selection", None)
    market.propose(market.cheap)
    assert leads() == (None, "decision")
    market.decide("approve")
    assert leads() == ("request", None)
    market.draw_up()
    assert leads() == ("submit", None)
    market.on_request("submit", market.clerk, confirmed="yes")
    assert leads() == (None, "decision")
    market.on_request("decision", market.approver, decision="return", reason="宛先を直す。")
    assert leads() == ("edit", None)


def test_after_the_approval_it_leads_to_sending_and_to_the_contract(market):
    market.reach_approved()
    assert (_leads(market, market.clerk), _leads(market, market.approver)) == (None, "send")
    market.send()
    assert (_leads(market, market.clerk), _leads(market, market.approver)) == (None, None)
    market.on_request("accept", market.seller_admin, confirmed="yes")
    assert (_leads(market, market.clerk), _leads(market, market.approver)) == ("contract", None)


def test_locked_states_of_certificates_are_shown_with_their_last_day(market):
    market.reach_locked()
    project = market.project().id
    for path in ("candidates", "evidence/1"):
        page = market.as_(market.clerk).page(f"/projects/{project}/{path}")
        tags = [e for e in page.iter("span") if "tag--certified" in e.get("class", "")]
        assert len(tags) == 3
        assert any(each.tag.endswith("svg") for each in tags[0].iter())
        assert "日まで" in text_of(page)
