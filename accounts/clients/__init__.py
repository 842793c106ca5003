"""API clients: the programs of an organisation, their tokens, and the authorisation server."""
