"""The ledger of acceptance lines: which of the forty are shown by a passing test."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

LABELS = {
    1: "Vendor: a draft outlives sign-out; submission names every gap",
    2: "Vendor: answers are held against the named version",
    3: "Vendor: an offering is carried to the next version once",
    4: "Vendor: a live offering's edit waits for approval",
    5: "Vendor: unfit evidence is refused, nothing changes",
    6: "Vendor: withdrawal answers 410 with substitutes",
    7: "Vendor: rivals' interest stays unseen",
    8: "Vendor: a spreadsheet is checked as a whole",
    9: "Vendor: findings per requirement, answered, resubmitted",
    10: "Buyer: facets add up to the rows",
    11: "Buyer: the search state survives every way of moving",
    12: "Buyer: the last page opens, the next is 404",
    13: "Buyer: ties follow an explained neutral rule",
    14: "Buyer: without the search server nothing gets wider",
    15: "Buyer: five certification claims stay apart",
    16: "Buyer: two to five listings side by side, cost for my body",
    17: "Buyer: signing in while saving loses nothing",
    18: "Buyer: locked evidence never moves",
    19: "Buyer: exports hold what the screen held, harmlessly",
    20: "Buyer: a request names a locked version and completes once",
    21: "Buyer: a project can close without a contract, with a reason",
    22: "Buyer: one organisation at a time",
    23: "Buyer: keyboard, no script, 400 % zoom, one announcement",
    24: "Reviewer: a concurrent edit stays in the queue",
    25: "Reviewer: automatic checks sort, people decide",
    26: "Reviewer: expiry and revocation arrive the same day",
    27: "Reviewer: a certificate covers its own version only",
    28: "Reviewer: impossible dates are refused",
    29: "Reviewer: two score blind, a third decides",
    30: "API: snapshot plus changes equals the server",
    31: "API: concurrent changes arrive once and in order",
    32: "API: cursors too old or from the future are told so",
    33: "API: 304, 412 and idempotent repetition",
    34: "API: unknown names are refused by name",
    35: "API: webhooks sign, retry and keep secrets",
    36: "API: deprecation is announced in headers",
    37: "Operator: reindexing never shows less or more",
    38: "Operator: merges and transfers keep every link",
    39: "Operator: backup, loss and restore verify",
    40: "Operator: unsafe settings stop the start by name",
}


class AcceptanceLedger:
    """Collects the outcome of tests marked `acceptance(n)`; prints and stores it when asked."""

    def __init__(self, target: str | None) -> None:
        self.target = target
        self.outcomes: dict[int, set[str]] = defaultdict(set)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note each test's lines where its report carries them to the controller."""
        for item in items:
            for marker in item.iter_markers("acceptance"):
                unknown = [line for line in marker.args if line not in LABELS]
                if unknown or not marker.args:
                    raise pytest.UsageError(f"{item.nodeid}: no acceptance line {unknown}")
                item.user_properties += [("acceptance", line) for line in marker.args]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test as passed by its body, as failed by any phase."""
        if report.failed or (report.passed and report.when == "call"):
            for name, line in report.user_properties:
                if name == "acceptance" and isinstance(line, int):
                    self.outcomes[line].add(report.outcome)

    def verdicts(self) -> dict[int, str]:
        """Return passed, failed or missing for every line."""
        found = {}
        for line in LABELS:
            outcomes = self.outcomes[line]
            found[line] = "failed" if "failed" in outcomes else "passed" if outcomes else "missing"
        return found

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Let a run in which no line is shown yet still end well; it says so line by line."""
        if self.target and session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print one row per line and write the same as JSON."""
        if not self.target:
            return
        verdicts = self.verdicts()
        terminalreporter.section("acceptance")
        for line, verdict in verdicts.items():
            colour = {"passed": {"green": True}, "failed": {"red": True}}.get(verdict, {})
            terminalreporter.write_line(f"{line:>3}  {verdict:<8} {LABELS[line]}", **colour)
        path = Path(self.target)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({str(k): v for k, v in verdicts.items()}, indent=1) + "\n")
