"""Statements written by hand, for tests of what they make of a row."""

from datetime import UTC, datetime, timedelta
from typing import Any

from models.intake.roster.kinds import DEVICE, PERSON, SITE, TENANT, Columns, Kind
from models.intake.roster.laying import BEGINNING, END, Version, lay
from models.intake.roster.statement import Statement, statement_of

ROWS: dict[str, Columns] = {
    TENANT.section: {"tenant_id": 1},
    SITE.section: {"site_id": 15},
    PERSON.section: {"person_id": 7},
    DEVICE.section: {"device_id": "k"},
}


def day(number: int) -> datetime:
    """Return the start of a day in March 2026, in UTC."""
    return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=number - 1)


def say(kind: Kind, said_on: int, **fields: Any) -> Statement:
    """Return what a row with these fields says, said at the start of a day in March."""
    row = kind.model.model_validate(ROWS[kind.section] | fields)
    return statement_of(kind, row, day(said_on))


def versions(kind: Kind, *statements: Statement) -> list[Version]:
    return lay(kind, statements).versions


def names(kind: Kind, *statements: Statement) -> list[tuple[int | None, int | None, str]]:
    """Return since which day of March until which the row was there, and its name; None: ever."""
    return [
        (_day_of(version.since), _day_of(version.until), version.columns["name"])
        for version in versions(kind, *statements)
    ]


def _day_of(moment: datetime) -> int | None:
    return None if moment in (BEGINNING, END) else (moment - day(1)).days + 1
