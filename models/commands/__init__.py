"""The command `rollcall`: how it finds its subcommands, and those that need neither side.

A module that entry points name holds what can be typed, and its help; it imports what does the
work when it is called. So `rollcall --help`, completion and wrong usage cost no second.
"""
