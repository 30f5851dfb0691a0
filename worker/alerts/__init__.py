"""Alerts follow the anomalies, fall quiet, are correlated, and escalate as time goes by."""
