"""Every code of an error answer is explained at the address that its `type` names."""

import pytest
from werkzeug.exceptions import default_exceptions

from core import errors, web
from core.problems import ENGLISH
from tests.page_checks import text_of

# Answers without database: the same on both, so asked once.
pytestmark = pytest.mark.sqlite_only


def kinds(base=errors.DomainError):
    for each in base.__subclasses__():
        yield each
        yield from kinds(each)


def explained(client):
    page = client.page("/docs/problems")
    return {each.get("id"): [text_of(part) for part in each] for each in page.iter("section")}


def test_each_code_has_its_place_with_status_meaning_and_remedy(client):
    rows = explained(client)
    for kind in kinds():
        if kind.__module__.startswith("tests"):
            continue
        assert kind.code in rows, kind
        code, status, meaning, remedy = rows[kind.code]
        assert (code, status) == (kind.code, f"状態コード：{web.status_of(kind)}")
        assert meaning.endswith(kind.meaning)
        assert remedy == f"直し方：{kind.remedy}"
        if "code" in vars(kind):
            assert {"meaning", "remedy"} <= set(vars(kind)), kind
        assert kind.code in ENGLISH, kind
    assert len(set(map(tuple, rows.values()))) == len(rows)
    assert set(ENGLISH) == set(rows)


def test_whatever_goes_wrong_names_a_place_that_is_there(app, new_client, client, monkeypatch):
    rows = explained(client)
    raised: list[Exception] = [
        error() for status, error in default_exceptions.items() if status >= 400
    ]
    raised += [errors.Gone("x"), errors.Unavailable("x"), RuntimeError("x")]
    app.config["PROPAGATE_EXCEPTIONS"] = False
    seen = set()
    for error in raised:

        def fail(error=error):
            raise error

        vars(fail)["access"] = vars(app.view_functions["home.about"])["access"]
        monkeypatch.setitem(app.view_functions, "catalog_api.list_offerings", fail)
        answer = new_client().get("/api/v1/offerings")
        assert answer.content_type == "application/problem+json"
        page, _, anchor = answer.json["type"].partition("#")
        assert page == "/docs/problems"
        other = "状態コード：そのほかの4xxと5xx"
        assert rows[anchor][1] in {f"状態コード：{answer.status_code}", other}
        seen.add(anchor)
    for path, code in (
        ("/api/v1/offerings?colour=red", "bad_parameters"),
        ("/api/v1/none", "not_found"),
    ):
        monkeypatch.undo()
        assert new_client().get(path).json["type"] == f"/docs/problems#{code}"
    assert {"server_error", "http_405", "http_error", "too_large", "gone"} <= seen
