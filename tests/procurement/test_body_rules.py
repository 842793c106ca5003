"""A body's own rules: two people, frozen, never above the decree; numbers, routes and methods.

Pages and pure rules are asked on SQLite alone; services and the database's own guards on both.
"""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from accounts.models import BodyKind, Role
from catalog.price_plan import TaxRounding
from core import db
from core.clock import today_jst
from core.errors import Conflict, Forbidden, GuardFailed, Invalid, WrongState
from procurement.bodies import queries, services
from procurement.bodies.methods import (
    AFTER_TENDER,
    Ground,
    Method,
    MethodFacts,
    Need,
    open_methods,
)
from procurement.bodies.models import ContractCategory, StepKind
from procurement.bodies.numbering import refuse_pattern, take_number
from procurement.bodies.rules import DECREE, BodyRules, route_for
from procurement.bodies.services import RouteBand
from procurement.projects.models import ContractTermBasis, Project
from procurement.projects.services import create_project, set_cost_conditions
from tests.page_checks import text_of
from tests.procurement.conftest import PROJECT

TODAY = datetime(2026, 10, 1, 3, tzinfo=UTC)
RULES: dict[str, Any] = {
    "valid_from": date(2026, 10, 1),
    "source": "見本町契約規則（見本）",
    "saas_category": ContractCategory.LEASE,
    "rounding": TaxRounding.PER_YEAR,
    "long_term_allowed": True,
    "long_term_max_months": 60,
    "long_term_source": "見本町長期継続契約条例第2条（見本）",
    "quotes_at_least": 3,
    "designated_at_least": 5,
    "single_quote_up_to": 100_000,
    "sheet_omitted_up_to": 300_000,
    "number_pattern": "見{年度}-{種類}{番号だけ}号",
    "head_title": "見本町長",
    "head_name": "見本　一郎",
    "department": "総務課",
    "address": "見本県見本町1番地",
    "phone": "0277-00-0000",
    "ceilings": {ContractCategory.LEASE: 500_000},
    "bands": [
        RouteBand(300_000, ("係長",), (), "課長"),
        RouteBand(None, ("課長",), ("財政課長",), "町長"),
    ],
}


def confirm(market, **values):
    """Propose as the clerk and confirm as the approver."""
    clerk, approver = actors(market)
    with db.transaction() as session:
        made = services.propose_rules(session, clerk, **{**RULES, **values})
    with db.transaction() as session:
        return services.confirm_rules(session, approver, made, version=made.version)


def actors(market):
    return market.actor(market.clerk, Role.CLERK), market.actor(market.approver, Role.APPROVER)


FROZEN = [
    "UPDATE body_rules SET quotes_at_least = 9 WHERE state = 'confirmed'",
    "UPDATE body_rules SET confirmed_by_id = proposed_by_id WHERE state = 'confirmed'",
    "UPDATE body_rules SET state = 'confirmed' WHERE state = 'withdrawn'",
    "DELETE FROM body_rules WHERE state = 'confirmed'",
    "UPDATE approval_steps SET title = '係員' WHERE kind = 'decide'",
    "DELETE FROM approval_steps",
    "UPDATE small_amount_ceilings SET amount = 1 WHERE body_rules_id IS NOT NULL",
    "DELETE FROM small_amount_ceilings WHERE body_rules_id IS NOT NULL",
]
_ALONE = "confirmed_at = created_at, confirmed_by_id = proposed_by_id WHERE state = 'proposed'"
_OTHER = "(SELECT p.id FROM people p WHERE p.id <> body_rules.proposed_by_id LIMIT 1)"
UNSEEN = [
    f"UPDATE body_rules SET proposed_by_id = {_OTHER} WHERE state = 'proposed'",
    "UPDATE body_rules SET state = 'confirmed' WHERE state = 'proposed'",
    f"UPDATE body_rules SET state = 'confirmed', {_ALONE}",
]


def try_by_sql(statement):
    """Give the words with which the database refuses a statement."""
    with pytest.raises((sa.exc.DBAPIError, Conflict)) as refused, db.transaction() as session:
        session.execute(sa.text(statement))
    return str(refused.value.__cause__ or refused.value)


