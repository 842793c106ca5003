"""The server's settings, the same in the demo and in production."""

import os
from pathlib import Path

wsgi_app = "app:create_app()"
bind = os.environ.get("NARABI_BIND") or f"127.0.0.1:{os.environ.get('PORT') or 8000}"

worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = int(os.environ.get("WEB_THREADS") or 8)
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
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS") or "127.0.0.1,::1"

accesslog = "-" if os.environ.get("NARABI_ACCESS_LOG") else None
errorlog = "-"
loglevel = "info"
