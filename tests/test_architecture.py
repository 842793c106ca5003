"""The plan of the house as tests: the gates really bite, and what no gate sees is checked here."""

import ast
import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from sqlalchemy import Float, Numeric
from sqlalchemy.orm import configure_mappers

from core.models import Model
from tests.test_migrations import PACKAGES, ROOT, import_all_models

BIN = Path(sys.executable).parent

# What the first plan of the house names; a module beyond it is named and reasoned in docs/adr/.
CORE = {
    "api",
    "audit",
    "changes",
    "clock",
    "config",
    "db",
    "documents",
    "errors",
    "fields",
    "forms",
    "http",
    "japanese",
    "mail",
    "models",
    "outbox",
    "state_machine",
    "web",
}

# rule -> (where, lines it must refuse, lines it must let pass)
RULES = {
    "commit-site": (
        "vendors/services.py",
        ["session.commit()", "self.session.rollback()", "connection.begin_nested()"],
        ["transaction()", "commit()", "session.flush()"],
    ),
    "state-assignment": (
        "catalog/offerings/services.py",
        [
            'row.state = "approved"',
            "row.status = new",
            "self.row.state = new",
            'setattr(row, "state", new)',
        ],
        [
            "row.apply(Action.APPROVE)",
            "state = row.state",
            "row.state == other",
            "form.status = 422",
        ],
    ),
    "select-outside-queries": (
        "procurement/projects/views.py",
        [
            "select(Row)",
            "sqlmodel.select(Row).where(a)",
            "session.query(Row)",
            'session.execute(text("SELECT 1"))',
        ],
        [
            "queries.find_offering(session, key)",
            "form.select(choice)",
            "field.text(value)",
            'text("ended_at IS NULL")',
        ],
    ),
    "clock-read": (
        "accounts/services.py",
        ["datetime.now(UTC)", "dt.datetime.utcnow()", "date.today()", "time.time()"],
        ["now(session)", "utcnow()", "today_jst()", "datetime(2026, 4, 1)", "time.monotonic()"],
    ),
    "swallowed-error": (
        "core/outbox.py",
        [
            "try:\n    f()\nexcept Exception:\n    pass",
            "try:\n    f()\nexcept (KeyError, ValueError):\n    ...",
            "try:\n    f()\nexcept OSError:\n    # it may fail\n    pass",
        ],
        [
            "try:\n    f()\nexcept KeyError:\n    found = None",
            "try:\n    f()\nexcept KeyError as error:\n    raise NotFound from error",
            "with suppress(FileNotFoundError):\n    f()",
        ],
    ),
    "unescaped-markup": (
        "vendors/views.py",
        ['Markup(f"<b>{name}</b>")', "render_template_string(source)"],
        ['Markup("<b>%s</b>") % name', 'render_template("vendors/show.html")'],
    ),
}

# Where a rule does not look, because there the thing is done on purpose.
EXEMPT = {
    "commit-site": ("core/db.py", "session.commit()"),
    "select-outside-queries": ("vendors/queries.py", "select(Row)"),
    "clock-read": ("core/clock.py", "datetime.now(UTC)"),
}


