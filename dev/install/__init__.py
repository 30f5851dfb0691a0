"""Sets up `.venv` for `make`, with the standard library alone: nothing else can run before."""
