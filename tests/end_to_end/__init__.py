"""Tests of real processes, seen from outside: by a caller, a viewer, an operator of the
installation.
"""
