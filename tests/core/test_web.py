"""What every request passes through: size gate, headers, request id, CSRF, error answers."""

import json
import os
import re
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

from app import cli, create_app
from core import errors
from core.config import Settings, UnsafeSettingsError, read_settings
from tests.page_checks import parse_page, text_of

# Words and refusals of pages: the same on both databases, so asked once.
pytestmark = pytest.mark.sqlite_only


def test_a_body_without_a_length_is_refused_with_411(client):
    response = client.post("/sign-in", headers={"Transfer-Encoding": "chunked"}, input_stream=None)
    assert response.status_code == 411
    assert "Content-Length" in response.text


def test_a_body_over_the_limit_is_refused_with_413_before_it_is_read(client, settings):
    response = client.post("/sign-in", data=b"x" * (settings.body_limit_bytes + 1))
    assert response.status_code == 413
    assert "大きすぎます" in response.text


def test_what_is_too_long_before_the_body_is_told_how_to_mend_it(client):
    long = "あ" * 700
    page = client.get("/search", query_string={"q": long})
    assert page.status_code == 414
    assert "検索のことばを短くするか、指定を減らして" in page.text
    problem = client.get("/api/v1/offerings", query_string={"limit": long})
    assert (problem.status_code, problem.content_type) == (414, "application/problem+json")
    assert problem.json["type"].endswith("#address_too_long")
    stuffed = client.get("/about", headers={f"X-Filler-{n}": "x" * 900 for n in range(20)})
    assert (stuffed.status_code, "Cookieを消して" in stuffed.text) == (431, True)
    assert client.get("/search", query_string={"q": "あ" * 300}).status_code == 200


QUICK = """
from flask import Flask, render_template
from jinja2 import DictLoader
app = Flask("quick")
app.jinja_loader = DictLoader({"said": "nothing"})
app.get("/")(lambda: (render_template("said"), 204))
"""


def test_the_server_itself_refuses_in_japanese_too(tmp_path):
    """Ask a real gunicorn with the house's settings what the application never gets to see."""
    code = f"""
import sys
from gunicorn.app.wsgiapp import WSGIApplication
sys.modules["quick"] = type(sys)("quick"); exec({QUICK!r}, sys.modules["quick"].__dict__)
sys.argv = ["gunicorn", "-c", "gunicorn.conf.py", "-w", "1", "--threads", "2", "quick:app"]
WSGIApplication("%(prog)s").run()
"""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    bound = {"NARABI_BIND": f"127.0.0.1:{port}", "NARABI_ACCESS_LOG": "yes"}
    bound["NARABI_COMPILED_TEMPLATES"] = str(tmp_path)
    server = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, **bound},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        next(line for line in server.stderr if "Booting worker" in line)
        for sent, status, sentence in (
            (f"GET /?q={'x' * 9000} HTTP/1.1\r\nHost: a\r\n\r\n", 414, "アドレスが長すぎます"),
            (f"GET / HTTP/1.1\r\nHost: a\r\nX: {'x' * 17000}\r\n\r\n", 431, "Cookieを消して"),
            ("NONSENSE\r\n\r\n", 400, "この指定は使えません"),
            ("GET /?q=" + "x" * 7000 + " HTTP/1.1\r\nHost: a\r\n\r\n", 204, ""),
        ):
            answer = ask(port, sent)
            assert answer.startswith(f"HTTP/1.1 {status} "), answer[:200]
            assert sentence in answer
    finally:
        server.terminate()
        logged = server.communicate(timeout=30)[0]
    # The log of requests tells nobody what was searched for.
    assert '"GET / HTTP/1.1" 204' in logged
    assert "xxx" not in logged
    # What was compiled is there for the other workers, and for those that come after them.
    assert [each.name for each in tmp_path.iterdir()] != []


def ask(port, sent):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent.encode())
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()


