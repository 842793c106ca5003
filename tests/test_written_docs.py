"""The pages that are written from the code say what the code says."""

import importlib.util
import re

import pytest

from tests.test_migrations import ROOT


def _generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = _generator()


@pytest.mark.parametrize("filename", GENERATOR.PAGES)
def test_page_is_up_to_date(filename):
    """Mend it with: python docs/generate.py."""
    written = (ROOT / "docs" / filename).read_text("utf-8")
    assert written == GENERATOR.PAGES[filename]()


def test_pages_name_what_the_code_names():
    assert "`vendor.accept_agreement`" in GENERATOR.write_permissions()
    machines = GENERATOR.write_state_machines()
    assert "checking --> active: approve" in machines
    assert "## ListingVersion（" in machines
    settings = GENERATOR.write_settings()
    assert "`NARABI_AUDIT_KEY`" in settings
    assert settings.count("| required |") == 5
    server = (ROOT / "gunicorn.conf.py").read_text("utf-8")
    read = set(re.findall(r'read\("(\w+)"\)|environ\W+(?:get\W+)?"(\w+)"', server))
    for name in {first or second for first, second in read} | {"PORT"}:
        assert f"| `{name}` |" in settings
    assert "environ.get(name)" in server
    assert len(read) >= 5
