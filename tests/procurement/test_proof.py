"""The ZIP of a case: a stranger checks it by Python alone, and a changed byte is named.

Files are compared in this process; the program also runs as a stranger runs it. On SQLite alone:
these are pages and files; the trail they rest on is tested on both databases in tests/core.
"""

import copy
import io
import json
import random
import struct
import subprocess
import sys
import zipfile
import zlib
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
import rfc8785
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from accounts.models import Role
from core import audit_checkpoints
from core.cli import Operation, audit_group
from core.db import now, reading, transaction
from core.documents import sha256_hex
from core.errors import NotFound
from core.sealing import commit
from procurement.projects.queries import get_project
from procurement.proof import archive, services
from procurement.proof import verify_acts as acts
from procurement.proof import verify_arithmetic as arithmetic
from procurement.proof import verify_documents as documents
from procurement.proof import verify_evidence as verifier
from procurement.proof import verify_files as reader
from procurement.proof import verify_quotes as quotes
from procurement.proof import verify_trail as trail
from procurement.proof.cli import export_case
from tests import factories
from tests.procurement.quoting import AFTER, Quoting

pytestmark = pytest.mark.sqlite_only

NAMES = ["README.txt", "verify_evidence.py", "project.json", "evidence/1.json"]
NAMES += [f"papers/comparison_table-1.{suffix}" for suffix in ("json", "pdf", "xlsx")]
NAMES += [f"papers/search_record-1.{suffix}" for suffix in ("json", "pdf", "xlsx")]
NAMES += [f"papers/selection_record-1.{suffix}" for suffix in ("json", "docx", "pdf")]
NAMES += [f"papers/usage_contract_request-1.{suffix}" for suffix in ("json", "docx")]
NAMES += ["requests/1/payload.json", "requests/1/document.pdf", "events.jsonl", "proofs.json"]
NAMES += ["checkpoints.json", "manifest.json"]
OPENED = ("quote_round.open", "done")
# RFC 8032, section 7.1, tests 1 to 3: key, message, signature.
VECTORS = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
)


def unzip(content):
    with zipfile.ZipFile(io.BytesIO(content)) as held:
        return {name: held.read(name) for name in held.namelist()}


def write_lines(events):
    return b"".join(rfc8785.dumps(each) + b"\n" for each in events)


def run_alone(folder, *arguments):
    """Run the program of the folder as a stranger does: no packages, no site, nothing of ours."""
    command = [sys.executable, "-I", "-S", "verify_evidence.py", *arguments]
    found = subprocess.run(
        command, cwd=folder, capture_output=True, timeout=60, check=False, env={}
    )
    return found.returncode, (found.stdout + found.stderr).decode()


def read_history(case):
    return case.as_(case.clerk).get(f"/projects/{case.project().id}/history").text


def faults_of(files, key="", outside=None):
    return list(verifier.check_all(files, key, outside).faults)


def resign(files, seed):
    """Do as somebody who holds a key: make the manifest fit whatever the files say now."""
    key = audit_checkpoints.Checkpoint(
        0, "", "", json.loads(files["manifest.json"])["made_at"], "", ""
    )
    public = audit_checkpoints.public_key(seed).hex()
    others = {name: content for name, content in files.items() if name != "manifest.json"}
    made = archive._sign_manifest(others, replace(key, public_key=public), seed)
    return {**others, "manifest.json": made}


@pytest.fixture
def case(market, settings):
    """A town that went all the way to an accepted request, and the checkpoints of two days."""
    market.reach_accepted()
    for day in (1, 2):
        with transaction() as session:
            audit_checkpoints.keep_checkpoint(
                session, settings.effective_audit_seed, date(2026, 11, day)
            )
            factories.person(session)
    return market


