"""The benchmarks: Rollcall beside its peers and floors, interleaved in one run.

`python -m dev.bench [short|full]`; docs/performance.md tells what the figures mean.
"""
