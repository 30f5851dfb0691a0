"""Judging a tenant: what waits, who takes it, what is found, what is recorded, and what is given
up.
"""
