"""Webhooks: an organisation's addresses that are told how far the catalog has changed."""
