"""What only a developer's machine needs: the embedded servers, the runner of `make run`, the demo
company, the benchmarks.
"""
