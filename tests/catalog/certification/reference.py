"""The reference model of certification: what may happen to two versions of an offering, and what follows.

Plain Python without database, people or pages: the services are held against it, act by act.
"""

from collections import Counter
from dataclasses import dataclass, field

from catalog.certification.models import ReviewState
from catalog.terms import CertificationState

S = ReviewState
REVIEWED = {S.ASSIGNED, S.UNDER_REVIEW}
DISCUSSED = REVIEWED | {S.INFO_REQUESTED}
IN_FORCE = {S.CERTIFIED, S.CONDITIONAL}
LIVE = IN_FORCE | {S.SUSPENDED}
DISPUTABLE = {S.REFUSED, S.SUSPENDED, S.REVOKED}
DUE_IN, VALID_FOR, APPEAL_DAYS = 2, 5, 3
ACTS = (
    "submit", "assign", "favour", "object", "ask", "raise", "reply", "ask_again", "accept", "withdraw",
    "certify", "conditionally", "refuse", "cover", "publish", "renew", "suspend", "resume",
    "propose", "confirm", "drop", "report", "judge_met", "judge_back", "appeal", "uphold", "dismiss",
)  # fmt: skip
BY_REVIEWERS = {"favour", "object"}
BY_ANYBODY = {
    "submit", "assign", "ask", "raise", "reply", "ask_again", "accept", "withdraw", "publish", "renew",
    "suspend", "resume", "propose", "drop", "report", "judge_met", "judge_back", "appeal",
}  # fmt: skip


@dataclass
class Line:
    """The review of one version; once decided, its certificate."""

    state: S = S.SUBMITTED
    offer: str = "submitted"
    filed: dict[int, bool] = field(default_factory=dict)
    open: int = 0
    answered: int = 0
    condition: str = ""  # or open, met
    report: str = ""  # or reported, confirmed
    reported_on: int = -1
    due: int = -1
    until: int = -1
    rests: bool = False
    proposer: int | None = None
    deciders: set[int] = field(default_factory=set)
    overturned: set[int] = field(default_factory=set)
    stamp: int = 0  # of the decision that may be disputed
    appeal_until: int = -1
    appeal: tuple[S, int, set[int]] | None = None
    disputed: set[int] = field(default_factory=set)
    pending: set[tuple[str, int]] = field(default_factory=set)
    told: Counter[str] = field(default_factory=Counter)

    @property
    def last_day(self) -> int:
        """Give the last day that counts: a due date ends it, unless a report of before it waits."""
        is_waiting = self.report == "reported" and self.reported_on <= self.due
        is_due = self.condition == "open" and not is_waiting
        return min(self.until, self.due) if is_due else self.until

    def come_back(self) -> None:
        """Be in force again, conditional while the condition is open."""
        self.state = S.CONDITIONAL if self.condition == "open" else S.CERTIFIED


