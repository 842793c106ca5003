"""Contract notices: what a body tells everyone of a contract that it recorded."""
