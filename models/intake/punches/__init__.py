"""Punches: read, stored, corrected."""
