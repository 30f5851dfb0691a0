"""What held at a moment, worked out from everything that was ever said: the measure of the roster.

Ground rule 1 of the definitions, word for word and without any cleverness: each question goes
through all statements again. It shares no line with what stores a roster and what reads it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

Content = dict[str, Any]

EVER = datetime(1, 1, 2, tzinfo=UTC)  # before every moment
_AHEAD = timedelta(minutes=5)


class Statement(NamedTuple):
    """What one roster row said, when it was received, and the `sent_at` of its roster."""

    row: Content
    received_at: datetime
    sent_at: datetime | None = None

    @property
    def said_at(self) -> datetime:
        """When it was said: a `sent_at` over 5 minutes ahead of its receipt counts as that."""
        if self.sent_at is None or self.sent_at > self.received_at + _AHEAD:
            return self.received_at
        return self.sent_at

    @property
    def canonical(self) -> bytes:
        return orjson.dumps(self.row, option=orjson.OPT_SORT_KEYS)

    @property
    def is_deletion(self) -> bool:
        return bool(self.row.get("deleted"))

    @property
    def is_correction(self) -> bool:
        return bool(self.row.get("correction"))


Statements = Sequence[Statement]
# since and until, which is not of it; None is for ever
Time = tuple[datetime | None, datetime | None]


class Kind(NamedTuple):
    """A kind of rows with a past: its fields with their defaults, and those it cannot be without.

    What has no past is no field: a site's time zone, and whether a tenant's roster is complete.
    `unjudged` are those that no judgement rests on.
    """

    defaults: Content
    required: tuple[str, ...]
    unjudged: tuple[str, ...] = ()


TENANT = Kind({"name": None, "policy": {}}, ("name",), ("name",))
_PLACE = dict.fromkeys(("latitude", "longitude", "radius_m", "boundary"))
SITE = Kind({"name": None, **_PLACE, "policy": {}}, ("name",))
PERSON = Kind({"name": None}, ("name",))
DEVICE = Kind({"shared": None, "person_id": None}, ("shared",))
KINDS = {"tenant": TENANT, "sites": SITE, "people": PERSON, "devices": DEVICE}


class Version(NamedTuple):
    """How a row is from one moment to another, which is not of it; None is for ever."""

    since: datetime | None
    until: datetime | None
    row: Content


def held(kind: Kind, statements: Statements, moment: datetime) -> Content | None:
    """Return the row as it was at a moment, as far as it is judged by; None where it was not
    there.
    """
    zone = zone_of(statements)
    holding = [
        statement for statement in statements if holds_from(statement, statements, zone) <= moment
    ]
    holding.sort(
        key=lambda said: (
            max(holds_from(said, statements, zone), said.said_at),
            said.said_at,
            said.canonical,
        )
    )
    row: Content = {}
    for statement in holding:
        row = {} if statement.is_deletion else _laid_over(kind, row, statement.row)
    if any(name not in row for name in kind.required):
        return None
    if kind is SITE and last_said(statements, "timezone") is None:
        return None
    whole = {**kind.defaults, **row}
    return {name: value for name, value in whole.items() if name not in kind.unjudged}


def holds_from(statement: Statement, statements: Statements, zone: ZoneInfo) -> datetime:
    """Return the moment from which a statement holds. Dates begin in the zone."""
    named = statement.row.get("effective_from")
    if named is not None:
        return _begins(named, zone)
    earliest = min(other.said_at for other in statements)
    if statement.is_correction or statement.said_at == earliest:
        return EVER
    return statement.said_at


def versions(kind: Kind, statements: Statements) -> list[Version]:
    """Return how the row was in turn, where it was there. Versions in a row differ."""
    found: list[Version] = []
    moments = sorted(edges(statements))
    for since, until in zip(moments, [*moments[1:], None], strict=True):
        row = held(kind, statements, since)
        begins = None if since == EVER else since
        if row is None:
            continue
        if found and found[-1].until == begins and found[-1].row == row:
            found[-1] = found[-1]._replace(until=until)
        else:
            found.append(Version(begins, until, row))
    return found


def last_said(statements: Statements, name: str) -> Any:
    """Return a field that has no past: as the last statement that names it says."""
    saying = [said for said in statements if name in said.row and not said.is_deletion]
    if not saying:
        return None
    return max(saying, key=lambda said: (said.said_at, said.canonical)).row[name]


def zone_of(site: Statements) -> ZoneInfo:
    """Return the zone that dates of a site begin in, and UTC for all else."""
    return ZoneInfo(last_said(site, "timezone") or "UTC")


def is_complete(tenant: Statements) -> bool:
    """Whether the tenant's roster is declared complete."""
    return last_said(tenant, "roster_complete") is not False


def is_there(assignment: Statements, moment: datetime) -> bool:
    """Whether an assignment was in the tenant at a moment, valid or not: what is said of it holds
    for all time, but for a deletion, which ends it.
    """
    content = _last_content(assignment)
    if content is None:
        return False
    standing = _deletions_of(assignment, content)
    return not any(said.is_correction or said.said_at < moment for said in standing)


def is_valid(assignment: Statements, moment: datetime, zone: ZoneInfo) -> bool:
    """Whether an assignment was valid at a moment. Dates are whole days in the zone."""
    content = _last_content(assignment)
    if content is None or not is_there(assignment, moment):
        return False
    since, until = content.row.get("valid_from"), _last_of(assignment, "valid_to", _end)
    if since is not None and moment < _begins(since, zone):
        return False
    return until is None or _is_up_to(moment, until, zone)


