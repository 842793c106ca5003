"""The test bed and the tests."""
