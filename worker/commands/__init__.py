"""The commands of `rollcall` that need the worker's side: one file a command, and the files beside
that do the work.

The first hold what can be typed, and import the second when they are called.
"""
