"""Tests of the runner of `make run`."""