def test_a_stranger_checks_the_downloaded_records_by_python_alone(case, tmp_path, settings):
    address = f"/projects/{case.project().id}/pack"
    clerk = case.as_(case.clerk)
    page = clerk.get(address).text
    assert case.request().number in page
    assert clerk.get(f"/projects/{case.project().id}").text.count(address) == 1
    assert "証跡一式をダウンロードしました" not in read_history(
        case
    )  # opening the page makes nothing
    answer = clerk.submit(address, {})
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    files = unzip(answer.data)
    assert list(files) == NAMES
    assert files["evidence/1.json"] == case.pack().content.encode()
    assert "\r\n" in files["README.txt"].decode()
    assert case.project().title in files["README.txt"].decode()
    told = read_history(case)
    assert "証跡一式をダウンロードしました" in told
    assert sha256_hex(answer.data)[:12] in told
    (folder := tmp_path / "case").mkdir()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    key = audit_checkpoints.public_key(settings.effective_audit_seed).hex()
    events = files["events.jsonl"].count(b"\n")
    assert events > 9
    _run_with_what_was_kept(case, folder, key, events)
    (tmp_path / "case.zip").write_bytes(answer.data)
    assert run_alone(folder, "../case.zip")[0] == 0
    damaged = bytearray(answer.data)
    damaged[answer.data.index(b"%PDF") + 2_000] ^= 1
    (tmp_path / "case.zip").write_bytes(damaged)
    status, said = run_alone(folder, "../case.zip")
    assert (status, "papers/comparison_table-1.pdf：1024～2047バイト目" in said) == (1, True)
    _run_with_a_detail_gone(folder, files, settings.effective_audit_seed)
    with pytest.warns(UserWarning, match="Duplicate name"):
        _write_double(tmp_path / "two.zip", files)
    assert run_alone(folder, "../two.zip") == (
        1,
        "ZIPファイルが壊れているか、この一式の書き方と違います。\n",
    )
    own = case.as_(case.clerk).get("/audit/verify_evidence.py")
    assert own.data == files["verify_evidence.py"]


def _run_with_what_was_kept(case, folder, key, events):
    good = f"{len(NAMES) - 1}個のファイルと{events}件の記録は、作成したときのままです。\n"
    status, said = run_alone(folder, "--public-key", key)
    assert (status, said.startswith(good), "鍵を持つ人が" in said) == (0, True, True)
    kept = case.as_(case.clerk).get("/audit/checkpoints.json").data
    (folder.parent / "kept.json").write_bytes(kept)
    assert run_alone(folder, "--public-key", key, "--checkpoint", "../kept.json") == (0, good)


def _write_double(place, files):
    with zipfile.ZipFile(place, "w") as doubled:
        for name, content in [*files.items(), ("requests/1/document.pdf", b"%PDF")]:
            doubled.writestr(name, content)


def _run_with_a_detail_gone(folder, files, seed):
    lines = [json.loads(line) for line in files["events.jsonl"].splitlines()]
    lines[1]["detail"] = None
    erased = {"events.jsonl": write_lines(lines)}
    for name, content in resign({**files, **erased}, seed).items():
        (folder / name).write_bytes(content)
    key = audit_checkpoints.public_key(seed).hex()
    number = str(lines[1]["event"]["sequence"])
    status, said = run_alone(folder, "--public-key", key)
    assert (status, f"--erased {number} を" in said) == (1, True)
    status, said = run_alone(folder, "--public-key", key, "--erased", "1", "--erased", number)
    assert (status, "比べられませんでした" in said, "のままです" in said) == (3, True, False)


def test_each_changed_byte_is_named_by_file_and_range_and_the_same_records_give_the_same_bytes(
    case, settings
):
    with reading() as session:
        project, moment = get_project(session, case.project().id), now(session)
        made, again = (
            archive.make_archive(
                session, project, seed=settings.effective_audit_seed, made_at=moment
            )
            for _ in range(2)
        )
    assert made == again
    files = unzip(made.content)
    assert faults_of(files) == []
    chance = random.Random(7)
    for name, content in files.items():
        for place in {0, len(content) - 1, chance.randrange(len(content))}:
            changed = bytearray(content)
            changed[place] ^= 1
            try:
                found = faults_of({**files, name: bytes(changed)})
            except (KeyError, TypeError, ValueError, IndexError):
                assert name == "manifest.json"  # the program says that it cannot be read
                continue
            assert any(said.startswith(f"{name}：") for said in found), (name, place, found)
            if name != "manifest.json":
                start = place // 1_024 * 1_024
                assert f"{name}：{start}～" in found[0]
        less = {other: kept for other, kept in files.items() if other != name}
        if name != "manifest.json":
            assert f"{name}：ファイルがありません。" in faults_of(less)
    assert faults_of({**files, "more.txt": b"x"}) == ["more.txt：一式にないファイルです。"]


