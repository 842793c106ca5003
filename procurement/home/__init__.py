"""The front page, each role's desk, and the pages that explain the site."""
