"""The estimated price of a project: sealed, and read by named people only."""