def test_who_holds_the_key_cannot_change_the_past_either(case, settings):
    """The manifest is made to fit each lie; the trail and its tree still speak against it."""
    seed = settings.effective_audit_seed
    with reading() as session:
        project = get_project(session, case.project().id)
        made = archive.make_archive(session, project, seed=seed, made_at=now(session))
    files = unzip(made.content)
    events = [json.loads(line) for line in files["events.jsonl"].splitlines()]
    checkpoints = json.loads(files["checkpoints.json"])
    assert faults_of(resign(files, seed)) == []
    assert (
        "署名が合いません" in faults_of(resign(files, bytes(32)), checkpoints[0]["public_key"])[0]
    )

    def lie(**changed):
        return faults_of(resign({**files, **changed}, seed))

    def told(change):
        lying = copy.deepcopy(events)
        change(lying)
        return lie(**{"events.jsonl": write_lines(lying)})

    def rewrite(lying):
        lying[3]["event"]["person_id"] = str(case.both.id)
        digest = sha256_hex(rfc8785.dumps(lying[3]["event"]))
        lying[3]["hash"] = digest

    assert "の内容がハッシュと合いません" in told(lambda e: e[3]["event"].update(action="x"))[0]
    assert "の詳細が約束の値と合いません" in told(lambda e: e[3]["detail"].update(title="x"))[0]
    assert "木に入っていることを確かめられません" in told(rewrite)[0]
    assert any("順番が違います" in said for said in told(lambda e: e.reverse()))
    _tell_what_was_erased_from_what_was_forged(files, events, seed)
    assert "検索を確定したときの記録と合いません" in lie(**{"evidence/1.json": b"{}"})[0]
    assert "決裁したときの記録と合いません" in lie(**{"requests/1/document.pdf": b"%PDF"})[0]
    assert "書類を作ったときの記録と合いません" in lie(**{"papers/search_record-1.xlsx": b"PK"})[0]
    _tell_what_is_listed_otherwise(files, lie)
    assert len(checkpoints) == 3
    lying = copy.deepcopy(checkpoints)
    lying[0]["root"] = "0" * 64
    found = lie(**{"checkpoints.json": rfc8785.dumps(lying)})
    assert "確認点の署名が合いません" in found[0]
    assert "に続いていません" in found[1]
    outside = {**checkpoints[1], "root": "0" * 64}
    assert faults_of(files, outside=checkpoints[1]) == []
    assert "手元のものと違います" in faults_of(files, outside=outside)[0]
    assert "比べられません" in faults_of(files, outside={**outside, "sequence": 1})[0]


def _tell_what_is_listed_otherwise(files, lie):
    """Nothing invented lies beside what is listed, and each thing bears the name of its own act."""
    invented = lie(**{"papers/selection_record-2.pdf": b"%PDF"})
    assert "project.jsonのどこにも書かれていない" in invented[0]
    whole = json.loads(files["project.json"])
    assert "この一式に入っていません" in " ".join(
        lie(**{"project.json": rfc8785.dumps({**whole, "papers": whole["papers"][:-1]})})
    )

    def listed(change):
        lying = copy.deepcopy(whole)
        change(lying)
        return " ".join(lie(**{"project.json": rfc8785.dumps(lying)}))

    assert "番号が、記録と合いません" in listed(lambda e: e["requests"][0].update(number="令和8-9"))
    assert "令和8-9が、記録と合いません" in listed(lambda e: e["project"].update(number="令和8-9"))
    assert "番号が、記録と合いません" in listed(lambda e: e["papers"][0].update(title="選定調書"))
    assert "種類が、記録と合いません" in listed(lambda e: e["papers"][0].update(kind="letter"))
    first, second = (each["files"] for each in whole["papers"][:2])
    swapped = listed(
        lambda e: (e["papers"][0].update(files=second), e["papers"][1].update(files=first))
    )
    assert "置かれるはずのないファイル" in swapped
    both = listed(lambda e: e["papers"][0].update(files=second))
    assert "2つのものとして書かれています" in both
    # The first of two values is what a person reads, the last what a program takes.
    doubled = files["project.json"].replace(b'{"body":', b'{"format":"x","body":', 1)
    assert "project.json：書き方が変わっています。" in lie(**{"project.json": doubled})


# The act whose detail holds the hash of a file, and where that file is named.
PROTECTED = {
    "evidence/1.json": ("evidence.lock", 0),
    "papers/search_record-1.pdf": ("paper.keep", 0),
    "papers/comparison_table-1.pdf": ("paper.keep", 1),
    "papers/selection_record-1.docx": ("paper.keep", 2),
    "papers/usage_contract_request-1.docx": ("paper.keep", 3),
    "requests/1/payload.json": ("request.approve", 0),
    "requests/1/document.pdf": ("request.approve", 0),
}


