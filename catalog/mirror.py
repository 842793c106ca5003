"""Keep a copy of the catalog: an example to copy into your own program. Python 3.11, nothing else.

    python mirror.py --from https://narabi.example.jp --to catalog.sqlite

The first run takes the snapshot, every other one the changes since. The copy lies in SQLite, in the
table `records` (kind, id, content, sha256); with --to NAME.ndjson or NAME.csv it lies in NAME.*.sqlite and
is written out from there. A page of changes and its number are kept together or not at all, so it may be
killed at any moment and goes on from where it was. Ends with 0 when the copy has the hash of the server,
with 1 when the server refused or was away, with 2 in doubt: then what came was not kept.
NARABI_SYNC_TOKEN in the environment is sent as the bearer token; without it the public rate holds.
"""

import argparse
import csv
import hashlib
import http.client
import json
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

PAGE = 1_000
WAIT_SECONDS = 20
TIMEOUT_SECONDS = 60
ATTEMPTS = 6
LONGEST_PAUSE = 300
MODULUS = 2**256
NOTHING = "0" * 64
Tell = Callable[[str, int, int], None]
T = TypeVar("T")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL, id TEXT NOT NULL, content TEXT NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (
    one INTEGER PRIMARY KEY CHECK (one = 1), source TEXT NOT NULL, epoch TEXT NOT NULL,
    sequence INTEGER NOT NULL, content_hash TEXT NOT NULL
);
"""


class RefusedError(Exception):
    """The server did not give what was asked; the copy is what it was."""


class DoubtError(Exception):
    """What came, or what is kept, cannot be what the server holds; nothing of it was kept."""


@dataclass(frozen=True)
class State:
    """Where the copy stands: the number up to which it has everything, and the sum of its hashes."""

    source: str
    epoch: str
    sequence: int
    content_hash: str


def canonical(value: object) -> str:
    """Return the canonical JSON (RFC 8785); enough here, for keys are ASCII and numbers are whole."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def hash_of(kind: str, subject_id: str, content: str) -> str:
    """Return the SHA-256 of [kind, id, data] in canonical JSON."""
    text = f"[{canonical(kind)},{canonical(subject_id)},{content}]"
    return hashlib.sha256(text.encode()).hexdigest()


def added(total: str, new: str, old: str = NOTHING) -> str:
    """Return the sum of all hashes (modulo 2^256) when one takes the place of another."""
    return f"{(int(total, 16) + int(new, 16) - int(old, 16)) % MODULUS:064x}"


