"""Drafts of a company's own offerings for its programs; nothing here submits, publishes or withdraws."""

from catalog.offerings.api import answers, drafts, evidence, groups
from catalog.offerings.api.frame import blueprint

__all__ = ["answers", "blueprint", "drafts", "evidence", "groups"]
