"""Tests of Rollcall under fire: a known stream goes through real processes while they are killed,
cut, emptied and paused.
"""
