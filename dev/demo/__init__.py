"""The demo company: `python -m dev.demo load` brings it in, `python -m dev.demo stream` has it
work. docs/demo.md tells how.
"""
