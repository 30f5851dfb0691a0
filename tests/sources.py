"""What was read of a library, so that a release that changes it is noticed."""

import hashlib
import inspect
import textwrap
from collections.abc import Callable
from typing import Any


def digest(function: Callable[..., Any]) -> str:
    """The first 16 hex digits of the SHA-256 of its source."""
    source = textwrap.dedent(inspect.getsource(function))
    return hashlib.sha256(source.encode()).hexdigest()[:16]
