"""Pages that join contracts with the catalog."""
