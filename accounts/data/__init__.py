"""Data files about local public bodies, and the script that rebuilds them."""
