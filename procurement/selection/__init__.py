"""The choice of a project: one locked candidate, proposed by one person and approved by another."""
