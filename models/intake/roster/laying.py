"""Laying the statements of a row over each other: how it was from one moment to another.

It is pure, and what it returns does not depend on the order in which statements came.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from itertools import groupby, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from models.intake.roster.kinds import Columns, Kind
from models.intake.roster.statement import Statement

BEGINNING = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)

Span = tuple[datetime, datetime]  # the first is in it, the last is not


class Version(NamedTuple):
    """How a row was from `since` on, until `until`. BEGINNING and END stand for ever."""

    since: datetime
    until: datetime
    columns: Columns


class Laid(NamedTuple):
    """What the statements of a row make of it.

    `versions` are in order, with the columns `past` of its kind. `said` is all that is said of it
    by now, whole or not; `now` is the row by now, or None where it is not there. `latest` is the
    row by now or as it was last or, where it never was there, as it will be first.
    """

    versions: list[Version]
    said: Columns
    now: Columns | None
    latest: Columns | None


def lay(kind: Kind, statements: Sequence[Statement], now: datetime) -> Laid:
    """Return what the statements make of a row, field by field, in the order of ground rule 1."""
    throughout = _throughout(kind, statements)
    zone = ZoneInfo(throughout.get("timezone") or "UTC")
    states = list(_states(as_laid(statements, zone)))
    moments = [moment for moment, _ in states]
    rows = [_row(kind, state, throughout) for _, state in states]
    by_now = bisect_right(moments, now) - 1
    return Laid(
        list(_versions(kind, moments, rows)),
        states[by_now][1] | throughout if by_now >= 0 else {},
        rows[by_now] if by_now >= 0 else None,
        next((row for row in (*reversed(rows[: by_now + 1]), *rows[by_now + 1 :]) if row), None),
    )


def _throughout(kind: Kind, statements: Iterable[Statement]) -> Columns:
    """Return the fields that have no past, as they were said last."""
    if not kind.throughout:
        return {}
    said: Columns = {}
    for statement in sorted(statements, key=lambda one: (one.said_at, one.canonical())):
        said |= {
            name: statement.content[name] for name in kind.throughout & statement.content.keys()
        }
    return said


class Held(NamedTuple):
    holds_from: datetime
    statement: Statement


def as_laid(statements: Sequence[Statement], zone: ZoneInfo) -> list[Held]:
    """Return the statements in the order in which they are laid, each with from when it holds."""
    first = min((statement.said_at for statement in statements), default=BEGINNING)
    held = [Held(_holds_from(statement, first, zone), statement) for statement in statements]
    if len(held) > 1:
        held.sort(
            key=lambda one: (
                max(one.holds_from, one.statement.said_at),
                one.statement.said_at,
                one.statement.canonical(),
            )
        )
    return held


def _holds_from(statement: Statement, first: datetime, zone: ZoneInfo) -> datetime:
    effective_from = statement.effective_from
    if isinstance(effective_from, datetime):
        return effective_from
    if effective_from is not None:
        return midnight(effective_from, zone)
    if statement.correction or statement.said_at == first:
        return BEGINNING
    return statement.said_at


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment at which a day begins in a zone, at either end of the calendar in UTC."""
    try:
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except OverflowError:
        return datetime.combine(day, time(), UTC)


def _states(in_order: Sequence[Held]) -> Iterator[tuple[datetime, Columns]]:
    """Yield each moment from which something holds, with all that is said of the row from then."""
    ranks = sorted(range(len(in_order)), key=lambda rank: in_order[rank].holds_from)
    laid: list[int] = []
    state: Columns = {}
    for moment, group in groupby(ranks, key=lambda rank: in_order[rank].holds_from):
        new = list(group)
        if laid and new[0] < laid[-1]:  # it lies below some that hold already
            new, laid, state = sorted(laid + new), [], {}
        for rank in new:
            state = lay_over(state, in_order[rank].statement)
        laid += new
        yield moment, state


def lay_over(state: Columns, statement: Statement) -> Columns:
    """Return what was said of a row with a statement laid over it. A deletion empties it."""
    if statement.deleted:
        return {}
    laid = dict(state)
    for name, value in statement.content.items():
        if name == "policy":
            laid[name] = by_key(state.get(name, {}), value)
        elif value is None:
            laid.pop(name, None)
        else:
            laid[name] = value
    if statement.extra:
        laid["extra"] = by_key(state.get("extra", {}), statement.extra)
    return {name: value for name, value in laid.items() if value != {}}


