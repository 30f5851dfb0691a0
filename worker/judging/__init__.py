"""Judging a tenant: take what waits, find anomalies, record them, and give up what kills judges."""
