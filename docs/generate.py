"""Write permissions.md, state-machines.md and settings.md from the code: python docs/generate.py."""  # noqa: INP001

import importlib
import runpy
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from accounts import predicates  # noqa: E402
from accounts.identity import Grantee, Pseudo, Scope  # noqa: E402
from accounts.models import Role  # noqa: E402
from accounts.permission_table import PERMISSIONS, Permission  # noqa: E402
from core.config import Settings  # noqa: E402
from core.models import StatefulModel  # noqa: E402
from core.state_machine import StateMachine  # noqa: E402

PACKAGES = ("accounts", "vendors", "catalog", "search", "procurement")
_NOTE = "<!-- Written by docs/generate.py from the code; a test fails when it is out of date. -->"
_WHO: tuple[Grantee, ...] = (Pseudo.ANONYMOUS, *Role, Pseudo.CONSOLE, *Scope)
_LABELS: dict[Grantee, str] = {Pseudo.ANONYMOUS: "サインインなし", Pseudo.CONSOLE: "コマンド"}
_WORDS = {
    predicates.anywhere: "●",
    predicates.own: "own",
    predicates.independent: "not own",
    predicates.assigned: "assigned",
    predicates.cleared: "cleared",
    predicates.unrecused: "not recused",
    predicates.independent_unrecused: "not own, not recused",
    predicates.unbiased: "unbiased",
    predicates.sent_here: "sent",
    predicates.own_unsent: "own unsent",
    predicates.own_sent: "own sent",
    predicates.personal: "personal",
    predicates.named: "named",
    predicates.ended: "after the end",
    predicates.opened_own: "own opened",
    predicates.opened_ended: "opened, after the end",
}
_LEGEND = (
    "● any subject · own: of the acting organisation · not own: of no organisation that the person "
    "belongs to · assigned: assigned to the person, and not own · not recused: the person declared no "
    "conflict of interests on any version of the offering · cleared: assigned, declared free of conflict, "
    "not own and not recused · unbiased: not own, not recused, and no declaration is owed as a "
    "reviewer of it · sent: sent to the acting "
    "organisation · own unsent, own sent: own, before and after it was sent · personal: kept "
    "by this very person acting for this very organisation · named: own, and "
    "the organisation named the person · after the end: when the case is over · opened: "
    "when two people have opened the quotes · blank: never."
)
_REFUSALS = (
    "A refusal reads 404 to whoever may not read the subject either, 403 to those who may, and asks "
    "nobody signed in to sign in. Refused attempts to write are in the audit trail. The right is "
    "asked twice: at the route, and inside the transaction with the roles of that moment. The last "
    "columns are the scopes of API clients, which act for one organisation. No "
    "permission is given to a person, only to a role in one organisation; a missing row is an error."
)
_MOVES = (
    "Each row moves only along these tables, by compare-and-set on its state and version. An action "
    "that is not in the table answers 409 and names the state; a stale version answers 412."
)
_CONSTRAINTS = ("ge", "le", "gt", "lt")


def write_permissions() -> str:
    """Return the table of every permission and role."""
    heads = ["permission", "", *map(_label, _WHO)]
    rows = [
        [
            f"`{permission.value}`",
            "write" if permission.is_write else "read",
            *(_cell(permission, who) for who in _WHO),
        ]
        for permission in Permission
    ]
    return _page("Permissions", [_LEGEND, _REFUSALS, _table(heads, rows)])


def _label(who: Grantee) -> str:
    if isinstance(who, Scope):
        return f"`{who.value}`"
    return who.label if isinstance(who, Role) else _LABELS[who]


def _cell(permission: Permission, who: Grantee) -> str:
    predicate = PERMISSIONS[permission].get(who)
    return _WORDS[predicate] if predicate else ""


def write_state_machines() -> str:
    """Return every machine: a diagram, its states and its transitions."""
    _import_models()
    parts = [_MOVES]
    for machine, models in sorted(_machines(), key=lambda found: found[1]):
        parts += [
            f"## {' · '.join(models)}（{machine.noun}）",
            _diagram(machine),
            _table(["state", "", "action", "becomes"], list(_moves(machine))),
        ]
    return _page("State machines", parts)


def _import_models() -> None:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*models.py")):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def _machines() -> list[tuple[StateMachine, list[str]]]:
    found: dict[int, tuple[StateMachine, list[str]]] = {}
    for model in _subclasses(StatefulModel):
        machine = model.__dict__.get("MACHINE")
        if machine is not None:
            found.setdefault(id(machine), (machine, []))[1].append(model.__name__)
    for _, names in found.values():
        names.sort()
    return list(found.values())


def _subclasses(model: type[StatefulModel]) -> Iterable[type[StatefulModel]]:
    for each in model.__subclasses__():
        yield each
        yield from _subclasses(each)


def _diagram(machine: StateMachine) -> str:
    lines = [f"  [*] --> {machine.initial.value}"]
    lines += [
        f"  {state.value} --> {target.value}: {action.value}"
        for (state, action), target in machine.transitions.items()
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def _moves(machine: StateMachine) -> Iterable[list[str]]:
    for state in type(machine.initial):
        moves = [(a, t) for (s, a), t in machine.transitions.items() if s is state]
        name = f"`{state.value}`"
        if not moves:
            yield [name, state.label, "–", "–"]
        for action, target in moves:
            yield [name, state.label, f"`{action.value}`", f"`{target.value}`"]
            name = ""


def write_settings() -> str:
    """Return every setting with its variable, default and bounds."""
    required = {line.split()[0] for line in Settings.model_construct(env="production").problems()}
    prefix = str(Settings.model_config.get("env_prefix", ""))
    rows = []
    for name, field in Settings.model_fields.items():
        variable = f"{prefix}{name.upper()}"
        needed = "required" if variable in required else ""
        default = _default(field.default)
        rows.append(
            [f"`{variable}`", default, _bounds(field.metadata), needed, field.description or ""]
        )
    intro = (
        "All settings come from the environment. The required ones stop the start outside development "
        "when they are missing or unsafe, and are named with the way to mend them; `narabi doctor` "
        "checks them as well."
    )
    heads = ["variable", "default", "bounds", "outside development", "what it is"]
    server = "## Server\n\n`gunicorn.conf.py`, which serves both the demo and production, reads these as well."
    found = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["VARIABLES"]
    more = [[f"`{name}`", _default(default), words] for name, (default, words) in found.items()]
    tables = [_table(heads, rows), server, _table(["variable", "default", "what it is"], more)]
    return _page("Settings", [intro, *tables])


def _default(value: Any) -> str:
    text = value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
    return f"`{text}`" if text else "–"


def _bounds(metadata: Sequence[Any]) -> str:
    signs = {"ge": "≥", "le": "≤", "gt": ">", "lt": "<"}
    return " ".join(
        f"{signs[name]} {getattr(each, name):,}"
        for each in metadata
        for name in _CONSTRAINTS
        if getattr(each, name, None) is not None
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _page(title: str, parts: Sequence[str]) -> str:
    return "\n\n".join([f"# {title}", _NOTE, *parts]) + "\n"


PAGES = {
    "permissions.md": write_permissions,
    "state-machines.md": write_state_machines,
    "settings.md": write_settings,
}

if __name__ == "__main__":
    for filename, write in PAGES.items():
        (ROOT / "docs" / filename).write_text(write(), "utf-8")
