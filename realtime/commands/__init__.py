"""The commands of `rollcall` that need the server's side: one file a command.

They hold what can be typed, and import what does the work when they are called.
"""
