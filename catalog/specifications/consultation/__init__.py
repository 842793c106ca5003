"""Consultation on a draft version: open period, comments, a disposition for each, publication."""