def scan(folder: Path) -> dict[str, set[tuple[str, int]]]:
    """Run our own rules over a folder; returns rule -> (file, first line)."""
    shutil.copy(ROOT / "sgconfig.yml", folder)
    shutil.copytree(ROOT / "rules", folder / "rules")
    command = [str(BIN / "ast-grep"), "scan", "--json=compact"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    found = defaultdict(set)
    for hit in json.loads(done.stdout):
        found[hit["ruleId"]].add((hit["file"], hit["range"]["start"]["line"] + 1))
    return found


def write_snippets(folder: Path, name: str, snippets: list[str]) -> list[range]:
    """Write snippets one after the other; returns the lines that each covers."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    spans, line = [], 1
    for snippet in snippets:
        height = snippet.count("\n") + 1
        spans.append(range(line, line + height))
        line += height
    path.write_text("\n".join(snippets) + "\n")
    return spans


def test_every_rule_has_a_planted_violation():
    assert {path.stem for path in (ROOT / "rules").glob("*.yml")} == set(RULES)


def test_rules_refuse_what_they_forbid_and_nothing_else(tmp_path):
    for rule, (name, bad, good) in RULES.items():
        (tmp_path / rule).mkdir()
        spans = write_snippets(tmp_path / rule, name, [*bad, *good])
        if rule in EXEMPT:
            write_snippets(tmp_path / rule, EXEMPT[rule][0], [EXEMPT[rule][1]])
        found = scan(tmp_path / rule)[rule]
        for snippet, span in zip(bad, spans, strict=False):
            assert any(file == name and line in span for file, line in found), (rule, snippet)
        allowed = {line for span in spans[len(bad) :] for line in span}
        assert not [hit for hit in found if hit[0] != name or hit[1] in allowed], rule


# contract -> (file to plant in, import)
PLANTS = {
    "Packages import downwards only": ("vendors/planted.py", "import catalog.terms"),
    "Nothing imports the application": ("vendors/planted.py", "import app"),
    "catalog: certification, then": (
        "catalog/specifications/planted.py",
        "import catalog.offerings.models",
    ),
    "procurement: market, contracts": (
        "procurement/bodies/planted.py",
        "import procurement.contracts.models",
    ),
    "Inside a package": ("vendors/models.py", "import vendors.queries"),
    "models, queries and services": ("vendors/queries.py", "import werkzeug"),
    "Pure modules": ("catalog/terms.py", "import sqlalchemy"),
    "procurement enters search": ("procurement/planted.py", "import search.engine"),
}


def test_every_import_contract_refuses_its_planted_violation(tmp_path):
    for package in PACKAGES:
        ignore = shutil.ignore_patterns("__pycache__", "data")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, line in PLANTS.values():
        path = tmp_path / name
        before = path.read_text() if path.exists() else ""
        path.write_text(f"{before}\n{line}\n")
    command = [str(BIN / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    broken = {row for row in done.stdout.splitlines() if "BROKEN" in row}
    contracts = (ROOT / "pyproject.toml").read_text().count("[[tool.importlinter.contracts]]")
    assert len(PLANTS) == contracts
    for contract in PLANTS:
        assert any(row.startswith(contract) for row in broken), f"{contract}\n{done.stdout}"


def modules() -> list[Path]:
    """Every module of the product."""
    found = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [ROOT / "app.py", *found]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_split_services_and_queries_know_nothing_of_the_web():
    """import-linter matches whole names only; a file split by noun keeps the rule of its kind."""
    web = {"flask", "werkzeug", "marshmallow", "flask_smorest", "flask_wtf", "webargs"}
    upper = {"views", "api", "cli", "schemas", "documents"}
    seen = 0
    for path in modules():
        kinds = {path.stem.rpartition("_")[2], path.parent.name} & {"services", "queries", "models"}
        if not kinds:
            continue
        seen += 1
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                parts = name.split(".")
                assert parts[0] not in web, (name_of(path), name)
                own = ".".join(path.relative_to(ROOT).parts[:-1])
                inside = name.startswith(f"{own}.") and parts[own.count(".") + 1] in upper
                assert not inside, (name_of(path), name)
    assert seen > 10


def test_core_is_a_closed_list():
    decisions = "\n".join(path.read_text() for path in (ROOT / "docs" / "adr").glob("*.md"))
    beyond = {path.stem for path in (ROOT / "core").glob("*.py")} - CORE - {"__init__"}
    assert not [name for name in sorted(beyond) if f"core/{name}.py" not in decisions]


def test_no_drawer_for_odds_and_ends():
    banned = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert not [name_of(path) for path in modules() if path.stem in banned]


def test_no_class_is_a_manager():
    pattern = re.compile(r"^class \w*(Manager|Helper|Utils?|Info)\b", re.MULTILINE)
    assert not [name_of(path) for path in modules() if pattern.search(path.read_text())]


def test_models_modules_keep_real_annotations():
    models = [path for path in modules() if path.stem == "models" or path.parent.name == "core"]
    postponed = "from __future__ import annotations"
    assert models
    assert not [name_of(path) for path in models if postponed in path.read_text()]


def test_modules_stay_under_400_lines():
    long = {name_of(path): len(path.read_text().splitlines()) for path in modules()}
    assert not {name: count for name, count in long.items() if count > 400}


def test_functions_stay_under_40_lines():
    def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        documented = isinstance(node.body[0], ast.Expr) and ast.get_docstring(node) is not None
        start = node.body[1].lineno if documented and len(node.body) > 1 else node.lineno
        return (node.end_lineno or start) - start + 1

    long = [
        f"{name_of(path)}:{node.lineno} {node.name} ({length(node)})"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > 40
    ]
    assert not long


def test_templates_carry_no_style_script_or_handler():
    inline = re.compile(r"""\sstyle\s*=|<style\b|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=\s*["']""")
    pages = [p for p in (ROOT / "templates").rglob("*.html") if "mail" not in p.parts]
    assert pages
    assert not [name_of(path) for path in pages if inline.search(path.read_text())]


def test_locks_pin_hashes_and_name_no_registry():
    for name in ("requirements.lock", "requirements-dev.lock"):
        content = (ROOT / name).read_text()
        pinned = re.findall(r"^[a-z0-9][\w.-]*(?:\[\w+\])?==", content, re.MULTILINE)
        assert len(pinned) > 30
        assert content.count("--hash=sha256:") >= len(pinned)
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links", content)


def test_both_locks_agree():
    def pins(name: str) -> dict[str, str]:
        found = re.findall(r"^([a-z0-9][\w.-]*)==(\S+)", (ROOT / name).read_text(), re.MULTILINE)
        return dict(found)

    site, everything = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: everything.get(name) for name in site} == site


@pytest.fixture(scope="module")
def mappers():
    import_all_models()
    configure_mappers()
    return sorted(Model._sa_registry.mappers, key=lambda mapper: mapper.class_.__name__)


def test_relationships_never_load_in_silence(mappers):
    wrong = [
        f"{mapper.class_.__name__}.{relation.key}: {relation.lazy}"
        for mapper in mappers
        for relation in mapper.relationships
        if relation.lazy != "raise_on_sql"
    ]
    assert not wrong


def test_amounts_are_whole_numbers(mappers):
    assert len(mappers) > 10
    columns = [column for mapper in mappers for column in mapper.local_table.columns]
    assert not [str(c) for c in columns if isinstance(c.type, Float | Numeric)]
