"""Abuse: one tenant, or a stranger, does its worst, and a healthy viewer of another tenant gets
every message within its usual time.
"""
