"""Saved searches: what a person asks again, and what changed since; nobody else ever sees them."""
