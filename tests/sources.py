"""Digests of a library's functions that we have read, so that a release that changes one shows."""

import hashlib
import inspect
import textwrap
from collections.abc import Callable
from typing import Any


def digest(function: Callable[..., Any]) -> str:
    """Return the first 16 hex digits of the SHA-256 of the function's source."""
    source = textwrap.dedent(inspect.getsource(function))
    return hashlib.sha256(source.encode()).hexdigest()[:16]
