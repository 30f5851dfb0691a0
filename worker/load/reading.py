"""One judgement's access to the database."""

from typing import NamedTuple

from psycopg import Cursor

from models.database import PipelinedCursor
from models.ids import Id
from worker.load.devices import Devices
from worker.load.shifts import OwnShifts
from worker.load.tenant import Reach, Tenant, reach_of
from worker.load.timelines import Timelines


class Reading(NamedTuple):
    """What one judgement reads with, and what it has read: that is not read again."""

    cursor: Cursor
    tenant: Tenant
    reach: Reach
    timelines: Timelines
    shifts: OwnShifts
    devices: Devices

    @property
    def tenant_id(self) -> Id:
        return self.tenant.tenant_id


def begin(cursor: Cursor, tenant: Tenant) -> Reading:
    pipelined = PipelinedCursor(cursor.connection)
    return Reading(
        pipelined,
        tenant,
        reach_of(tenant),
        Timelines(pipelined, tenant.tenant_id),
        OwnShifts(pipelined, tenant.tenant_id),
        Devices(pipelined, tenant.tenant_id),
    )
