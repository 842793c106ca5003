"""Declared state machines: a table (state, action) -> state."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from core.errors import WrongState


class LabelledCode(StrEnum):
    """A stored code that knows its Japanese label; the code is the value."""

    label: str

    def __new__(cls, code: str, label: str = "") -> Self:
        """Make a member from its stored code and its label."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.label = label
        return member

    @classmethod
    def choices(cls) -> tuple[tuple[str, str], ...]:
        """Give (code, label) pairs in the declared order, for forms and facets."""
        return tuple((member.value, member.label) for member in cls)


@dataclass(frozen=True, slots=True)
class StateMachine:
    """One noun's states and actions; `noun` is the Japanese name of the thing."""

    noun: str
    initial: LabelledCode
    transitions: Mapping[tuple[LabelledCode, StrEnum], LabelledCode]

    def allows(self, state: LabelledCode, action: StrEnum) -> bool:
        """Tell whether the action exists in this state."""
        return (state, action) in self.transitions

    def target(self, state: LabelledCode, action: StrEnum) -> LabelledCode:
        """Return the next state; raises WrongState naming the present one."""
        try:
            return self.transitions[state, action]
        except KeyError:
            raise WrongState(self.wrong_state_sentence(state), state=state.value) from None

    def wrong_state_sentence(self, state: LabelledCode) -> str:
        """Return the sentence a reader sees when an action does not fit the state."""
        return (
            f"{self.noun}は今「{state.label}」です。"
            "この状態ではこの操作はできません。ページを開き直して確かめてください。"
        )
