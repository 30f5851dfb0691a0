"""Rollcall's version: the one that setup.cfg gives, read from what is installed."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version

# What runs without having been installed has no version.
NOT_INSTALLED = "unknown"


@cache
def rollcall_version() -> str:
    """Return the version of the installed package, or NOT_INSTALLED where there is none."""
    try:
        return version("rollcall")
    except PackageNotFoundError:
        return NOT_INSTALLED
