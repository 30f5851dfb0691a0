"""What the server answers over plain HTTP: the REST API, health, metrics, the dashboard's files."""
