"""What of `rollcall` needs the worker's side: one file a command, and beside it what does the work.

The first hold what can be typed, and import the second when they are called.
"""
