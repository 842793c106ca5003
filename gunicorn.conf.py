"""The server's settings, the same in the demo and in production."""

import gc
import itertools
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn import util
from jinja2 import FileSystemBytecodeCache

wsgi_app = "app:create_app()"
# Variable: (value when it is empty or missing, what it is); docs/settings.md lists them.
VARIABLES = {
    "NARABI_BIND": ("", "address:port that the server listens on; empty: PORT, this machine only"),
    "PORT": ("8000", "port of this machine when NARABI_BIND is empty"),
    "WEB_CONCURRENCY": ("2", "worker processes"),
    "WEB_THREADS": ("8", "threads of each worker"),
    "FORWARDED_ALLOW_IPS": ("127.0.0.1,::1", "proxies whose headers gunicorn believes"),
    "NARABI_ACCESS_LOG": ("", "anything: one line per request on standard output, no search words"),
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
# Above the limits of core/gates.py, whose sentences people are to meet.
limit_request_line = 8_190
limit_request_field_size = 16_380
forwarded_allow_ips = read("FORWARDED_ALLOW_IPS")

accesslog = "-" if read("NARABI_ACCESS_LOG") else None
# Neither the query nor the page before: nobody reads in a log what was searched for.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s'
errorlog = "-"
loglevel = "info"

# What the server refuses before the application sees it, in the reader's language.
_REFUSED = {
    414: (
        "アドレスが長すぎます",
        "検索のことばを短くするか、指定を減らして、もう一度開いてください。",
    ),
    431: (
        "ブラウザーの送る情報が大きすぎます",
        "このサイトのCookieを消してから、もう一度開いてください。",
    ),
    500: ("こちらの不具合で処理できませんでした", "少し待ってから、もう一度お試しください。"),
}
_COUNTS = "PROMETHEUS_MULTIPROC_DIR"
_TEMPLATES = "NARABI_COMPILED_TEMPLATES"
_PLACE = "NARABI_WORKER_SLOT"
_made: list[str] = []
_OTHERWISE = ("この指定は使えません", "アドレスを確かめて、もう一度開いてください。")


def write_error(client: socket.socket, status: int, reason: str, _message: str) -> None:
    """Answer a request that cannot be read: what is wrong and how to mend it, in Japanese."""
    title, remedy = _REFUSED.get(status, _OTHERWISE)
    page = (
        f'<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>{title}</title></head>'
        f'<body><main><h1>{title}</h1><p>{remedy}何も変わっていません。</p><p><a href="/">ホームへ戻る'
        f"</a></p><p>状態コード：{status}</p></main></body></html>"
    ).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        "Content-Security-Policy: default-src 'none'\r\nX-Content-Type-Options: nosniff\r\n"
        f"Content-Length: {len(page)}\r\n\r\n"
    )
    util.write_nonblock(client, head.encode() + page)


def when_ready(_server: Any) -> None:
    """Make the folders, nobody else's, in which all workers count requests and keep compiled templates."""
    for name, prefix in ((_COUNTS, "narabi-metrics-"), (_TEMPLATES, "narabi-templates-")):
        if name not in os.environ:
            os.environ[name] = tempfile.mkdtemp(prefix=prefix, dir=worker_tmp_dir)
            _made.append(os.environ[name])


def on_exit(_server: Any) -> None:
    """Remove those folders."""
    for folder in _made:
        shutil.rmtree(folder, ignore_errors=True)


def pre_fork(server: Any, worker: Any) -> None:
    """Give a worker the lowest place that is free: it goes on with the counts of who held it before."""
    taken = {each.slot for each in server.WORKERS.values()}
    worker.slot = next(number for number in itertools.count() if number not in taken)


def post_fork(_server: Any, worker: Any) -> None:
    """Tell the worker its place."""
    os.environ[_PLACE] = str(worker.slot)


def post_worker_init(worker: Any) -> None:
    """Put our words in the place of the server's own; leave what is loaded out of collections.

    Walking it again and again took longer than many a page. A quarter of the threads may wait for
    news of the feed, and none once the worker is to stop. A template is compiled by the first worker
    that shows it: that is most of what a page costs when it is read for the first time.
    """
    from catalog.feed_wait import WATCH

    WATCH.most, WATCH.is_ending = max(1, threads // 4), lambda: not worker.alive
    util.write_error = write_error
    if _TEMPLATES in os.environ and isinstance(worker.wsgi, Flask):
        worker.wsgi.jinja_env.bytecode_cache = FileSystemBytecodeCache(os.environ[_TEMPLATES])
    gc.collect()
    gc.freeze()