def test_rules_need_two_people_and_are_frozen_by_the_database(market, hold_clock):
    hold_clock(TODAY)
    clerk, approver = actors(market)
    with db.transaction() as session:
        own = services.propose_rules(session, approver, **RULES)
        for refused, who in ((Forbidden, approver), (Forbidden, clerk)):
            with pytest.raises(refused):
                services.confirm_rules(session, who, own, version=1)
        services.withdraw_rules(session, clerk, own, version=1, reason="作り直すため。")
        made = services.propose_rules(session, clerk, **RULES)
        assert queries.rules_for(session, market.body, date(2026, 10, 2)) == DECREE
    with db.transaction() as session:
        services.confirm_rules(session, approver, made, version=1)
        with pytest.raises(WrongState):
            services.withdraw_rules(session, clerk, made, version=2, reason="遅い。")
    for statement in FROZEN:
        assert re.search("frozen|kept|of_open_rules", try_by_sql(statement)), statement
    with db.transaction() as session:
        open_ones = services.propose_rules(
            session, clerk, **{**RULES, "valid_from": date(2027, 4, 1)}
        )
    for statement in UNSEEN:
        assert re.search("proposer_stays|confirmed|four_eyes", try_by_sql(statement)), statement
    assert open_ones.state.value == "proposed"


def test_rules_count_from_their_day_and_never_exceed_the_decree(market, hold_clock):
    hold_clock(TODAY)
    clerk, approver = actors(market)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"valid_from": date(2026, 9, 30)}, "valid_from"),
        ({"ceilings": {ContractCategory.LEASE: 800_001}}, "ceiling_lease"),
        ({"ceilings": {ContractCategory.SERVICES: 1_000_001}}, "ceiling_services"),
        ({"long_term_max_months": None}, "long_term_max_months"),
        ({"long_term_source": ""}, "long_term_source"),
        ({"number_pattern": "第{番}号"}, "number_pattern"),
    ]
    for values, field in wrong:
        with pytest.raises(Invalid) as refused, db.transaction() as session:
            services.propose_rules(session, clerk, **{**RULES, **values})
        assert list(refused.value.errors) == [field], field
    with db.transaction() as session:
        late = services.propose_rules(session, clerk, **RULES)
    hold_clock(datetime(2026, 10, 5, 3, tzinfo=UTC))
    with db.transaction() as session:
        services.confirm_rules(session, approver, late, version=1)
        second = services.propose_rules(session, clerk, **{**RULES, "valid_from": date(2027, 4, 1)})
    with db.transaction() as session:
        days = (date(2026, 10, 4), date(2026, 10, 5), date(2027, 4, 1))
        found = [queries.rules_for(session, market.body, day) for day in days]
        assert [each.is_default for each in found] == [True, False, False]
        assert found[1].valid_from == date(2026, 10, 5)
        amounts = [
            queries.ceiling_for(session, market.body, ContractCategory.LEASE, day).amount
            for day in days
        ]
        assert amounts == [800_000, 500_000, 500_000]
        services_limit = queries.ceiling_for(
            session, market.body, ContractCategory.SERVICES, days[1]
        )
        assert services_limit.amount == 1_000_000
        # The decree of the day goes before a body's higher figure, whatever was confirmed.
        session.execute(
            sa.text(
                "UPDATE small_amount_ceilings SET amount = 400000 WHERE organisation_id IS NULL"
            )
        )
        lowered = queries.ceiling_for(session, market.body, ContractCategory.LEASE, days[1])
        assert lowered.amount == 400_000
        with pytest.raises(GuardFailed):
            services.confirm_rules(session, approver, second, version=1)
        session.rollback()
    with db.transaction() as session:
        services.confirm_rules(session, approver, second, version=1)
    with pytest.raises(Invalid), db.transaction() as session:
        services.propose_rules(session, clerk, **{**RULES, "valid_from": date(2027, 4, 1)})


def test_numbers_follow_the_pattern_without_a_gap(market, hold_clock):
    hold_clock(datetime(2027, 3, 31, 14, 59, tzinfo=UTC))
    owned = BodyRules(number_pattern=RULES["number_pattern"])

    def take(series, rules=owned):
        with db.transaction() as session:
            return take_number(session, series, market.body.id, rules).text

    assert [take("quote"), take("quote"), take("selection")] == [
        "見8-見積1号",
        "見8-見積2号",
        "見8-選定1号",
    ]
    with pytest.raises(ZeroDivisionError), db.transaction() as session:
        take_number(session, "quote", market.body.id, owned)
        raise ZeroDivisionError
    assert take("quote", DECREE) == "見積令和8-0003"
    hold_clock(datetime(2027, 3, 31, 15, 0, tzinfo=UTC))
    assert take("quote") == "見9-見積1号"
    assert refuse_pattern("{元号}{年度}-{番号}") is None
    for wrong in (
        "{番号}",
        "{年度}",
        "{年度}-{番号",
        "{年度}{番号}{課}",
        "あ" * 20 + "{年度}{番号}",
    ):
        assert refuse_pattern(wrong), wrong


