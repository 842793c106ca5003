"""Pages of quote rounds: the body's, and of those who are asked."""

from procurement.quoting.views import asking, clearing, opening, vendor_pages, vendor_quote
from procurement.quoting.views.frame import blueprint

__all__ = ["asking", "blueprint", "clearing", "opening", "vendor_pages", "vendor_quote"]
