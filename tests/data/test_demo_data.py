import csv
import re
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from accounts.models import OrganisationKind, Role
from catalog.certification.models import ReviewState
from catalog.offerings.models import OfferState
from catalog.price_plan import (
    ALLOWED_INTERVALS,
    ComponentKind,
    Interval,
    TaxRounding,
    TierMode,
    Unit,
)
from catalog.terms import HOSTING_CODES, Answer, SizeClass
from vendors.models import VendorState

ROOT = Path(__file__).resolve().parents[2]
BODY_DATA = ROOT / "accounts" / "data"
DEMO_DATA = ROOT / "catalog" / "data"
DEMO_TOWN, DEMO_TOWN_POPULATION = "203840", 9_007
SMALL_AMOUNT_CEILING = 1_000_000  # yen with tax, municipalities, services (施行令167条の2)
PATTERN_B = "MIHON-SHISETSU"
CSV_HEADINGS = [
    *("要件ID", "大項目", "中項目", "機能名称", "機能要件"),
    *("種別", "実装区分", "考え方・理由", "適合基準日"),
]
DUTIES = {"conforms", "conditional", "alternative", "not_conforming", "not_applicable"}


def read_rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_toml(name):
    return tomllib.loads((DEMO_DATA / name).read_text(encoding="utf-8"))


BODIES = read_rows(BODY_DATA / "bodies.csv")
SPECIFICATIONS = {
    "1.0": read_rows(DEMO_DATA / "sample_specification.csv"),
    "2.0": read_rows(DEMO_DATA / "sample_specification_v2.csv"),
}
VENDORS = {row["key"]: row for row in read_toml("demo_vendors.toml")["vendors"]}
OFFERINGS = read_toml("demo_offerings.toml")["offerings"]
RESIDENT_OFFERINGS = read_toml("demo_offerings_jyuki.toml")["offerings"]
ALL_OFFERINGS = OFFERINGS + RESIDENT_OFFERINGS
LISTINGS = {
    listing["key"]: (offering, listing)
    for offering in ALL_OFFERINGS
    for listing in offering["listings"]
}
ACCOUNTS = {row["email"]: row for row in read_toml("demo_accounts.toml")["accounts"]}
PROJECTS = read_toml("demo_projects.toml")["projects"]


def has_role(email, organisation, role):
    return {"organisation": organisation, "role": role} in ACCOUNTS[email]["memberships"]


def requirement_classes(offering):
    rows = SPECIFICATIONS[offering["specification_version"]]
    return {row["要件ID"]: row for row in rows}


# --- specifications -------------------------------------------------------------------------------


@pytest.mark.parametrize(("label", "classes"), [("1.0", (40, 14, 6)), ("2.0", (42, 14, 6))])
def test_sample_specification_holds_its_classes(label, classes):
    rows = SPECIFICATIONS[label]
    counts = Counter(row["実装区分"] for row in rows)
    assert (counts["実装必須"], counts["標準オプション"], counts["実装不可"]) == classes
    assert sum(classes) == len(rows) == len({row["要件ID"] for row in rows})
    assert list(rows[0])[:9] == CSV_HEADINGS
    assert {row["種別"] for row in rows} == {"機能", "帳票", "データ", "連携", "非機能"}
    assert all(row[heading] for row in rows for heading in CSV_HEADINGS)
    assert {date.fromisoformat(row["適合基準日"]) > date(2027, 10, 1) for row in rows} == {
        True,
        False,
    }


def test_second_version_names_what_it_changes():
    first = {row["要件ID"]: row for row in SPECIFICATIONS["1.0"]}
    second = SPECIFICATIONS["2.0"]
    for row in second:
        before = first.get(row["前版要件ID"])
        same = before is not None and all(before[name] == row[name] for name in CSV_HEADINGS)
        assert same == (row["改定種別"] == "変更なし"), row
        assert (before is None) == (row["改定種別"] == "新規"), row
    assert Counter(row["改定種別"] for row in second) == {"変更なし": 53, "修正": 7, "新規": 2}
    assert set(first) - {row["前版要件ID"] for row in second} == {"SY-0430"}


# --- vendors, people ------------------------------------------------------------------------------


