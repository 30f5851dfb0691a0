"""Tests of the program that sets `.venv` up."""
