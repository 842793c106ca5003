"""People with a password, and helpers that act as a browser would."""

from collections.abc import Callable

import pytest

import tests.factories as make
from accounts.models import Person, Role
from accounts.services import hash_password
from core import db

PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The hash of PASSWORD, made once: it is slow on purpose."""
    return hash_password(PASSWORD)


@pytest.fixture
def someone(database, password_hash: str) -> Callable[..., Person]:
    """Make a person who can sign in."""

    def made(role: Role | None = Role.CLERK, **values) -> Person:
        with db.transaction() as session:
            return make.person(session, role, password_hash=password_hash, **values)

    return made
