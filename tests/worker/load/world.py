"""A small company in the database, whose rows are written as they stand once they were accepted."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from models import substitutes
from models.ids import Id
from worker.load.touched import TouchedPunch
from worker.rules.window import Absence, Assignment, Device, Punch, Shift, Site

ACME = 1
START = datetime(2026, 3, 28, tzinfo=UTC)
GLOBEX = 2

Columns = dict[str, Any]
# From when to when, that excluded, a row was so: None is for ever.
Version = tuple[datetime | None, datetime | None, Mapping[str, Any]]

# When any person was in the roster, and any assignment.
_SPANS = """
UPDATE tenant SET people_spans = coalesce((
    SELECT range_agg(tstzrange(nullif(since, '-infinity'), nullif(until, 'infinity')))
    FROM person_version WHERE tenant_id = %(tenant_id)s
), '{}'), assigned_spans = coalesce((
    SELECT range_agg(tstzrange(NULL, ended_at, '[]'))
    FROM assignment WHERE tenant_id = %(tenant_id)s AND NOT never_was
), '{}')
WHERE tenant_id = %(tenant_id)s
"""


def add_tenant(
    connection: Connection, tenant_id: int = ACME, policy: Mapping[str, Any] | None = None
) -> None:
    connection.execute(
        "INSERT INTO tenant (tenant_id, name, epoch, policy) VALUES (%s, %s, 'e', %s)",
        [tenant_id, f"tenant {tenant_id}", Jsonb(policy or {})],
    )
    set_versions(connection, "tenant", {}, [(None, None, {"policy": policy or {}})], tenant_id)


def add_roster(
    connection: Connection,
    *,
    sites: Iterable[Site] = (),
    people: Mapping[Any, str] | None = None,
    assignments: Iterable[Assignment] = (),
    shifts: Iterable[Shift] = (),
    absences: Iterable[Absence] = (),
    devices: Iterable[Device] = (),
    site_policies: Mapping[Any, Mapping[str, Any]] | None = None,
    tenant_id: int = ACME,
) -> None:
    """Add rows that hold since ever."""
    for site in sites:
        policy = (site_policies or {}).get(site.site_id, {})
        row = {**site._asdict(), "boundary": Jsonb(site.boundary), "policy": Jsonb(policy)}
        _insert(connection, "site", tenant_id, row)
        set_site(connection, site.site_id, [(None, None, site, policy)], tenant_id)
    for person_id, name in (people or {}).items():
        _insert(connection, "person", tenant_id, {"person_id": person_id, "name": name})
        set_person(connection, person_id, [(None, None, name)], tenant_id)
    for row_ in assignments:
        key = row_.valid_from.isoformat() if row_.valid_from else ""
        _insert(connection, "assignment", tenant_id, {**row_._asdict(), "valid_from_key": key})
    for device in devices:
        _insert(connection, "device", tenant_id, device._asdict())
        set_device(connection, device.device_id, [(None, None, device)], tenant_id)
    for shift in shifts:
        add_shift(connection, shift, tenant_id)
    for absence in absences:
        add_absence(connection, absence)
    connection.execute(_SPANS, {"tenant_id": tenant_id})


def set_site(
    connection: Connection,
    site_id: Id,
    versions: Iterable[tuple[datetime | None, datetime | None, Site, Mapping[str, Any]]],
    tenant_id: int = ACME,
) -> None:
    """Have a site be so from when to when, with that policy of its own."""
    rows = [
        (since, until, {**site._asdict(), "policy": policy})
        for since, until, site, policy in versions
    ]
    for _, _, values in rows:
        del values["site_id"], values["timezone"]
    set_versions(connection, "site", {"site_id": site_id}, rows, tenant_id)


def set_person(
    connection: Connection,
    person_id: Id,
    versions: Iterable[tuple[datetime | None, datetime | None, str]],
    tenant_id: int = ACME,
) -> None:
    """Have a person be so called from when to when."""
    rows = [(since, until, {"name": name}) for since, until, name in versions]
    set_versions(connection, "person", {"person_id": person_id}, rows, tenant_id)


def set_device(
    connection: Connection,
    device_id: str,
    versions: Iterable[tuple[datetime | None, datetime | None, Device]],
    tenant_id: int = ACME,
) -> None:
    """Have a device be so declared from when to when."""
    rows = [
        (since, until, {"shared": device.shared, "person_id": device.person_id})
        for since, until, device in versions
    ]
    set_versions(connection, "device", {"device_id": device_id}, rows, tenant_id)


def set_versions(
    connection: Connection,
    kind: str,
    key: Mapping[str, Any],
    versions: Sequence[Version],
    tenant_id: int = ACME,
) -> None:
    """Have a row be so from when to when, and no more as it was before."""
    names = ("tenant_id", *key)
    chosen = " AND ".join(f"{name} = %({name})s" for name in names)
    connection.execute(
        f"DELETE FROM {kind}_version WHERE {chosen}", {"tenant_id": tenant_id, **key}
    )
    for since, until, values in versions:
        named = {"name": f"tenant {tenant_id}"} if kind == "tenant" else {}
        row = named | {
            name: Jsonb(value) if isinstance(value, Mapping) else value
            for name, value in values.items()
        }
        span = {"since": since or "-infinity", "until": until or "infinity"}
        _insert(connection, f"{kind}_version", tenant_id, {**key, **span, **row})
    connection.execute(_SPANS, {"tenant_id": tenant_id})


def note_change(
    connection: Connection,
    kind: str,
    key: object = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> None:
    """Note what the judge has to look at again, and the time for which it changed."""
    row = {"kind": kind, "key": str(key), "at": datetime.now(UTC), "since": since, "until": until}
    _insert(connection, "roster_change", ACME, row)


def add_shift(connection: Connection, shift: Shift, tenant_id: int = ACME) -> None:
    row = {**shift._asdict(), "substitutes": list(shift.substitutes)}
    del row["person_left"]  # not stored yet
    _insert(connection, "shift", tenant_id, row)
    with connection.cursor() as cursor:
        substitutes.refresh(cursor, tenant_id, [shift.shift_id])


def add_absence(
    connection: Connection, absence: Absence, *, standing: bool = True
) -> tuple[Columns | None, Columns]:
    """Have an absence be so from now on; return what was stored of it before, and what is now."""
    before, after = _absence(connection, absence.absence_id), _columns(absence, standing)
    connection.execute(
        "DELETE FROM absence WHERE tenant_id = %s AND absence_id = %s", [ACME, absence.absence_id]
    )
    _insert(connection, "absence", ACME, after)
    return before, after


def _absence(connection: Connection, absence_id: str) -> Columns | None:
    names = list(_columns(Absence(absence_id, None, None, START, START), standing=False))
    sql = f"SELECT {', '.join(names)} FROM absence WHERE tenant_id = %s AND absence_id = %s"
    row = connection.execute(sql, [ACME, absence_id]).fetchone()
    return dict(zip(names, row, strict=True)) if row else None


def _columns(absence: Absence, standing: bool) -> Columns:
    """Return the columns of an absence: each of its ends is a moment or a date."""
    columns = {**absence._asdict(), "standing": standing}
    for name, field in (("absent_from", "since"), ("absent_to", "until")):
        value = columns.pop(field)
        is_moment = isinstance(value, datetime)
        columns |= {
            name: value if is_moment else None,
            f"{name}_date": None if is_moment else value,
        }
    return columns


def leave(connection: Connection, person_id: Id, at: datetime, tenant_id: Id = ACME) -> list[str]:
    """Have a person's shifts from then on count as their substitutes' only, and return them."""
    left = connection.execute(
        """
        UPDATE shift SET person_left = true, standing = standing AND substitutes <> '{}'
        WHERE tenant_id = %s AND person_id = %s AND starts_at >= %s RETURNING shift_id
        """,
        [tenant_id, person_id, at],
    )
    return [shift_id for (shift_id,) in left.fetchall()]


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
