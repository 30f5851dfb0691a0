"""The schema's history. `python -m models migrate` brings a database up to the newest revision."""