def _tell_what_was_erased_from_what_was_forged(files, events, seed):
    """A detail is gone only for whoever says so, and nothing that hangs on it counts as unchanged."""

    def check(gone, erased=(), **changed):
        lines = [{**e, "detail": None} if at in gone else e for at, e in enumerate(events)]
        changed["events.jsonl"] = write_lines(lines)
        found = verifier.check_all(resign({**files, **changed}, seed), erased=erased)
        return found, *verifier.conclude(found)

    for at, each in enumerate(events):
        number = each["event"]["sequence"]
        found, status, _ = check({at})
        assert (len(found.faults), status) == (1, 1)
        assert f"--erased {number} を" in found.faults[0]
        found, status, said = check({at}, erased=[number])
        assert (found.faults, status) == ([], 3), each["event"]
        assert f"{number}番の記録" in found.not_compared[0]
        assert "比べられませんでした" in said
    acts_of = {action: [] for action, _ in PROTECTED.values()}
    for at, each in enumerate(events):
        acts_of.get(each["event"]["action"], []).append(at)
    for name, (action, nth) in PROTECTED.items():
        at = acts_of[action][nth]
        number = events[at]["event"]["sequence"]
        lie = {name: files[name] + b" "}
        assert check({at}, **lie)[1] == 1, name
        assert check({at}, erased=[number + 1], **lie)[1] == 1, name
        found, status, said = check({at}, erased=[number], **lie)
        # A search is still held by the papers that print its hash, a request by its choice.
        assert status == (1 if name == "evidence/1.json" else 3), name
        told = {each.partition("：")[0].rpartition(".")[0] for each in found.not_compared}
        stem = "requests/1/document" if action == "request.approve" else name.rpartition(".")[0]
        assert stem in told
        assert "のままです" not in said
    everything = set(range(len(events)))
    found, status, _ = check(everything, erased=[e["event"]["sequence"] for e in events])
    assert (found.faults, status) == ([], 3)
    forged = [{**e, "detail": None, "event": {**e["event"], "person_id": "x"}} for e in events]
    lines = write_lines(forged)
    assert "ハッシュと合いません" in faults_of(resign({**files, "events.jsonl": lines}, seed))[0]


def test_a_checkpoint_of_the_first_events_own_second_is_in_the_pack(case, settings, monkeypatch):
    """A checkpoint's moment is cut to the second, so it may lie before the event that it covers."""
    seed = settings.effective_audit_seed
    with transaction() as session:
        project = get_project(session, case.project().id)
        early = project.created_at.replace(microsecond=0) - timedelta(seconds=1)
        monkeypatch.setattr(audit_checkpoints, "now", lambda _session: early)
        late = audit_checkpoints.keep_checkpoint(session, seed, date(2026, 11, 3))
        made = archive.make_archive(session, project, seed=seed, made_at=early)
    kept = json.loads(unzip(made.content)["checkpoints.json"])
    assert len(kept) == 4
    assert kept[2]["sequence"] == late.sequence


def test_the_list_that_the_site_publishes_is_what_an_auditor_keeps(case, settings):
    """Later days, of which the pack knows nothing, do no harm; one changed root is told."""
    with reading() as session:
        project = get_project(session, case.project().id)
        seed = settings.effective_audit_seed
        made = archive.make_archive(session, project, seed=seed, made_at=now(session))
    files = unzip(made.content)
    checkpoints = json.loads(files["checkpoints.json"])
    outside = {**checkpoints[1], "root": "0" * 64}
    later = {**checkpoints[1], "sequence": 10_000, "made_at": "2099-01-01T00:00:00+00:00"}
    assert faults_of(files, outside={"checkpoints": [later, *checkpoints], "next": None}) == []
    forged = {"checkpoints": [later, outside], "next": None}
    assert "手元のものと違います" in faults_of(files, outside=forged)[0]
    assert "比べられません" in faults_of(files, outside={"checkpoints": [later], "next": None})[0]
    # Who holds the key leaves a published one out, signs another moment, or shows an older tree.
    _tell_a_checkpoint_left_out(case, seed)


