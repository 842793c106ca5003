"""Specifications over the API say what their pages say, to everyone, and nothing of drafts."""

import json
from datetime import date

import pytest

from catalog.specifications.models import SpecificationState, StandardSpecification
from core import db
from tests import factories
from tests.page_checks import text_of

BUDGET = 8


def code_of(version):
    with db.reading() as session:
        return session.get_one(StandardSpecification, version.specification_id).code


def pages(api, path):
    """Follow `next` to the end; every page but the last has a Link."""
    items, cursor = [], ""
    while True:
        mark = "&" if "?" in path else "?"
        response = api.get(f"{path}{mark}limit=2{cursor}")
        assert len(api.client.statements) <= BUDGET, api.client.statements
        items += response.json["items"]
        assert bool(response.json["next"]) == ("Link" in response.headers)
        if response.json["next"] is None:
            return items
        cursor = f"&cursor={response.json['next']}"


def test_specifications_are_paged_and_equal_to_the_page(api, market):
    code = code_of(market.version)
    with db.transaction() as session:
        others = [factories.specification(session, requirements=2) for _ in range(3)]
    codes = {code, *map(code_of, others)}
    found = pages(api, "/specifications")
    assert {each["code"] for each in found} == codes
    assert [each["code"] for each in found] == sorted(codes)
    shown = json.loads(api.client.get("/specifications?format=json").data)["items"]
    assert found == sorted(shown, key=lambda each: each["code"])
    one = api.json(f"/specifications/{code}")
    assert one == json.loads(api.client.get(f"/specifications/{code}?format=json").data)
    draft = code_of(market.draft)
    assert draft not in codes
    for path in (f"/{draft}", f"/{draft}/versions/{market.draft.label}", "/none"):
        assert api.json(f"/specifications{path}", 404)["type"].endswith("#not_found")


def test_a_version_its_requirements_and_their_history_equal_the_page(api, market):
    code, label = code_of(market.version), market.version.label
    path = f"/specifications/{code}/versions/{label}"
    whole = json.loads(api.client.get(f"/specifications/{code}/{label}?format=json").data)
    version = api.json(path)
    assert (version["specification"], version["version"]) == (
        whole["specification"],
        whole["version"],
    )
    assert sum(version["requirement_counts"].values()) == 3
    listed = pages(api, f"{path}/requirements")
    assert listed == whole["requirements"]
    first = listed[0]
    page = api.client.page(f"/specifications/{code}/{label}/{first['requirement_id']}")
    assert first["text"] in text_of(page)
    one = api.json(f"{path}/requirements/{first['requirement_id']}")
    assert one["requirement"] == first
    assert [each["version"] for each in one["history"]] == [label]
    assert api.json(f"{path}/requirements/none", 404)
    kept = api.json(f"{path}/requirements?class={first['class']['other']}&kind={first['kind']}")
    assert first in kept["items"]
    assert (kept["found"], kept["total"]) == (len(kept["items"]), 3)
    assert api.json(f"{path}/requirements?q={first['requirement_id']}")["items"] == [first]
    for query, name in (("class=good", "class"), ("kind=x", "kind"), ("colour=x", "colour")):
        problem = api.json(f"{path}/requirements?{query}", 400)
        assert [each["field"] for each in problem["errors"]] == [name]


def test_differences_equal_the_page_and_drafts_are_absent(api, market):
    with db.transaction() as session:
        specification = session.get_one(StandardSpecification, market.version.specification_id)
        later = factories.specification(
            session,
            specification=specification,
            requirements=4,
            label="第2.0版",
            applies_from=date(2026, 4, 1),
        )
        code, labels = specification.code, (market.version.label, later.label)
    path = f"/specifications/{code}/versions/{labels[1]}/changes"
    told = api.json(path)
    page = f"/specifications/{code}/{labels[1]}/changes?format=json"
    assert told == json.loads(api.client.get(page).data)
    assert (told["from"]["label"], told["to"]["label"]) == labels
    assert [each["kinds"] for each in told["changes"]] == [["reclassified"], ["added"]]
    assert api.json(f"{path}?from={labels[0]}") == told
    assert api.json(f"{path}?from=none", 404)
    assert api.json(f"{path}?to=x", 400)["errors"][0]["field"] == "to"
    with db.transaction() as session:
        draft = factories.specification(
            session,
            specification=specification,
            requirements=1,
            state=SpecificationState.DRAFT,
            label="第3.0版",
        )
        hidden = draft.label
    assert hidden not in json.dumps(api.json(f"/specifications/{code}"))
    assert api.json(f"/specifications/{code}/versions/{hidden}", 404)


@pytest.mark.sqlite_only
def test_unchanged_specifications_answer_304(api, market):
    code, label = code_of(market.version), market.version.label
    for path in (
        "/specifications",
        f"/specifications/{code}",
        f"/specifications/{code}/versions/{label}/requirements",
    ):
        tag = api.get(path).headers["ETag"]
        api.get(path, 304, headers={"If-None-Match": tag})
