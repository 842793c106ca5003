"""Drills: failures rehearsed, races run until they would have shown."""
