"""A small search server for tests: tasks, swap, phrases, prefixes, typos, filters, facets.

Where the published description of the server's API is at hand, every request and every answer is
held against it (tests/search/description.py), and a scoped key may do no more than it says.
"""

import functools
import json
import re
import threading
import unicodedata
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

from tests.search.description import USED, Fault, load_description

# The client cannot read a time without fractions, though the description shows such.
SIZES = ("indexSize", "usedIndexSize", "rawDocumentDbSize", "avgDocumentSize")
NOW = "2026-01-01T00:00:00.000001Z"


class Refused(Exception):
    def __init__(self, status, code, message=""):
        super().__init__(message or code)
        self.status, self.code, self.message = status, code, message or code


def explain(error):
    return {"message": error.message, "code": error.code, "type": "invalid_request", "link": ""}


class FakeMeilisearch:
    """The state of the server, and what a test may make it do wrong."""

    def __init__(self):
        self.indexes = {}
        self.tasks = {}
        self.numbers = count(1)
        self.description = load_description()
        self.seen = set()
        self.callers = set()
        self.requests = []
        self.failing = None
        self.failing_tasks = None
        self.illness = None
        self.keys = {}
        self.lock = threading.Lock()

    # --- routes ----------------------------------------------------------------------------------

    def answer(self, method, target, body=None, *, key="", kind="application/json"):
        path = target.split("?")[0]
        with self.lock:
            self.requests.append((method, path, body))
            self.callers.add(key)
            if self.failing:
                raise Refused(*self.failing)
            template = self.judge(method, target, body, key, kind)
            status, answer = self.route(method, path.strip("/").split("/"), body)
            if self.description and status < 300:
                self.description.check_answer(method, template, status, answer)
            return status, answer

    def judge(self, method, target, body, key, kind):
        """Refuse what the description does not allow, and what the key may not do."""
        if not self.description:
            return ""
        try:
            template = self.description.check_request(method, target, kind, body)
        except Fault as fault:
            raise Refused(400, "bad_request", str(fault)) from fault
        if (method, template) not in USED:
            raise Refused(400, "bad_request", f"{method} {template} is not among those in use")
        self.seen.add((method, template))
        known = next((each for each in self.keys.values() if each["key"] == key), None)
        if known and not self.description.allows(method, target.split("?")[0], body, known):
            raise Refused(403, "invalid_api_key", f"{method} {template}")
        return template

    def route(self, method, parts, body):  # noqa: C901, PLR0911, PLR0912 -- one case a route
        match (method, parts):
            case ("GET", ["version"]):
                return 200, {"pkgVersion": "1.53.0-fake", "commitSha": "", "commitDate": ""}
            case ("GET", ["tasks", uid]):
                return 200, self.tasks[int(uid)]
            case ("POST", ["multi-search"]):
                return 200, self.multi_search(body)
            case ("POST", ["swap-indexes"]):
                return self.task("indexSwap", lambda: self.swap(body))
            case ("POST", ["indexes"]):
                return self.task("indexCreation", lambda: self.create(body["uid"]))
            case ("GET", ["indexes", uid]):
                index = self.index(uid)
                created = f"2026-01-01T00:00:00.{index['number']:09d}Z"
                return 200, {"uid": uid, "createdAt": created, "updatedAt": created}
            case ("DELETE", ["indexes", uid]):
                return self.task("indexDeletion", lambda: self.remove(uid))
            case ("GET", ["indexes", uid, "stats"]):
                size = len(self.index(uid)["documents"])
                return 200, {
                    "numberOfDocuments": size,
                    **dict.fromkeys(SIZES, 0),
                    "isIndexing": False,
                    "fieldDistribution": {},
                }
            case ("GET", ["indexes", uid, "settings"]):
                return 200, self.index(uid)["settings"]
            case ("POST", ["keys"]):
                if body["uid"] in self.keys:
                    raise Refused(409, "api_key_already_exists")
                self.keys[body["uid"]] = body | {"key": f"key-{len(self.keys)}"}
                return 201, self.keys[body["uid"]] | {"createdAt": NOW, "updatedAt": NOW}
            case ("GET", ["keys", uid]):
                return 200, self.keys[uid] | {"createdAt": NOW, "updatedAt": NOW}
            case ("PATCH", ["indexes", uid, "settings"]):
                return self.task("settingsUpdate", lambda: self.index(uid)["settings"].update(body))
            case ("POST", ["indexes", uid, "documents"]):
                return self.task("documentAdditionOrUpdate", lambda: self.add(uid, body))
            case ("POST", ["indexes", uid, "documents", "delete"]):
                return self.task("documentDeletion", lambda: self.delete(uid, body))
        raise Refused(404, "not_found", f"{method} {parts}")

    def task(self, kind, act):
        """A task is accepted at once; whether it fails is said by the task alone."""
        uid = next(self.numbers)
        task = {"uid": uid, "indexUid": None, "status": "succeeded", "type": kind, "error": None}
        task |= {"details": {}, "canceledBy": None, "duration": "PT0S"}
        task |= dict.fromkeys(["enqueuedAt", "startedAt", "finishedAt"], NOW)
        self.tasks[uid] = task
        try:
            act() if self.failing_tasks != kind else refuse_for_space()
        except Refused as error:
            task["status"] = "failed"
            task["error"] = explain(error)
        return 202, {
            "taskUid": uid,
            "indexUid": None,
            "status": "enqueued",
            "type": kind,
            "enqueuedAt": NOW,
        }

    # --- indexes ---------------------------------------------------------------------------------

    def index(self, uid):
        if uid not in self.indexes:
            raise Refused(404, "index_not_found")
        return self.indexes[uid]

    def create(self, uid):
        if uid in self.indexes:
            raise Refused(409, "index_already_exists")
        self.indexes[uid] = {"number": next(self.numbers), "documents": {}, "settings": {}}

    def remove(self, uid):
        self.index(uid)
        del self.indexes[uid]

    def swap(self, body):
        for pair in body:
            one, other = pair["indexes"]
            first, second = self.index(one), self.index(other)
            self.indexes[one], self.indexes[other] = second, first

    def add(self, uid, body):
        if uid not in self.indexes:
            self.create(uid)  # the real one does so too
        for document in body:
            key = document["id"]
            if not re.fullmatch(r"[a-zA-Z0-9_-]{1,511}", key):
                raise Refused(400, "invalid_document_id")
            self.indexes[uid]["documents"][key] = document

    def delete(self, uid, body):
        index = self.index(uid)
        tests = parse_filter(body["filter"], index["settings"]["filterableAttributes"])
        for key, document in list(index["documents"].items()):
            if fits(document, tests):
                del index["documents"][key]

    # --- searching -------------------------------------------------------------------------------

    def multi_search(self, body):
        federation = body.get("federation")
        runs = [(query, self.search(query)) for query in body["queries"]]
        if federation is None:
            return {
                "results": [
                    self.present(query, self.one_each(query.get("distinct"), query, rows), query)
                    for query, rows in runs
                ]
            }
        best: dict = {}
        for query, rows in runs:
            if {"page", "hitsPerPage", "limit", "offset", "facets", "distinct"} & set(query):
                raise Refused(400, "invalid_multi_search_query_pagination")
            weight = query.get("federationOptions", {}).get("weight", 1.0)
            for found, key, document in rows:
                rank = (-weight, found)
                if key not in best or rank < best[key][0]:
                    best[key] = (rank, key, document)
        rows = sorted(best.values(), key=lambda row: row[0])
        rows = self.one_each(federation.get("distinct"), body["queries"][0], rows)
        facets = federation.get("facetsByIndex", {})
        answer = self.present(body["queries"][0], rows, {**federation, "facets": []})
        answer["facetsByIndex"] = {
            uid: {"distribution": self.distribution(self.index(uid), rows, names), "stats": {}}
            for uid, names in facets.items()
        }
        return answer

    def one_each(self, attribute, query, rows):
        """Keep the first row of each value of an attribute, which has to be filterable."""
        if not attribute:
            return rows
        if attribute not in self.index(query["indexUid"])["settings"]["filterableAttributes"]:
            raise Refused(400, "invalid_search_distinct")
        first = {}
        for row in rows:
            first.setdefault(row[2][attribute], row)
        return list(first.values())

    def present(self, query, rows, paging):
        index = self.index(query["indexUid"])
        limit = index["settings"].get("pagination", {}).get("maxTotalHits", 1000)
        rows = rows[:limit]
        page, size = paging["page"], paging["hitsPerPage"]
        shown = index["settings"].get("displayedAttributes", ["*"])
        hits = [
            {name: value for name, value in document.items() if name in shown or "*" in shown}
            for _, _, document in rows[(page - 1) * size : page * size]
        ]
        return {
            "hits": hits,
            "totalHits": len(rows),
            "page": page,
            "hitsPerPage": size,
            "totalPages": -(-len(rows) // max(size, 1)),
            "indexUid": query["indexUid"],
            "query": query.get("q") or "",
            "processingTimeMs": 0,
            "facetDistribution": self.distribution(index, rows, paging.get("facets", [])),
        }

    def distribution(self, index, rows, names):
        most = index["settings"].get("faceting", {}).get("maxValuesPerFacet", 100)
        found = {}
        for name in names:
            if name not in index["settings"].get("filterableAttributes", []):
                raise Refused(400, "invalid_search_facets")
            values: dict = {}
            for _, _, document in rows:
                for value in document.get(name, []):
                    values[value] = values.get(value, 0) + 1
            found[name] = dict(sorted(values.items())[:most])
        return found

    def search(self, query):
        index = self.index(query["indexUid"])
        settings = index["settings"]
        attributes = query.get("attributesToSearchOn") or settings["searchableAttributes"]
        if unknown := set(attributes) - set(settings["searchableAttributes"]):
            raise Refused(400, "invalid_search_attributes_to_search_on", str(unknown))
        assert query["matchingStrategy"] == "all"
        terms = parse_words(query.get("q") or "")[:10]
        tests = parse_filter(query.get("filter", []), settings["filterableAttributes"])
        order = [parse_sort(rule, settings["sortableAttributes"]) for rule in query["sort"]]
        rows = []
        for key, document in index["documents"].items():
            if not fits(document, tests):
                continue
            ranks = [rank_term(term, document, attributes, settings) for term in terms]
            if None not in ranks:
                typos = sum(rank[0] for rank in ranks)
                place = sum(rank[1] for rank in ranks)
                keys = [(name not in document, document.get(name, 0)) for name in order]
                rows.append(((typos, place, *keys), key, document))
        return sorted(rows, key=lambda row: row[0])


def refuse_for_space():
    raise Refused(500, "no_space_left_on_device")


def parse_words(text):
    """Split into (tokens, is_phrase, is_prefix); only a last bare word is completed."""
    found = re.findall(r'"([^"]*)"|(\S+)', text)
    terms = [(phrase.split() or [word], bool(phrase), False) for phrase, word in found]
    if terms and not terms[-1][1]:
        terms[-1] = (terms[-1][0], False, True)
    return terms


def parse_filter(rows, allowed):
    """Turn an AND of ORs into tests of a document."""
    return [[parse_expression(expression, allowed) for expression in row] for row in rows]


def parse_expression(expression, allowed):
    negated = expression.startswith("NOT ")
    found = re.fullmatch(r"(\w+) (=|<=|IN) (.*)", expression.removeprefix("NOT "), re.DOTALL)
    if not found or found[1] not in allowed:
        raise Refused(400, "invalid_search_filter", expression)
    name, operator, operand = found.groups()
    if operator == "<=":
        if not operand.isdigit():
            raise Refused(400, "invalid_search_filter", expression)
        return lambda document: document.get(name, float("inf")) <= int(operand)
    values = parse_values(operand[1:-1] if operator == "IN" else operand, expression)
    return lambda document: bool(values_of(document, name) & values) is not negated


def parse_values(text, expression):
    """Read quoted values as the server's parser does: a backslash keeps the next letter from ending
    the value, and goes away before a quote only."""
    quoted = r'"(?:[^"\\]|\\.)*"'
    if not re.fullmatch(f"{quoted}(, {quoted})*", text, re.DOTALL):
        raise Refused(400, "invalid_search_filter", expression)
    found = [each[1:-1] for each in re.findall(quoted, text, re.DOTALL)]
    values = {each.replace('\\"', '"') for each in found}
    if any(len(each.encode()) > 468 for each in values):
        raise Refused(400, "invalid_search_filter", "too long")
    return set(map(fold_value, values))


def fold_value(value):
    return unicodedata.normalize("NFKD", value.strip()).lower()


def values_of(document, name):
    value = document.get(name, [])
    return set(map(fold_value, value if isinstance(value, list) else [value]))


def fits(document, tests):
    return all(any(test(document) for test in row) for row in tests)


def parse_sort(rule, allowed):
    name, direction = rule.split(":")
    if name not in allowed or direction != "asc":
        raise Refused(400, "invalid_search_sort", rule)
    return name


def rank_term(term, document, attributes, settings):
    """Give (typos, attribute rank) of the best place of a term, or None."""
    tokens, is_phrase, is_prefix = term
    best = None
    ranked = settings["searchableAttributes"]
    exact = settings.get("typoTolerance", {}).get("disableOnAttributes", [])
    for name in attributes:
        words = document.get(name, "")
        if is_phrase:
            typos = 0 if f" {' '.join(tokens)} " in f" {words} " else None
        else:
            allowed = 0 if name in exact else allowed_typos(tokens[0], settings)
            typos = count_typos(tokens[0], words.split(), allowed, is_prefix)
        if typos is not None and (best is None or (typos, ranked.index(name)) < best):
            best = (typos, ranked.index(name))
    return best


def allowed_typos(word, settings):
    rules = settings["typoTolerance"]
    # The rule is on the word that is asked for; what is found may be any.
    if word in rules["disableOnWords"] or (rules.get("disableOnNumbers") and word.isdigit()):
        return 0
    sizes = rules["minWordSizeForTypos"]
    return 2 if len(word) >= sizes["twoTypos"] else 1 if len(word) >= sizes["oneTypo"] else 0


def count_typos(word, candidates, allowed, is_prefix):
    if not allowed:
        fits = str.startswith if is_prefix else str.__eq__
        return 0 if any(fits(candidate, word) for candidate in candidates) else None
    found = [edit_distance(word, candidate, is_prefix) for candidate in candidates]
    least = min(found, default=99)
    return least if least <= allowed else None


@functools.lru_cache(maxsize=100_000)
def edit_distance(word, other, is_prefix):
    row = list(range(len(other) + 1))
    for at, letter in enumerate(word, 1):
        row = [at, *_next_row(row, at, letter, other)]
    return min(row) if is_prefix else row[-1]


def _next_row(row, at, letter, other):
    made = []
    left = at
    for column, candidate in enumerate(other, 1):
        left = min(row[column] + 1, left + 1, row[column - 1] + (letter != candidate))
        made.append(left)
    return made


@contextmanager
def run_fake():
    """Serve a fake on a free port; gives it and its address."""
    fake = FakeMeilisearch()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self):
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            try:
                if fake.illness and not fake.illness(self):
                    return
                key = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                kind = (self.headers.get("Content-Type") or "").partition(";")[0]
                sent = json.loads(raw) if raw else None
                status, body = fake.answer(self.command, self.path, sent, key=key, kind=kind)
            except Refused as error:
                status, body = error.status, explain(error)
            answer = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            with suppress(ConnectionError):  # nobody waits for it any more
                self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