def test_corporate_numbers_are_well_formed_and_of_no_real_registry_office():
    numbers = [row["corporate_number"] for row in VENDORS.values()]
    assert len(set(numbers)) == len(VENDORS) == 12
    for number in numbers:
        weighted = sum(int(d) * (1 + i % 2) for i, d in enumerate(reversed(number[1:])))
        assert re.fullmatch("[1-9]9999[0-9]{8}", number)
        assert int(number[0]) == 9 - weighted % 9


def test_vendors_stand_in_the_states_that_the_demo_shows():
    states = Counter(row["state"] for row in VENDORS.values())
    assert states == {"active": 9, "submitted": 1, "draft": 1, "suspended": 1}
    assert set(states) <= {state.value for state in VendorState}
    for key, row in VENDORS.items():
        assert has_role(row["admin"], f"vendor:{key}", "vendor_admin")
        assert all(has_role(email, f"vendor:{key}", "vendor_member") for email in row["members"])
        if row["state"] == "active":
            assert row["agreement_accepted_on"] >= row["decided_on"]
            needed = {"goods_sale", "service"} if "seller" in row["roles"] else {"service"}
            assert needed <= set(row["qualification_kinds"])


def test_there_are_accounts_for_every_role_and_two_where_four_eyes_need_them():
    roles = Counter(m["role"] for row in ACCOUNTS.values() for m in row["memberships"])
    town = Counter(
        m["role"] for row in ACCOUNTS.values() for m in row["memberships"]
        if m["organisation"] == f"body:{DEMO_TOWN}"
    )  # fmt: skip
    assert set(roles) == {role.value for role in Role}
    assert (roles["reviewer"], roles["lead_reviewer"]) == (3, 2)
    assert town == {"clerk": 2, "approver": 2}
    assert len(read_toml("demo_accounts.toml")["password"]) >= 12
    assert len([key for key, row in VENDORS.items() if row["members"]]) == 2


def test_accounts_belong_to_organisations_that_exist_and_never_mix_operator_with_business():
    kinds = {row["key"]: row["kind"] for row in read_toml("demo_accounts.toml")["organisations"]}
    known = (
        {f"body:{row['code']}" for row in BODIES}
        | {f"vendor:{key}" for key in VENDORS}
        | set(kinds)
    )
    assert set(kinds.values()) <= {kind.value for kind in OrganisationKind}
    for email, row in ACCOUNTS.items():
        roles = {m["role"] for m in row["memberships"]}
        assert email.endswith(".example.jp")
        assert {m["organisation"] for m in row["memberships"]} <= known, email
        assert roles == {"operator"} or "operator" not in roles


def test_everything_invented_says_so():
    names = [row["name"] for row in [*VENDORS.values(), *ALL_OFFERINGS, *ACCOUNTS.values()]]
    names += [row["title"] for row in PROJECTS]
    specifications = read_toml("demo_specifications.toml")["specifications"]
    names += [row["name"] for row in specifications if row["is_sample"]]
    assert all("versions" not in row for row in specifications if not row["is_sample"])
    assert [name for name in names if "見本" not in name] == []


# --- offerings ------------------------------------------------------------------------------------


def test_there_are_forty_offerings_and_eight_more_for_resident_records():
    assert len(OFFERINGS) == 40
    versions = Counter(
        (row["specification"], row["specification_version"]) for row in ALL_OFFERINGS
    )
    assert versions == {(PATTERN_B, "1.0"): 34, (PATTERN_B, "2.0"): 6, ("JYUKI", "1.0"): 8}
    assert (
        len({row["key"] for row in ALL_OFFERINGS})
        == len({row["name"] for row in ALL_OFFERINGS})
        == 48
    )
    assert len(LISTINGS) == sum(len(row["listings"]) for row in ALL_OFFERINGS)


def test_offerings_are_in_every_state():
    states = {row["state"] for row in OFFERINGS}
    states |= {old["state"] for row in OFFERINGS for old in row.get("earlier_versions", [])}
    assert states == {state.value for state in OfferState}
    reviews = {row["certification"]["state"] for row in OFFERINGS if "certification" in row}
    assert reviews == {state.value for state in ReviewState} - {"draft", "superseded"}
    claimed = [
        row for row in OFFERINGS if "certification" not in row and "conformance_defaults" in row
    ]
    unknown = [row for row in OFFERINGS if "conformance_defaults" not in row]
    assert len([row for row in claimed if row["state"] == "published"]) == 5
    assert len([row for row in unknown if row["state"] == "published"]) == 2
    ends = [
        row["certification"].get("valid_until", date.max)
        for row in OFFERINGS
        if "certification" in row
    ]
    assert len([end for end in ends if end < date(2026, 6, 30)]) == 2


