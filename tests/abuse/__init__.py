"""Abuse: one tenant, or a stranger, does its worst, and a healthy viewer of another tenant gets
every message within its usual time.

Each file abuses one thing. It does so within `healthy_viewer`, which holds what another tenant must
not notice; what the abuser itself is answered is asserted beside it.
"""
