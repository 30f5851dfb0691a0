"""Devices that the roster declares."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from psycopg import Cursor

from worker.load.arrays import texts
from worker.load.touched import TouchedPunch
from worker.rules.window import Device, Punch

AnyPunch = TypeVar("AnyPunch", Punch, TouchedPunch)

_DEVICES = f"""
SELECT {", ".join(Device._fields)} FROM device
WHERE tenant_id = %s AND device_id = ANY(%s) AND NOT deleted
"""


class Devices:
    """The declared devices of one judgement, each read once."""

    def __init__(self, cursor: Cursor, tenant_id: int) -> None:
        self._cursor, self._tenant_id = cursor, tenant_id
        # by device_id: None where it is not declared, or not yet read
        self._by_id: dict[str, Device | None] = {}
        self._answers: list[Cursor] = []

    def ask(self, device_ids: Iterable[str | None]) -> None:
        """Send for devices that are to be read."""
        names = {device_id for device_id in device_ids if device_id}
        if missing := sorted(names - self._by_id.keys()):
            self._by_id |= dict.fromkeys(missing)
            self._answers.append(self._cursor.execute(_DEVICES, [self._tenant_id, texts(missing)]))

    def read(self, device_ids: Iterable[str | None]) -> dict[str, Device]:
        """Return, by device_id, those of these that are declared."""
        names = {device_id for device_id in device_ids if device_id}
        self.ask(names)
        for answer in self._answers:
            devices = map(Device._make, answer.fetchall())
            self._by_id |= {device.device_id: device for device in devices}
        self._answers.clear()
        return {device_id: device for device_id in names if (device := self._by_id[device_id])}


def unshared(punches: Iterable[AnyPunch], declared: Mapping[str, Device]) -> list[AnyPunch]:
    """Return the punches on a device that is not declared as shared: who else used a shared one
    tells nothing.
    """
    shared = {device_id for device_id, device in declared.items() if device.shared}
    return [punch for punch in punches if punch.device_id and punch.device_id not in shared]