class Reference:
    """The older version, from some day on a newer one, and the day."""

    def __init__(self) -> None:
        self.day = 0
        self.stamps = 0
        self.lines = [Line()]

    def public(self, line: Line) -> CertificationState:
        """Say what a reader is told."""
        if line.state in {S.SUSPENDED, S.REVOKED}:
            return CertificationState(line.state.value)
        if line.state not in IN_FORCE:
            return CertificationState.CLAIMED
        if self.day > line.last_day:
            return CertificationState.EXPIRED
        return CertificationState(line.state.value)

    def base_of(self, line: Line) -> Line | None:
        """Give the certificate in force of the other version."""
        found = [e for e in self.lines if e is not line and e.state in IN_FORCE]
        if not found or (found[0].condition == "open" and self.day > found[0].due):
            return None
        return found[0] if self.day <= found[0].until else None

    def look(self, number: int, act: str, who: int) -> tuple[bool, frozenset[str]]:
        """Tell whether the state has room for an act, and which guards stand against it."""
        x = self.lines[number]
        settled = not x.open and not x.answered
        unbound = who not in x.overturned
        proposed = x.proposer is not None
        free = {"not proposed": not proposed}
        heard = {"another decider": x.appeal is None or who not in x.appeal[2]}
        decided = {"unbound": unbound, "settled": settled}
        reportable = {S.CONDITIONAL, S.SUSPENDED}
        is_refused = x.state is S.REFUSED
        rules: dict[str, tuple[bool, dict[str, bool]]] = {
            "submit": (
                is_refused or x.state is S.INFO_REQUESTED,
                {"no appeal": x.appeal is None} if is_refused else {"answered": not x.open},
            ),
            "assign": (x.state is S.SUBMITTED, {}),
            "favour": (x.state in REVIEWED, {"once": who not in x.filed}),
            "object": (x.state in REVIEWED, {"once": who not in x.filed}),
            "ask": (x.state in REVIEWED, {}),
            "raise": (x.state in DISCUSSED, {}),
            "reply": (x.state in DISCUSSED, {"open": x.open > 0}),
            "ask_again": (x.state in DISCUSSED, {"answered": x.answered > 0}),
            "accept": (x.state in DISCUSSED | {S.RECOMMENDED}, {"unsettled": not settled}),
            "withdraw": (x.state in DISCUSSED | {S.RECOMMENDED}, {"unsettled": not settled}),
            "certify": (x.state is S.RECOMMENDED, decided),
            "conditionally": (x.state is S.RECOMMENDED, decided),
            "refuse": (x.state is S.RECOMMENDED, {"unbound": unbound}),
            "cover": (
                x.state in {S.UNDER_REVIEW, S.RECOMMENDED},
                decided
                | {
                    "an opinion": bool(x.filed),
                    "in favour": all(x.filed.values()),
                    "a base": self.base_of(x) is not None,
                },
            ),
            "publish": (x.offer == "approved", {}),
            "renew": (number == 0 and len(self.lines) == 1 and x.offer == "published", {}),
            "suspend": (x.state in IN_FORCE, {"in time": self.day <= x.until}),
            "resume": (x.state is S.SUSPENDED, free),
            "propose": (x.state in LIVE, free),
            "confirm": (x.state in LIVE, {"proposed": proposed, "by two": who != x.proposer}),
            "drop": (x.state in LIVE, {"proposed": proposed}),
            "report": (x.state in reportable and x.condition != "", {"once": x.report == ""}),
            "judge_met": (x.state in reportable, {"reported": x.report == "reported"}),
            "judge_back": (x.state in reportable, {"reported": x.report == "reported"}),
            "appeal": (
                x.state in DISPUTABLE,
                {
                    "none open": x.appeal is None,
                    "once": x.stamp not in x.disputed,
                    "in time": self.day <= x.appeal_until,
                },
            ),
            "uphold": (x.appeal is not None, heard),
            "dismiss": (x.appeal is not None, heard),
        }
        has_room, guards = rules[act]
        return has_room, frozenset(name for name, holds in guards.items() if not holds)

    def allows(self, number: int, act: str, who: int) -> bool:
        """Tell whether an act succeeds now."""
        return self.look(number, act, who) == (True, frozenset())

    def barred(self) -> dict[tuple[str, str], tuple[int, str, int]]:
        """Give, by act and guard, an act against which this one guard alone stands."""
        found: dict[tuple[str, str], tuple[int, str, int]] = {}
        for way in self._all():
            has_room, standing = self.look(*way)
            if has_room and len(standing) == 1:
                found.setdefault((way[1], *standing), way)
        return found

    def ways(self) -> list[tuple[int, str, int]]:
        """List the acts that are possible now."""
        return [way for way in self._all() if self.allows(*way)]

    def closed(self) -> list[tuple[int, str, int]]:
        """List the acts for which the state has no room; there is never a third version."""
        return [
            way
            for way in self._all()
            if not self.look(*way)[0] and (way[1] != "renew" or len(self.lines) == 1)
        ]

    def _all(self) -> list[tuple[int, str, int]]:
        return [
            (number, act, who)
            for number in range(len(self.lines))
            for act in ACTS
            for who in range(1 if act in BY_ANYBODY else 2 if act in BY_REVIEWERS else 3)
        ]

    def move(self, number: int, act: str, who: int) -> None:
        """Change as the act does; `wait` lets `who` days pass."""
        if act == "wait":
            self.day += who
            self.deliver()
            return
        x = self.lines[number]
        for part in (self._review, self._decide, self._measure, self._dispute):
            if part(x, act, who):
                return
        if act == "publish":
            self._publish(x)
        else:  # renew
            self.lines.append(Line())

    def _review(self, x: Line, act: str, who: int) -> bool:
        if act == "submit":
            if x.state is S.REFUSED:  # a new review of the same version
                self.lines[self.lines.index(x)] = Line()
                return True
            x.state, x.offer = S.UNDER_REVIEW, "submitted"  # unchanged: opinions stay
        elif act == "assign":
            x.state = S.ASSIGNED
        elif act in BY_REVIEWERS:
            x.filed[who] = act == "favour"
            x.state = S.RECOMMENDED if len(x.filed) == 2 else S.UNDER_REVIEW
        elif act == "ask":
            x.state, x.offer = S.INFO_REQUESTED, "returned"
        elif act == "raise":
            x.open += 1
            x.state = S.UNDER_REVIEW if x.state is S.ASSIGNED else x.state
        elif act in {"reply", "ask_again"}:
            step = 1 if act == "reply" else -1
            x.open, x.answered = x.open - step, x.answered + step
        elif act in {"accept", "withdraw"}:  # an answered one first
            x.answered, x.open = (x.answered - 1, x.open) if x.answered else (0, x.open - 1)
        else:
            return False
        return True

    def _decide(self, x: Line, act: str, who: int) -> bool:
        if act == "refuse":
            x.state, x.offer = S.REFUSED, "returned"
            self._dispute_until(x, {who})
        elif act in {"certify", "conditionally"}:
            x.until = self.day + VALID_FOR
            if act == "conditionally":
                x.condition, x.due = "open", self.day + DUE_IN
            self._certify(x)
        elif act == "cover":
            base = self.base_of(x)
            assert base is not None
            x.until, x.condition, x.due = base.until, base.condition, base.due
            x.rests = True
            self._certify(x)
        else:
            return False
        return True

    @staticmethod
    def _certify(x: Line) -> None:
        x.offer = "approved"
        x.pending = {("end", x.until)} | ({("due", x.due)} if x.condition else set())
        x.come_back()

    def _measure(self, x: Line, act: str, who: int) -> bool:
        if act == "suspend":
            self._end(x, S.SUSPENDED, IN_FORCE, {who})
        elif act == "resume":
            self._resume(x)
        elif act == "propose":
            x.proposer = who
        elif act == "drop":
            x.proposer = None
        elif act == "confirm":
            assert x.proposer is not None
            self._end(x, S.REVOKED, LIVE, {who, x.proposer})
        elif act == "report":
            x.report, x.reported_on = "reported", self.day
        elif act == "judge_back":
            x.report = ""
        elif act == "judge_met":
            x.report, x.condition = "confirmed", "met"
            x.state = S.CERTIFIED if x.state is S.CONDITIONAL else x.state
        else:
            return False
        return True

    def _resting_on(self, x: Line) -> list[Line]:
        return [each for each in self.lines if each.rests and each is not x]

    def _end(self, x: Line, state: S, ended: set[S], deciders: set[int]) -> None:
        self.stamps += 1
        for each in (x, *self._resting_on(x)):
            if each is x or each.state in ended:
                each.state = state
                each.proposer = x.proposer if state is S.REVOKED else each.proposer
                self._dispute_until(each, deciders, self.stamps)

    def _resume(self, x: Line) -> None:
        for each in (x, *self._resting_on(x)):
            together = each.state is S.SUSPENDED and each.stamp == x.stamp
            if each is x or (together and each.proposer is None):
                each.come_back()

    def _dispute_until(self, x: Line, deciders: set[int], stamp: int | None = None) -> None:
        self.stamps += stamp is None
        x.stamp = stamp or self.stamps
        x.deciders, x.appeal_until = deciders, self.day + APPEAL_DAYS

    def _dispute(self, x: Line, act: str, who: int) -> bool:
        del who
        if act == "appeal":
            x.appeal = (x.state, x.stamp, x.deciders)
            x.disputed.add(x.stamp)
        elif act in {"uphold", "dismiss"}:
            assert x.appeal is not None
            state, stamp, deciders = x.appeal
            x.appeal = None
            if act == "uphold":
                x.overturned |= deciders
                if (x.state, x.stamp) == (state, stamp):
                    self._grant(x)
        else:
            return False
        return True

    def _grant(self, x: Line) -> None:
        if x.state is S.REFUSED:
            x.state, x.filed = S.INFO_REQUESTED, {}
        elif x.state is S.SUSPENDED:
            self._resume(x)
        else:
            for each in (x, *self._resting_on(x)):
                if each is x or (each.state is S.REVOKED and each.stamp == x.stamp):
                    each.proposer = None
                    each.come_back()

    def _publish(self, x: Line) -> None:
        older = [each for each in self.lines[: self.lines.index(x)] if each.offer == "published"]
        x.offer = "published"
        for each in older:
            each.offer = "superseded"
        self.deliver()
        if x.state in IN_FORCE:
            for each in older:
                each.state = S.SUPERSEDED if each.state in LIVE else each.state

    def deliver(self) -> None:
        """Tell of ends and of conditions that were not met in time, once each."""
        for x in self.lines:
            for kind, day in {each for each in x.pending if each[1] < self.day}:
                x.pending.discard((kind, day))
                if kind == "end" and self.public(x) is CertificationState.EXPIRED:
                    x.told["expired"] += 1
                if kind == "due" and x.state is S.CONDITIONAL and x.condition == "open":
                    x.told["condition_due"] += 1