def by_key(before: Columns, new: Columns | None) -> Columns:
    """Merge by key, where null clears a key, and None in place of them clears all."""
    if new is None:
        return {}
    return {name: value for name, value in {**before, **new}.items() if value is not None}


def _row(kind: Kind, state: Columns, throughout: Columns) -> Columns | None:
    """Return the columns of the row, or None where it lacks a required one and so is not there."""
    said = {name: value for name, value in state.items() if name not in kind.throughout}
    said |= throughout
    if not state or not kind.required.keys() <= said.keys():
        return None
    return {**dict.fromkeys(kind.required), **kind.blank, "extra": None, **said}


def _versions(
    kind: Kind, moments: Sequence[datetime], rows: Sequence[Columns | None]
) -> Iterator[Version]:
    """Yield the versions, of which neighbours differ."""
    past = [row and {name: row[name] for name in kind.past} for row in rows]
    changes = [
        (moment, columns)
        for place, (moment, columns) in enumerate(zip(moments, past, strict=True))
        if place == 0 or columns != past[place - 1]
    ]
    for (since, columns), (until, _) in pairwise([*changes, (END, None)]):
        if columns is not None:
            yield Version(since, until, columns)


def superfluous(
    kind: Kind, statements: Sequence[Statement], said_before: datetime
) -> list[Statement]:
    """Return the statements said before a moment that change no version, now or ever.

    Each says only what was said already of all times for which it holds. What was said first stays,
    as it holds since ever, and so does what says last how it is throughout.
    """
    throughout = _throughout(kind, statements)
    first = min((statement.said_at for statement in statements), default=BEGINNING)
    last = _last_of(kind, statements)
    state: Columns = {}
    found = []
    for _, statement in as_laid(statements, ZoneInfo(throughout.get("timezone") or "UTC")):
        laid = lay_over(state, statement)
        is_plain = statement.effective_from is None and not statement.correction
        is_kept = statement.said_at in (first, *last) or statement.said_at >= said_before
        if laid == state and is_plain and not is_kept:
            found.append(statement)
        state = laid
    return found


def adds_nothing(kind: Kind, told: Sequence[Statement], statement: Statement) -> bool:
    """Tell whether what was said makes the same of a row without a statement, said after all of it,
    whatever is said of the row later.

    Where it holds from a moment to come, something said later may come to lie under it: a removal
    until then. So it must repeat what lies right below it.
    """
    throughout = _throughout(kind, told)
    if throughout != _throughout(kind, [*told, statement]):
        return False
    zone = ZoneInfo(throughout.get("timezone") or "UTC")
    below, laid = as_laid(told, zone), as_laid([*told, statement], zone)
    if not below or _changes(below) != _changes(laid):
        return False
    place = next(place for place, held in enumerate(laid) if held.statement is statement)
    if laid[place].holds_from <= statement.said_at:
        return True
    return place > 0 and laid[place - 1].statement[2:] == statement[2:]


def _changes(in_order: Sequence[Held]) -> list[tuple[datetime, Columns]]:
    """Return the moments at which something else begins to be said of the row, and what."""
    changes: list[tuple[datetime, Columns]] = []
    state: Columns = {}
    for moment, new in _states(in_order):
        if new != state:
            changes.append((moment, new))
        state = new
    return changes


def _last_of(kind: Kind, statements: Iterable[Statement]) -> list[datetime]:
    """Return when each field that has no past was said last."""
    return [
        max(said)
        for name in kind.throughout
        if (said := [one.said_at for one in statements if name in one.content])
    ]


def version_at(versions: Sequence[Version], moment: datetime) -> Version | None:
    place = bisect_right(versions, moment, key=lambda version: version.since) - 1
    return versions[place] if place >= 0 and moment < versions[place].until else None


def difference(
    before: Sequence[Version],
    after: Sequence[Version],
    seen: Callable[[Columns | None], object],
) -> Span | None:
    """Return the time from first to last in which what is `seen` of the row differs.

    `seen` is asked with None for where the row is not there.
    """
    moments = {moment for version in (*before, *after) for moment in version[:2]}
    spans = [
        span
        for span in pairwise(sorted(moments | {BEGINNING, END}))
        if seen(_columns_at(before, span[0])) != seen(_columns_at(after, span[0]))
    ]
    return (spans[0][0], spans[-1][1]) if spans else None


def _columns_at(versions: Sequence[Version], moment: datetime) -> Columns | None:
    version = version_at(versions, moment)
    return version and version.columns


def hull(one: Span, other: Span) -> Span:
    return min(one[0], other[0]), max(one[1], other[1])
