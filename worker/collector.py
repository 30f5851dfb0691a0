"""Python's garbage collector in a worker.

A judgement makes many rows at once, none of them in a cycle. To look through them again and again
costs a third of its time.
"""

import gc
from typing import Any


def tame_collector(**_: Any) -> None:
    """Never collect what is there at the start, and collect the rest seldom."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
