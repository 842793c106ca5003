"""Letters: one plain-text message to one address, handed over by SMTP or kept in a folder in development."""

import hashlib
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from urllib.parse import urlsplit

import structlog

from core.clock import utcnow
from core.config import Settings

_TIMEOUT_SECONDS = 20
_SENDER_NAME = "Narabi（並び）"

_log = structlog.get_logger()


class MailNotConfiguredError(Exception):
    """Nobody has said how letters leave this site; the outbox keeps them and tries again."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message; `key` names it, so that a second delivery is known as the same message."""

    to: str
    subject: str
    body: str
    key: str


def deliver(settings: Settings, letter: Letter) -> None:
    """Hand a letter to the mail server; in development without one, keep it in `DATA_DIR/mail`.

    Called by handlers of the outbox, which repeat it when it fails.
    """
    message = compose(settings, letter)
    if settings.smtp_host:
        _send(settings, message)
    elif settings.is_development:
        _keep(settings, letter, message)
    else:
        raise MailNotConfiguredError("NARABI_SMTP_HOST がありません。")


def compose(settings: Settings, letter: Letter) -> EmailMessage:
    """Return the message: addresses and subject can hold no further header."""
    message = EmailMessage()
    sender = settings.mail_sender or "narabi@localhost"
    message["From"] = formataddr((_SENDER_NAME, sender))
    message["To"] = letter.to
    message["Subject"] = " ".join(letter.subject.split())
    message["Date"] = format_datetime(utcnow())
    message["Message-ID"] = f"<{_name(letter)}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.body)
    return message


def link(settings: Settings, path: str) -> str:
    """Return the public address of a page of this site."""
    base = settings.base_url or "http://localhost:8000"
    return f"{base.rstrip('/')}{path}"


def _name(letter: Letter) -> str:
    return hashlib.sha256(f"{letter.key}\n{letter.to}".encode()).hexdigest()[:32]


def _send(settings: Settings, message: EmailMessage) -> None:
    host, port = settings.smtp_host, settings.smtp_port
    context = ssl.create_default_context()
    local_name = urlsplit(settings.base_url).hostname
    server: smtplib.SMTP
    if settings.smtp_security == "tls":
        server = smtplib.SMTP_SSL(
            host, port, local_hostname=local_name, timeout=_TIMEOUT_SECONDS, context=context
        )
    else:
        server = smtplib.SMTP(host, port, local_hostname=local_name, timeout=_TIMEOUT_SECONDS)
    with server:
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        server.send_message(message)


def _keep(settings: Settings, letter: Letter, message: EmailMessage) -> None:
    folder = settings.data_dir / "mail"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_name(letter)}.eml"
    path.write_bytes(message.as_bytes())
    _log.info("mail.kept", path=str(path), to=letter.to, subject=letter.subject)
