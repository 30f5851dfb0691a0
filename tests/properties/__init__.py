"""Promises that hold for any day: whatever happened, in whatever order it was told, on however many
workers.
"""
