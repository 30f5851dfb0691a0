"""What was said of the rows of the roster by which a punch or shift is judged: which statement of
each counts at its moment, and why no other does.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from psycopg import Cursor

from models.ids import Id, StringId, key_text, spelled
from models.intake.roster.kinds import DEVICE, EPOCH, PERSON, SITE, TENANT, Kind
from models.intake.roster.laying import BEGINNING, Held, as_laid, said_of, zone_of
from models.intake.roster.statement import Statement
from worker.commands.layers import COUNTS, LAID_OVER, NOT_YET, REMOVED, Layer, Layers
from worker.commands.submitters import submitter
from worker.rules.evidence import instant
from worker.rules.window import Window

_INDENT = "    "
_STATEMENTS = """
SELECT submitted_by, said_at, digest, content, extra, effective_from, effective_date, correction,
    deleted
FROM statement WHERE tenant_id = %s AND kind = %s AND key = %s
"""
# Those in the window, and those of its person that count nowhere and lie within a day of it.
_SHIFTS = """
SELECT 'shift ' || shift_id, coalesce(said_at, sent_at), removed_at, submitted_by,
    CASE
        WHEN removed_as_correction THEN 'it never was'
        WHEN cancelled THEN 'it is cancelled and counts nowhere'
        WHEN removed_at < starts_at THEN 'before its start: it counts nowhere'
        WHEN NOT standing AND person_left THEN 'its person had left: it counts nowhere'
        WHEN NOT standing THEN 'it lacks what a new shift needs: it counts nowhere'
        WHEN person_left THEN 'its person had left: it is its substitutes'' only'
        WHEN removed_at IS NOT NULL THEN 'after its start: it goes on counting'
    END
FROM shift
WHERE tenant_id = %(tenant_id)s AND person_id <> 0 AND (
    shift_id = ANY(%(shifts)s)
    OR (NOT standing OR person_left) AND person_id = %(person_id)s
        AND starts_at <= %(at)s::timestamptz + interval '24 hours'
        AND ends_at >= %(at)s::timestamptz - interval '24 hours'
)
ORDER BY starts_at, shift_id
"""
_ASSIGNMENTS = """
SELECT 'assignment here from ' || coalesce(nullif(valid_from_key, ''), 'ever')
        || CASE WHEN roving THEN ', roving' ELSE '' END,
    coalesce(said_at, sent_at), ended_at, submitted_by,
    CASE WHEN never_was THEN 'it never was' END
FROM assignment
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s AND site_id = %(site_id)s
    AND (said_at IS NOT NULL OR NOT deleted)
ORDER BY valid_from_key
"""
# Those of the person or site about then, whether they count or not.
_ABSENCES = """
SELECT CASE WHEN site_id IS NULL THEN 'absence ' ELSE 'absence of the site ' END || absence_id
        || ' from ' || coalesce(absent_from_date::text, {since})
        || ' to ' || coalesce(absent_to_date::text, {until}),
    coalesce(said_at, sent_at), removed_at, submitted_by,
    CASE WHEN removed_at IS NOT NULL THEN 'it never was' END
FROM absence
WHERE tenant_id = %(tenant_id)s AND (person_id = %(person_id)s OR site_id = %(site_id)s)
    AND covers_since <= %(at)s::timestamptz + interval '24 hours'
    AND covers_until >= %(at)s::timestamptz - interval '24 hours'
ORDER BY absence_id
""".format(
    **{
        name: f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
        for name, column in (("since", "absent_from"), ("until", "absent_to"))
    }
)


Row = tuple[Kind, Id | str]  # a row of the roster that has a past: its kind and its key


_SAID_OF = """
SELECT coalesce(said_person_id, person_id), said_biometric_person_id, person_id
FROM punch
WHERE tenant_id = %s AND punch_id = %s
    AND (said_person_id IS NOT NULL OR said_biometric_person_id IS NOT NULL)
"""


def _said_of(cursor: Cursor, window: Window, punch_id: str) -> Iterator[str]:
    """Yield whose a punch was said to be, where people are merged."""
    row = cursor.execute(_SAID_OF, [window.tenant_id, punch_id]).fetchone()
    if row:
        said, body, counted = row
        face = f", and the face of {body}" if body is not None else ""
        yield f"the punch said person {said}{face}: merged, it counts for person {counted}"


def told(cursor: Cursor, window: Window) -> Iterator[str]:
    """Yield what was said of the rows by which the window's one subject is judged."""
    for punch in window.punches_to_judge:
        yield from _said_of(cursor, window, punch.punch_id)
        rows: list[Row] = [(TENANT, ""), (SITE, punch.site_id), (PERSON, punch.person_id)]
        rows += [(DEVICE, punch.device_id)] if punch.device_id else []
        yield from _of_rows(cursor, window, rows, punch.occurred_at)
        values = {
            "tenant_id": window.tenant_id,
            "person_id": punch.person_id,
            "site_id": punch.site_id,
            "at": punch.occurred_at,
            "shifts": [shift.shift_id for shift in window.shifts_of.get(punch.person_id, ())],
        }
        yield from _planned(cursor, _ASSIGNMENTS, values, "ended")
        yield from _planned(cursor, _SHIFTS, values, "removed")
        yield from _planned(cursor, _ABSENCES, values, "removed")
    for shift in window.shifts_to_judge:
        rows = [(TENANT, ""), (SITE, shift.site_id)]
        rows += [(PERSON, person_id) for person_id in (shift.person_id, *shift.substitutes)]
        yield from _of_rows(cursor, window, rows, shift.starts_at)
        yield from shift_told(cursor, window.tenant_id, shift.shift_id)
        whose = {"person_id": shift.person_id, "site_id": shift.site_id, "at": shift.starts_at}
        values = {"tenant_id": window.tenant_id, **whose}
        yield from _planned(cursor, _ABSENCES, values, "removed")


