"""Tests of what a developer starts: the embedded servers and the runner."""
