"""What was said of the rows of the roster by which a punch or shift is judged: which statement of
each counts at its moment, and why no other does.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Cursor

from models.intake.roster.kinds import DEVICE, PERSON, SITE, TENANT, Kind
from models.intake.roster.laying import BEGINNING, Held, as_laid
from models.intake.roster.statement import Statement
from worker.commands.submitters import submitter
from worker.rules.evidence import instant
from worker.rules.window import Window

_INDENT = "    "
_STATEMENTS = """
SELECT submitted_by, said_at, digest, content, extra, effective_from, effective_date, correction,
    deleted
FROM statement WHERE tenant_id = %s AND kind = %s AND key = %s
"""
_SHIFTS = """
SELECT 'shift ' || shift_id, coalesce(said_at, sent_at), removed_at, submitted_by FROM shift
WHERE tenant_id = %s AND shift_id = ANY(%s) ORDER BY starts_at, shift_id
"""
_ASSIGNMENTS = """
SELECT 'assignment here from ' || coalesce(nullif(valid_from_key, ''), 'ever'),
    coalesce(said_at, sent_at), ended_at, submitted_by
FROM assignment
WHERE tenant_id = %s AND person_id = %s AND site_id = %s AND NOT deleted ORDER BY valid_from_key
"""


Fields = dict[str, tuple[Any, int]]  # by name: the value, and the place of what says it
Row = tuple[Kind, str]  # a row of the roster that has a past: its kind and its key


def told(cursor: Cursor, window: Window) -> Iterator[str]:
    """Yield what was said of the rows by which the window's one subject is judged."""
    for punch in window.punches_to_judge:
        rows = [(TENANT, ""), (SITE, str(punch.site_id)), (PERSON, str(punch.person_id))]
        rows += [(DEVICE, punch.device_id)] if punch.device_id else []
        yield from _of_rows(cursor, window, rows, punch.occurred_at)
        assigned = [window.tenant_id, punch.person_id, punch.site_id]
        yield from _planned(cursor, _ASSIGNMENTS, assigned, "ended")
        shifts = [shift.shift_id for shift in window.shifts_of.get(punch.person_id, ())]
        yield from _planned(cursor, _SHIFTS, [window.tenant_id, shifts], "removed")
    for shift in window.shifts_to_judge:
        rows = [(TENANT, ""), (SITE, str(shift.site_id)), (PERSON, str(shift.person_id))]
        yield from _of_rows(cursor, window, rows, shift.starts_at)
        yield from _planned(cursor, _SHIFTS, [window.tenant_id, [shift.shift_id]], "removed")


def _of_rows(cursor: Cursor, window: Window, rows: Iterable[Row], at: datetime) -> Iterator[str]:
    for kind, key in rows:
        yield f"{kind.table} {key}".strip() + _so(cursor, window.tenant_id, (kind, key), at)
        zone = ZoneInfo(window.timezone(int(key)) if kind is SITE else "UTC")
        yield from (
            f"{_INDENT}{line}" for line in _of_row(cursor, window.tenant_id, (kind, key), zone, at)
        )


def _so(cursor: Cursor, tenant_id: int, row: Row, at: datetime) -> str:
    """Return from when to when the row was as it is at a moment."""
    kind, key = row
    chosen = "".join(f"AND {name}::text = %(key)s" for name in kind.key)
    sql = f"""
        SELECT nullif(since, '-infinity'), nullif(until, 'infinity') FROM {kind.table}_version
        WHERE tenant_id = %(tenant_id)s {chosen} AND since <= %(at)s AND until > %(at)s
    """
    version = cursor.execute(sql, {"tenant_id": tenant_id, "key": key, "at": at}).fetchone()
    if version is None:
        return ": not in the roster then"
    since, until = version
    return (f", so since {instant(since)}" if since else ", so since ever") + (
        f" until {instant(until)}" if until else ""
    )


