"""Measures with goals: each module registers functions, `bench/run.py` runs and compares them."""
