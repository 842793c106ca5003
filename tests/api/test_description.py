"""Every answer of the API is told by its description, whatever is asked, and all that it promises is given."""

import re

import pytest

from tests.api.cases import Asker
from tests.api.examples import SHAPELESS
from tests.drills.schemathesis_cases import list_owners, rehearse

# The answers are the same on both; the drill asks ten thousand times, as each kind of client.
pytestmark = pytest.mark.sqlite_only


@pytest.mark.timeout(300)
def test_every_promised_answer_is_given_and_every_given_one_described(database, settings):
    tally = rehearse(settings, 1, lambda rows: [Asker("nobody", share=0), *list_owners(rows)])
    assert tally.server_errors == []
    assert tally.undocumented == []
    assert tally.unseen() == []
    assert {200, 201, 202, 204, 304, 400, 401, 403, 404, 410} <= set(tally.statuses)


def fields_of(description):
    """Give every field of every shape, and every parameter: where it stands, its words, its schema."""
    for name, shape in description["components"]["schemas"].items():
        for field, told in shape.get("properties", {}).items():
            yield f"{name}.{field}", told.get("description", ""), told
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            for each in operation["parameters"]:
                yield f"{method} {path} {each['name']}", each.get("description", ""), each["schema"]


def may_be_null(schema):
    return "null" in schema.get("type", ()) or {"type": "null"} in schema.get("anyOf", ())


def test_every_field_parameter_code_and_null_is_explained_in_japanese(api):
    """Mend it with words on the field itself or in catalog/api_words."""
    found = list(fields_of(api.description))
    assert len(found) > 1_000
    for where, words, schema in found:
        items = schema.get("items", {})
        codes = [each for each in schema.get("enum", items.get("enum", ())) if each]
        meanings = [f"{code}は" for code in codes if isinstance(code, str)]
        own = re.split(r"。|null", words)[0]
        assert re.search(r"[ぁ-んァ-ヶ一-龠]", own), f"{where}: {words}"
        assert not own.startswith(("情報がないときは", *meanings)), f"{where}: what is it?"
        for meaning in meanings:
            assert meaning in words + items.get("description", ""), where
        if "." in where and may_be_null(schema):
            assert "null" in words, where


def test_every_operation_has_its_group_and_each_status_its_meaning(api):
    groups = {each["name"] for each in api.description["tags"]}
    for path, methods in api.description["paths"].items():
        for operation in methods.values():
            assert set(operation["tags"]) < groups, f"{path}: name its group in GROUPS"
            for status, answer in operation["responses"].items():
                assert re.search(r"[ぁ-ん]", answer["description"]), f"{path} {status}"


def test_each_example_fits_what_is_said_of_it(api):
    shapeless, bodies = set(), 0
    for path, methods in api.description["paths"].items():
        for method, operation in methods.items():
            for each in operation["parameters"]:
                if each["in"] == "path":
                    assert each["example"], f"{method} {path}"
                if "example" in each and each["schema"].get("type") in ("string", "array"):
                    api.hold(each["example"], each["schema"])
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                if kind != "application/json" and "example" not in content:
                    continue  # of a file one kind is shown
                bodies += 1
                api.hold(content["example"], content["schema"])
            (done,) = (operation["responses"][s] for s in operation["responses"] if s < "300")
            for content in done.get("content", {}).values():
                if content.get("schema"):
                    api.hold(content["example"], content["schema"])
                else:
                    shapeless.add(f"{method} {path}")
    assert shapeless == SHAPELESS
    assert bodies > 10


def test_each_list_names_the_conditions_that_nobody_asked_for(api):
    """A new list says with `adds` what it leaves out by itself; () if nothing."""
    shapes = api.description["components"]["schemas"]
    lists = {name for name in shapes if name.endswith(("Page", "List", "Package"))} - {"ChangePage"}
    for name in lists | {"SearchAnswer", "Cost", "Comparison", "Candidates"}:
        assert "server_filters" in shapes[name]["required"], name
        told = shapes[name]["properties"]["server_filters"]["description"]
        assert "は" in told or "ない" in told, name
    public = {each["name"] for each in api.json("/offerings")["server_filters"]}
    assert {"public", "vendor_in_force", "standing_now"} <= public
    assert api.json("/bodies")["server_filters"] == []
    for name in public:
        assert f"{name}は" in shapes["OfferingPage"]["properties"]["server_filters"]["description"]
