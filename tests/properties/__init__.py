"""Promises that hold for any day, in whatever order it is submitted, on however many workers."""
