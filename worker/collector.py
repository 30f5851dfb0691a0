"""Python's garbage collector in a worker.

A judgement makes many rows at once, none of them in a cycle. Looked through again and again, they
cost a third of it.
"""

import gc
from typing import Any


def tame_collector(**_: Any) -> None:
    """Leave out what is there at the start, and look through the rest seldom."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
