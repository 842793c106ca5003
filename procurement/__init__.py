"""Municipal choice and usage-contract requests."""
