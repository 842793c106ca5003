"""The console gives people their roles, ends them, and ends their sessions."""

import pytest
from click.testing import CliRunner

from accounts.cli import accounts_group
from core import audit_checkpoints
from core.db import reading, transaction
from tests import factories

PASSWORD = "mihon-console-2026"


def run(*arguments):
    return CliRunner().invoke(accounts_group, [*arguments])


def add(*place, role="clerk", password=PASSWORD):
    person = ("--email", "clerk@example.jp", "--name", "見本 一子", "--password", password)
    return run("add", *person, "--role", role, *place)


@pytest.fixture
def town(database):
    with transaction() as session:
        return factories.body(session, name="飯島町", code="203840")


def test_a_clerk_is_added_signs_in_and_is_gone_when_the_role_ends(town, client):
    assert "担当者" in add("--code", "203840").output
    values = {"email": "clerk@example.jp", "password": PASSWORD}
    assert client.submit("/sign-in", values).status_code == 303
    assert "飯島町" in client.get("/projects").text
    ended = run("end", "--email", "clerk@example.jp", "--role", "clerk", "--code", "203840")
    assert ended.exit_code == 0, ended.output
    assert client.get("/projects").status_code == 303
    with reading() as session:
        assert audit_checkpoints.verify(session).problems == ()


def test_revoking_ends_every_session_and_keeps_the_role(town, client):
    add("--code", "203840")
    values = {"email": "clerk@example.jp", "password": PASSWORD}
    client.submit("/sign-in", values)
    assert "1件" in run("revoke", "--email", "clerk@example.jp").output
    assert client.get("/projects").status_code == 303
    assert client.submit("/sign-in", values).status_code == 303
    assert client.get("/projects").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"place": ("--code", "999999")}, "団体コード999999の団体はありません"),
        ({"place": ()}, "どれか一つを指定"),
        ({"place": ("--code", "203840"), "role": "reviewer"}, "役割はありません"),
        ({"place": ("--code", "203840"), "password": "short"}, "12文字以上"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(town, arguments, sentence):
    values = {name: value for name, value in arguments.items() if name != "place"}
    result = add(*arguments["place"], **values)
    assert result.exit_code == 1
    assert sentence in result.output
