"""Outside the suite passwords cost what the library recommends."""

import subprocess
import sys

import pytest
from argon2 import extract_parameters
from argon2.exceptions import VerifyMismatchError

from accounts import services


def test_passwords_are_kept_as_argon2id_with_the_librarys_own_cost():
    code = "from accounts.services import hash_password; print(hash_password('mihon-password'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_comparing_with_nobodys_hash_is_the_whole_work_and_never_right():
    nobody = services._hash_of_nothing()
    assert extract_parameters(nobody) == extract_parameters(services._hasher.hash("x" * 12))
    with pytest.raises(VerifyMismatchError):  # read and computed, not refused as no hash at all
        services._hasher.verify(nobody, "nobody")
    assert nobody != services._hash_of_nothing()
