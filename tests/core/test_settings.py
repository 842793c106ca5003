"""Which settings are refused outside development although they look well-formed."""

from pydantic import SecretStr

from core.config import Settings


def test_seed_that_this_repository_publishes_is_refused_outside_development():
    published = Settings(env="development", audit_key=SecretStr("")).effective_audit_seed
    settings = Settings(env="production", audit_key=SecretStr(published.hex()))
    assert any("NARABI_AUDIT_KEY" in problem for problem in settings.problems())
