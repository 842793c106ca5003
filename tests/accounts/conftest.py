"""People with a password, and helpers that act as a browser would."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from joserfc.jwk import RSAKey
from pydantic import SecretStr

import tests.factories as make
from accounts import oauth
from accounts.models import Person, Role
from accounts.services import hash_password
from core import db
from core.config import Settings
from tests.accounts.oidc_provider import CLIENT_ID, CLIENT_SECRET, LocalProvider

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


@pytest.fixture(scope="session")
def _provider() -> Iterator[LocalProvider]:
    made = LocalProvider(RSAKey.generate_key(2048), RSAKey.generate_key(2048))
    yield made
    made.close()


@pytest.fixture
def provider(_provider: LocalProvider) -> LocalProvider:
    """The identity provider of this machine, truthful again."""
    _provider.reset()
    oauth.forget_documents()
    return _provider


@pytest.fixture
def with_providers(app: Flask, settings: Settings, provider: LocalProvider) -> Settings:
    """Configure the provider for vendors and for staff."""
    values = {
        f"{name}_{key}": value
        for name in ("gbiz", "staff")
        for key, value in (
            ("issuer", provider.issuer),
            ("client_id", CLIENT_ID),
            ("client_secret", SecretStr(CLIENT_SECRET)),
        )
    }
    configured = settings.model_copy(update={**values, "inward_origins": [provider.origin]})
    app.config["NARABI"] = configured
    return configured


@pytest.fixture
def journey(with_providers: Settings) -> Callable[..., str]:
    """Press the button of a provider and return the address that the browser is led to."""

    def go(client, label: str = "GビズIDでサインインする", path: str = "/sign-in") -> str:
        response = client.submit(path, button=label)
        assert response.status_code == 200, response.text
        address = response.headers["Refresh"].removeprefix("0; url=")
        assert f'href="{address.replace("&", "&amp;")}"' in response.text
        return address

    return go
