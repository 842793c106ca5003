"""Certification of an offering version against a specification version, by four eyes."""