def _of_row(
    cursor: Cursor, tenant_id: int, row: Row, zone: ZoneInfo, at: datetime
) -> Iterator[str]:
    """Yield each statement of a row, in the order in which they are laid over each other."""
    kind, key = row
    statements: list[Statement] = []
    by: dict[tuple[datetime, bytes], str] = {}
    for submitted_by, said_at, digest, content, extra, moment, day, *rest in cursor.execute(
        _STATEMENTS, [tenant_id, kind.table, key]
    ):
        statements.append(Statement(said_at, digest, content, extra, moment or day, *rest))
        by[said_at, digest] = submitter(submitted_by)
    laid = as_laid(statements, zone)
    told = list(_reasons(kind, laid, at))
    for held, why in told:
        yield f"{_said(held, by[held.statement.said_at, held.statement.digest])}: {why}"
    if beside := len(laid) - len(told):
        yield f"{beside} more, laid over by what holds later or was said later, or saying the same"


def _reasons(kind: Kind, laid: Sequence[Held], at: datetime) -> Iterator[tuple[Held, str]]:
    """Yield the statements of which something counts at a moment, or that may have been expected
    to, each with what or why not.
    """
    counting = _counting(kind, laid, at)
    for place, (holds_from, statement) in enumerate(laid):
        fields = sorted(name for name, (_, by) in counting.items() if by == place)
        if fields:
            yield laid[place], f"counts ({', '.join(fields)})"
        elif holds_from > at and (statement.deleted or _is_new(statement, counting)):
            yield laid[place], "does not hold yet"
        elif holds_from <= at and statement.deleted:
            yield laid[place], "removed what was said before"


def _is_new(statement: Statement, counting: Fields) -> bool:
    return any(
        name not in counting or counting[name][0] != value for name, value in _fields(statement)
    )


def _counting(kind: Kind, laid: Sequence[Held], at: datetime) -> Fields:
    """Return the fields as they are at a moment, each with the place of the statement that gives
    it: the first of those that say the same.
    """
    fields: Fields = {}
    for place, (holds_from, statement) in enumerate(laid):
        if holds_from > at:
            continue
        if statement.deleted:
            fields.clear()
        for name, value in _fields(statement):
            if name not in fields or fields[name][0] != value:
                fields[name] = value, place
    return fields | _throughout(kind, laid)


def _throughout(kind: Kind, laid: Sequence[Held]) -> Fields:
    """Return the same of the fields that have no past: as they were said last."""
    said = sorted(
        (held.statement.said_at, held.statement.canonical(), place)
        for place, held in enumerate(laid)
    )
    fields: Fields = {}
    for *_, place in said:
        content = laid[place].statement.content
        for name in kind.throughout:
            if name in content and fields.get(name, (None, 0))[0] != content[name]:
                fields[name] = content[name], place
    return fields


def _fields(statement: Statement) -> Iterator[tuple[str, Any]]:
    """Yield what a statement says something of, and what: of a policy, each of its keys."""
    for name, value in statement.content.items():
        if name == "policy" and value:
            yield from ((f"policy.{key}", own) for key, own in value.items())
        else:
            yield name, value


def _said(held: Held, by: str) -> str:
    holds_from, statement = held
    said = f"said {instant(statement.said_at)} by {by}"
    since = "since ever" if holds_from == BEGINNING else f"from {instant(holds_from)}"
    as_correction = ", as a correction" if statement.correction else ""
    return f"{said}, holds {since}{as_correction}"


def _planned(cursor: Cursor, sql: str, values: Sequence[Any], gone: str) -> Iterator[str]:
    """Yield when shifts or assignments, which carry their own times, were said and were `gone`."""
    for name, said_at, removed_at, submitted_by in cursor.execute(sql, values):
        said = f"said {instant(said_at)}" if said_at else "said before that was noted"
        removed = f", {gone} {instant(removed_at)}" if removed_at else ""
        yield f"{name}: {said} by {submitter(submitted_by)}{removed}"
