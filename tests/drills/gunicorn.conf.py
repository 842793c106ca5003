"""The house's settings; the program is read once for both workers, which make everything else anew."""

from pathlib import Path

exec(Path("gunicorn.conf.py").read_text(encoding="utf-8"))  # noqa: S102 - our own file


def on_starting(_server):
    """Read the program before the workers are forked."""
    import app  # noqa: F401
