"""Search: the index, its two engines and the one analysis of Japanese that both share."""
