"""The scenarios: one file a question."""
