"""What a changed roster row has the judge look at again, and the time for which it changes it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from models.ids import key_text
from models.intake.roster.absences import covered, differing
from models.intake.roster.kinds import DEVICE, PERSON, SHIFT, SITE, TENANT, Columns, Kind
from models.intake.roster.laying import (
    BEGINNING,
    END,
    Span,
    Version,
    difference,
    hull,
    midnight,
)
from models.intake.roster.merges import Merge

ChangedKey = tuple[str, str]  # kind and key of roster_change

ALWAYS = (BEGINNING, END)
# A shift that starts later than this has no punch near it yet; nor does one further away than this
# belong to it.
SHIFT_AHEAD = timedelta(hours=72)
# Wherever the site is, its day lies within this of the same day in UTC.
_ZONES = timedelta(hours=15)
_INSTANT = timedelta(microseconds=1)
# The columns of shifts that judgements rest on, besides the key.
_OF_SHIFT = ("person_id", "site_id", "starts_at", "ends_at", "substitutes", "person_left")
_OF_ABSENCE = (
    *("person_id", "site_id", "absent_from", "absent_from_date", "absent_to", "absent_to_date"),
    "reason",
)
_OF_PLACE = ("site_id", "starts_at", "ends_at")


class Change(NamedTuple):
    """A key that the judge looks at again, and for which time. None has no bound."""

    kind: str
    key: str
    since: datetime | None
    until: datetime | None


class Changes:
    """What one roster has the judge look at again, each key once."""

    def __init__(self) -> None:
        self._spans: dict[ChangedKey, Span] = {}

    def note(self, kind: str, key: object, span: Span) -> None:
        changed_key = kind, key_text(key)
        noted = self._spans.get(changed_key)
        self._spans[changed_key] = hull(noted, span) if noted else span

    def __bool__(self) -> bool:
        return bool(self._spans)

    def __iter__(self) -> Iterator[Change]:
        """Yield them in order."""
        for (kind, key), (since, until) in sorted(self._spans.items()):
            yield Change(
                kind,
                key,
                None if since == BEGINNING else since,
                None if until == END else until,
            )

    def note_versions(
        self, kind: Kind, key: Sequence[object], before: Sequence[Version], after: Sequence[Version]
    ) -> None:
        """Note the time in which what is judged of a row differs.

        Names of people and sites are in what is said of them; the tenant's own is not.
        """

        def judged(columns: Columns | None) -> Columns | None:
            return columns and {
                name: value for name, value in columns.items() if name not in kind.unjudged
            }

        if span := difference(before, after, judged):
            self.note_row(kind, key, span)

    def note_row(self, kind: Kind, key: Sequence[object], span: Span) -> None:
        """Note a row of a tenant, site, person or device."""
        text = key[0] if key else ""
        if kind in (TENANT, SITE, DEVICE):
            self.note(kind.table, text, span)
        if kind is PERSON:
            self.note("person", text, span)
            self.note("named", text, span)

    def note_assignment(self, before: Columns | None, after: Columns) -> None:
        """Note whose assignment is valid at other times than before, or roving where it was not."""
        times = _valid_time(before), _valid_time(after)
        both = [_widened(time) for time in times if time is not None]
        span = None
        if times[0] != times[1]:
            ends = sorted(time[1] for time in both)
            span = both[0] if len(both) == 1 else (ends[0] - _INSTANT, ends[1])
        if before and len(both) == 2 and before["roving"] != after["roving"]:
            span = hull(*both)
        if span:
            self.note("person", after["person_id"], span)

    def note_shift(self, before: Columns | None, after: Columns, now: datetime) -> None:
        """Note a shift that counts otherwise than before, and whom it leaves behind."""
        were, are = _counting(before), _counting(after)
        if were == are:
            return
        self.note(SHIFT.table, after["shift_id"], ALWAYS)
        if were and were["starts_at"] < now + SHIFT_AHEAD:
            near = _moved(were["starts_at"], -SHIFT_AHEAD), _moved(were["ends_at"], SHIFT_AHEAD)
            if are is None or any(were[name] != are[name] for name in _OF_PLACE):
                self.note(SITE.table, were["site_id"], near)
            for person_id in (were["person_id"], *were["substitutes"]):
                self.note(PERSON.table, person_id, near)

    def note_absence(self, before: Columns | None, after: Columns) -> None:
        """Note the time for which a person or site is absent where it was not, or no more."""
        were, are = _absent(before), _absent(after)
        if were == are:
            return
        if were and are and all(were[name] == are[name] for name in ("person_id", "site_id")):
            self._note_absent(are, differing(were, are))
            return
        for absence in (were, are):
            if absence:
                self._note_absent(absence, covered(absence))

    def note_merged(self, merges: Sequence[Merge]) -> None:
        """Note with each person who changed those whom they count as at the time."""
        for merge in merges:
            for kind in ("person", "named"):
                span = self._spans.get((kind, str(merge.person_id)))
                if span and max(span[0], merge.since) < min(span[1], merge.until):
                    since, until = max(span[0], merge.since), min(span[1], merge.until)
                    self.note(kind, merge.into_id, (since, until))

    def _note_absent(self, absence: Columns, span: Span) -> None:
        if (person_id := absence["person_id"]) is not None:
            self.note(PERSON.table, person_id, span)
        else:
            self.note(SITE.table, absence["site_id"], span)


def policy_of(columns: Columns | None) -> object:
    """Return the policy of a version, which is empty where the row is not there."""
    return columns["policy"] if columns else {}


def _counting(shift: Columns | None) -> Columns | None:
    return {name: shift[name] for name in _OF_SHIFT} if shift and shift["standing"] else None


def _absent(absence: Columns | None) -> Columns | None:
    """Return what judgements rest on of an absence, or None where there is none."""
    if absence is None or not absence["standing"]:
        return None
    columns = {name: absence[name] for name in _OF_ABSENCE}
    # Of a site's no finding speaks.
    return columns | {"reason": None} if columns["person_id"] is None else columns


def _valid_time(assignment: Columns | None) -> tuple[Any, ...] | None:
    """Return what says when it is valid, or None where it never is."""
    if assignment is None or assignment["never_was"]:
        return None
    names = ("valid_from", "valid_from_date", "valid_to", "valid_to_date", "ended_at")
    return tuple(assignment[name] for name in names)


def _widened(time: tuple[Any, ...]) -> Span:
    """Return a span that an assignment is valid in at most, whatever the time zone of its site."""
    valid_from, from_date, valid_to, to_date, ended_at = time
    since, until = valid_from or BEGINNING, valid_to or END
    utc = ZoneInfo("UTC")
    if from_date:
        since = _moved(midnight(from_date, utc), -_ZONES)
    if to_date:
        until = _moved(midnight(to_date, utc), timedelta(days=1) + _ZONES)
    return since, _moved(min(until, ended_at or END), _INSTANT)


def _moved(moment: datetime, by: timedelta) -> datetime:
    """Return a moment so much later, or ever where there is none."""
    try:
        return moment + by
    except OverflowError:
        return END if by > timedelta() else BEGINNING