def _tell_a_checkpoint_left_out(case, seed):
    address = f"/projects/{case.project().id}/pack"
    for day in (3, 4):  # each taking of the records is an event of its own
        assert case.as_(case.clerk).submit(address, {}).status_code == 200
        with transaction() as session:
            audit_checkpoints.keep_checkpoint(session, seed, date(2026, 11, day))
    files = unzip(case.as_(case.clerk).submit(address, {}).data)
    first, *_, second, _, last = checkpoints = json.loads(files["checkpoints.json"])
    assert first["sequence"] < second["sequence"] < last["sequence"]
    whole = {"checkpoints": checkpoints[:-1], "next": None}
    proofs = json.loads(files["proofs.json"])
    with reading() as session:
        tree, _ = audit_checkpoints.read_tree(session)

    def lie(*shown):
        steps = [
            [step.hex() for step in tree.consistency(old["sequence"], new["sequence"])]
            for old, new in pairwise(shown)
        ]
        changed = {
            "checkpoints.json": rfc8785.dumps(list(shown)),
            "proofs.json": rfc8785.dumps({**proofs, "consistency": steps}),
        }
        return " ".join(faults_of(resign({**files, **changed}, seed), outside=whole))

    assert lie(*checkpoints) == ""
    assert "切りつめられたか、書きかえられています" in lie(first, last)
    moved = sign(second, seed, made_at=first["made_at"].replace("2026", "2025"))
    said = lie(first, moved, last)
    assert "日時が、前の確認点より前です" in said
    assert "書きかえられています" in said


def sign(checkpoint, seed, **changed):
    """Sign a checkpoint anew, as whoever holds the key can."""
    values = {**checkpoint, **changed}
    unsigned = {k: v for k, v in values.items() if k not in {"public_key", "signature"}}
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(rfc8785.dumps(unsigned))
    return {**values, "signature": signature.hex()}


def test_an_event_that_was_added_later_with_an_earlier_moment_is_told():
    checkpoint = {"sequence": 5, "made_at": "2026-11-22T09:00:00+00:00"}

    def moments(number, at):
        event = {"sequence": number, "occurred_at": at}
        return list(trail.check_moments([{"event": event}], [checkpoint]))

    assert moments(5, "2026-11-22T09:00:00.999999+00:00") == []
    assert moments(6, "2026-11-22T08:59:59.000000+00:00") == []
    assert len(moments(6, "2026-11-22T07:00:00.000000+00:00")) == 1
    assert len(moments(5, "2026-11-22T10:00:00.000000+00:00")) == 1


def test_an_archive_that_two_programs_could_read_otherwise_is_not_read(tmp_path):
    place = tmp_path / "case.zip"

    def write(change=lambda _entry: None, comment=b"", method=zipfile.ZIP_STORED):
        with zipfile.ZipFile(place, "w", method) as made:
            for name in ("a.txt", "b.txt"):
                entry = zipfile.ZipInfo(name)
                entry.compress_type = method
                change(entry)
                made.writestr(entry, b"words " * 50)
            made.comment = comment
        return place.read_bytes()

    good = write()
    assert reader.read_files(place) == {"a.txt": b"words " * 50, "b.txt": b"words " * 50}
    unicode_path = struct.pack("<HHBI", 0x7075, 10, 1, zlib.crc32(b"a.txt")) + b"c.txt"
    end = good.rindex(b"PK\x05\x06")
    for content in (
        write(lambda entry: setattr(entry, "extra", unicode_path)),
        write(lambda entry: setattr(entry, "external_attr", 0o120777 << 16)),
        write(comment=b"x"),
        write(method=zipfile.ZIP_DEFLATED),
        good + good,
        b"x" + good,
        good[:end] + b"x" + good[end:],
        good.replace(b"a.txt", b"c.txt", 1),  # the name that a program reads which goes along
    ):
        place.write_bytes(content)
        with pytest.raises(zipfile.BadZipFile):
            reader.read_files(place)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(place)
    with pytest.raises(OSError, match="symbolic link"):
        reader.read_files(tmp_path / "folder")


def test_no_file_can_speak_for_the_program():
    assert verifier.show("x\x1b[2J\n作成した\u2028まま") == "x�[2J�作成した�まま"


