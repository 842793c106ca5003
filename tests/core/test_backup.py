"""An operator takes a backup, loses everything and brings it back; nothing older comes in silence."""

import hashlib
import io
import os
import shutil
import sqlite3
import tarfile
import threading
from contextlib import closing
from types import SimpleNamespace

import boto3
import pytest
from click.testing import CliRunner
from moto.server import ThreadedMotoServer
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select
from werkzeug.serving import make_server

import app as application
from accounts.models import Organisation, Role
from catalog import feed_upkeep, mirror
from catalog.offerings.models import (
    AnswerEvidence,
    ConformanceAnswer,
    EvidenceFile,
)
from catalog.terms import EvidenceKind
from core import audit, audit_checkpoints, changes, db, storage
from core.backups import dumps
from core.config import Settings
from core.errors import Conflict
from tests import factories
from vendors.models import Vendor

PAPER = b"%PDF-1.7 " + os.urandom(300_000)
SHA256 = hashlib.sha256(PAPER).hexdigest()


@pytest.fixture
def instance(settings, tmp_path):
    """A used instance: public records, a file of evidence, a person who is signed in, an index."""
    application.create_app(settings)
    store = storage.get_store(settings)
    store.keep(SHA256, io.BytesIO(PAPER))
    with db.transaction() as session:
        maker = factories.vendor(session, name="見本ソフト株式会社")
        specification = factories.specification(session)
        listed = factories.offering(session, maker, specification, name="見本サービス")
        home = session.get_one(Organisation, maker.owner_id)
        admin = factories.person(session, Role.VENDOR_ADMIN, home)
        paper = EvidenceFile(
            owner_id=maker.owner_id,
            sha256=SHA256,
            kind=EvidenceKind.PDF,
            size=len(PAPER),
            uploaded_by_id=admin.id,
        )
        answer = session.exec(
            select(ConformanceAnswer).order_by(col(ConformanceAnswer.id)).limit(1)
        ).one()
        session.add(paper)
        session.flush()
        proof = AnswerEvidence(answer_id=answer.id, file_id=paper.id, name="証跡.pdf")
        session.add(proof)
        session.flush()
        place = f"/evidence-files/{listed.offering_version_id}/{proof.id}"
        token = factories.sign_in(session, factories.person(session, Role.CLERK))
        bearer = factories.api_client(session, session.get(Organisation, maker.owner_id))[1]
        note(session, 4)
    feed_upkeep.reconcile()
    run(settings, "search", "rebuild")
    return SimpleNamespace(
        settings=settings,
        maker=maker,
        admin=admin,
        place=place,
        token=token,
        bearer=bearer,
        path=tmp_path / "narabi.backup",
    )


def note(session, count):
    for number in range(count):
        audit.record(session, audit.SYSTEM, "vendor.note", "Vendor", None, number=number)


def run(settings, *arguments, **more):
    """Run a command of an operator with these settings."""
    environment = {
        "NARABI_ENV": "development",
        "NARABI_DATABASE_URL": settings.database_url,
        "NARABI_DATA_DIR": str(settings.data_dir),
        **more,
    }
    return CliRunner(env=environment).invoke(application.cli, list(arguments))


def rename(maker, name):
    with db.transaction() as session:
        session.get_one(Vendor, maker.id).revise(kana=name)
        changes.append(session, "vendor", maker.id)
        note(session, 1)


def lose(database, settings):
    """The machine is gone: rows, files and index."""
    db.current().dispose()
    database.reset()
    shutil.rmtree(settings.data_dir)


def state():
    with db.reading() as session:
        return changes.read_state(session)


def events():
    with db.reading() as session:
        return (
            session.execute(text("SELECT action FROM audit_events ORDER BY sequence"))
            .scalars()
            .all()
        )


