"""How much a first-time vendor reads and fills in from sign-up to submission: under half an hour, by count.

The time of each is stated, not measured: enough to look the answer up in papers that lie ready
(certificate of registration, notice of the unified qualification) and to type it.
"""

import pytest

from tests.page_checks import text_of
from tests.vendors.test_addresses import begin, link_of
from tests.vendors.test_registration import COMPANY, CONTACT, QUALIFICATION

PAGE = 45  # seconds to open a page, read it and press its button
TYPED = 40  # seconds for a field to type
CHOSEN = 20  # seconds for boxes, rounds and ticks
DATE = 40  # seconds for a date in its parts
LETTER = 180  # seconds until the letter has come and is opened


def count_fields(page):
    """Return how many mandatory fields of a page are typed, chosen and dates."""
    needed = [each for each in page.iter() if "field__need--required" in (each.get("class") or "")]
    owners = {child: parent for parent in page.iter() for child in parent}
    typed = sum(owners[each].tag == "label" for each in needed)
    groups = [owners[owners[each]] for each in needed if owners[each].tag == "legend"]
    dates = sum(any((i.get("name") or "").endswith("-year") for i in g.iter()) for g in groups)
    ticks = sum(i.get("name") == "confirmed" for i in page.iter("input"))
    return typed, len(groups) - dates + ticks, dates


@pytest.mark.sqlite_only  # pages and their fields
def test_registration_asks_for_no_more_than_half_an_hour(client, settings):
    seen = {"/vendors/register": count_fields(client.page("/vendors/register"))}
    kinds = [each.get("type") for each in client.page("/sign-in").iter("input")]
    seen["/sign-in"] = (sum(kind in {"text", "email", "password"} for kind in kinds), 0, 0)
    file = begin(client)
    link = link_of(settings, "hanako@example.jp")
    seen["letter"] = count_fields(client.page(link))
    assert client.submit(link).status_code == 303
    far = {
        **QUALIFICATION,
        "qualification_expires_on-year": "99",
        "qualification_expires_on-month": "1",
    }
    refused = client.submit(f"{file}/qualification", far)
    assert (refused.status_code, "有効期間は3年度まで" in refused.text) == (422, True)
    declared = {"has_exclusions": "false"}
    sections = {
        "company": COMPANY,
        "qualification": QUALIFICATION,
        "exclusions": declared,
        "contact": CONTACT,
    }
    listed = [a.get("href") for a in client.page(file).iter("a") if f"{file}/" in a.get("href", "")]
    assert sorted(listed) == sorted(f"{file}/{name}" for name in (*sections, "submit"))
    for name, values in sections.items():
        seen[name] = count_fields(client.page(f"{file}/{name}"))
        assert client.submit(f"{file}/{name}", values).status_code == 303
    seen["submit"] = count_fields(client.page(f"{file}/submit"))
    assert client.submit(f"{file}/submit", {"confirmed": "yes"}).status_code == 303
    assert "デジタル庁が内容を確かめています" in text_of(client.page(file))
    typed, chosen, dates = (sum(each) for each in zip(*seen.values(), strict=True))
    pages = len(seen) + 1 + len(sections) + 1  # the page of thanks, and the list of tasks between
    assert (pages, typed, chosen, dates) == (14, 14, 8, 1), seen
    seconds = pages * PAGE + typed * TYPED + chosen * CHOSEN + dates * DATE + LETTER
    assert seconds <= 28 * 60, seconds