def shift_told(cursor: Cursor, tenant_id: Id, shift_id: str) -> Iterator[str]:
    """Yield when a shift was said and removed, and as what it counts, if as anything."""
    values = {"tenant_id": tenant_id, "shifts": [shift_id], "person_id": None, "at": None}
    yield from _planned(cursor, _SHIFTS, values, "removed")


def _of_rows(cursor: Cursor, window: Window, rows: Iterable[Row], at: datetime) -> Iterator[str]:
    for kind, key in rows:
        statements, submitters = _statements(cursor, window.tenant_id, (kind, key))
        zone = zone_of(said_of(kind, statements, at))
        layers = Layers(kind, as_laid(statements, zone), at)
        so = _so(cursor, window.tenant_id, (kind, key), at)
        lacks = f": it has no {' nor '.join(layers.missing)}" if layers.missing else ""
        name = spelled(key) if isinstance(key, StringId) else key
        yield f"{kind.table} {name}".strip() + so + lacks
        yield from (f"{_INDENT}{line}" for line in _of_row(layers, submitters))


def _so(cursor: Cursor, tenant_id: Id, row: Row, at: datetime) -> str:
    """Return from when to when the row was as it was at a moment."""
    kind, key = row
    chosen = "".join(f"AND {name}::text = %(key)s" for name in kind.key)
    sql = f"""
        SELECT nullif(since, '-infinity'), nullif(until, 'infinity') FROM {kind.table}_version
        WHERE tenant_id = %(tenant_id)s {chosen} AND since <= %(at)s AND until > %(at)s
    """
    version = cursor.execute(
        sql, {"tenant_id": tenant_id, "key": key_text(key), "at": at}
    ).fetchone()
    if version is None:
        return ": not in the roster then"
    since, until = version
    return (f", so since {instant(since)}" if since else ", so since ever") + (
        f" until {instant(until)}" if until else ""
    )


def _statements(
    cursor: Cursor, tenant_id: Id, row: Row
) -> tuple[list[Statement], dict[tuple[datetime, bytes], str]]:
    """Return all that was said of a row, and who submitted it by time of saying and digest."""
    kind, key = row
    statements: list[Statement] = []
    submitters: dict[tuple[datetime, bytes], str] = {}
    for submitted_by, said_at, digest, content, extra, moment, day, *rest in cursor.execute(
        _STATEMENTS, [tenant_id, kind.table, key_text(key)]
    ):
        statements.append(Statement(said_at, digest, content, extra, moment or day, *rest))
        submitters[said_at, digest] = submitter(submitted_by)
    return statements, submitters


def _of_row(layers: Layers, submitters: Mapping[tuple[datetime, bytes], str]) -> Iterator[str]:
    """Yield what each statement changes, in the order in which they are laid over each other."""
    repeating = 0
    for layer in layers.all:
        statement = layer.held.statement
        if outcome := _outcome(layer):
            by = submitters[statement.said_at, statement.digest]
            yield f"{_said(layer.held, by)}: {outcome}"
        else:
            repeating += 1
    if repeating:
        yield f"{repeating} more, which change{'s' * (repeating == 1)} nothing"


def _outcome(layer: Layer) -> str:
    """Return what became of what a statement changes; '' where it changes nothing."""
    named = [
        f"{outcome} ({', '.join(names)})"
        for outcome in (COUNTS, LAID_OVER, REMOVED, NOT_YET)
        if (names := sorted(name for name, became in layer.fields.items() if became == outcome))
    ]
    return "; ".join([layer.removal, *named] if layer.removal else named)


def _said(held: Held, by: str) -> str:
    holds_from, statement = held
    said = f"{_when(statement.said_at)} by {by}"
    since = "since ever" if holds_from == BEGINNING else f"from {instant(holds_from)}"
    as_correction = ", as a correction" if statement.correction else ""
    return f"{said}, holds {since}{as_correction}"


def _when(said_at: datetime | None) -> str:
    """Return when something was said. EPOCH stands for long ago."""
    if said_at is None or said_at == EPOCH:
        return "said before that was noted"
    return f"said {instant(said_at)}"


def _planned(cursor: Cursor, sql: str, values: Mapping[str, Any], gone: str) -> Iterator[str]:
    """Yield when rows that carry their own times, such as shifts, were said and were `gone`."""
    for name, said_at, removed_at, submitted_by, counts in cursor.execute(sql, values):
        removed = f", {gone} {instant(removed_at)}" if removed_at else ""
        so = f": {counts}" if counts else ""
        yield f"{name}: {_when(said_at)} by {submitter(submitted_by)}{removed}{so}"
