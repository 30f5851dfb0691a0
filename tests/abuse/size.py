"""How much abuse there is: a bounded part by default, all of it with ABUSE=full (`make abuse`)."""

import os
from typing import NamedTuple


class Size(NamedTuple):
    """Counts of what is submitted; `punches_after` is how many live punches go on beside it.

    A calm wait counts as `calm_seconds` at least. On an idle machine it is 10 to 30 ms, and a busy
    kernel or a collector takes more than a multiple of that now and then. With 0.2 s the worst wait
    under abuse is bounded by a second, beyond which no tenant may delay another; the bounded part
    has twice as much, as it also runs where the machine is not its own.
    """

    calm_punches: int
    calm_seconds: float
    punches_after: int
    pile: int
    clock: int
    idle_tenants: int


BOUNDED = Size(
    calm_punches=20, calm_seconds=0.4, punches_after=25, pile=3_000, clock=3_000, idle_tenants=500
)
FULL = Size(
    calm_punches=100,
    calm_seconds=0.2,
    punches_after=150,
    pile=10_000,
    clock=6_000,
    idle_tenants=2_000,
)
IS_FULL = os.environ.get("ABUSE") == "full"
SIZE = FULL if IS_FULL else BOUNDED
# After so long a pile has to be judged, on a machine of two cores.
JUDGED_SECONDS = 120 if IS_FULL else 60
