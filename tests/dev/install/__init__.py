"""Tests of what sets `.venv` up."""
