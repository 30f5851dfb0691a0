"""Thin entry points: the tasks that the contract names, what they share, and calls that cannot be carried out."""