def test_route_follows_the_amount(market, hold_clock):
    hold_clock(TODAY)
    confirm(market)
    with db.reading() as session:
        rules = queries.rules_for(session, market.body, date(2026, 10, 1))
    low, high = route_for(rules, 300_000), route_for(rules, 300_001)
    assert [step.title for step in low] == ["担当者", "係長", "課長"]
    assert [step.kind for step in high] == list(StepKind)
    assert route_for(rules, None) == high
    assert rules.letterhead.sender == "見本町長　見本　一郎"
    assert rules.own_rounding is TaxRounding.PER_YEAR
    assert [step.title for step in route_for(DECREE, 1)] == ["担当者", "決裁者"]


# --- methods: kind of body, amount, ceiling, conforming, other facts, then what is open and suggested

_ALL = "LQSPDO"
_BY_LETTER = dict(zip(_ALL, Method, strict=True))
OWN = BodyRules(quotes_at_least=3, single_quote_up_to=100_000, sheet_omitted_up_to=300_000)
CASES: list[tuple[Any, ...]] = [
    # amount, ceiling, conforming, other facts, open, suggested
    (900_000, 1_000_000, 2, {}, "LQSPO", "Q"),
    (1_000_000, 1_000_000, 2, {}, "LQSPO", "Q"),
    (1_000_001, 1_000_000, 2, {}, "SPO", "O"),
    (800_001, 800_000, 2, {"category": ContractCategory.LEASE}, "SPO", "O"),
    (900_000, 1_000_000, 1, {}, "LSO", "L"),
    (900_000, 1_000_000, 0, {}, "O", ""),
    (900_000, 1_000_000, 3, {}, "LQSPDO", "Q"),
    (900_000, 1_000_000, 3, {"rules": OWN}, "LQSPDO", "Q"),
    (900_000, 1_000_000, 2, {"rules": OWN}, "LSPO", "L"),
    (100_000, 1_000_000, 3, {"rules": OWN}, "LQSPDO", "L"),
    (100_001, 1_000_000, 3, {"rules": OWN}, "LQSPDO", "Q"),
    (100_000, 1_000_000, 1, {"rules": OWN}, "LSO", "L"),
    (0, 1_000_000, 2, {}, "LQSPO", "Q"),
    (0, 1_000_000, 1, {}, "LSO", "L"),
    (2_000_000, 1_000_000, 1, {}, "SO", "S"),
    (2_000_000, 1_000_000, 3, {}, "SPDO", "O"),
    (2_000_000, 1_000_000, 0, {}, "O", ""),
    (None, 1_000_000, 2, {}, "QSPO", "Q"),
    (None, 1_000_000, 1, {}, "SO", ""),
    (None, 1_000_000, 0, {}, "O", ""),
    (None, 1_000_000, 2, {"rules": OWN}, "SPO", ""),
    (None, 1_000_000, 3, {"rules": OWN}, "QSPDO", "Q"),
    (None, None, 3, {}, "SPDO", ""),
    (900_000, None, 3, {}, "SPDO", "O"),
    (900_000, None, 1, {}, "SO", "S"),
    (900_000, 1_000_000, 2, {"amount_is_estimate": True}, "QSPO", "Q"),
    (900_000, 1_000_000, 2, {"amount_is_estimate": True, "rules": OWN}, "SPO", ""),
    (90_000, 1_000_000, 3, {"amount_is_estimate": True, "rules": OWN}, "QSPDO", "Q"),
    (900_000, 1_000_000, 1, {"amount_is_estimate": True}, "SO", "S"),
    (600_000, 1_000_000, 2, {"related_total": 400_000}, "LQSPO", "Q"),
    (600_000, 1_000_000, 2, {"related_total": 400_001}, "LQSPO", "O"),
    (600_000, 1_000_000, 1, {"related_total": 400_001}, "LSO", "S"),
    (50_000, 1_000_000, 3, {"related_total": 999_999, "rules": OWN}, "LQSPDO", "O"),
    (1_500_000, 2_000_000, 2, {"kind_of_body": BodyKind.PREFECTURE}, "LQSPO", "Q"),
    (2_000_001, 2_000_000, 2, {"kind_of_body": BodyKind.DESIGNATED_CITY}, "SPO", "O"),
    (900_000, 1_000_000, 2, {"has_budget_clause": True}, "LQSPO", "Q"),
    (900_000, 1_000_000, 100, {"rules": OWN}, "LQSPDO", "Q"),
    (1, 1, 2, {}, "LQSPO", "Q"),
]  # fmt: skip


