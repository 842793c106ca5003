"""Offerings in spreadsheets: template, export, reading, checking and import of many at once."""
