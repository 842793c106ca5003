"""The base of every table: UUID key, times, version, and compare-and-set changes."""

import uuid
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, cast

from sqlalchemy import (
    JSON,
    DateTime,
    Enum,
    LargeBinary,
    MetaData,
    Table,
    TypeDecorator,
    Update,
    bindparam,
    inspect,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import CursorResult, Dialect
from sqlalchemy.orm import Session, object_session
from sqlmodel import Field, Relationship, SQLModel

from core.clock import utcnow
from core.errors import StaleVersion, WrongState
from core.state_machine import LabelledCode, StateMachine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

JSONType = JSON().with_variant(JSONB(), "postgresql")


class UTCDateTime(TypeDecorator[datetime]):
    """Aware UTC in, aware UTC out, on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a time without a zone cannot be stored"
            raise ValueError(msg)
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give aware UTC back, also where the database keeps no zone."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def enum_type(enumeration: type[StrEnum], *, length: int = 32, name: str = "") -> Enum:
    """Return a column type that stores the values of a StrEnum with a CHECK on both databases.

    `name` tells the CHECKs apart where a table has several columns of one enumeration.
    """
    return Enum(
        enumeration,
        native_enum=False,
        create_constraint=True,
        length=length,
        name=name or _snake(enumeration.__name__),
        values_callable=lambda e: [member.value for member in e],
    )


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


def _no_items() -> list[Any]:
    return []


class Model(SQLModel):
    """Base of tables: key, times and the version that every change raises by one."""

    metadata: ClassVar[MetaData] = metadata

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    created_at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime, nullable=False)
    updated_at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime, nullable=False)
    version: int = Field(default=1, nullable=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **_told: Any) -> None:
        """Let an empty column be filled quickly.

        The signature of `list` is written in C: pydantic reads it for every such column of every new
        row, twenty times as slowly as that of a function.
        """
        for field in cls.model_fields.values():
            if field.default_factory is list:
                field.default_factory = _no_items

    def revise(self, version: int | None = None, **values: Any) -> None:
        """Change columns by compare-and-set on the version the reader saw.

        Raises StaleVersion when somebody else changed the row first.
        """
        _compare_and_set(self, version, {}, values)


class StatefulModel(Model):
    """A row whose `state` moves only along its declared machine."""

    MACHINE: ClassVar[StateMachine]

    def apply(self, action: StrEnum, version: int | None = None, **values: Any) -> None:
        """Move along the machine by compare-and-set on (state, version), setting `values` as well.

        Raises WrongState naming the state, StaleVersion when somebody else moved it first.
        """
        state = self._state()
        target = self.MACHINE.target(state, action)
        values["state"] = target
        _compare_and_set(self, version, {"state": state}, values)

    def expect(self, action: StrEnum) -> None:
        """Raise WrongState, naming the present state, when the machine lacks this action there."""
        self.MACHINE.target(self._state(), action)

    def can_apply(self, action: StrEnum) -> bool:
        """Tell whether the machine has this action in the present state."""
        return self.MACHINE.allows(self._state(), action)

    def _state(self) -> LabelledCode:
        return cast("LabelledCode", getattr(self, "state"))  # noqa: B009 - declared by subclasses


def _compare_and_set(
    row: Model, version: int | None, expected: dict[str, Any], values: dict[str, Any]
) -> None:
    session = cast("Session", object_session(row))
    session.flush()
    table = cast("Table", inspect(type(row), raiseerr=True).local_table)
    seen = row.version if version is None else version
    values = {**values, "version": seen + 1, "updated_at": session.info["now"]}
    told = {"row": row.id, "seen": seen}
    told |= {f"old_{name}": value for name, value in expected.items()}
    told |= {f"new_{name}": value for name, value in values.items()}
    statement = _update_of(table, tuple(expected), tuple(values))
    result = cast("CursorResult[Any]", session.execute(statement, told))
    session.refresh(row)
    if result.rowcount == 1:
        return
    if expected and getattr(row, "state") != expected["state"]:  # noqa: B009
        machine = cast("StatefulModel", row).MACHINE
        state = cast("LabelledCode", getattr(row, "state"))  # noqa: B009
        raise WrongState(machine.wrong_state_sentence(state), state=state.value)
    raise StaleVersion(current=row.model_dump(mode="json", exclude=_bytes_of(table)))


@cache
def _bytes_of(table: Table) -> set[str]:
    """Name the columns that nobody compares by reading: files, and what is sealed."""
    return {column.name for column in table.columns if isinstance(column.type, LargeBinary)}


@cache
def _update_of(table: Table, expected: tuple[str, ...], changed: tuple[str, ...]) -> Update:
    # Every act runs it: once per shape, for building costs more than executing.
    return (
        update(table)
        .where(table.c.id == bindparam("row"), table.c.version == bindparam("seen"))
        .where(*(table.c[name] == bindparam(f"old_{name}") for name in expected))
        .values({name: bindparam(f"new_{name}") for name in changed})
    )


def related(**options: Any) -> Any:
    """Return a relationship that never loads by accident: queries state what they load."""
    return Relationship(sa_relationship_kwargs={"lazy": "raise_on_sql", **options})


def not_same(*columns: str) -> str:
    """Return SQL saying that no two of these person columns name the same person."""
    pairs = [(a, b) for i, a in enumerate(columns) for b in columns[i + 1 :]]
    return " AND ".join(f"({a} IS NULL OR {b} IS NULL OR {a} <> {b})" for a, b in pairs)