@pytest.mark.sqlite_only
def test_open_methods_follow_amount_rules_and_what_conforms():
    for amount, ceiling, conforming, other, is_open, suggested in CASES:
        facts = MethodFacts(
            **{
                "kind_of_body": BodyKind.TOWN,
                "category": ContractCategory.SERVICES,
                "amount": amount,
                "ceiling": ceiling,
                "conforming": conforming,
                "rules": DECREE,
                **other,
            }
        )
        answers = {each.method: each for each in open_methods(facts)}
        case = (amount, ceiling, conforming, other)
        letters = "".join(key for key, method in _BY_LETTER.items() if answers[method].is_open)
        assert letters == is_open, case
        chosen = [key for key, method in _BY_LETTER.items() if answers[method].is_suggested]
        assert "".join(chosen) == suggested, case
        assert all(each.why for each in answers.values()), case
        _check_needs(facts, answers)


def _check_needs(facts, answers):
    sole = answers[Method.SINGLE_QUOTE]
    if facts.conforming >= 2:
        assert not sole.is_suggested
        assert Need.ACKNOWLEDGEMENT in sole.needs
    assert (set(AFTER_TENDER) <= set(sole.grounds)) is sole.is_open
    assert (Ground.SMALL_AMOUNT in sole.grounds) is (sole.is_open and facts.is_small)
    if sole.is_open:
        asks = Need.ONE_VENDOR_REASON in sole.needs
        assert asks is not (facts.is_small and facts.may_ask_one)
    for each in answers.values():
        if not each.is_open:
            assert not each.needs
            assert not each.grounds
            continue
        assert (Need.BUDGET_CLAUSE in each.needs) is facts.has_budget_clause
        small = each.method in {Method.LIST_PRICE, Method.QUOTES, Method.SINGLE_QUOTE}
        assert (Need.SPLITTING_NOTE in each.needs) is (small and facts.splits)
    assert Need.ESTIMATED_PRICE in answers[Method.OPEN_TENDER].needs
    if answers[Method.QUOTES].is_open:
        limit = facts.rules.sheet_omitted_up_to
        omitted = limit is not None and facts.amount is not None and facts.amount <= limit
        assert (Need.ESTIMATED_PRICE in answers[Method.QUOTES].needs) is not omitted
    if answers[Method.LIST_PRICE].is_open:
        asked = Need.ONE_VENDOR_REASON in answers[Method.LIST_PRICE].needs
        assert asked is not facts.may_ask_one


TYPED = {
    "valid_from-era": "western",
    "valid_from-year": "2090",
    "valid_from-month": "4",
    "valid_from-day": "1",
    "source": "見本町契約規則第25条",
    "saas_category": "lease",
    "rounding": "per_year",
    "ceiling_lease": "500,000",
    "quotes_at_least": "3",
    "single_quote_up_to": "100000",
    "designated_at_least": "5",
    "long_term": "allowed",
    "long_term_max_months": "60",
    "long_term_source": "見本町長期継続契約条例第2条",
    "number_pattern": "見{年度}-{種類}{番号}",
    "head_title": "見本町長",
    "head_name": "見本　一郎",
    "department": "総務課",
    "address": "見本県見本町1番地",
    "phone": "0277-00-0000",
    "upto_1": "300000",
    "examiners_1": "係長、課長補佐",
    "decider_1": "課長",
    "decider_3": "町長",
}


