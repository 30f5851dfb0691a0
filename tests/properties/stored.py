"""The roster as it is stored, read as plainly as can be."""

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Engine

from models.database import transaction
from models.ids import Id
from tests.properties.held import Version

_VERSIONS = {
    "tenant": ("tenant_version", (), ("policy",)),
    "sites": (
        "site_version",
        ("site_id",),
        ("name", "latitude", "longitude", "radius_m", "boundary", "policy"),
    ),
    "people": ("person_version", ("person_id",), ("name",)),
    "devices": ("device_version", ("device_id",), ("shared", "person_id")),
}
_CHANGES = """
SELECT change_id, kind, key, nullif(since, '-infinity'), nullif(until, 'infinity')
FROM roster_change WHERE tenant_id = %s AND change_id > %s AND NOT alone ORDER BY change_id
"""
_ASSIGNMENTS = """
SELECT person_id, site_id, valid_from, valid_from_date, valid_to, valid_to_date, ended_at,
    roving
FROM assignment WHERE tenant_id = %s AND NOT never_was
"""
_SPANS = """
SELECT people_spans @> moment, assigned_spans @> moment
FROM tenant, unnest(%s::timestamptz[]) WITH ORDINALITY AS asked (moment, place)
WHERE tenant_id = %s ORDER BY place
"""


class Change(NamedTuple):
    """What the judge is to look at again, and for which time; None is for ever."""

    kind: str
    key: str
    since: datetime | None
    until: datetime | None


class Stored:
    """The stored roster of one tenant."""

    def __init__(self, engine: Engine, tenant_id: Id) -> None:
        self.engine = engine
        self.tenant_id = tenant_id
        self._last_change = 0

    def versions(self) -> dict[tuple[str, Any], list[Version]]:
        """Return the versions of each row that was ever there, by its section and key, in order."""
        found: dict[tuple[str, Any], list[Version]] = {}
        for section, (table, key, fields) in _VERSIONS.items():
            names = (*key, *fields)
            sql = f"""
            SELECT nullif(since, '-infinity'), nullif(until, 'infinity'), {", ".join(names)}
            FROM {table} WHERE tenant_id = %s ORDER BY {table}.since
            """
            for since, until, *values in self._rows(sql, self.tenant_id):
                row = dict(zip(names, values, strict=True))
                name = section, row.pop(key[0]) if key else ""
                held = found.setdefault(name, [])
                if held and held[-1].until == since and held[-1].row == row:  # renamed
                    held[-1] = held[-1]._replace(until=until)
                else:
                    held.append(Version(since, until, row))
        return found

    def new_changes(self) -> list[Change]:
        """Return what was noted since this was last asked."""
        rows = self._rows(_CHANGES, self.tenant_id, self._last_change)
        self._last_change = max((row[0] for row in rows), default=self._last_change)
        return [Change(*row[1:]) for row in rows]

    def lasting(self) -> tuple[bool, dict[Id, str]]:
        """Return whether the roster is complete, and the zone of each site there is now."""
        ((complete,),) = self._rows(
            "SELECT roster_complete FROM tenant WHERE tenant_id = %s", self.tenant_id
        )
        sites = self._rows(
            "SELECT site_id, timezone FROM site WHERE tenant_id = %s AND NOT deleted",
            self.tenant_id,
        )
        return bool(complete), dict(sites)

    def shifts(self) -> dict[str, tuple[Any, ...]]:
        """Return site, start and those entitled of the shifts that count."""
        sql = """
        SELECT shift_id, site_id, starts_at, person_left, person_id, substitutes
        FROM shift WHERE tenant_id = %s AND standing
        """
        return {
            shift_id: (site_id, starts_at, (*(() if left else (person_id,)), *substitutes))
            for shift_id, site_id, starts_at, left, person_id, substitutes in self._rows(
                sql, self.tenant_id
            )
        }

    def assignments(self) -> list[tuple[int, int, dict[str, Any], datetime | None]]:
        """Return person, site, content and end of the assignments that ever were."""
        return [
            (
                person_id,
                site_id,
                {
                    "valid_from": _spelled(from_date, since),
                    "valid_to": _spelled(to_date, until),
                    "roving": roving,
                },
                ended_at,
            )
            for person_id, site_id, since, from_date, until, to_date, ended_at, roving in (
                self._rows(_ASSIGNMENTS, self.tenant_id)
            )
        ]

    def presence(self, moments: list[datetime]) -> list[tuple[bool, bool]]:
        """Tell of each moment whether any person was there, and any assignment."""
        return [
            (people, assignments)
            for people, assignments in self._rows(_SPANS, moments, self.tenant_id)
        ]

    def _rows(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        with transaction(self.engine) as cursor:
            return cursor.execute(sql, arguments).fetchall()


def _spelled(day: date | None, moment: datetime | None) -> str | None:
    value = day or moment
    return value.isoformat() if value else None