def roves(assignment: Statements, moment: datetime, zone: ZoneInfo) -> bool:
    """Whether the person roved there at a moment."""
    return is_valid(assignment, moment, zone) and bool(_last_of(assignment, "roving", bool))


def shift_of(shift: Statements) -> Content | None:
    """Return a shift that counts, if it was not removed before its start nor cancelled."""
    content = _last_content(shift)
    if content is None or content.row.get("cancelled"):
        return None
    starts_at = datetime.fromisoformat(content.row["starts_at"])
    standing = _deletions_of(shift, content)
    if any(said.is_correction or said.said_at < starts_at for said in standing):
        return None
    return content.row


def has_left(person: Statements, moment: datetime) -> bool:
    """Whether a person was in the roster before a moment, and is not at it."""
    before = [version for version in versions(PERSON, person) if (version.since or EVER) < moment]
    return bool(before) and held(PERSON, person, moment) is None


def entitled(shift: Statements, person: Statements) -> tuple[int, ...]:
    """Return who is entitled to a shift: nobody where it counts nowhere."""
    row = shift_of(shift)
    if row is None:
        return ()
    substitutes = tuple(row.get("substitutes") or ())
    if has_left(person, datetime.fromisoformat(row["starts_at"])):
        return substitutes
    return (row["person_id"], *substitutes)


def is_any_held(kind: Kind, rows: Iterable[Statements], moment: datetime) -> bool:
    return any(held(kind, statements, moment) is not None for statements in rows)


def differing(kind: Kind, before: Statements, after: Statements) -> Time | None:
    """Return the time in which a row is another, None where it is not."""
    return time_of(
        edges(before) | edges(after),
        lambda moment: held(kind, before, moment) != held(kind, after, moment),
    )


def edges(statements: Statements) -> set[datetime]:
    """Return the moments at which a row may begin to be another."""
    zone = zone_of(statements)
    return {EVER, *(holds_from(said, statements, zone) for said in statements)}


def time_of(moments: Iterable[datetime], is_so: Callable[[datetime], bool]) -> Time | None:
    """Return the first moment at which something is so, and the next after the last one."""
    begins = sorted({EVER, *moments})
    times = [
        (since, until)
        for since, until in zip(begins, [*begins[1:], None], strict=True)
        if is_so(since)
    ]
    if not times:
        return None
    first, end = times[0][0], times[-1][1]
    return None if first == EVER else first, end


def by_key(rows: Iterable[tuple[str, Statement]]) -> Mapping[tuple[str, Any], list[Statement]]:
    """Return the statements of each row, by its section and its key."""
    found: dict[tuple[str, Any], list[Statement]] = {}
    for section, statement in rows:
        found.setdefault((section, key_of(section, statement.row)), []).append(statement)
    return found


def key_of(section: str, row: Content) -> Any:
    """Return a row's key: of an assignment its person, site and `valid_from`."""
    if section == "assignments":
        return row["person_id"], row["site_id"], row.get("valid_from") or ""
    names = {"sites": "site_id", "people": "person_id", "devices": "device_id"}
    names["shifts"] = "shift_id"
    return row[names[section]] if section in names else ""


def _laid_over(kind: Kind, row: Content, said: Content) -> Content:
    """Lay a statement's fields over a row: null clears a field, `policy` merges by key."""
    result = dict(row)
    for name in kind.defaults:
        if name not in said:
            continue
        value = said[name]
        if value is None:
            result.pop(name, None)
        elif name == "policy":
            merged = {**result.get("policy", {}), **value}
            result["policy"] = {key: part for key, part in merged.items() if part is not None}
        else:
            result[name] = value
    return result


def _last_content(statements: Statements) -> Statement | None:
    contents = [said for said in statements if not said.is_deletion]
    return max(contents, key=lambda said: (said.said_at, said.canonical), default=None)


def _last_of(statements: Statements, name: str, stored: Callable[[Any], Any]) -> Any:
    """Return a field of a row that carries its own times: as was said last, and not before a
    deletion from which the row came back. Of several said at once what is `stored` tells.
    """
    content = _last_content(statements)
    assert content is not None
    over = [said.said_at for said in statements if said.is_deletion]
    since = max((said_at for said_at in over if said_at < content.said_at), default=EVER)
    told = [
        said
        for said in statements
        if not said.is_deletion and name in said.row and said.said_at > since
    ]
    told.sort(key=lambda said: (said.said_at, orjson.dumps(stored(said.row[name]))))
    return told[-1].row[name] if told else None


def _end(value: str | None) -> list[str | None]:
    """Return an end as it is stored: a moment, and a date."""
    return [None, value] if value and _is_date(value) else [value, None]


def _deletions_of(statements: Statements, content: Statement) -> list[Statement]:
    """Return the deletions that no content said later has revived the row from."""
    return [said for said in statements if said.is_deletion and said.said_at >= content.said_at]


def _begins(value: str, zone: ZoneInfo) -> datetime:
    if _is_date(value):
        return datetime.combine(date.fromisoformat(value), time(), zone).astimezone(UTC)
    return datetime.fromisoformat(value)


def _is_up_to(moment: datetime, value: str, zone: ZoneInfo) -> bool:
    """Whether a moment is at most a given one, or comes before the end of a given day."""
    if _is_date(value):
        day_after = date.fromisoformat(value) + timedelta(days=1)
        return moment < _begins(day_after.isoformat(), zone)
    return moment <= datetime.fromisoformat(value)


def _is_date(value: str) -> bool:
    return len(value) == len("2026-03-28")
