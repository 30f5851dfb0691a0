"""What `make` sets up before anything of ours can run: `.venv`, with the standard library alone."""
