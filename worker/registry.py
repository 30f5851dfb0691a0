"""All detectors: for each anomaly type of the vocabulary, the module of its name."""

from importlib import import_module

from models.vocabulary import TYPES

DETECTORS = tuple(import_module(f"worker.detectors.{name.lower()}") for name in sorted(TYPES))
