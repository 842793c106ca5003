"""The test bed itself: databases are clean, pages are really checked, budgets really bite."""

import re

import html5lib
import pytest
from flask import Flask

from core import db
from tests.client import CheckedClient, recorded_statements
from tests.page_checks import fragment_problems, header_problems, page_problems
from tests.plain_html import read_plain

HEAD = "<!doctype html><html lang=ja><head><title>並び</title></head><body>"
GOOD_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def page(content: str) -> str:
    return f"{HEAD}<main><h1>見出し</h1>{content}</main></body></html>"


def test_sound_page_has_no_problems():
    assert page_problems(page("<label for=a>名前</label><input id=a name=a>")) == []
    assert page_problems(page("<label>名前 <input name=a></label>")) == []
    assert header_problems(GOOD_HEADERS) == []


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("<input name=a>", "has no label"),
        ("<select name=a></select>", "has no label"),
        ("<p id=x></p><p id=x></p>", "id 'x' stands 2 times"),
        ("<h1>二つ目</h1>", "2 <h1>"),
        ("<h3>飛び越し</h3>", "level 3 follows one of level 1"),
        ("<img src=a.png>", "without alt"),
        ("<button></button>", "without words"),
        ("<p style='color:red'>赤</p>", "content policy"),
        ("<button onclick='go()'>押す</button>", "content policy"),
        ("<script>go()</script>", "inline script"),
        ("<form method=post></form>", "without csrf_token"),
        ("<a href='#none'>下へ</a>", "not on the page"),
        ("<p aria-describedby=none>説明</p>", "not on the page"),
    ],
)
def test_page_check_names_the_problem(content, complaint):
    assert any(complaint in problem for problem in page_problems(page(content)))


@pytest.mark.parametrize("content", ["<p><div></p>", "<ul><li></ul></div>", "<p>&unknown;</p>"])
def test_invalid_html_is_refused(content):
    with pytest.raises(AssertionError, match="invalid HTML"):
        page_problems(page(content))
    with pytest.raises(AssertionError, match="invalid HTML"):
        fragment_problems(content)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Security-Policy": "default-src 'self' 'unsafe-inline'"},
        {"X-Content-Type-Options": ""},
        {"Referrer-Policy": ""},
    ],
)
def test_weak_headers_are_named(headers):
    assert header_problems((GOOD_HEADERS | headers) if headers else {})


@pytest.fixture
def small_client(database):
    """A client over three pages of our own: the check must not depend on the site being right."""
    small = Flask(__name__)
    small.test_client_class = CheckedClient

    @small.route("/reads/<int:count>")
    def reads(count):
        with db.reading() as session:
            for _ in range(count):
                session.connection().exec_driver_sql("SELECT 1")
        return page(""), GOOD_HEADERS

    @small.route("/unlabelled")
    def unlabelled():
        return page("<input name=a>"), GOOD_HEADERS

    @small.route("/form", methods=["GET", "POST"])
    def form():
        from flask import request

        if request.method == "POST":
            return dict(request.form.lists())
        return page(
            "<form method=post action=/form><input type=hidden name=csrf_token value=t>"
            "<label>名 <input name=name value=前></label><label><input type=checkbox name=ok"
            " value=1 checked>可</label><label>選 <select name=pick><option value=a>あ</option>"
            "<option value=b selected>い</option></select></label>"
            "<label>文 <textarea name=text>本文</textarea></label>"
            "<button name=act value=save>保存</button><button name=act value=send>送る</button></form>"
        ), GOOD_HEADERS

    return small.test_client()


def test_page_over_its_query_budget_fails(small_client):
    assert small_client.get("/reads/25").status_code == 200
    assert len(small_client.statements) == 25
    with pytest.raises(AssertionError, match="26 SQL statements"):
        small_client.get("/reads/26")


@pytest.mark.sqlite_only
def test_client_fails_on_a_broken_page(small_client):
    with pytest.raises(AssertionError, match="has no label"):
        small_client.get("/unlabelled")


