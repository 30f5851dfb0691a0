"""Fault points: places in the pipeline at which a test may have a worker killed.

Without ROLLCALL_FAULTS they do nothing at all.

`ROLLCALL_FAULTS="after_store=0.02,between_commit_and_emit=1"` kills, with -9, at those points with
those probabilities; `judging:p13=1` kills whoever judges the punch p13.
"""

import os
import random
import signal
from collections.abc import Iterable

POINTS = (
    "after_store",
    "before_judge_commit",
    "after_judge_commit",
    "between_commit_and_emit",
    "halfway_through_emits",
)


def _parse(text: str) -> dict[str, float]:
    """Raises ValueError where a point is named that there is not."""
    chances = {
        name.strip(): float(chance)
        for name, _, chance in (part.partition("=") for part in text.split(",") if part.strip())
    }
    unknown = {name for name in chances if name not in POINTS and not name.startswith("judging:")}
    if unknown:
        raise ValueError(
            f"ROLLCALL_FAULTS names {', '.join(sorted(unknown))}; "
            f"points are {', '.join(POINTS)}, judging:PUNCH_ID"
        )
    return chances


def _nothing(point: str, punches: Iterable[str] = ()) -> None:
    """Do nothing, as in production."""


def _perhaps_die(point: str, punches: Iterable[str] = ()) -> None:
    """Kill this process with the chance of the point, or of the point with one of these punches."""
    names = (point, *(f"{point}:{punch_id}" for punch_id in punches))
    if any(random.random() < _CHANCES.get(name, 0.0) for name in names):  # noqa: S311 - no secret
        os.kill(os.getpid(), signal.SIGKILL)


_CHANCES = _parse(os.environ.get("ROLLCALL_FAULTS", ""))
fault_point = _perhaps_die if _CHANCES else _nothing