def test_a_post_without_the_pages_token_changes_nothing_and_says_so(client):
    response = client.post("/sign-in", data={"email": "a@example.jp", "password": "x"})
    assert response.status_code == 400
    assert "何も変わっていません" in response.text


def test_every_answer_carries_the_strict_headers_and_a_request_id(client):
    response = client.get("/about")
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-ID"])


def test_a_request_id_from_outside_is_taken_only_when_harmless(client):
    kept = client.get("/about", headers={"X-Request-ID": "abcdef-123456"})
    assert kept.headers["X-Request-ID"] == "abcdef-123456"
    changed = client.get("/about", headers={"X-Request-ID": "<script>alert(1)</script>"})
    assert "<" not in changed.headers["X-Request-ID"]


def test_an_unknown_page_is_404_in_words_with_a_way_back(client):
    response = client.get("/no-such-page")
    assert response.status_code == 404
    assert "ホームへ戻る" in response.text


def test_an_unknown_api_address_answers_problem_json(client):
    response = client.get("/api/v1/no-such-thing")
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"
    assert json.loads(response.data)["status"] == 404


def test_a_fault_of_ours_tells_the_number_to_report_and_no_secret(app, new_client, monkeypatch):
    def fail():
        message = "secret detail"
        raise RuntimeError(message)

    vars(fail)["access"] = vars(app.view_functions["home.about"])["access"]
    monkeypatch.setitem(app.view_functions, "home.about", fail)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    response = new_client().get("/about")
    assert response.status_code == 500
    assert response.headers["X-Request-ID"] in response.text
    assert "secret detail" not in response.text


REFUSED = [
    (errors.Forbidden("だめです。"), 403),
    (errors.NotFound(), 404),
    (errors.WrongState("だめです。", state="draft"), 409),
    (errors.Conflict("だめです。"), 409),
    (errors.StaleVersion(), 412),
    (errors.Invalid({"reason": "だめです。"}), 422),
    (errors.GuardFailed([("main", "だめです。")]), 422),
    (errors.Unavailable("だめです。"), 503),
]


def test_what_was_typed_can_be_copied_from_every_refusal(app, client, monkeypatch):
    app.config["WTF_CSRF_ENABLED"] = False
    typed = {
        "reason": "  三つの町で確かめた<b>理由</b>です。\n二行目もあります。",
        "name": ["見本の長い名前の一つ目", "見本の長い名前の二つ目"],
        "decision": "approve",
        "bidder_list": "not_listed",
        "reviewer_id": "0198c0de-0000-7000-8000-00000000abcd",
        "text_sha256": "ab" * 32,
        "form_key": "9e107d9d372bb6826bd81d3542a419d6",
        "csrf_token": "a-token-that-is-long-enough",
        "password": "correct horse battery",
    }
    for error, status in REFUSED:

        def refuse(error=error):
            raise error

        vars(refuse)["access"] = vars(app.view_functions["vendors.register"])["access"]
        monkeypatch.setitem(app.view_functions, "vendors.register", refuse)
        response = client.post("/vendors/register", data=typed)
        assert response.status_code == status
        page = parse_page(response.text)
        shown = [text_of(each) for each in page.iter("li") if each.get("class") == "value"]
        first = "三つの町で確かめた<b>理由</b>です。 二行目もあります。"
        assert [" ".join(each.split()) for each in shown] == [first, *typed["name"]], error
        assert "保存されていません" in text_of(page)
        assert "correct horse" not in response.text
        assert "a-token-that" not in response.text
    assert "入力した内容" not in client.get("/vendors/register").text
    for unread, status in (
        (errors.AddressTooLong("長い。"), 414),
        (errors.HeadersTooLarge("多い。"), 431),
    ):

        def refuse(error=unread):
            raise error

        vars(refuse)["access"] = vars(app.view_functions["vendors.register"])["access"]
        monkeypatch.setitem(app.view_functions, "vendors.register", refuse)
        answer = client.post("/vendors/register", data=typed)
        assert answer.status_code == status
        assert "入力した内容" not in answer.text