def test_one_person_alone_and_a_thing_sent_that_was_not_approved_are_told():
    def event(number, action, person, **detail):
        fields = {"sequence": number, "action": action, "person_id": person}
        return {"event": {**fields, "subject_id": "s", "outcome": "done"}, "detail": detail}

    good = [
        event(0, "request.create", "a"),
        event(1, "request.submit", "a"),
        event(2, "request.approve", "b", sha256="1"),
        event(3, "request.send", "b", sha256="1"),
    ]
    assert list(acts.check_people(good)) == []
    alone = [*good[:2], event(2, "request.approve", "a", sha256="1")]
    assert list(acts.check_people(alone)) == [
        "2番の決裁が、準備した人と別の人のものではありません。"
    ]
    for left_out in (0, 1):  # a decision stands on everything that prepared it
        assert list(acts.check_people([*good[:left_out], *good[left_out + 1 :]])) != []
    assert list(acts.check_people([*good[:2], event(2, "request.approve", None)])) != []
    # Whoever last touched what a choice rests on may not decide it, nor its request.
    drawn = [event(0, "selection.propose", "c", last_editor_id="b")]
    assert list(acts.check_people([*drawn, event(1, "selection.approve", "d", sha256="1")])) == []
    assert len(list(acts.check_people([*drawn, event(1, "selection.approve", "b")]))) == 1
    assert len(list(acts.check_people([*drawn, event(1, "selection.record_external", "b")]))) == 1
    # A notice is prepared and published by two.
    notice = [event(1, "notice.prepare", "a"), event(2, "notice.publish", "b")]
    assert list(acts.check_people(notice)) == []
    assert len(list(acts.check_people([notice[0], event(2, "notice.publish", "a")]))) == 1
    assert len(list(acts.check_people([notice[0], event(2, "notice.correct", "a")]))) == 1
    # Whoever proposed the choice may not decide its request, though the subjects differ.
    chosen = event(0, "selection.propose", "b")
    chosen["event"]["subject_id"] = "choice"
    drawn = [chosen, event(1, "request.create", "a"), *good]
    assert list(acts.check_choosers(drawn)) == [
        "2番の決裁が、その選定の案を作った人によるものです。"
    ]
    chosen["event"]["person_id"] = "c"
    assert list(acts.check_choosers(drawn)) == []
    chosen["detail"]["last_editor_id"] = "b"
    assert len(list(acts.check_choosers(drawn))) == 1
    other = [*good[:3], event(3, "request.send", "b", sha256="2")]
    assert list(acts.check_people(other)) == [
        "3番で送ったか承諾したものが、決裁したものと違います。"
    ]


def test_a_request_without_its_choice_and_a_paper_without_its_search_are_told():
    def event(number, action, subject, **detail):
        fields = {"sequence": number, "action": action, "subject_id": subject}
        return {"event": {**fields, "outcome": "done"}, "detail": detail}

    request = rfc8785.dumps({"references": {"selection_sha256": "choice"}})
    paper = rfc8785.dumps({"references": {"evidence_sha256": sha256_hex(b"{}")}})
    files = {"search": b"{}", "request": request, "pdf": b"%PDF", "paper": paper}
    listed: Any = {"evidence": [{"id": "e", "path": "search"}], "quotes": [], "decisions": []}
    listed["requests"] = [{"id": "r", "payload": "request", "document": "pdf"}]
    listed["papers"] = [{"id": "p", "files": {"payload": "paper"}}]
    parts = {"payload": sha256_hex(request), "document": sha256_hex(b"%PDF")}
    hashes = {"sha256": sha256_hex(rfc8785.dumps(parts)), "document_sha256": parts["document"]}
    events = [
        event(1, "evidence.lock", "e", sha256=sha256_hex(b"{}")),
        event(
            2, "paper.keep", "p", sha256=sha256_hex(rfc8785.dumps({"payload": sha256_hex(paper)}))
        ),
        event(3, "selection.approve", "s", sha256="choice"),
        event(4, "request.approve", "r", **hashes),
    ]
    assert list(documents.check_documents(files, events, listed)) == []
    del events[2]
    assert list(documents.check_documents(files, events, listed)) == [
        "request：決裁した選定にもとづいていません。"
    ]
    events[0] = event(1, "evidence.lock", "e", sha256="another")
    found = list(documents.check_documents(files, events, listed))
    assert "paper：確定した検索の記録にもとづいていません。" in found
    assert "search：検索を確定したときの記録と合いません。" in found


