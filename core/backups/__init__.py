"""Backups: one file with the database, every named file, a signed checkpoint and the hashes of all; and back."""
