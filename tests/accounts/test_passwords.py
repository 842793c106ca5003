"""Outside the suite passwords cost what the library recommends."""

import subprocess
import sys


def test_passwords_are_kept_as_argon2id_with_the_librarys_own_cost():
    code = "from accounts.services import hash_password; print(hash_password('mihon-password'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