UNSAFE = {
    "NARABI_DATABASE_URL": "",
    "NARABI_SECRET_KEY": "short",
    "NARABI_AUDIT_KEY": "zz",
    "NARABI_SEAL_KEY": "zz",
    "NARABI_BASE_URL": "http://narabi.example.jp",
    "NARABI_SEARCH_URL": "http://127.0.0.1:7700",
    "NARABI_SESSION_IDLE_MINUTES": "2",
    "NARABI_SMTP_PORT": "mail",
    "NARABI_SMTP_SECURITY": "ssl",
    "NARABI_GBIZ_CLAIMS": "name=email",
}
SAFE = {
    "NARABI_DATABASE_URL": "postgresql+psycopg://narabi@db/narabi",
    "NARABI_SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "NARABI_AUDIT_KEY": "ab" * 32,
    "NARABI_SEAL_KEY": "cd" * 32,
    "NARABI_BASE_URL": "https://narabi.example.jp",
}
WORDS = {
    "NARABI_SESSION_IDLE_MINUTES": "5以上480以下の整数",
    "NARABI_SMTP_SECURITY": "starttls、tls、none のどれか",
}
NAMED = {**{name: name for name in UNSAFE}, "NARABI_SEARCH_URL": "NARABI_SEARCH_KEY"}


@pytest.mark.acceptance(40)
@pytest.mark.parametrize("name", UNSAFE)
def test_each_unsafe_setting_stops_the_start_and_is_named(name, monkeypatch):
    for key, value in {**SAFE, name: UNSAFE[name], "NARABI_ENV": "production"}.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(UnsafeSettingsError) as caught:
        create_app()
    assert len(caught.value.problems) == 1
    assert NAMED[name] in caught.value.problems[0]
    assert WORDS.get(name, "") in caught.value.problems[0]
    told = CliRunner().invoke(cli, ["doctor"])  # a sentence, not a traceback
    assert told.output == f"Error: {caught.value.problems[0]}\n"


@pytest.mark.acceptance(40)
def test_letters_in_the_clear_stay_on_this_machine(monkeypatch):
    clear = {
        "NARABI_ENV": "production",
        "NARABI_MAIL_SENDER": "a@example.jp",
        "NARABI_SMTP_SECURITY": "none",
    }
    for key, value in {**SAFE, **clear, "NARABI_SMTP_HOST": "mail.example.jp"}.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(UnsafeSettingsError, match="NARABI_SMTP_SECURITY"):
        read_settings()
    monkeypatch.setenv("NARABI_SMTP_HOST", "127.0.0.1")
    assert read_settings().smtp_security == "none"


def test_safe_settings_start_outside_development(monkeypatch):
    for key, value in {**SAFE, "NARABI_ENV": "production"}.items():
        monkeypatch.setenv(key, value)
    Settings().require_safe()


@pytest.mark.acceptance(40)
def test_the_server_itself_does_not_start_with_nothing_set(monkeypatch):
    """The server in a process of its own; the application and the commands in this one."""
    for name in [name for name in os.environ if name.startswith("NARABI_")]:
        monkeypatch.delenv(name)
    command = ["-m", "gunicorn", "--check-config", "--bind", "127.0.0.1:0", "app:create_app()"]
    server = subprocess.run(
        [sys.executable, *command], stderr=subprocess.PIPE, text=True, timeout=100, check=False
    )
    doctor = CliRunner().invoke(cli, ["doctor"])
    with pytest.raises(UnsafeSettingsError) as refused:
        create_app()
    assert 0 not in (server.returncode, doctor.exit_code)
    for name in ("DATABASE_URL", "SECRET_KEY", "AUDIT_KEY", "SEAL_KEY", "BASE_URL"):
        for complaint in (server.stderr, doctor.output, str(refused.value)):
            assert f"NARABI_{name}" in complaint
