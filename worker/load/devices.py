"""Devices that the roster declares, or once did."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TypeVar

from psycopg import Cursor

from models.ids import Id
from worker.load.arrays import texts
from worker.load.touched import TouchedPunch
from worker.load.versions import SPAN, pasts
from worker.rules.past import Past
from worker.rules.window import Device, Punch

AnyPunch = TypeVar("AnyPunch", Punch, TouchedPunch)
DevicePasts = Mapping[str, Past[Device | None]]  # by device_id, of those that ever were declared

_DEVICES = f"""
SELECT {SPAN}, {", ".join(Device._fields)} FROM device_version v
WHERE tenant_id = %s AND device_id = ANY(%s)
"""
_NOW = timedelta(0)


class Devices:
    """The declared devices of one judgement, each read once."""

    def __init__(self, cursor: Cursor, tenant_id: Id) -> None:
        self._cursor, self._tenant_id = cursor, tenant_id
        # by device_id: None where it was never declared, or is not yet read
        self._by_id: dict[str, Past[Device | None] | None] = {}
        self._answers: list[Cursor] = []

    def ask(self, device_ids: Iterable[str | None]) -> None:
        """Send for devices that are to be read."""
        names = {device_id for device_id in device_ids if device_id}
        if missing := sorted(names - self._by_id.keys()):
            self._by_id |= dict.fromkeys(missing)
            self._answers.append(self._cursor.execute(_DEVICES, [self._tenant_id, texts(missing)]))

    def read(self, device_ids: Iterable[str | None]) -> dict[str, Past[Device | None]]:
        """Return, by device_id, those of these that ever were declared."""
        names = {device_id for device_id in device_ids if device_id}
        self.ask(names)
        for answer in self._answers:
            self._by_id |= pasts(answer.fetchall(), Device._make)
        self._answers.clear()
        return {device_id: device for device_id in names if (device := self._by_id[device_id])}


def unshared(
    punches: Iterable[AnyPunch], declared: DevicePasts, near: timedelta = _NOW
) -> list[AnyPunch]:
    """Return the punches on a device that, at some moment as `near` to the punch, is not declared
    as shared: who else used a shared one tells nothing.
    """
    return [
        punch
        for punch in punches
        if any(not device or not device.shared for device in _versions(punch, declared, near))
    ]


def undeclared(
    punches: Iterable[AnyPunch], declared: DevicePasts, near: timedelta = _NOW
) -> list[AnyPunch]:
    """Return the punches on a device that, at some moment as `near`, the roster does not name."""
    return [
        punch
        for punch in punches
        if any(device is None for device in _versions(punch, declared, near))
    ]


def _versions(
    punch: Punch | TouchedPunch, declared: DevicePasts, near: timedelta
) -> Iterable[Device | None]:
    """Return what the punch's device was declared as about then; nothing where it names none."""
    if not punch.device_id:
        return ()
    past = declared.get(punch.device_id)
    return past.within(punch.occurred_at - near, punch.occurred_at + near) if past else (None,)