def test_scores_before_weights_and_quotes_opened_early_by_one_or_otherwise_are_told():
    def event(number, action, person, at="2026-11-22T09:00:00+00:00", **detail):
        fields = {"sequence": number, "action": action, "person_id": person, "occurred_at": at}
        return {"event": {**fields, "subject_id": "s", "outcome": "done"}, "detail": detail}

    fix, score = event(1, "evaluation.fix", "a"), event(2, "evaluation.score", "a")
    assert list(acts.check_order([fix, score])) == []
    assert list(acts.check_order([score, fix])) == [
        "2番の採点が、評価の重みの確定より前です。",
        "1番で、採点のあとに評価の重みが変えられています。",
    ]
    content, nonce, conditions = {"total": 5}, bytes(32), {"months": 36}
    receipt = commit(content, nonce)
    letter: Any = {"deadline_at": "2026-11-22T08:00:00.000000+00:00", "conditions": conditions}
    letter["conditions_sha256"] = sha256_hex(rfc8785.dumps(conditions))
    quote: Any = {"content": content, "nonce": nonce.hex()}
    quote |= {"invitation_id": "i", "receipt_sha256": receipt}
    files = {"letter": rfc8785.dumps(letter), "opened": rfc8785.dumps([quote])}
    listed: Any = {"quotes": [{"id": "s", "letter": "letter", "opened": "opened"}]}
    told: Any = {"first_by": "b", "second_by": "c", "deadline_at": "2026-11-22T08:30:00+00:00"}
    told["opened_set_sha256"] = sha256_hex(rfc8785.dumps([["i", receipt]]))
    sent = event(1, "quote_round.send", "b", sha256=sha256_hex(files["letter"]))
    later = event(2, "quote_round.extend", "b", until="2026-11-22T08:30:00+00:00")
    opened = event(3, "quote_round.open", "c", **told)

    def faults(events, **changed):
        return " ".join(quotes.check_quotes({**files, **changed}, events, listed))

    assert faults([sent, later, opened]) == ""
    assert "開封のときの締切" in faults([sent, opened])  # the extension was left out
    # Records of before: no deadline in the opening, the extension in words; no accusation.
    older = event(3, "quote_round.open", "c", **{**told, "deadline_at": None})
    assert faults([sent, later, older]) == ""
    spoken = {**later, "detail": {"until": "令和8年11月22日 17:30"}}
    (said,) = quotes.check_quotes(files, [sent, spoken, opened], listed)
    assert isinstance(said, acts.NotCompared)
    until = {"until": "2026-11-22T10:00:00+00:00"}
    assert "締切より前" in faults([sent, {**later, "detail": until}, opened])
    assert "別々の2人" in faults(
        [sent, event(3, "quote_round.open", "c", **{**told, "first_by": "c"})]
    )
    assert "した人が、記録と違い" in faults([sent, event(3, "quote_round.open", "d", **told)])
    lying = rfc8785.dumps([{**quote, "content": {"total": 4}}])
    assert "控えのハッシュと合いません" in faults([sent, opened], opened=lying)
    assert "開封の記録と合いません" in faults([sent, opened], opened=b"[]")
    assert "依頼したときの記録と合いません" in faults([sent, opened], letter=b"{}")
    assert "開封の記録がありません" in faults([sent])
    listed["quotes"][0]["opened"] = None
    assert "入っていません" in faults([sent, opened])