@pytest.fixture
def served(app):
    """The site over HTTP; gives what was asked for and its address."""
    asked = []

    def answer(environ, start_response):
        asked.append(environ["PATH_INFO"].rpartition("/")[2])
        return app(environ, start_response)

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield SimpleNamespace(asked=asked, address=f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.acceptance(39)
def test_after_a_loss_all_is_back_and_every_copy_is_told_to_begin_anew(
    database, instance, served, new_client, tmp_path
):
    settings, path = instance.settings, instance.path
    made = run(settings, "backup", "--to", str(path))
    assert made.exit_code == 0, made.output
    assert "NARABI_SEAL_KEY" in made.output
    assert path.stat().st_mode & 0o077 == 0
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []
    before, trail = state(), events()
    copy = ["--from", served.address, "--to", str(tmp_path / "copy.sqlite")]
    rename(instance.maker, "ウシナワレル")
    assert mirror.main(copy) == 0
    browser = new_client()
    browser.set_cookie("narabi_session", instance.token)
    assert "サインアウト" in browser.get("/").text
    program = {"headers": {"Authorization": f"Bearer {instance.bearer}"}}
    assert browser.get("/api/v1/offerings", **program).status_code == 200

    lose(database, settings)
    done = run(settings, "restore", "--from", str(path))
    assert done.exit_code == 0, done.output
    assert "1件の販売条件で索引を作り直しました" in done.output

    assert events() == [*trail, "instance.restored"]
    assert run(settings, "audit", "verify").exit_code == 0
    assert run(settings, "feed", "check").exit_code == 0
    assert run(settings, "files", "check").exit_code == 0
    assert run(settings, "search", "check").exit_code == 0
    after = state()
    assert (after.head, after.catalog_hash) == (before.head, before.catalog_hash)
    assert after.epoch != before.epoch
    assert "サインアウト" not in browser.get("/").text
    assert browser.get("/api/v1/offerings", **program).status_code == 401
    served.asked.clear()
    assert mirror.main([*copy, "--verify"]) == 0
    assert served.asked == ["changes", "snapshot", "changes"]
    with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as base:
        assert "ウシナワレル" not in str(base.execute("SELECT content FROM records").fetchall())
    rename(instance.maker, "アト")  # the restored instance works, its triggers and counters as well
    assert state().head == before.head + 1
    with pytest.raises((DBAPIError, Conflict)), db.transaction() as session:
        session.execute(text("DELETE FROM audit_events"))


def test_backup_of_one_moment_while_writers_run(database, instance):
    """Each act writes an event and a change; a backup that tore one in two would not verify."""
    stop = threading.Event()

    def write(maker):
        number = 0
        while not stop.is_set():
            rename(maker, f"カキコミ{number}")
            number += 1

    with db.transaction() as session:
        makers = [factories.vendor(session) for _ in range(3)]
    feed_upkeep.reconcile()
    first = state().head
    writers = [threading.Thread(target=write, args=[maker]) for maker in makers]
    for each in writers:
        each.start()
    try:
        results = [
            run(instance.settings, "backup", "--to", f"{instance.path}{n}") for n in range(3)
        ]
    finally:
        stop.set()
        for each in writers:
            each.join()
    assert [each.exit_code for each in results] == [0, 0, 0], results[0].output
    for number in (0, 2):
        lose(database, instance.settings)
        done = run(instance.settings, "restore", "--from", f"{instance.path}{number}")
        assert done.exit_code == 0, done.output
        assert run(instance.settings, "feed", "check").exit_code == 0
        with db.reading() as session:
            acts = session.execute(
                text("SELECT COUNT(*) FROM audit_events WHERE action = 'vendor.note'")
            )
            written = state().head - first
            assert acts.scalar_one() - 4 == written
            assert written or not number


def test_what_must_not_be_replaced_in_silence_is_refused_and_nothing_changes(
    database, instance, tmp_path
):
    settings, path = instance.settings, str(instance.path)
    run(settings, "backup", "--to", path)
    again = run(settings, "backup", "--to", path)
    assert (again.exit_code, "すでにあります" in again.output) == (1, True)
    rename(instance.maker, "アタラシイ")
    newest = tmp_path / "checkpoint.json"
    run(settings, "audit", "checkpoint", "--out", str(newest))
    whole = (state(), events())

    def refused(word, *arguments, **more):
        done = run(settings, "restore", "--from", *arguments, **more)
        assert done.exit_code == 1, done.output
        assert word in done.output, done.output
        assert (state(), events()) == whole

    refused("--replace", path)
    refused("1件足りません", path, "--replace", "--checkpoint", str(newest))
    refused("封の鍵が控えのときと違い", path, "--replace", NARABI_SEAL_KEY="ab" * 32)
    refused("--signed-by", path, "--replace", NARABI_AUDIT_KEY="cd" * 32)
    refused("16進数64桁", path, "--replace", "--signed-by", "abc")
    other = "sqlite" if database.kind == "postgres" else "postgresql"
    for number, (change, word) in enumerate(
        [
            (
                lambda name, content: (
                    name,
                    content[:-1] + b"x" if name.startswith("data") else content,
                ),
                "目録と合いません",
            ),
            (
                lambda name, content: None if name.startswith("files/") else (name, content),
                "入っていません",
            ),
            (lambda name, content: (name, content.replace(b'"narabi":', b'"narabi": ')), "署名"),
        ]
    ):
        forged = tmp_path / f"forged{number}"
        forge(path, forged, change)
        refused(word, str(forged), "--replace")
    cut = tmp_path / "cut"
    cut.write_bytes(instance.path.read_bytes()[:200_000])
    refused("壊れています", str(cut), "--replace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dumps, "kind", lambda: other)
        refused("NARABI_DATABASE_URL", path, "--replace")

    done = run(
        settings, "restore", "--from", path, "--replace", "--checkpoint", str(newest), "--older"
    )
    assert done.exit_code == 0, done.output
    assert "監査記録1件" in done.output
    assert events()[-1] == "instance.restored"
    # After the key of the checkpoints was replaced, the former public key still opens the backup.
    former = audit_checkpoints.public_key(settings.effective_audit_seed).hex()
    rotated = {"NARABI_AUDIT_KEY": "cd" * 32}
    done = run(settings, "restore", "--from", path, "--replace", "--signed-by", former, **rotated)
    assert done.exit_code == 0, done.output


def forge(source, target, change):
    """Write a backup anew with one part changed; a middle byte of the dump or the last of a file."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            content = old.extractfile(member).read()
            changed = (
                change(member.name, content)
                if member.name != "manifest.sig"
                else (member.name, content)
            )
            if changed is not None:
                entry = tarfile.TarInfo(member.name)
                entry.size = len(changed[1])
                new.addfile(entry, io.BytesIO(changed[1]))


def test_a_fresh_bucket_serves_the_same_files_after_a_restore(database, instance, app, bucket):
    """Two nodes keep no files of their own: what the bucket held comes back into another one."""
    settings, path = instance.settings, str(instance.path)
    old, new = bucket("old"), bucket("new")
    before = [old["NARABI_FILES_URL"], new["NARABI_FILES_URL"]]
    stores = [storage.BucketStore(each, *list(old.values())[1:]) for each in before]
    stores[0].keep(SHA256, io.BytesIO(PAPER))
    shutil.rmtree(settings.data_dir / "files")  # nothing on the disk of the node
    made = run(settings, "backup", "--to", path, **old)
    assert made.exit_code == 0, made.output
    lose(database, settings)
    stores[0].remove(SHA256)
    away = {**new, "NARABI_FILES_ENDPOINT": "http://127.0.0.1:9"}
    refused = run(settings, "restore", "--from", path, **away)
    assert (refused.exit_code, "ファイルを保存する場所" in refused.output) == (1, True)
    assert not dumps.is_used()  # a bucket that does not answer is no half of a restore
    done = run(settings, "restore", "--from", path, **new)
    assert done.exit_code == 0, done.output
    assert [(each.sha256, each.size) for each in stores[1].list()] == [(SHA256, len(PAPER))]
    assert b"".join(storage.read_parts(stores[1].open(SHA256))) == PAPER
    assert not (settings.data_dir / "files").exists()
    assert run(settings, "files", "check", **new).exit_code == 0
    assert run(settings, "files", "check", **old).exit_code == 1  # the old bucket has it no more
    # Whoever may read the file gets it by its page from the new bucket, and not from the old one.
    for names, status in ((new, 200), (old, 503)):
        told = {key.removeprefix("NARABI_").lower(): value for key, value in names.items()}
        node = application.create_app(Settings(**{**settings.model_dump(), **told}))
        browser = node.test_client()
        assert browser.get(instance.place).status_code == 303  # to the sign-in
        factories.sign_in_client(browser, instance.admin)
        answer = browser.get(instance.place)
        assert answer.status_code == status
        assert (answer.data == PAPER) == (status == 200)


@pytest.fixture
def bucket():
    """Make empty buckets in an S3-compatible service; gives the settings that name one."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    access = {"region_name": "us-east-1", "aws_access_key_id": "id", "aws_secret_access_key": "s"}
    service = boto3.client("s3", endpoint_url=address, **access)

    def make(name):
        service.create_bucket(Bucket=name)
        names = ("URL", "ENDPOINT", "REGION", "KEY_ID", "KEY_SECRET")
        told = (f"s3://{name}/files", address, *access.values())
        return {f"NARABI_FILES_{each}": value for each, value in zip(names, told, strict=True)}

    yield make
    service.close()
    server.stop()


def test_lost_file_is_told_and_the_rest_is_kept(database, instance):
    settings = instance.settings
    (settings.data_dir / "files" / SHA256[:2] / SHA256).write_bytes(b"other")
    made = run(settings, "backup", "--to", str(instance.path))
    assert (made.exit_code, SHA256 in made.output) == (1, True)
    lose(database, settings)
    done = run(settings, "restore", "--from", str(instance.path))
    assert (done.exit_code, f"{SHA256}は控えにもありません" in done.output) == (1, True)
    assert "instance.restored" in events()


def test_killed_restore_leaves_what_was_there(database, instance, monkeypatch):
    run(instance.settings, "backup", "--to", str(instance.path))
    rename(instance.maker, "ソノアト")
    whole = (state(), events())

    class KilledError(BaseException):
        pass

    def die(*_arguments):
        raise KilledError

    monkeypatch.setattr("core.backups.restoring._record", die)
    with pytest.raises(KilledError):
        run(instance.settings, "restore", "--from", str(instance.path), "--replace")
    assert (state(), events()) == whole


def test_fresh_database_is_not_a_used_one(database):
    assert not dumps.is_used()