@pytest.mark.sqlite_only
def test_rules_are_proposed_and_confirmed_on_their_pages(market):
    clerk, approver = market.as_(market.clerk), market.as_(market.approver)
    assert "まだ確定していません" in text_of(clerk.page("/body/rules"))
    for values, sentence in (
        ({"ceiling_lease": "800001"}, "施行令の800,000円以下で"),
        ({"decider_1": ""}, "経路1の決裁する職を入力してください"),
        ({"upto_1": ""}, "いくらまでかを入力してください"),
        ({"upto_2": "1", "decider_2": "部長"}, "前の経路より大きく"),
        ({"long_term_max_months": ""}, "上限の月数を入力"),
        ({"number_pattern": "{年度}"}, "{番号だけ}を入れて"),
    ):
        refused = clerk.submit("/body/rules/new", {**TYPED, **values})
        assert refused.status_code == 422, values
        assert sentence in refused.text, values
        assert "見本町契約規則第25条" in refused.text
    made = clerk.submit("/body/rules/new", TYPED)
    assert made.status_code == 303
    page = text_of(clerk.page(made.location))
    assert "見8-見積0012" in page
    assert "起案：担当者 → 審査：係長 → 審査：課長補佐 → 決裁：課長" in page
    assert clerk.get(f"{made.location}/confirm").status_code == 403
    assert approver.submit(f"{made.location}/confirm", {}).status_code == 422
    done = approver.submit(f"{made.location}/confirm", {"confirmed": "yes"})
    assert done.status_code == 303
    assert "確定済み" in text_of(approver.page(made.location))
    assert approver.get(f"{made.location}/withdraw").status_code == 303
    # What was confirmed last fills the next proposal.
    form = approver.page("/body/rules/new")
    assert form.find(".//input[@name='examiners_1']").get("value") == "係長、課長補佐"
    again = approver.submit("/body/rules/new", {**TYPED, "valid_from-year": "2091"})
    own = approver.submit(f"{again.location}/confirm", {"confirmed": "yes"})
    assert own.status_code == 403
    withdrawn = clerk.submit(
        f"{again.location}/withdraw", {"confirmed": "yes", "reason": "誤りのため。"}
    )
    assert withdrawn.status_code == 303
    assert "誤りのため。" in text_of(clerk.page(again.location))
    assert market.as_(market.seller_admin).get(made.location).status_code in {403, 404}


@pytest.mark.sqlite_only
def test_guidance_and_choice_follow_the_rules_of_the_body(market):
    market.reach_compared()
    client, path = market.as_(market.clerk), f"/projects/{market.project().id}"
    page = text_of(client.page(f"{path}/methods"))
    assert "この団体の規則は、まだ確定していません" in page
    assert "確定した検索結果で適合するサービス：3件" in page
    assert "第2号（性質又は目的が競争入札に適しない）は勧めません" in page
    before = services_rounding(market)
    confirm(market, valid_from=date(2090, 4, 1), ceilings={})
    assert services_rounding(market) == before
    with db.transaction() as session:
        row = session.get_one(Project, market.project().id)
        row.revise(row.version, burden_limit=1)
    refused = market.propose(market.cheap)
    assert refused.status_code == 422
    assert "債務負担行為の限度額1円をこえます" in refused.text
    with db.transaction() as session:
        row = session.get_one(Project, market.project().id)
        row.revise(row.version, burden_limit=None)
    refused = market.propose(market.cheap)
    assert "債務負担行為の限度額と議決の日が入力されていません" in refused.text


def services_rounding(market):
    return market.project().cost_conditions.get("rounding")


@pytest.mark.sqlite_only
def test_projects_take_category_rounding_and_cap_from_the_rules(market, hold_clock):
    hold_clock(TODAY)
    confirm(market)
    with db.transaction() as session:
        clerk, _ = actors(market)
        values = {
            **PROJECT,
            "starts_on": date(2027, 4, 1),
            "term_basis": ContractTermBasis.LONG_TERM,
        }
        made = create_project(session, clerk, **{**values, "term_months": 60})
        assert made.category is ContractCategory.LEASE
        assert made.cost_conditions["rounding"] == "per_year"
        assert made.burden_limit is None
        with pytest.raises(Invalid, match="60か月まで") as refused:
            create_project(session, clerk, **{**values, "term_months": 61})
        assert list(refused.value.errors) == ["term_months"]
        priced = set_cost_conditions(
            session, clerk, made, version=1, conditions={"rounding": "per_month"}
        )
        assert priced.cost_conditions["rounding"] == "per_year"


@pytest.mark.sqlite_only
def test_rounding_of_the_rules_is_shown_and_not_offered(market, hold_clock):
    market.reach_searching()
    client, path = market.as_(market.clerk), f"/projects/{market.project().id}/cost-conditions"
    assert client.page(path).findall(".//*[@name='rounding']")[0].get("type") != "hidden"
    confirm(market, valid_from=today_jst())
    page = client.page(path)
    assert [each.get("value") for each in page.findall(".//*[@name='rounding']")] == ["per_year"]
    assert "団体の規則で決まっています" in text_of(page)
    assert client.submit(path, {}).status_code == 303
    assert services_rounding(market) == "per_year"