def test_a_round_of_quotes_tells_nothing_before_its_opening_and_is_proved_after(
    market, hold_clock, settings
):
    market.reach_compared()
    quoting = Quoting(market).send()
    receipt = quoting.quote(quoting.seller, market.cheap.id, 23_457).receipt_sha256

    def export():
        with reading() as session:
            project, moment = get_project(session, market.project().id), now(session)
            seed = settings.effective_audit_seed
            return unzip(archive.make_archive(session, project, seed=seed, made_at=moment).content)

    files = export()
    assert faults_of(files) == []
    assert "quotes/1/letter.json" in files
    assert "quotes/1/opened.json" not in files
    held = b"".join(files.values()).decode("utf-8", "replace")
    for secret in (receipt, str(market.seller_admin.id), "23457", "23,457"):
        assert secret not in held
    quoting.extend(days=7)
    hold_clock(AFTER + timedelta(days=7))
    assert quoting.open(quoting.clerk) is False
    assert quoting.open(quoting.approver) is True
    files = export()
    assert faults_of(files) == []
    (quote,) = json.loads(files["quotes/1/opened.json"])
    assert quote["receipt_sha256"] == receipt
    seed = settings.effective_audit_seed
    more = rfc8785.dumps([{**quote, "total": 1}])
    found = faults_of(resign({**files, "quotes/1/opened.json": more}, seed))
    assert any("封をした見積にない項目" in said for said in found)
    quote["content"]["total"] -= 1
    lying = resign({**files, "quotes/1/opened.json": rfc8785.dumps([quote])}, seed)
    assert any("控えのハッシュと合いません" in said for said in faults_of(lying))
    assert any(
        "依頼したときの記録と合いません" in said
        for said in faults_of(resign({**files, "quotes/1/letter.json": b"{}"}, seed))
    )
    # With the detail of the opening gone, its set and its two openers are not vouched for.
    events = [json.loads(line) for line in files["events.jsonl"].splitlines()]
    (opening,) = (e for e in events if (e["event"]["action"], e["event"]["outcome"]) == OPENED)
    opening["detail"] = None
    lying["quotes/1/opened.json"] = b"[]"
    lying["events.jsonl"] = write_lines(events)
    assert any("--erased" in said for said in faults_of(resign(lying, seed)))
    found = verifier.check_all(resign(lying, seed), erased=[opening["event"]["sequence"]])
    assert verifier.conclude(found)[0] == 3
    assert any(said.startswith("quotes/1/opened.json：") for said in found.not_compared)


def test_signatures_and_canonical_json_are_judged_as_by_the_libraries():
    for vector in VECTORS:
        parts = [bytes.fromhex(each) for each in vector]
        assert arithmetic.is_signed(*parts)
        assert not arithmetic.is_signed(parts[0], parts[1] + b"x", parts[2])
    chance = random.Random(8)
    for _ in range(20):
        private = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        public, message = private.public_key().public_bytes_raw(), chance.randbytes(40)
        signature = private.sign(message)
        assert arithmetic.is_signed(public, message, signature)
        changed = bytearray(signature)
        changed[chance.randrange(64)] ^= 1 << chance.randrange(8)
        assert not arithmetic.is_signed(public, message, bytes(changed))
    order = (arithmetic.Q + int.from_bytes(signature[32:], "little")).to_bytes(32, "little")
    assert not arithmetic.is_signed(
        public, message, signature[:32] + order
    )  # the same number again
    assert not arithmetic.is_signed(b"\xff" * 32, message, signature)
    numbers = [0.0, 1.0, -1.5, 0.1, 1e-6, 1e-7, 123456.789, 1e20, 1e21, 1.5e300, 5e-324, -2.5e-9]
    texts = ['\u0000\u001f"\\/\u007f\u2028', "見本", "\U0001f600", "\ue000", "\r\n\t\b\f"]
    value = {text: [*numbers, True, None, 2**53 - 1, {}] for text in texts}
    assert arithmetic.canonical(value) == rfc8785.dumps(value)


def test_strangers_get_nothing_and_the_auditor_and_the_console_get_it(case, settings, tmp_path):
    address = f"/projects/{case.project().id}/pack"
    with transaction() as session:
        town = factories.body(session)
        elsewhere = factories.person(session, Role.CLERK, town)
        auditor = factories.person(session, Role.AUDITOR)
    stranger = factories.actor(elsewhere, Role.CLERK, town)
    with pytest.raises(NotFound), transaction() as session:
        project = get_project(session, case.project().id)
        services.export_case(
            session, stranger, project, seed=settings.effective_audit_seed, scans={}
        )
    for person in (elsewhere, case.seller_admin):
        assert case.as_(person).get(address).status_code == 404
    assert case.as_(auditor).submit(address, {}).data.startswith(b"PK")
    audit_group.add_command(export_case)
    file = tmp_path / "case.zip"
    arguments = ["export", "--project", str(case.project().id), "--out", str(file)]
    operation = Operation(settings, {}, {})
    said = CliRunner().invoke(audit_group, arguments, obj=operation)
    assert said.exit_code == 0, said.output
    assert sha256_hex(file.read_bytes()) in said.output
    assert faults_of(unzip(file.read_bytes())) == []
    arguments[2] = "00000000-0000-4000-8000-000000000000"
    refused = CliRunner().invoke(audit_group, arguments, obj=operation)
    assert (refused.exit_code, "案件はありません" in refused.output) == (1, True)
