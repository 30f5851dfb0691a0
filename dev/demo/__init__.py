"""The demo company: `python -m dev.demo load` loads it, `python -m dev.demo stream` has it work.
docs/demo.md tells how.
"""
