"""What is sealed opens for its purpose, its row and its key only; commitments bind without telling."""

import json
import uuid

import pytest
from pydantic import SecretStr

from core.config import Settings
from core.sealing import SealBrokenError, commit, new_nonce, pad, seal, unseal

OLD, NEW = "11" * 32, "22" * 32


def settings_with(key: str, *before: str) -> Settings:
    former = [SecretStr(each) for each in before]
    return Settings(env="production", seal_key=SecretStr(key), seal_keys_before=former)


def test_sealed_bytes_open_for_their_purpose_row_and_key_only():
    settings, row = settings_with(OLD), uuid.uuid4()
    plain = "金1,234,567円".encode()
    sealed = seal(settings, "quote", row, plain)
    assert unseal(settings, "quote", row, sealed) == plain
    assert plain not in sealed
    assert seal(settings, "quote", row, plain) != sealed  # equal amounts do not look equal
    wrong = [
        (settings, "estimate", row, sealed),
        (settings, "quote", uuid.uuid4(), sealed),
        (settings_with(NEW), "quote", row, sealed),
        *((settings, "quote", row, flip(sealed, at)) for at in range(len(sealed))),
        *((settings, "quote", row, sealed[:length]) for length in (0, 1, 20, len(sealed) - 1)),
    ]
    for asked in wrong:
        with pytest.raises(SealBrokenError) as told:
            unseal(*asked)
        assert "1,234,567" not in str(told.value)


@pytest.mark.parametrize("length", [1, 63, 64, 65])
def test_padded_json_reads_the_same_and_tells_its_blocks_only(length):
    text = json.dumps("x" * (length - 2) if length > 1 else 1).encode()
    assert len(text) == length
    padded = pad(text, 64)
    assert (json.loads(padded), len(padded)) == (json.loads(text), 64 if length <= 64 else 128)


def flip(sealed: bytes, at: int) -> bytes:
    return sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]


def test_former_key_still_opens_what_it_sealed_and_seals_nothing_new():
    row = uuid.uuid4()
    old = seal(settings_with(OLD), "quote", row, b"old")
    after = settings_with(NEW, OLD)
    new = seal(after, "quote", row, b"new")
    assert (old[0], new[0]) == (1, 2)
    assert unseal(after, "quote", row, old) == b"old"
    assert unseal(after, "quote", row, new) == b"new"
    with pytest.raises(SealBrokenError):
        unseal(settings_with(OLD), "quote", row, new)


def test_commitment_binds_value_and_nonce_and_needs_a_whole_nonce():
    nonce = new_nonce()
    given = commit({"total": 100, "lines": []}, nonce)
    assert given == commit({"lines": [], "total": 100}, nonce)
    assert given != commit({"lines": [], "total": 101}, nonce)
    assert given != commit({"lines": [], "total": 100}, new_nonce())
    with pytest.raises(ValueError, match="32 bytes"):
        commit({"total": 100}, b"")


def test_sealing_key_of_this_repository_and_broken_ones_are_refused_outside_development(
    monkeypatch,
):
    published = Settings(env="development").seal_seeds[-1].hex()
    for key in ("", "zz", "11" * 31, published):
        assert any("NARABI_SEAL_KEY " in each for each in settings_with(key).problems()), key
    assert not any("SEAL" in each for each in settings_with(NEW, OLD).problems())
    assert any("SEAL_KEYS_BEFORE" in each for each in settings_with(NEW, "no").problems())
    monkeypatch.setenv("NARABI_SEAL_KEYS_BEFORE", json.dumps([OLD]))
    assert len(Settings(env="development").seal_seeds) == 2
