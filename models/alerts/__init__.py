"""What operators work on: alerts, the moves they may make, reviews of anomalies, and quiet."""