class Copy:
    """The copy in an SQLite file; whoever reads it sees whole steps only."""

    def __init__(self, path: Path) -> None:
        self._base = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._base.execute("PRAGMA journal_mode = wal")
        self._base.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def read_state(self) -> State | None:
        """Return where the copy stands, None before the first snapshot."""
        row = self._base.execute(
            "SELECT source, epoch, sequence, content_hash FROM state"
        ).fetchone()
        return State(*row) if row else None

    def count(self) -> int:
        """Return how many records there are."""
        return int(self._base.execute("SELECT COUNT(*) FROM records").fetchone()[0])

    def list_records(self) -> Iterator[tuple[str, str, str, str]]:
        """Give kind, id, content and hash of all records in order."""
        yield from self._base.execute(
            "SELECT kind, id, content, sha256 FROM records ORDER BY kind, id"
        )

    def replace_all(self, lines: Iterable[dict[str, Any]], state: State, count: int) -> State:
        """Put the records of a snapshot in the place of all, if they lead to this state."""
        with self._step():
            self._base.execute("DELETE FROM records")
            total = NOTHING
            for line in lines:
                total = added(total, self._put(line))
            self._keep(state, total, count)
        return state

    def apply(self, seen: State, changes: Sequence[dict[str, Any]], page: dict[str, Any]) -> State:
        """Apply a page of changes; at the head of the feed hash and count must be the server's."""
        with self._step():
            if self.read_state() != seen:
                raise RefusedError("同じ写しを、ほかの同期が進めています。")
            total = seen.content_hash
            for change in changes:
                total = self._apply(change, total)
            state = State(seen.source, seen.epoch, page["next_since"], total)
            if state.sequence == page["head"]:
                state = replace(state, content_hash=page["content_hash"])
                self._keep(state, total, page["count"])
            else:
                self._keep(state, total, self.count())
        return state

    def _apply(self, change: dict[str, Any], total: str) -> str:
        key = (change["kind"], change["id"])
        held = self._base.execute("SELECT sha256 FROM records WHERE kind = ? AND id = ?", key)
        old = (held.fetchone() or (NOTHING,))[0]
        if change["operation"] == "delete":
            self._base.execute("DELETE FROM records WHERE kind = ? AND id = ?", key)
            return added(total, NOTHING, old)
        return added(total, self._put(change), old)

    def _put(self, line: dict[str, Any]) -> str:
        content = canonical(line["data"])
        sha256 = hash_of(line["kind"], line["id"], content)
        row = (line["kind"], line["id"], content, sha256)
        self._base.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", row)
        return sha256

    def _keep(self, state: State, total: str, count: int) -> None:
        if (total, self.count()) != (state.content_hash, count):
            raise DoubtError(
                f"{state.sequence}番で、写しの件数かハッシュがサーバーと違います。もう一度実行しても同じなら、"
                "写しのファイルを消してやり直してください。"
            )
        row = (state.source, state.epoch, state.sequence, state.content_hash)
        self._base.execute("INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?, ?)", row)

    @contextmanager
    def _step(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._base.execute("COMMIT")
        except BaseException:
            self._base.execute("ROLLBACK")
            raise


class Server:
    """The feed of one site; asks again when it is told to wait or is cut off."""

    def __init__(self, source: str, *, attempts: int = ATTEMPTS) -> None:
        if urllib.parse.urlsplit(source).scheme not in {"http", "https"}:
            raise RefusedError("--from には https:// で始まるアドレスを指定してください。")
        self.source = source.rstrip("/")
        self._attempts = attempts

    def ask(self, path: str, use: Callable[[Any], T], **query: object) -> T:
        """Return what `use` makes of the answer; it is asked again when the answer is cut off."""
        address = f"{self.source}/api/v1/{path}?{urllib.parse.urlencode(query)}".rstrip("?")
        asked = urllib.request.Request(address, headers={"User-Agent": "narabi-mirror/1"})  # noqa: S310 - http(s) only
        if token := os.environ.get("NARABI_SYNC_TOKEN"):
            asked.add_header("Authorization", f"Bearer {token}")
        reason = ""
        for attempt in range(self._attempts):
            pause = 2**attempt
            try:
                with _open(asked) as answer:
                    if answer.status not in {429, 503}:
                        return use(answer)
                    told = answer.headers.get("Retry-After", "")
                    pause = int(told) if told.isdigit() else pause
                    reason = _reason(answer)
            except (OSError, http.client.HTTPException) as error:
                reason = str(error) or type(error).__name__
            if attempt + 1 < self._attempts:
                time.sleep(min(pause, LONGEST_PAUSE))
        raise RefusedError(
            f"{address} から受け取れません（{reason}）。あとでもう一度お試しください。"
        )


def _open(asked: urllib.request.Request) -> Any:
    try:
        return urllib.request.urlopen(asked, timeout=TIMEOUT_SECONDS)  # noqa: S310 - http(s) only
    except urllib.error.HTTPError as error:
        return error  # an answer like others


def _reason(answer: Any) -> str:
    try:
        return f"{answer.status}：{json.loads(answer.read())['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"状態コード {answer.status}"


def take_snapshot(server: Server, copy: Copy, tell: Tell) -> State:
    """Replace the copy by the snapshot, if its length, its count and its hash are as announced."""

    def use(answer: Any) -> State:
        if answer.status != 200:
            raise RefusedError(_reason(answer))
        lines = _read_lines(answer, tell)
        head = next(lines)
        state = State(server.source, head["epoch"], head["sequence"], head["content_hash"])
        return copy.replace_all(lines, state, head["count"])

    return server.ask("snapshot", use)


def _read_lines(answer: Any, tell: Tell) -> Iterator[dict[str, Any]]:
    done, size = 0, int(answer.headers.get("Content-Length") or 0)
    while line := answer.readline():
        done += len(line)
        tell("写し", done, size)
        try:
            yield json.loads(line)
        except ValueError:
            break
    if not done or done < size:
        raise ConnectionError("写しが途中で切れました")


def follow_changes(server: Server, copy: Copy, state: State, tell: Tell, wait: int) -> State | None:
    """Apply changes up to the head; returns the new state, None when a snapshot has to be taken."""
    while True:
        waiting = {"wait": wait} if wait else {}
        page = server.ask(
            "changes", _read_page, since=state.sequence, epoch=state.epoch, limit=PAGE, **waiting
        )
        if page is None:
            return None
        wait, first, head = 0, state.sequence + 1, page["head"]
        last = state.sequence + len(page["changes"])
        sequences = [each["sequence"] for each in page["changes"]]
        is_whole = sequences == list(range(first, last + 1)) and page["next_since"] == last <= head
        if page["epoch"] != state.epoch or not is_whole or (not sequences and last != head):
            raise DoubtError("変更の番号が続いていません。")
        state = copy.apply(state, page["changes"], page)
        if sequences:
            tell("変更", last, head)
        if last == head:
            return state


def _read_page(answer: Any) -> dict[str, Any] | None:
    if answer.status == 410:
        return None
    if answer.status == 400:
        raise DoubtError(_reason(answer))
    if answer.status != 200:
        raise RefusedError(_reason(answer))
    try:
        found: dict[str, Any] = json.loads(answer.read())
    except ValueError as error:
        raise DoubtError("サーバーの答えがJSONではありません。") from error
    return found


def verify(copy: Copy) -> None:
    """Compute all hashes anew from what is kept; raises DoubtError when the sum is another."""
    state, total = copy.read_state(), NOTHING
    for kind, subject_id, content, _ in copy.list_records():
        total = added(total, hash_of(kind, subject_id, content))
    if state is not None and total != state.content_hash:
        raise DoubtError(
            "手元の写しの中身が、記録したハッシュと違います。消してやり直してください。"
        )


def synchronise(server: Server, copy: Copy, tell: Tell, *, wait: int = 0) -> State:
    """Bring the copy to the server's newest number; returns the state, which has its hash."""
    state = copy.read_state()
    if state is not None and state.source != server.source:
        raise RefusedError(
            f"この写しは {state.source} のものです。別のファイルを指定してください。"
        )
    found = follow_changes(server, copy, state, tell, wait) if state else None
    while found is None:
        found = follow_changes(server, copy, take_snapshot(server, copy, tell), tell, 0)
    return found


def export(copy: Copy, path: Path) -> None:
    """Write all records as NDJSON or CSV; the file is replaced when it is whole."""
    draft = path.with_name(f"{path.name}.part")
    with draft.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            writer = csv.writer(file)
            writer.writerow(("kind", "id", "sha256", "data"))
            writer.writerows((kind, key, sha, text) for kind, key, text, sha in copy.list_records())
        else:
            for kind, key, content, _ in copy.list_records():
                file.write(f'{{"kind":"{kind}","id":"{key}","data":{content}}}\n')
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


class Progress:
    """A bar on standard error; one line at the end of each part where nobody watches."""

    def __init__(self) -> None:
        self._shown = -1

    def __call__(self, name: str, done: int, total: int) -> None:
        """Show how far a part is."""
        share = min(done * 100 // total, 100) if total else 0
        if share == self._shown or (share < 100 and not sys.stderr.isatty()):
            return
        self._shown = share
        bar = "#" * (share * 30 // 100)
        end = "\n" if share == 100 else ""
        sys.stderr.write(f"\r{name} [{bar:<30}] {share:3d} %{end}")
        sys.stderr.flush()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, f"{message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; returns 0 (equal), 1 (refused) or 2 (doubt)."""
    parser = _Parser(prog="narabi sync", description="公開カタログの写しを作り、新しく保ちます。")
    parser.add_argument(
        "--from", dest="source", required=True, help="サイトのアドレス（https://…）"
    )
    parser.add_argument("--to", type=Path, required=True, help="NAME.sqlite、NAME.ndjson、NAME.csv")
    parser.add_argument("--follow", action="store_true", help="変更を待ち続けます。")
    parser.add_argument(
        "--verify", action="store_true", help="写しの全件のハッシュも計算し直します。"
    )
    told = parser.parse_args(arguments)
    is_base = told.to.suffix in {".sqlite", ".db"}
    if not is_base and told.to.suffix not in {".ndjson", ".csv"}:
        parser.error("--to は .sqlite、.ndjson、.csv のどれかで終わる名前にしてください。")
    base = told.to if is_base else told.to.with_name(f"{told.to.name}.sqlite")
    try:
        with closing(Copy(base)) as copy:
            if told.verify:
                verify(copy)
            _run(Server(told.source), copy, told.follow, None if is_base else told.to)
    except RefusedError as error:
        sys.stderr.write(f"できませんでした。{error}\n")
        return 1
    except (DoubtError, sqlite3.DatabaseError, KeyError, TypeError) as error:
        sys.stderr.write(f"写しを確かめられません。{error}\n")
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


def _run(server: Server, copy: Copy, is_following: bool, out: Path | None) -> None:  # noqa: FBT001 - one caller
    tell, shown = Progress(), -1
    while True:
        state = synchronise(server, copy, tell, wait=WAIT_SECONDS if shown >= 0 else 0)
        if out is not None and state.sequence != shown:
            export(copy, out)
        if state.sequence != shown:
            words = f"{state.sequence:,}番まで、{copy.count():,}件。ハッシュはサーバーと同じです。"
            sys.stderr.write(f"{words} {state.content_hash}\n")
        shown = state.sequence
        if not is_following:
            return
        time.sleep(1)  # where too many wait, the server answers at once


if __name__ == "__main__":
    sys.exit(main())
