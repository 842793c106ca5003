"""Drafts of a company's own offerings for its programs; nothing here submits, publishes or withdraws."""

from catalog.offerings.api import answers, drafts, groups
from catalog.offerings.api.frame import blueprint

__all__ = ["answers", "blueprint", "drafts", "groups"]
