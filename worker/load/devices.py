"""Devices that the roster names, each read once."""

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
    """The declared devices of one judgement."""

    def __init__(self, cursor: Cursor, tenant_id: int) -> None:
        self._cursor, self._tenant_id = cursor, tenant_id
        self._found: dict[str, Device | None] = {}
        self._asked: list[Cursor] = []

    def ask(self, device_ids: Iterable[str | None]) -> None:
        """Send for devices that are to be read."""
        if missing := sorted(
            {device_id for device_id in device_ids if device_id} - self._found.keys()
        ):
            self._found |= dict.fromkeys(missing)
            self._asked.append(self._cursor.execute(_DEVICES, [self._tenant_id, texts(missing)]))

    def read(self, device_ids: Iterable[str | None]) -> dict[str, Device]:
        """Those of these that are declared."""
        wanted = {device_id for device_id in device_ids if device_id}
        self.ask(wanted)
        for answer in self._asked:
            self._found |= {
                device.device_id: device for device in map(Device._make, answer.fetchall())
            }
        self._asked.clear()
        return {device_id: device for device_id in wanted if (device := self._found[device_id])}


def unshared(punches: Iterable[AnyPunch], declared: Mapping[str, Device]) -> list[AnyPunch]:
    """Punches whose device is not declared as shared: on those that are, nothing is inferred from
    who else used them.
    """
    return [
        p
        for p in punches
        if p.device_id and not ((device := declared.get(p.device_id)) and device.shared)
    ]