@pytest.mark.sqlite_only
def test_submit_sends_what_a_browser_would(small_client):
    sent = small_client.submit("/form", {"name": "新"}, button="送る").get_json()
    assert sent == {
        "csrf_token": ["t"],
        "name": ["新"],
        "ok": ["1"],
        "pick": ["b"],
        "text": ["本文"],
        "act": ["send"],
    }
    with pytest.raises(AssertionError, match="0 forms fit"):
        small_client.submit("/form", {"absent": "x"})


@pytest.mark.parametrize("visit", ["first", "second"])
def test_every_test_finds_a_clean_database(database, visit):
    with db.transaction() as session:
        connection = session.connection()
        tables = (
            "sqlite_master WHERE name" if database.kind == "sqlite" else "pg_tables WHERE tablename"
        )
        assert connection.exec_driver_sql(f"SELECT 1 FROM {tables} = 'outbox_messages'").first()
        assert connection.exec_driver_sql("SELECT count(*) FROM outbox_messages").scalar() == 0
        from core import outbox

        outbox.publish(session, "test.left_behind", {})


def test_statements_are_recorded_without_transaction_control(database):
    with recorded_statements() as statements, db.reading() as session:
        session.connection().exec_driver_sql("SELECT 1")
    assert statements == ["SELECT 1"]


EVERYTHING = """<!doctype html>
<html lang="ja"><head><meta charset="utf-8"><title>並び &amp; 見本</title>
<script src="/a.js" defer></script></head>
<body class="page"><header><nav aria-label='主な "メニュー"'><ul><li><a href="/">戻る</a></li></ul></nav>
</header><main><h1>見出し</h1><p>文 <strong>強く</strong><br>次 &lt;</p>
<svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true"><path d="M0 0"/><circle r="1"></circle></svg>
<form method="post"><fieldset><legend>問い</legend><label for="a">名</label> <input id="a">
<label>選 <select name="s"><option value="1" selected>一</option></select></label>
<textarea aria-label="文">

二行</textarea><button>送る</button></fieldset></form>
<table><caption>表</caption><thead><tr><th>頭</th></tr></thead>
<tbody><tr><td><dl><div><dt>語</dt><dd>訳</dd></div></dl></td></tr></tbody></table>
<template id="t"><div><p>写し</p></div></template>
<details><summary>開く</summary><ol><li>一<ul><li>中</li></ul></li></ol></details>
</main></body></html>
"""


def _as_plain_values(element):
    inside = [_as_plain_values(each) for each in element]
    words = ((element.text or "").strip(), (element.tail or "").strip())
    return (element.tag, sorted(element.items()), *words, inside)


def _read_by_the_standard(html):
    builder = html5lib.getTreeBuilder("etree")
    parser = html5lib.HTMLParser(tree=builder, namespaceHTMLElements=False)
    return None if (tree := parser.parse(html), parser.errors)[1] else _as_plain_values(tree)


def test_what_is_read_quickly_is_what_the_standard_reads():
    """One page, then as it is when a tag or reference is lost, doubled, swapped or nested anew."""
    assert _as_plain_values(read_plain(EVERYTHING)) == _read_by_the_standard(EVERYTHING)
    tags = [(each.start(), each.end()) for each in re.finditer(r"<[^>]*>|&\w+;", EVERYTHING)]
    changed = set()
    for start, end in tags:
        before, tag, after = EVERYTHING[:start], EVERYTHING[start:end], EVERYTHING[end:]
        changed |= {before + after, before + tag + tag + after, before + tag[:-1] + after}
        changed |= {f"{before}{other}{after}" for other in ("<div>", "<p>", "</p>", "<a>", "x&y")}
        changed |= {
            f"{before}{tag}<{each}></{each}>{after}" for each in ("div", "p", "li", "option")
        }
        changed.add(before + tag.replace('"', "") + after)
    quick = 0
    for html in sorted(changed):
        if (tree := read_plain(html)) is not None:
            quick += 1
            assert _as_plain_values(tree) == _read_by_the_standard(html), html
    assert len(changed) > 500
    assert quick > 40
