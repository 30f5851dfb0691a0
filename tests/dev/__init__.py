"""Tests of a developer's tools: the embedded servers, the runner, the demo, the benchmarks."""
