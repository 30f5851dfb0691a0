"""One file per anomaly type, and nothing else. The registry of them is worker/registry.py."""
