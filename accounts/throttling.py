"""How often something may be tried from one source: counted in one statement, so that none slips by."""

import hashlib
import hmac
import ipaddress
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, case, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import class_mapper
from sqlmodel import Session

from accounts.models import Throttle
from core.config import Settings
from core.db import now

_KEPT = timedelta(days=2)
_HOME_NETWORK = 64  # bits: whoever has an IPv6 address has all of such a network


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` tries of a kind within `hours` and `minutes` of the first."""

    kind: str
    most: int
    hours: int = 0
    minutes: int = 0

    @property
    def span(self) -> timedelta:
        """How long a count goes on before it begins anew."""
        return timedelta(hours=self.hours, minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class Count:
    """How many tries there were, these included, since the first of the span."""

    tries: int
    began_at: datetime


def network_of(address: str | None) -> str:
    """Return what tells one line from another: an IPv4 address, or the network of an IPv6 one."""
    try:
        read = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if read.version == 4:
        return str(read)
    return str(ipaddress.ip_network((read, _HOME_NETWORK), strict=False))


def count_try(session: Session, settings: Settings, limit: Limit, source: str) -> int:
    """Count one more try and return by how many the limit is passed, 0 while it is kept."""
    return max(0, count(session, settings, limit, source).tries - limit.most)


def count(session: Session, settings: Settings, limit: Limit, source: str, times: int = 1) -> Count:
    """Count so many tries more, for all workers and nodes in one statement.

    The source is sealed: the table tells nobody who it was.
    """
    table = cast("Table", class_mapper(Throttle).local_table)
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    insert: Any = postgresql.insert if is_postgresql else sqlite.insert
    moment = now(session)
    session.execute(delete(table).where(table.c.began_at < moment - _KEPT))
    is_over = table.c.began_at <= moment - limit.span
    first = {"id": _seal(settings, limit.kind, source), "began_at": moment, "tries": times}
    statement = insert(table).values(created_at=moment, updated_at=moment, version=1, **first)
    tries, began_at = session.execute(
        statement.on_conflict_do_update(
            index_elements=[table.c.id],
            set_={
                "tries": case((is_over, times), else_=table.c.tries + times),
                "began_at": case((is_over, moment), else_=table.c.began_at),
                "updated_at": moment,
                "version": table.c.version + 1,
            },
        ).returning(table.c.tries, table.c.began_at)
    ).one()
    return Count(int(tries), began_at)


def seconds_until_free(session: Session, settings: Settings, limit: Limit, source: str) -> int:
    """Return for how many seconds a passed limit still holds, 0 while it is kept; counts nothing."""
    row = session.get(Throttle, _seal(settings, limit.kind, source))
    if row is None or row.tries < limit.most:
        return 0
    left = row.began_at + limit.span - now(session)
    return max(0, int(left.total_seconds()))


def _seal(settings: Settings, kind: str, source: str) -> uuid.UUID:
    key = settings.effective_secret_key.encode()
    digest = hmac.new(key, f"throttle:{kind}:{source}".encode(), hashlib.sha256).digest()
    return uuid.UUID(bytes=digest[:16])
