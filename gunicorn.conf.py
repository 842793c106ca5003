"""The server's settings, the same in the demo and in production."""

import os
from pathlib import Path

wsgi_app = "app:create_app()"
# Variable: (value when it is empty or missing, what it is); docs/settings.md lists them.
VARIABLES = {
    "NARABI_BIND": ("", "address:port that the server listens on; empty: PORT, this machine only"),
    "PORT": ("8000", "port of this machine when NARABI_BIND is empty"),
    "WEB_CONCURRENCY": ("2", "worker processes"),
    "WEB_THREADS": ("8", "threads of each worker"),
    "FORWARDED_ALLOW_IPS": ("127.0.0.1,::1", "proxies whose headers gunicorn believes"),
    "NARABI_ACCESS_LOG": ("", "anything: one line per request on standard output"),
}


def read(name: str) -> str:
    """Return a variable of the environment, or what stands for it."""
    return os.environ.get(name) or VARIABLES[name][0]


bind = read("NARABI_BIND") or f"127.0.0.1:{read('PORT')}"

worker_class = "gthread"
workers = int(read("WEB_CONCURRENCY"))
threads = int(read("WEB_THREADS"))
# Each worker opens its own database engine and search index: both must be made after the fork.
preload_app = False
max_requests = 5000
max_requests_jitter = 500
timeout = 60
graceful_timeout = 20
keepalive = 5

# A heartbeat file on a slow disk makes healthy workers look dead.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - kernel memory disk
# The control socket would be a second, unguarded way in.
control_socket_disable = True
forwarded_allow_ips = read("FORWARDED_ALLOW_IPS")

accesslog = "-" if read("NARABI_ACCESS_LOG") else None
errorlog = "-"
loglevel = "info"
