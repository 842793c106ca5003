"""Plumbing of Narabi: knows no noun of the marketplace."""
