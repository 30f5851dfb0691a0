"""Tools for a developer's machine: the embedded servers, the runner of `make run`, the demo
company, the benchmarks.
"""
