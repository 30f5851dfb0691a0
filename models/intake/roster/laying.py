"""Laying the statements of a row over each other: how it was from one moment to another.

It is pure, and what it returns does not depend on the order in which statements came.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from itertools import groupby, pairwise
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from models.intake.roster.kinds import Columns, Kind
from models.intake.roster.state import State
from models.intake.roster.statement import Statement

T = TypeVar("T")

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

    `versions` are in order, with the columns `past` of its kind. `throughout` is what has no past:
    the columns `throughout` of its kind that were said, and `extra`.
    """

    versions: list[Version]
    throughout: Columns


def lay(kind: Kind, statements: Sequence[Statement]) -> Laid:
    """Return what the statements make of a row, field by field, in the order of ground rule 1."""
    throughout = _throughout(kind, statements)
    changes = _changes(as_laid(statements, zone_of(throughout)))
    return Laid(list(_versions(kind, changes, throughout)), throughout)


def said_of(kind: Kind, statements: Sequence[Statement], moment: datetime) -> Columns:
    """Return all that is said of a row at a moment, whole or not, in place of its columns."""
    throughout = _throughout(kind, statements)
    changes = _changes(as_laid(statements, zone_of(throughout)))
    said = [columns for since, columns in changes if since <= moment]
    return {**(said[-1] if said else {}), **throughout}


def zone_of(columns: Columns) -> ZoneInfo:
    return ZoneInfo(columns.get("timezone") or "UTC")


def _throughout(kind: Kind, statements: Iterable[Statement]) -> Columns:
    """Return what has no past, as it was said last. What removes the row clears unknown fields."""
    said: Columns = {}
    extra: Columns = {}
    for statement in _in_order(statements, _said_at, lambda one: one):
        for name in kind.throughout:
            if name in statement.content:
                value = statement.content[name]
                said[name] = kind.blank.get(name) if value is None else value
        extra = {} if statement.deleted else by_key(extra, statement.extra or {})
    return said | {"extra": extra or None}


def _said_at(statement: Statement) -> datetime:
    return statement.said_at


class Held(NamedTuple):
    holds_from: datetime
    statement: Statement


def as_laid(statements: Sequence[Statement], zone: ZoneInfo) -> list[Held]:
    """Return the statements in the order in which they are laid, each with from when it holds."""
    first = min((statement.said_at for statement in statements), default=BEGINNING)
    held = [Held(holds_from(statement, first, zone), statement) for statement in statements]
    return _in_order(held, _laid_at, lambda one: one.statement)


def _laid_at(held: Held) -> tuple[datetime, datetime]:
    return max(held.holds_from, held.statement.said_at), held.statement.said_at


def _in_order(
    items: Iterable[T], moment: Callable[[T], Any], statement: Callable[[T], Statement]
) -> list[T]:
    """Sort by moment and, of one moment, by canonical content, which takes time to write."""
    in_order: list[T] = []
    for _, group in groupby(sorted(items, key=moment), key=moment):
        of_moment = list(group)
        if len(of_moment) > 1:
            of_moment.sort(key=lambda one: statement(one).canonical())
        in_order += of_moment
    return in_order


def holds_from(statement: Statement, first: datetime, zone: ZoneInfo) -> datetime:
    """Return from when a statement holds, of a row of which the `first` was said at a moment."""
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


def _changes(in_order: Sequence[Held]) -> list[tuple[datetime, Columns]]:
    """Return the moments at which something else begins to be said of the row, and what."""
    changes: list[tuple[datetime, Columns]] = []
    state = State()
    before: Columns = {}
    ranks = sorted(range(len(in_order)), key=lambda rank: in_order[rank].holds_from)
    for moment, group in groupby(ranks, key=lambda rank: in_order[rank].holds_from):
        for rank in group:
            state.put(rank, in_order[rank].statement)
        if (said := state.columns()) != before and moment < END:
            changes.append((moment, said))
            before = said
    return changes


def by_key(before: Columns, new: Columns | None) -> Columns:
    """Merge by key, where null clears a key, and None in place of them clears all."""
    if new is None:
        return {}
    return {name: value for name, value in {**before, **new}.items() if value is not None}


def _versions(
    kind: Kind, changes: Sequence[tuple[datetime, Columns]], throughout: Columns
) -> Iterator[Version]:
    """Yield the versions, of which neighbours differ."""
    rows = [(moment, _past(kind, said, throughout)) for moment, said in changes]
    begins = [row for place, row in enumerate(rows) if place == 0 or row[1] != rows[place - 1][1]]
    for (since, columns), (until, _) in pairwise([*begins, (END, None)]):
        if columns is not None:
            yield Version(since, until, columns)


def _past(kind: Kind, said: Columns, throughout: Columns) -> Columns | None:
    """Return the columns of a version, or None where the row lacks a required one: it is not there.

    What has no past does not make it be there by itself.
    """
    if not said or not all(name in said or name in throughout for name in kind.required):
        return None
    return {name: said.get(name, kind.blank.get(name)) for name in kind.past}


def superfluous(
    kind: Kind, statements: Sequence[Statement], said_before: datetime
) -> list[Statement]:
    """Return the statements said before a moment that change no version, now or ever.

    Each says only what was said already of all times for which it holds, and one that names from
    when it holds just what the one below it does. What was said first stays, as it holds since
    ever, and so does what says last how it is throughout.
    """
    throughout = _throughout(kind, statements)
    needed = _needed_throughout(kind, statements)
    state = State()
    before: Columns = {}
    below: Statement | None = None
    found = []
    for rank, (_, statement) in enumerate(as_laid(statements, zone_of(throughout))):
        state.put(rank, statement)
        said = state.columns()
        is_plain = statement.effective_from is None and not statement.correction
        repeats = said == before if is_plain else below is not None and below[2:] == statement[2:]
        is_old = statement.said_at < said_before and statement.said_at not in needed
        if repeats and is_old:
            found.append(statement)
        before, below = said, statement
    return found


def _needed_throughout(kind: Kind, statements: Iterable[Statement]) -> set[datetime]:
    """Return when it was said first, when each field without a past was said last, and when a
    removal cleared unknown fields.
    """
    last: dict[str, datetime] = {}
    needed = set()
    in_order = _in_order(statements, _said_at, lambda one: one)
    has_extra = False
    for statement in in_order:
        names = [name for name in kind.throughout if name in statement.content]
        extra = [f"extra.{name}" for name in statement.extra or {}]
        last |= dict.fromkeys(names + extra, statement.said_at)
        if statement.deleted and has_extra:
            needed.add(statement.said_at)
        has_extra = bool(extra) or (has_extra and not statement.deleted)
    return needed | set(last.values()) | {one.said_at for one in in_order[:1]}


def adds_nothing(kind: Kind, told: Sequence[Statement], statement: Statement) -> bool:
    """Tell whether what was said makes the same of a row without a statement, said after all of it,
    whatever is said of the row later.

    Where it holds from a moment to come, something said later may come to lie under it: a removal
    until then. So it must repeat what lies right below it.
    """
    throughout = _throughout(kind, told)
    if throughout != _throughout(kind, [*told, statement]):
        return False
    zone = zone_of(throughout)
    below, laid = as_laid(told, zone), as_laid([*told, statement], zone)
    if not below or _changes(below) != _changes(laid):
        return False
    place = next(place for place, held in enumerate(laid) if held.statement is statement)
    if laid[place].holds_from <= statement.said_at:
        return True
    return place > 0 and laid[place - 1].statement[2:] == statement[2:]


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
