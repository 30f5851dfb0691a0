"""How much abuse there is: a bounded part by default, all of it with ABUSE=full (`make abuse`)."""

import os
from typing import NamedTuple


class Size(NamedTuple):
    """Counts of what is submitted; `punches_after` is how many live punches go on beside it."""

    calm_punches: int
    punches_after: int
    pile: int
    clock: int
    idle_tenants: int


BOUNDED = Size(calm_punches=30, punches_after=40, pile=3_000, clock=3_000, idle_tenants=500)
FULL = Size(calm_punches=100, punches_after=150, pile=10_000, clock=6_000, idle_tenants=2_000)
IS_FULL = os.environ.get("ABUSE") == "full"
SIZE = FULL if IS_FULL else BOUNDED
# After so long a pile has to be judged, on a machine of two cores.
JUDGED_SECONDS = 120 if IS_FULL else 60
