"""The tasks that the contract names, what they share, calls that cannot be carried out, and the
note that a task came through.
"""
