"""What one judgement reads, step by step: the same row is not read twice."""

from typing import NamedTuple

from psycopg import Cursor

from models.database import Asking
from worker.load.devices import Devices
from worker.load.shifts import OwnShifts
from worker.load.tenant import Reach, Tenant, reach_of
from worker.load.timelines import Timelines


class Reading(NamedTuple):
    cursor: Cursor
    tenant: Tenant
    reach: Reach
    timelines: Timelines
    shifts: OwnShifts
    devices: Devices

    @property
    def tenant_id(self) -> int:
        return self.tenant.tenant_id


def begin(cursor: Cursor, tenant: Tenant) -> Reading:
    cursor = Asking(cursor.connection)
    timelines, shifts, devices = (
        Timelines(cursor, tenant.tenant_id),
        OwnShifts(cursor, tenant.tenant_id),
        Devices(cursor, tenant.tenant_id),
    )
    return Reading(cursor, tenant, reach_of(tenant), timelines, shifts, devices)
