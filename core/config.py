"""Typed, frozen settings from the environment; unsafe values stop the start outside development."""

import re
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

_MINIMUM_SECRET_LENGTH = 32
_SAME_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})

# As the developers' guideline of GビズID names them; `name` there is the company's.
GBIZ_CLAIMS = {
    "person_name": "user_last_nm user_first_nm",
    "email": "email",
    "company_name": "name",
    "corporate_number": "corporate_number",
    "account_type": "account_type",
}


class UnsafeSettingsError(Exception):
    """Settings are missing or unsafe; `problems` names each with the way to mend it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """Every setting of Narabi. The environment variable is the upper-case name after NARABI_."""

    model_config = SettingsConfigDict(env_prefix="NARABI_", frozen=True, extra="ignore")

    env: Literal["production", "development"] = Field(
        default="production", description="production or development"
    )
    database_url: str = Field(
        default="",
        description="SQLAlchemy URL: postgresql+psycopg://… or sqlite:////absolute/path.db",
    )
    data_dir: Path = Field(
        default=Path("var"),
        description="folder for the embedded search index, generated keys and, without NARABI_FILES_URL, evidence files",
    )
    secret_key: SecretStr = Field(
        default=SecretStr(""), description="signs the CSRF cookie; at least 32 characters"
    )
    audit_key: SecretStr = Field(
        default=SecretStr(""),
        description="ed25519 seed, 64 hexadecimal digits; signs audit checkpoints",
    )
    seal_key: SecretStr = Field(
        default=SecretStr(""),
        description="64 hexadecimal digits; seals quotes and estimated prices until they are opened",
    )
    seal_keys_before: list[SecretStr] = Field(
        default=[],
        description="JSON: former sealing keys, the oldest first, while something of theirs is still sealed",
    )
    base_url: str = Field(
        default="", description="public address, https://…, used in mail, feed and certificates"
    )
    contact: str = Field(
        default="", description="how readers reach the operator; shown on the contact page"
    )
    search_url: str = Field(default="", description="Meilisearch address; empty: embedded engine")
    search_key: SecretStr = Field(
        default=SecretStr(""),
        description="Meilisearch key with documents, indexes, settings, tasks",
    )
    files_url: str = Field(
        default="",
        description="s3://bucket/prefix of an S3-compatible service for evidence files; empty: DATA_DIR/files",
    )
    files_endpoint: str = Field(
        default="", description="https address of that service; empty: AWS in NARABI_FILES_REGION"
    )
    files_region: str = Field(default="", description="region of the bucket")
    files_key_id: str = Field(
        default="", description="access key id; empty: the role of the machine"
    )
    files_key_secret: SecretStr = Field(default=SecretStr(""), description="secret access key")
    session_idle_minutes: int = Field(default=30, ge=5, le=480, description="minutes")
    session_absolute_hours: int = Field(default=12, ge=1, le=24, description="hours")
    reauthentication_minutes: int = Field(
        default=10, ge=1, le=10, description="age limit of a sign-in for legal acts, minutes"
    )
    appeal_days: int = Field(
        default=90, ge=1, le=365, description="days in which a vendor may appeal a decision"
    )
    sign_in_attempts: int = Field(
        default=5, ge=3, le=20, description="wrong passwords before the lock-out"
    )
    sign_in_lock_minutes: int = Field(default=15, ge=1, description="length of a lock-out, minutes")
    token_minutes: int = Field(
        default=10, ge=1, le=60, description="life of an access token of the API, minutes"
    )
    client_attempts: int = Field(
        default=20,
        ge=3,
        le=1_000,
        description="wrong secrets or signatures that one network may send for one API client in an hour",
    )
    register_attempts: int = Field(
        default=10,
        ge=3,
        le=1_000,
        description="registrations that one network may begin in an hour",
    )
    pdf_per_hour: int = Field(
        default=60,
        ge=1,
        le=10_000,
        description="PDFs of costs and comparisons drawn in an hour for one person or, signed out, one network",
    )
    api_anonymous_per_minute: int = Field(
        default=300,
        ge=10,
        le=10_000_000,
        description="requests of the API in a minute without a token, for one network",
    )
    api_client_per_minute: int = Field(
        default=3_000,
        ge=10,
        le=10_000_000,
        description="requests of the API in a minute with a token, for one API client",
    )
    body_limit_bytes: int = Field(
        default=1_048_576, ge=65_536, description="limit of a form or JSON body, bytes"
    )
    upload_limit_bytes: int = Field(
        default=20_971_520, ge=65_536, description="limit of a request with a file, bytes"
    )
    evidence_limit_bytes: int = Field(
        default=1_000_000_000,
        ge=20_000_000,
        description="limit of all evidence files of one offering together, every version of it, bytes",
    )
    feed_keep_days: int = Field(
        default=400,
        ge=1,
        le=36_500,
        description="days for which the change feed keeps its entries; older copies begin anew",
    )
    mail_sender: str = Field(default="", description="address that letters come from")
    smtp_host: str = Field(
        default="",
        description="mail server; empty: letters wait (development: kept in DATA_DIR/mail)",
    )
    smtp_port: int = Field(default=587, ge=1, le=65_535, description="port of the mail server")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="starttls, tls or none (only on the same machine)"
    )
    smtp_user: str = Field(default="", description="user at the mail server; empty: none")
    smtp_password: SecretStr = Field(
        default=SecretStr(""), description="password at the mail server"
    )
    metrics_token: SecretStr = Field(
        default=SecretStr(""),
        description="opens /metrics to Prometheus (Authorization: Bearer); at least 32 characters; empty: no such page",
    )
    trusted_proxies: int = Field(
        default=0, ge=0, le=3, description="number of reverse proxies whose headers are believed"
    )
    gbiz_issuer: str = Field(
        default="",
        description="issuer of GビズID, exactly as it signs, e.g. https://gbiz-id.go.jp/oauth/; empty: no such sign-in",
    )
    gbiz_client_id: str = Field(default="", description="this site's client id at GビズID")
    gbiz_client_secret: SecretStr = Field(
        default=SecretStr(""), description="this site's client secret at GビズID"
    )
    gbiz_scopes: str = Field(
        default="openid profile user email", description="scopes asked of GビズID, with spaces"
    )
    gbiz_claims: dict[str, str] = Field(
        default=GBIZ_CLAIMS,
        description="JSON: where userinfo of GビズID holds each value; several claims are joined in order",
    )
    staff_issuer: str = Field(
        default="",
        description="issuer of the identity provider of bodies' and agency's staff; empty: no such sign-in",
    )
    staff_client_id: str = Field(default="", description="this site's client id at that provider")
    staff_client_secret: SecretStr = Field(
        default=SecretStr(""), description="this site's client secret at that provider"
    )
    staff_scopes: str = Field(default="openid", description="scopes asked of it, with spaces")
    staff_label: str = Field(
        default="職員認証", description="its name on the button of the sign-in page"
    )
    inward_origins: list[str] = Field(
        default=[],
        description="JSON: origins that may have a private address, e.g. an identity provider of a closed network",
    )

    ocid_prefix: str = Field(
        default="ocds-000000",
        pattern=r"^ocds-[a-z0-9]{6}$",
        description="prefix of OCDS ids of contract notices; the Open Contracting Partnership gives one out",
    )
    webhook_origins: list[str] = Field(
        default=[],
        description="JSON: origins of a closed network that may receive webhooks, though private",
    )

    @property
    def is_development(self) -> bool:
        """Tell whether demo accounts and generated keys are allowed."""
        return self.env == "development"

    @cached_property
    def effective_database_url(self) -> str:
        """The database address, or a file in the data folder in development."""
        if self.database_url or not self.is_development:
            return self.database_url
        return f"sqlite:///{self.data_dir.resolve() / 'narabi.db'}"

    @cached_property
    def effective_secret_key(self) -> str:
        """The CSRF signing key, or a fixed one in development."""
        return self.secret_key.get_secret_value() or (
            "development-only-not-a-secret-development-only" if self.is_development else ""
        )

    @cached_property
    def effective_audit_seed(self) -> bytes:
        """The 32 bytes of the checkpoint key; fixed in development."""
        value = self.audit_key.get_secret_value()
        if not value and self.is_development:
            return b"development-only-not-a-secret-00"
        return bytes.fromhex(value)

    @cached_property
    def seal_seeds(self) -> tuple[bytes, ...]:
        """The keys of sealed values, the newest last; a fixed one in development."""
        values = [key.get_secret_value() for key in (*self.seal_keys_before, self.seal_key)]
        if self.is_development and not values[-1]:
            return (*map(bytes.fromhex, values[:-1]), b"development-only-not-a-sealing-k")
        return tuple(map(bytes.fromhex, values))

    def problems(self) -> list[str]:
        """List what is missing or unsafe outside development, and what is wrong anywhere, by variable name."""
        found = self._search_problems()
        if self.is_development:
            return found
        if not self.database_url:
            found.append("NARABI_DATABASE_URL がありません。データベースのURLを指定してください。")
        secret = self.secret_key.get_secret_value()
        if len(secret) < _MINIMUM_SECRET_LENGTH or secret.startswith("development-only"):
            found.append("NARABI_SECRET_KEY は32文字以上の秘密の文字列で指定してください。")
        seed = self.audit_key.get_secret_value()
        if not _is_seed(seed) or bytes.fromhex(seed).startswith(b"development-only"):
            found.append("NARABI_AUDIT_KEY は16進数64桁（ed25519の種）で指定してください。")
        found += self._seal_problems()
        if not self.base_url.startswith("https://"):
            found.append("NARABI_BASE_URL は https:// で始まる公開アドレスで指定してください。")
        if self.smtp_host and "@" not in self.mail_sender:
            found.append("NARABI_SMTP_HOST を使うときは NARABI_MAIL_SENDER も指定してください。")
        if self.smtp_security == "none" and self.smtp_host not in {"", *_SAME_MACHINE}:
            found.append(
                "NARABI_SMTP_SECURITY の none は、同じ機械のメールサーバーにだけ使えます。"
                "starttls か tls を指定してください。"
            )
        if 0 < len(self.metrics_token.get_secret_value()) < _MINIMUM_SECRET_LENGTH:
            found.append("NARABI_METRICS_TOKEN は32文字以上の秘密の文字列で指定してください。")
        if self.search_url and not self.search_key.get_secret_value():
            found.append("NARABI_SEARCH_URL を使うときは NARABI_SEARCH_KEY も指定してください。")
        return found + self._file_problems() + self._sign_in_problems()

    def _seal_problems(self) -> list[str]:
        found = []
        key = self.seal_key.get_secret_value()
        if not _is_seed(key) or bytes.fromhex(key).startswith(b"development-only"):
            found.append("NARABI_SEAL_KEY は16進数64桁（32バイトの秘密の鍵）で指定してください。")
        if not all(_is_seed(former.get_secret_value()) for former in self.seal_keys_before):
            found.append(
                "NARABI_SEAL_KEYS_BEFORE には、これまでの16進数64桁の鍵を古い順に書いてください。"
            )
        return found

    def _search_problems(self) -> list[str]:
        address = urlsplit(self.search_url)
        if self.search_url and (address.scheme not in {"http", "https"} or not address.hostname):
            return ["NARABI_SEARCH_URL は http:// か https:// で始まるアドレスで指定してください。"]
        return []

    def _file_problems(self) -> list[str]:
        """List what is missing or unsafe of the place for files."""
        found = []
        address = urlsplit(self.files_url)
        if self.files_url and (address.scheme != "s3" or not address.netloc):
            found.append("NARABI_FILES_URL は s3://バケット名/前置き の形で指定してください。")
        endpoint = urlsplit(self.files_endpoint)
        if self.files_endpoint and (
            endpoint.scheme != "https" and endpoint.hostname not in _SAME_MACHINE
        ):
            found.append("NARABI_FILES_ENDPOINT は https:// で始まるアドレスで指定してください。")
        if bool(self.files_key_id) != bool(self.files_key_secret.get_secret_value()):
            found.append(
                "NARABI_FILES_KEY_ID と NARABI_FILES_KEY_SECRET は両方とも指定するか、"
                "両方とも空にしてください。"
            )
        return found

    def _sign_in_problems(self) -> list[str]:
        """List what is missing or unsafe of the sign-ins by OpenID Connect."""
        found = []
        for name in ("gbiz", "staff"):
            variable = f"NARABI_{name.upper()}"
            issuer = str(getattr(self, f"{name}_issuer"))
            secret: SecretStr = getattr(self, f"{name}_client_secret")
            if not issuer:
                continue
            if not issuer.startswith("https://"):
                found.append(f"{variable}_ISSUER は https:// で始まるアドレスで指定してください。")
            if not getattr(self, f"{name}_client_id"):
                found.append(f"{variable}_ISSUER を使うときは {variable}_CLIENT_ID も要ります。")
            if not secret.get_secret_value():
                found.append(
                    f"{variable}_ISSUER を使うときは {variable}_CLIENT_SECRET も要ります。"
                )
            if "openid" not in str(getattr(self, f"{name}_scopes")).split():
                found.append(f"{variable}_SCOPES には openid を含めてください。")
        if self.gbiz_issuer and set(self.gbiz_claims) != set(GBIZ_CLAIMS):
            names = "、".join(GBIZ_CLAIMS)
            found.append(f"NARABI_GBIZ_CLAIMS には {names} をすべて書いてください。")
        if any(not origin.startswith("https://") for origin in self.inward_origins):
            found.append("NARABI_INWARD_ORIGINS は https:// で始まるアドレスだけにしてください。")
        if any(not origin.startswith("https://") for origin in self.webhook_origins):
            found.append("NARABI_WEBHOOK_ORIGINS は https:// で始まるアドレスだけにしてください。")
        return found

    def require_safe(self) -> None:
        """Raise UnsafeSettingsError naming every unsafe or missing setting."""
        found = self.problems()
        if found:
            raise UnsafeSettingsError(found)


def read_settings() -> Settings:
    """Read the environment; raises UnsafeSettingsError naming every setting that cannot be used."""
    try:
        settings = Settings()
    except ValidationError as error:
        names = dict.fromkeys(str(each["loc"][0]) for each in error.errors())
    except SettingsError as error:  # a value that should be JSON; only the sentence names the field
        names = dict.fromkeys(
            n for n in Settings.model_fields if re.search(rf"\b{n}\b", str(error))
        )
    else:
        settings.require_safe()
        return settings
    # Outside of the handlers: the library's words repeat the values, secrets among them.
    raise UnsafeSettingsError([_name_misfit(name) for name in names])


def _name_misfit(name: str) -> str:
    """Say how a setting is to be written; never what it was."""
    field = Settings.model_fields[name]
    choices = (
        get_args(field.annotation)
        if field.annotation not in (list[str], list[SecretStr], dict[str, str])
        else ()
    )
    bounds = [
        f"{getattr(bound, side):,}{word}"
        for side, word in (("ge", "以上"), ("le", "以下"))
        for bound in field.metadata
        if hasattr(bound, side)
    ]
    if choices:
        how = "、".join(choices) + " のどれか"
    elif field.annotation is int:
        how = "".join(bounds) + "の整数"
    else:
        how = f"正しい形（{field.description}）"
    return f"NARABI_{name.upper()} の値は使えません。{how}で指定してください。"


def _is_seed(value: str) -> bool:
    try:
        return len(bytes.fromhex(value)) == 32
    except ValueError:
        return False