def test_offerings_use_known_codes_and_fit_their_columns():
    for row in ALL_OFFERINGS:
        assert "maker" in VENDORS[row["maker"]]["roles"], row["key"]
        assert row["hosting_provider"] in HOSTING_CODES
        assert set(row["networks"]) <= {"internet", "lgwan"}
        assert set(row["size_classes"]) <= {size.value for size in SizeClass}
        assert len(row["name"]) <= 120
        assert len(row["summary"]) <= 200
        assert row["features"]


def test_answers_are_allowed_for_the_class_of_their_requirement():
    for row in OFFERINGS:
        requirements = requirement_classes(row)
        for answer in row.get("conformance_overrides", []):
            requirement = requirements[answer["requirement_id"]]
            duties = requirement["実装区分"] != "実装不可"
            assert answer["answer"] in (DUTIES if duties else {"not_implemented", "violates"})
            assert Answer(answer["answer"])
            assert (answer["answer"] == "conditional") == ("due_on" in answer)
            assert answer["note"]


def test_certificates_follow_the_roll_up():
    for row in OFFERINGS:
        certificate = row.get("certification", {})
        requirements = requirement_classes(row)
        unmet = {}
        for each in row.get("conformance_overrides", []):
            is_must = requirements[each["requirement_id"]]["実装区分"] == "実装必須"
            is_open = is_must and each["answer"] in {"conditional", "not_conforming"}
            if is_open or each["answer"] == "violates":
                unmet[each["requirement_id"]] = each["answer"]
        if certificate.get("state") in {"certified", "suspended", "revoked"}:
            assert unmet == {}, row["key"]
        if certificate.get("state") == "conditional":
            assert set(unmet) == {each["requirement_id"] for each in certificate["conditions"]}
            for each in certificate["conditions"]:
                base = date.fromisoformat(requirements[each["requirement_id"]]["適合基準日"])
                assert certificate["decided_on"] < each["due_on"] < base
        if certificate.get("state") == "refused":
            assert "violates" in unmet.values()


def test_certificates_are_decided_by_four_people_after_the_specification_existed():
    published = {
        version["label"]: version["published_on"]
        for version in read_toml("demo_specifications.toml")["specifications"][0]["versions"]
    }
    for row in OFFERINGS:
        certificate = row.get("certification")
        if certificate is None or "decided_on" not in certificate:
            continue
        reviewers = [certificate["first_reviewer"], certificate["second_reviewer"]]
        people = [VENDORS[row["maker"]]["admin"], *reviewers, certificate["decided_by"]]
        assert len(set(people)) == 4
        assert all(has_role(email, "agency", "reviewer") for email in reviewers)
        assert has_role(certificate["decided_by"], "agency", "lead_reviewer")
        earliest = published[row["specification_version"]]
        assert earliest < certificate["submitted_on"] < certificate["decided_on"]
        assert certificate.get("valid_until", date.max) > certificate["decided_on"]
        assert row.get("published_on", date.max) >= certificate["decided_on"]


def test_every_price_component_is_one_that_can_be_charged():
    for offering, listing in LISTINGS.values():
        assert listing["components"], listing["key"]
        assert TaxRounding(listing["tax_rounding"])
        for each in listing["components"]:
            assert Interval(each["interval"]) in ALLOWED_INTERVALS[ComponentKind(each["kind"])]
            assert Unit(each["unit"])
            assert TierMode(each["tier_mode"])
            lowers = [lower for lower, _ in each["tiers"]]
            assert lowers == sorted(set(lowers))
            assert lowers[:1] in ([], [0])
        exits = [each["tiers"][0][1] for each in listing["components"] if each["kind"] == "exit"]
        assert sum(exits) == listing["export_charge_yen"], offering["key"]


