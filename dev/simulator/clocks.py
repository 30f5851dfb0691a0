"""Simulates what clocks report: kiosks with their queues, phones with the errors of real
positioning, biometrics with bad reads.
"""

import math
import random
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from dev.simulator import rates
from dev.simulator.company import Person, Phone, Site
from dev.simulator.places import moved
from dev.simulator.rates import Rates
from dev.simulator.rows import Fix, Punch

_CACHE_TRAVELS = timedelta(minutes=25)
_QUEUE = timedelta(minutes=5)


class LastFix(NamedTuple):
    """The fix that a phone reported last, and where and when."""

    fix: Fix
    site_id: int
    at: datetime


def position(
    rng: random.Random, phone: Phone, site: Site, last: LastFix | None, at: datetime, honest: Rates
) -> Fix:
    """The fix that the phone reports when its owner stands somewhere on the site."""
    if last and last.site_id == site.site_id and rng.random() < phone.cache_share:
        return last.fix
    if (
        last
        and last.site_id != site.site_id
        and at - last.at < _CACHE_TRAVELS
        and rng.random() < honest.cached_elsewhere
    ):
        return last.fix
    coarse = rng.random() < honest.coarse_fix
    claim = 500 * 6 ** rng.random() if coarse else _usual_claim(rng)
    error = claim / rates.CLAIM_IN_SIGMAS * math.sqrt(-2 * math.log(1 - rng.random()))
    if not coarse and rng.random() < honest.heavy_tail:
        error *= rng.uniform(2, 5)
    bearing = rng.uniform(0, 2 * math.pi)
    latitude, longitude = moved(
        *site.spot(rng), error * math.sin(bearing), error * math.cos(bearing)
    )
    return Fix(latitude, longitude, round(claim, 1) if phone.claims_accuracy or coarse else None)


def biometric_read(
    rng: random.Random, person: Person, method: str, honest: Rates
) -> dict[str, Any]:
    """A biometric read of the person, or the card that has no score."""
    if method == "card":
        return {"method": "card"}
    mean, deviation = person.likeness
    poor = person.reads_poorly and rng.random() < honest.poor_read
    score = rng.uniform(0.5, 0.75) if poor else min(max(rng.gauss(mean, deviation), 0.0), 1.0)
    return {
        "method": method,
        "score": round(score, 4),
        "liveness": round(rng.uniform(0.85, 0.99), 4),
        "matched_person_id": person.person_id,
    }


def queue_up(rng: random.Random, punches: list[Punch], kiosks: set[str], honest: Rates) -> None:
    """Have people who come to a kiosk within minutes of each other stand in line there and punch
    seconds apart, as kiosk logs show.
    """
    at_kiosks = sorted(
        (punch for punch in punches if punch.device_id in kiosks),
        key=lambda punch: (punch.device_id or "", punch.at),
    )
    for _, queue in groupby(at_kiosks, key=lambda punch: punch.device_id):
        before: Punch | None = None
        for punch in queue:
            in_line = (
                before and punch.person_id != before.person_id and punch.at - before.at < _QUEUE
            )
            if before and in_line and rng.random() < honest.queues:
                move(punch, before.at + timedelta(seconds=rng.randint(3, 9)))
            before = punch


def move(punch: Punch, at: datetime) -> None:
    """Have the punch happen at another time, and arrive as long after that as before."""
    punch.arrives += at - punch.at
    punch.at = at


def _usual_claim(rng: random.Random) -> float:
    return min(
        max(rng.lognormvariate(math.log(rates.ACCURACY_MEDIAN_M), rates.ACCURACY_SPREAD), 3.0), 95.0
    )
