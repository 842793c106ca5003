"""Offerings (one software of one maker) and listings (one seller's terms for it)."""