def test_sellers_may_sell_and_one_software_has_two_resellers():
    resellers = Counter()
    for offering, listing in LISTINGS.values():
        assert "seller" in VENDORS[listing["seller"]]["roles"], listing["key"]
        is_resold = listing["seller"] != offering["maker"]
        assert is_resold == ("confirmed_by_maker" in listing)
        resellers[offering["key"]] += is_resold
        if listing["state"] == "published" and is_resold:
            assert listing["confirmed_by_maker"]
    assert [key for key, count in sorted(resellers.items()) if count == 2] == ["karina", "tobira"]
    waiting = [row for _, row in LISTINGS.values() if row.get("confirmed_by_maker") is False]
    assert [row["state"] for row in waiting] == ["submitted"]


def total_with_tax(components, rounding, population, months):
    """Add up initial, monthly base and a flat price per person from April on, by hand."""
    once, monthly = 0, 0
    for each in components:
        if each["kind"] == "option":
            continue
        assert each["kind"] in {"initial", "base", "usage", "training"}
        [[_, price]] = each["tiers"]
        amount = price * population if each["unit"] == "person" else price
        once += amount if each["interval"] == "once" else 0
        monthly += amount if each["interval"] == "month" else 0
    years = [once + monthly * 12] + [monthly * 12] * (months // 12 - 1)
    if rounding == "whole":
        return sum(years) + sum(years) // 10
    return sum(year + year // 10 for year in years)


def test_two_competing_certified_listings_cost_the_demo_town_less_than_the_ceiling():
    town = next(row for row in BODIES if row["code"] == DEMO_TOWN)
    assert int(town["population"]) == DEMO_TOWN_POPULATION
    totals = {}
    for key in ("machi-heya--kaku", "tobira--mihon", "hinaga--hinagata"):
        offering, listing = LISTINGS[key]
        assert (offering["state"], offering["certification"]["state"]) == ("published", "certified")
        assert "under_10k" in offering["size_classes"]
        components, rounding = listing["components"], listing["tax_rounding"]
        totals[key] = total_with_tax(components, rounding, DEMO_TOWN_POPULATION, 36)
    # 99,000 + 36 × (12,000 + 9,007), tax floored per fiscal year; 36 × 24,000, tax on the whole.
    assert totals["machi-heya--kaku"] == 386_192 + 277_292 + 277_292 == 940_776
    assert totals["tobira--mihon"] == 950_400
    assert max(totals["machi-heya--kaku"], totals["tobira--mihon"]) < SMALL_AMOUNT_CEILING
    assert totals["hinaga--hinagata"] > 2 * SMALL_AMOUNT_CEILING


# --- projects -------------------------------------------------------------------------------------


def test_there_is_one_project_in_every_state():
    assert Counter(row["state"] for row in PROJECTS) == dict.fromkeys(
        ["draft", "searching", "evidence_locked", "compared", "quoting", "quotes_opened",
         "selection_proposed", "selection_approved", "closed", "none_suitable", "cancelled"], 1,
    )  # fmt: skip


def test_projects_name_listings_that_their_body_could_buy():
    for row in PROJECTS:
        assert has_role(row["clerk"], f"body:{row['body']}", "clerk")
        assert has_role(row["approver"], f"body:{row['body']}", "approver")
        assert row["clerk"] != row["approver"]
        for key in row.get("candidates", []):
            offering, listing = LISTINGS[key]
            assert (offering["state"], listing["state"]) == ("published", "published")
            assert offering["certification"]["state"] in row["filters"]["certification"]
            assert set(row["filters"]["size_classes"]) <= set(offering["size_classes"])
            assert listing["minimum_term_months"] <= row["months"]
        if "selection" in row:
            assert row["selection"]["listing"] in row["candidates"]
            assert row["selection"]["ground"] == "small_amount"
        assert ("closing_reason" in row) == (row["state"] in {"none_suitable", "cancelled"})


def test_direct_purchases_stay_below_the_ceiling_of_their_body():
    ceilings = {"203840": 1_000_000, "202045": 1_000_000, "221309": 2_000_000}
    populations = {row["code"]: row["population"] for row in BODIES}
    chosen = [row for row in PROJECTS if "selection" in row]
    assert len(chosen) == 3
    for row in chosen:
        _, listing = LISTINGS[row["selection"]["listing"]]
        terms = listing["components"], listing["tax_rounding"]
        total = total_with_tax(*terms, int(populations[row["body"]]), row["months"])
        assert total <= ceilings[row["body"]]
