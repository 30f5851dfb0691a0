"""Piles: many punches that have something in common, and as many that have nothing.

Their rows are made in Postgres, so that tens of thousands cost a second.
"""

import gc
import os
import time
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import Connection, Cursor

from worker.judging.judge import find_and_record
from worker.load.touched import Touched, TouchedPunch

TENANT = 1
START = datetime(2026, 3, 2, tzinfo=UTC)
AS_OF = datetime(2026, 4, 1, tzinfo=UTC)
_MANY = 2_000
_PEOPLE = {"one person": "1", "eleven people": "1 + i %% 11", "many people": f"1 + i %% {_MANY}"}
_DEVICES = {
    "shared": "'kiosk'",
    "private": "'phone'",
    "undeclared": "'stray'",
    "none": "NULL",
}
# Seconds between two punches.
_TIMES = {"one second": 0, "a day": 4, "spread": 43}


class Pile(NamedTuple):
    """What its punches have in common."""

    device: str
    people: str
    times: str
    one_body: bool = False

    @property
    def name(self) -> str:
        body = ", one body" if self.one_body else ""
        return f"device {self.device}, {self.people}, {self.times}{body}"


# Each of many people once a day, on a clock that is declared as shared. What they come to is found
# as often as in a pile: every stay is of a whole day.
SPREAD = Pile("shared", "many people", "spread")
# The same, and each is taken for another by the reader, as all are in a pile of one body.
SPREAD_BODIES = Pile("shared", "many people", "spread", one_body=True)
PILES = tuple(
    Pile(device, people, times, one_body)
    for device, people, times, one_body in product(
        _DEVICES, _PEOPLE, ("one second", "a day"), (False, True)
    )
)

_ROSTER = f"""
INSERT INTO tenant (tenant_id, name, epoch, swept_at, people_spans, assigned_spans)
VALUES (%(tenant)s, 'Acme', 'e', %(as_of)s, '{{(,)}}', '{{(,)}}');
INSERT INTO site (tenant_id, site_id, name, timezone, latitude, longitude)
SELECT %(tenant)s, n, 'Site ' || n, 'UTC', 52.5, 13.4 + n / 50.0 FROM generate_series(1, 2) AS n;
INSERT INTO person (tenant_id, person_id, name)
SELECT %(tenant)s, n, 'Person ' || n FROM generate_series(1, {_MANY}) AS n;
INSERT INTO assignment (tenant_id, person_id, site_id, valid_from_key)
SELECT %(tenant)s, n, s, '' FROM generate_series(1, {_MANY}) AS n, generate_series(1, 2) AS s;
INSERT INTO device (tenant_id, device_id, shared)
VALUES (%(tenant)s, 'kiosk', true), (%(tenant)s, 'phone', false);
INSERT INTO tenant_version (tenant_id, since, until, name, policy)
VALUES (%(tenant)s, '-infinity', 'infinity', 'Acme', '{{}}');
INSERT INTO site_version (tenant_id, site_id, since, until, name, latitude, longitude, policy)
SELECT tenant_id, site_id, '-infinity', 'infinity', name, latitude, longitude, policy
FROM site WHERE tenant_id = %(tenant)s;
INSERT INTO person_version (tenant_id, person_id, since, until, name)
SELECT tenant_id, person_id, '-infinity', 'infinity', name
FROM person WHERE tenant_id = %(tenant)s;
INSERT INTO device_version (tenant_id, device_id, since, until, shared)
SELECT tenant_id, device_id, '-infinity', 'infinity', shared
FROM device WHERE tenant_id = %(tenant)s;
"""
_PUNCHES = """
INSERT INTO punch (
    tenant_id, punch_id, person_id, site_id, is_check_in, occurred_at, device_id,
    biometric_method, biometric_score, biometric_liveness, biometric_person_id,
    content_hash, received_at
)
SELECT %(tenant)s, format('p%%s', lpad(i::text, 6, '0')), {person}, 1 + i %% 2, i / {many} %% 2 = 0,
    %(start)s + i * {seconds} * interval '1 second', {device},
    {method}, {score}, {score}, {body}, '', %(start)s
FROM generate_series(0, %(count)s - 1) AS i
"""
_TOUCHED = f"""
SELECT {", ".join(TouchedPunch._fields[:-2])} FROM (
    SELECT punch.*, row_number() OVER (ORDER BY punch_id) - 1 AS place, count(*) OVER () AS punches
    FROM punch WHERE tenant_id = %(tenant)s
) AS numbered
WHERE CASE WHEN %(newest)s THEN place >= punches - %(count)s
    ELSE place %% (punches / %(count)s) = 0 END
"""


def found_company(connection: Connection) -> None:
    """Store a tenant whose roster gives no shift: anomalies come of what punches have in common."""
    connection.execute(
        _ROSTER.replace("%(tenant)s", str(TENANT)).replace("%(as_of)s", f"'{AS_OF}'")
    )


def store(connection: Connection, pile: Pile, count: int) -> None:
    """Store a pile in place of the one before it."""
    connection.execute("TRUNCATE punch, pending")
    seconds = _TIMES[pile.times]
    sql = _PUNCHES.format(
        person=_PEOPLE[pile.people],
        device=_DEVICES[pile.device],
        many=_MANY if pile.people == "many people" else 2,
        seconds=seconds,
        method="'face'" if pile.one_body else "NULL",
        score="0.9" if pile.one_body else "NULL",
        body=_body(pile),
    )
    connection.execute(sql, {"tenant": TENANT, "start": START, "count": count})
    connection.commit()
    connection.execute("ANALYZE punch")
    connection.commit()


def _body(pile: Pile) -> str:
    if not pile.one_body:
        return "NULL"
    return f"1 + (i + 1) %% {_MANY}" if pile.times == "spread" else "1"


def touched(cursor: Cursor, count: int, *, newest: bool) -> Touched:
    """Return `count` of the punches as if they had come last: the newest, or some of all times."""
    values = {"tenant": TENANT, "count": count, "newest": newest}
    rows = cursor.execute(_TOUCHED, values).fetchall()
    return Touched(punches=tuple(TouchedPunch(*row) for row in rows))


def cpu_of_judging(connection: Connection[Any], some: Touched) -> float:
    """Judge, undo it, and return the CPU seconds that it took this process and Postgres' own.

    Python's collector waits until it is done: in a worker it runs seldom (worker.collector).
    """
    connection.rollback()
    gc.collect()
    gc.disable()
    try:
        with connection.cursor() as cursor:
            before = _cpu_seconds(connection)
            find_and_record(cursor, TENANT, some, AS_OF)
            return _cpu_seconds(connection) - before
    finally:
        gc.enable()
        connection.rollback()


def _cpu_seconds(connection: Connection[Any]) -> float:
    """Return what this process used and what Postgres did for the connection, by Linux' count."""
    *_, fields = Path(f"/proc/{connection.info.backend_pid}/stat").read_text().rpartition(")")
    user, system = fields.split()[11:13]
    return time.process_time() + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
