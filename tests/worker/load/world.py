"""A small company in the database, whose rows are written as they stand once they were accepted."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from models import substitutes
from worker.load.touched import TouchedPunch
from worker.rules.window import Assignment, Device, Punch, Shift, Site

ACME = 1
GLOBEX = 2


def add_tenant(
    connection: Connection, tenant_id: int = ACME, policy: Mapping[str, Any] | None = None
) -> None:
    connection.execute(
        "INSERT INTO tenant (tenant_id, name, epoch, policy) VALUES (%s, %s, 'e', %s)",
        [tenant_id, f"tenant {tenant_id}", Jsonb(policy or {})],
    )


def add_roster(
    connection: Connection,
    *,
    sites: Iterable[Site] = (),
    people: Mapping[int, str] | None = None,
    assignments: Iterable[Assignment] = (),
    shifts: Iterable[Shift] = (),
    devices: Iterable[Device] = (),
    site_policies: Mapping[int, Mapping[str, Any]] | None = None,
    tenant_id: int = ACME,
) -> None:
    for site in sites:
        policy = (site_policies or {}).get(site.site_id, {})
        _insert(
            connection,
            "site",
            tenant_id,
            {**site._asdict(), "boundary": Jsonb(site.boundary), "policy": Jsonb(policy)},
        )
    for person_id, name in (people or {}).items():
        _insert(connection, "person", tenant_id, {"person_id": person_id, "name": name})
    for row in assignments:
        key = row.valid_from.isoformat() if row.valid_from else ""
        _insert(connection, "assignment", tenant_id, {**row._asdict(), "valid_from_key": key})
    for device in devices:
        _insert(connection, "device", tenant_id, device._asdict())
    for shift in shifts:
        add_shift(connection, shift, tenant_id)


def add_shift(connection: Connection, shift: Shift, tenant_id: int = ACME) -> None:
    _insert(
        connection, "shift", tenant_id, {**shift._asdict(), "substitutes": list(shift.substitutes)}
    )
    with connection.cursor() as cursor:
        substitutes.refresh(cursor, tenant_id, [shift.shift_id])


def add_punch(connection: Connection, punch: Punch, tenant_id: int = ACME) -> TouchedPunch:
    _insert(
        connection,
        "punch",
        tenant_id,
        {**punch._asdict(), "content_hash": b"", "received_at": datetime.now(UTC)},
    )
    return touched(punch)


def void_punch(connection: Connection, punch: Punch, tenant_id: int = ACME) -> TouchedPunch:
    connection.execute(
        "UPDATE punch SET voided_at = now() WHERE tenant_id = %s AND punch_id = %s",
        [tenant_id, punch.punch_id],
    )
    return touched(punch)


def touched(punch: Punch) -> TouchedPunch:
    return TouchedPunch(
        punch.punch_id,
        punch.person_id,
        punch.site_id,
        punch.occurred_at,
        punch.device_id,
        punch.biometric_person_id,
    )


def _insert(connection: Connection, table: str, tenant_id: int, values: Mapping[str, Any]) -> None:
    row = {"tenant_id": tenant_id, **values}
    names = ", ".join(row)
    marks = ", ".join(f"%({name})s" for name in row)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", row)
