"""Devices that the roster does not name and that are taken as shared, so many people use them. The
tenant is told of each once.
"""

from datetime import datetime
from typing import NamedTuple

from models.ids import Id
from models.policy.buddy_punching import BuddyPunching
from worker.rules.window import Window

UNDECLARED_SHARED_DEVICE = "UNDECLARED_SHARED_DEVICE"


class Kiosk(NamedTuple):
    device_id: str
    site_id: Id  # of the punch that showed it
    people: int  # who used it within 7 days of that punch, before or after
    seen_at: datetime


def undeclared_kiosks(window: Window) -> list[Kiosk]:
    """Return each device once, by the first punch of the window that shows it. The caller remembers
    which devices the tenant was told of before.
    """
    kiosks: dict[str, Kiosk] = {}  # by device_id
    for punch in sorted(window.punches_to_judge, key=lambda p: (p.occurred_at, p.punch_id)):
        device_id, people = punch.device_id, window.device_people.get(punch.punch_id, 0)
        if (
            device_id
            and window.device(device_id, punch.occurred_at) is None
            and people >= window.policy_of(punch).of(BuddyPunching).kiosk_people
        ):
            kiosks.setdefault(device_id, Kiosk(device_id, punch.site_id, people, punch.occurred_at))
    return list(kiosks.values())
