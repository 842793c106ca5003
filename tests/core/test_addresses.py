"""Addresses that no page can have are answered as absent, on both databases."""

import pytest


@pytest.mark.parametrize("path", ["/specifications/%00", "/certificates/%00.pdf", "/%00"])
def test_address_with_a_zero_byte_is_absent(client, path):
    assert client.get(path).status_code == 404
