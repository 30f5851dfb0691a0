"""What becomes of alerts: they follow the anomalies, fall quiet, belong together, and escalate as
time goes by.
"""
