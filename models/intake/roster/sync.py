"""Syncing a roster: what it says of each row is laid over the rest, and changes are noted."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

from psycopg import Cursor
from sqlalchemy import Engine

from models import substitutes
from models.database import KEEP_SESSION, transaction
from models.due import set_due
from models.ids import Id
from models.intake.punches.row import when_sent
from models.intake.refused.reasons import Reason, Refused, reason, validated
from models.intake.refused.refuse import refuse, refuse_alone
from models.intake.refused.rejection import Rejection, unreadable
from models.intake.roster import current, merges, past_tables, tables
from models.intake.roster.changed_keys import (
    ALWAYS,
    Change,
    ChangedKey,
    Changes,
    policy_of,
)
from models.intake.roster.extent import Extent, extent, rejudged_since
from models.intake.roster.kinds import (
    ABSENCE,
    PERSON,
    PLANNED,
    SHIFT,
    SITE,
    TENANT,
    WITH_PAST,
    Columns,
    Kind,
    key_of,
)
from models.intake.roster.laying import END, Span, Version, difference
from models.intake.roster.merges import Merge
from models.intake.roster.past_rows import check, repeats, with_extra, written
from models.intake.roster.past_tables import Stored, Written
from models.intake.roster.planned import as_marked, asks_for_removals, is_left_behind, merge
from models.intake.roster.presence import ASSIGNED, PEOPLE, mark_left, update_spans
from models.intake.roster.reading import Readable, read_roster
from models.intake.roster.recounting import recount_punches, recount_shifts
from models.intake.roster.statement import statement_of
from models.intake.roster.tables import RowKey
from models.intake.roster.unsaid import take
from models.intake.submitter import OutsideSites, Submitter
from models.schemas.roster import Envelope, PastRow, RosterRow

DOOR = "roster.sync"


class RefusedRow(NamedTuple):
    """A row that was not taken: its place in its section, counted from 0, and why.

    The roster as a whole has the section ''.
    """

    section: str
    place: int
    reasons: list[Reason]


class RosterOutcome(NamedTuple):
    """What became of a roster.

    `tenant_id` is None where none could be read; `changes` are what the judge looks at again, and
    for which time, and `extent` says how much lies in that.
    """

    tenant_id: Id | None
    refused: list[RefusedRow]
    changes: tuple[Change, ...] = ()
    extent: Extent = Extent(0, 0)

    @property
    def changed_keys(self) -> frozenset[ChangedKey]:
        return frozenset((change.kind, change.key) for change in self.changes)


def take_roster(engine: Engine, roster: object, by: Submitter) -> RosterOutcome:
    """Store what the roster names and commit, with no SQL statement per row.

    It waits for whoever judges the tenant. Raises OutsideSites where `by` may write to some sites
    only, as a roster is about the whole tenant.
    """
    if by.sites is not None:
        raise OutsideSites
    now = datetime.now(UTC)
    try:
        envelope = validated(Envelope, roster)
    except Refused as refused:
        return _refuse_whole(engine, roster, refused.reasons, by, now)
    assert isinstance(roster, dict)
    readable = read_roster(engine, roster, envelope)
    with transaction(engine) as cursor:
        sync = Sync(cursor, roster, readable, envelope.sent_at, by, now)
        changes = sync.run()
        how_much = extent(cursor, sync.tenant_id, changes, now)
        refuse(cursor, sync.rejections, by, now, door=DOOR)
    return RosterOutcome(sync.tenant_id, sync.refused, changes, how_much)


def _refuse_whole(
    engine: Engine, roster: object, reasons: list[Reason], by: Submitter, now: datetime
) -> RosterOutcome:
    tenant = roster.get("tenant") if isinstance(roster, dict) else None
    tenant_id = unreadable(tenant, []).tenant_id
    kept = refuse_alone(engine, _rejection(roster, reasons, tenant_id), by, now, door=DOOR)
    return RosterOutcome(kept.tenant_id, [RefusedRow("", 0, reasons)])


def _rejection(roster: object, reasons: list[Reason], tenant_id: Id) -> Rejection:
    """Return the rejection of a roster, which has no site or person, whatever fields it has."""
    return unreadable(roster, reasons)._replace(tenant_id=tenant_id, person_id=None, site_id=None)


class Sync:
    """The sync of one roster, which collects what is refused and what changed."""

    def __init__(
        self,
        cursor: Cursor,
        roster: dict[str, Any],
        readable: Readable,
        sent_at: datetime | None,
        by: Submitter,
        now: datetime,
    ) -> None:
        self.cursor = cursor
        self.roster = roster
        self.tenant_id, self.sections = readable
        self.sent_at, _ = when_sent(sent_at, now)
        self.said_at = self.sent_at or now
        # By when what is stored was written, as far as that goes before what is said now.
        self.before = min(self.said_at, now) - timedelta(microseconds=1)
        self.by = by
        self.now = now  # of its receipt
        self.by_now = now  # by the database's clock, once the tenant's lock is held
        self.refused: list[RefusedRow] = []
        self.rejections: list[Rejection] = []
        self.changes = Changes()
        self.policy_changed = False
        # People whose presence changed, each with the moment since when.
        self.came_or_left: dict[Id, datetime] = {}
        self.written_shifts: list[str] = []
        self.people_changed = False
        self.spans_to_update: set[str] = set()
        self.next_moment = END  # at which a version begins or ends

    @classmethod
    def of_stored(cls, cursor: Cursor, tenant_id: Id, by: Submitter, now: datetime) -> Self:
        """Return one that says nothing by itself. The tenant's lock is held."""
        return cls(cursor, {}, Readable(tenant_id, {}), None, by, now)

    def run(self) -> tuple[Change, ...]:
        """Store it all. Return what the judge looks at again."""
        self.cursor.execute(KEEP_SESSION)
        self.by_now = current.wait_lock(self.cursor, self.tenant_id)
        current.bring_up(self.cursor, self.tenant_id, self.by_now)
        self._take_unsaid(TENANT, [()])
        stored = past_tables.load(self.cursor, self.tenant_id, TENANT, [()])[()]
        if not self._sync_tenant(stored):
            return ()
        for kind in WITH_PAST:
            self._sync_past(kind)
        for kind in PLANNED:
            self._sync_planned(kind)
        return self._follow()

    def adopt(self, rows: Mapping[str, Sequence[RowKey]]) -> tuple[Change, ...]:
        """Take stored rows as said by them, where nothing else was, and see what follows.

        `rows` are their keys, by table. The tenant's lock is held. Return what the judge looks at
        again.
        """
        current.bring_up(self.cursor, self.tenant_id, self.by_now)
        for kind in (TENANT, *WITH_PAST):
            self._take_unsaid(kind, rows.get(kind.table, ()))
        for kind in PLANNED:
            self._load_marked(kind, rows.get(kind.table, ()))
        self.written_shifts = [shift_id for (shift_id,) in rows.get(SHIFT.table, ())]
        self.spans_to_update = {ASSIGNED, PEOPLE}
        return self._follow()

    def _follow(self) -> tuple[Change, ...]:
        """Write what follows from the rows. Return what the judge looks at again."""
        if self.policy_changed:
            tables.save_policy(self.cursor, self.tenant_id, self.by, at=self.now)
        self._follow_merges()
        self._follow_presence()
        if self.next_moment < END:
            set_due(self.cursor, self.tenant_id, current.CHORE, self.next_moment)
        changes = tuple(self.changes)
        if changes:
            tables.note(self.cursor, self.tenant_id, changes, self.by, self.now)
        return changes

    def _sync_tenant(self, stored: Stored) -> bool:
        """Store the tenant's own row. Return whether the tenant is known, before or from now on."""
        is_known = _is_known(stored.versions, min(self.said_at, self.by_now))
        content = self.roster["tenant"]
        if is_known and content.keys() == {"tenant_id"}:
            return True
        try:
            row = validated(TENANT.model, content)
            told = self._told(TENANT, {(): (0, row)}, {(): stored})
            new = told.get(())
            versions = new.versions if new and new.versions is not None else stored.versions
            is_removed = row.deleted and stored.row is not None
            if not is_known and not is_removed and not _is_known(versions, self.by_now):
                raise Refused([reason("missing", "name", "is required in a new row; add it")])
        except Refused as refused:
            self._refuse_tenant(refused.reasons, is_known)
            return is_known
        self._write_past(TENANT, {(): stored}, told)
        return True

    def _refuse_tenant(self, reasons: list[Reason], is_known: bool) -> None:
        """Refuse the tenant's own row.

        The other rows of a known tenant are taken without it. Those of an unknown one wait until a
        roster brings it.
        """
        if is_known:
            self._refuse(TENANT, 0, self.roster["tenant"], reasons)
            return
        reasons = [{**why, "field": f"tenant.{why['field']}"} for why in reasons]
        self.refused.append(RefusedRow("", 0, reasons))
        self.rejections.append(
            _rejection(self.roster, reasons, self.tenant_id)._replace(waits_for="tenant")
        )

    def _sync_past(self, kind: Kind) -> None:
        rows = self._read_section(kind)
        if not rows:
            return
        self._take_unsaid(kind, rows)
        stored = past_tables.load(self.cursor, self.tenant_id, kind, rows)
        told = self._told(kind, rows, stored)
        if kind is PERSON:
            told = self._without_circles(rows, told)
        self._write_past(kind, stored, told)

    def _told(
        self,
        kind: Kind,
        rows: Mapping[RowKey, tuple[int, RosterRow]],
        stored: Mapping[RowKey, Stored],
    ) -> dict[RowKey, Written]:
        """Return what to write of rows that have a past. Refuse those that make no valid row.

        Raises Refused for the tenant's own.
        """
        told: dict[RowKey, Written] = {}
        changing = {}
        for key, (index, row) in rows.items():
            with self._refusing(kind, index):
                assert isinstance(row, PastRow)
                check(row)
                statement = statement_of(kind, row, self.said_at)
                if repeats(kind, stored[key], statement):
                    if self.sent_at is not None:
                        told[key] = Written(key, statement)
                elif with_extra_row := with_extra(kind, stored[key], statement, self.sent_at):
                    told[key] = Written(key, statement, with_extra_row)
                else:
                    changing[key] = statement
        asked = [key for key in changing if stored[key].last is not None]
        before = past_tables.statements(self.cursor, self.tenant_id, kind, asked)
        for key, statement in changing.items():
            with self._refusing(kind, rows[key][0]):
                new = written(
                    kind,
                    key,
                    stored[key],
                    before.get(key, ()),
                    statement,
                    self.sent_at,
                    self.by_now,
                )
                if new:
                    told[key] = new
        return told

    def _without_circles(
        self, rows: Mapping[RowKey, tuple[int, RosterRow]], told: dict[RowKey, Written]
    ) -> dict[RowKey, Written]:
        """Refuse people who would be merged into themselves, at any moment and on whatever way."""
        new = {
            key[0]: merges.said_of(key[0], written.versions)
            for key, written in told.items()
            if written.versions is not None
        }
        if not any(new.values()):
            return told
        said = merges.load_said(self.cursor, self.tenant_id) | new
        circles = {key: merges.circle(said, key[0]) for key in told if new.get(key[0])}
        for key, people in circles.items():
            if people:
                with self._refusing(PERSON, rows[key][0]):
                    raise Refused([_circle(people)])
        return {key: written for key, written in told.items() if not circles.get(key)}

    def _write_past(
        self, kind: Kind, stored: Mapping[RowKey, Stored], told: Mapping[RowKey, Written]
    ) -> None:
        past_tables.say(
            self.cursor,
            self.tenant_id,
            kind,
            [(key, new.statement) for key, new in told.items() if new.statement],
            self.by,
            sent_at=self.sent_at,
            received_at=self.now,
        )
        versions = {key: new.versions for key, new in told.items() if new.versions is not None}
        replacing = [key for key in versions if stored[key].versions]
        past_tables.save_versions(self.cursor, self.tenant_id, kind, versions, replacing=replacing)
        rows = [new.row for new in told.values() if new.row is not None]
        if rows and kind is TENANT:
            tables.save_tenant(self.cursor, self.tenant_id, rows[0], self.by)
        elif rows:
            tables.save(self.cursor, self.tenant_id, kind, rows, self.by)
        for key, after in versions.items():
            self._note_versions(kind, key, stored[key].versions, after)
        for key, new in told.items():
            self._note_throughout(kind, key, stored[key].row, new.row)
        if kind is TENANT and stored[()].row is None:
            self.policy_changed = True

    def _note_versions(
        self, kind: Kind, key: RowKey, before: Sequence[Version], after: Sequence[Version]
    ) -> None:
        self.changes.note_versions(kind, key, before, after)
        if kind in (TENANT, SITE) and difference(before, after, policy_of):
            self.policy_changed = True
        if kind is PERSON and before != after:
            self.people_changed = True
        if kind is PERSON and (span := difference(before, after, lambda row: row is None)):
            self.came_or_left[key[0]] = min(span[0], self.came_or_left.get(key[0], END))
            self.spans_to_update.add(PEOPLE)
        moments = (moment for version in after for moment in version[:2] if moment > self.by_now)
        self.next_moment = min(self.next_moment, *moments, END)

    def _note_throughout(
        self, kind: Kind, key: RowKey, before: Columns | None, after: Columns | None
    ) -> None:
        """Note a field that has no past: its new value holds throughout."""
        if after is None or all(before and before[name] == after[name] for name in kind.throughout):
            return
        if before is not None:
            self.changes.note_row(kind, key, ALWAYS)

    def _sync_planned(self, kind: Kind) -> None:
        rows = self._read_section(kind)
        if not rows:
            return
        stored = self._load_marked(kind, rows)
        asked = [
            key for key, (_, row) in rows.items() if asks_for_removals(kind, stored.get(key), row)
        ]
        removals = past_tables.statements(self.cursor, self.tenant_id, kind, asked)
        merged = {}
        for key, (index, row) in rows.items():
            with self._refusing(kind, index):
                merged[key] = merge(
                    kind,
                    stored.get(key),
                    row,
                    removals.get(key, ()),
                    sent_at=self.sent_at,
                    now=self.now,
                )
        self._write_planned(kind, rows, stored, merged)

    def _write_planned(
        self,
        kind: Kind,
        rows: Mapping[RowKey, tuple[int, RosterRow]],
        stored: Mapping[RowKey, Columns],
        merged: Mapping[RowKey, Columns],
    ) -> None:
        changed = {
            key: new for key, new in merged.items() if not self._is_same(stored.get(key), new)
        }
        removed = [
            (key, statement_of(kind, rows[key][1], self.said_at))
            for key in merged
            if rows[key][1].deleted and (self.sent_at is not None or key in changed)
        ]
        past_tables.say(
            self.cursor,
            self.tenant_id,
            kind,
            removed,
            self.by,
            sent_at=self.sent_at,
            received_at=self.now,
        )
        self._save_planned(kind, stored, changed)

    def _save_planned(
        self, kind: Kind, before: Mapping[RowKey, Columns], changed: Mapping[RowKey, Columns]
    ) -> None:
        if not changed:
            return
        tables.save(self.cursor, self.tenant_id, kind, list(changed.values()), self.by)
        for key, new in changed.items():
            if kind is SHIFT:
                self.changes.note_shift(before.get(key), new, self.now)
            elif kind is ABSENCE:
                self.changes.note_absence(before.get(key), new)
            else:
                self.changes.note_assignment(before.get(key), new)
                if _there_until(before.get(key)) != _there_until(new):
                    self.spans_to_update.add(ASSIGNED)
        if kind is SHIFT:
            self.written_shifts += [new["shift_id"] for new in changed.values()]
            substitutes.refresh(self.cursor, self.tenant_id, self.written_shifts)

    def _is_same(self, stored: Columns | None, new: Columns) -> bool:
        """Tell whether nothing changes. What comes again without `sent_at` is not said later."""
        if stored is None or self.sent_at is not None:
            return new == stored
        said_before = {name: stored[name] for name in ("said_at", "fields_said_at")}
        return new | said_before == stored

    def _take_unsaid(self, kind: Kind, keys: Collection[RowKey]) -> None:
        """Take rows as said by them that the release before has written otherwise, or first."""
        for taken in take(
            self.cursor,
            self.tenant_id,
            kind,
            keys,
            by=self.before,
            now=self.by_now,
        ):
            self._note_versions(kind, taken.key, taken.before, taken.after)
            self._note_throughout(kind, taken.key, taken.throughout, taken.row)

    def _load_marked(self, kind: Kind, keys: Collection[RowKey]) -> dict[RowKey, Columns]:
        """Return stored rows with their marks. Save those that the release before left behind."""
        stored = tables.load(self.cursor, self.tenant_id, kind, keys)
        marked = {key: as_marked(kind, row, self.before, self.now) for key, row in stored.items()}
        behind = {key: row for key, row in marked.items() if is_left_behind(stored[key], row)}
        self._save_planned(kind, stored, behind)
        return marked

    def _follow_merges(self) -> None:
        """Have punches and shifts count for whoever people are merged into, and note that."""
        if not (self.changes or self.written_shifts):
            return
        before = after = merges.load(self.cursor, self.tenant_id)
        changed: dict[Id, Span] = {}
        if self.people_changed:
            said = merges.load_said(self.cursor, self.tenant_id)
            into = {merge.into_id for of_person in said.values() for merge in of_person}
            come = merges.come_of(self.cursor, self.tenant_id, into) if into else set()
            after = merges.followed(said, come)
            changed = merges.differing(before, after)
        if changed:
            merges.save(self.cursor, self.tenant_id, after)
            self._recount(before, after, changed)
        if after and self.written_shifts:
            recount_shifts(self.cursor, self.tenant_id, [], self.written_shifts)
        self.changes.note_merged(after)

    def _recount(
        self, before: Sequence[Merge], after: Sequence[Merge], changed: Mapping[Id, Span]
    ) -> None:
        """Note who counts as another for some time, and as whom, and rewrite what is theirs.

        What is theirs is stored as their own, or as of those whom they counted as.
        """
        rows = [(person_id, *span) for person_id, span in changed.items()]
        for one in {*before, *after}:
            if span := changed.get(one.person_id):
                self.changes.note_row(PERSON, (one.into_id,), span)
                rows.append((one.into_id, *span))
        for person_id, span in changed.items():
            self.changes.note_row(PERSON, (person_id,), span)
        oldest = rejudged_since(self.cursor, self.tenant_id, self.now)
        recount_punches(self.cursor, self.tenant_id, rows, oldest=oldest, at=self.now)
        for shift_id in recount_shifts(self.cursor, self.tenant_id, rows, ()):
            self.changes.note(SHIFT.table, shift_id, ALWAYS)
            self.written_shifts.append(shift_id)

    def _follow_presence(self) -> None:
        """Mark the shifts of people who left, and when there was anybody."""
        if self.came_or_left or self.written_shifts:
            for shift_id in mark_left(
                self.cursor, self.tenant_id, self.came_or_left, self.written_shifts
            ):
                self.changes.note("shift", shift_id, ALWAYS)
        for name in sorted(self.spans_to_update):
            if span := update_spans(self.cursor, self.tenant_id, name):
                self.changes.note("tenant", "", span)

    def _read_section(self, kind: Kind) -> dict[tuple[Any, ...], tuple[int, RosterRow]]:
        """Return the readable rows of a section by their key, each with its place."""
        section = self.sections[kind.section]
        for index, content, reasons in section.refused:
            self._refuse(kind, index, content, reasons)
        by_key: dict[tuple[Any, ...], list[tuple[int, RosterRow]]] = defaultdict(list)
        for index, row in section.rows:
            by_key[key_of(kind, row)].append((index, row))
        return {key: rows[0] for key, rows in by_key.items() if self._is_clear(kind, rows)}

    def _is_clear(self, kind: Kind, rows: Sequence[tuple[int, RosterRow]]) -> bool:
        """Refuse rows of one key that differ, as their order within a call decides nothing.

        Return whether they do not differ.
        """
        first = rows[0][1]
        if all(row == first and row.model_fields_set == first.model_fields_set for _, row in rows):
            return True
        for index, _ in rows:
            why = reason(
                "named_twice",
                ".".join(kind.key),
                "is named twice in this call, with other values; name it once",
            )
            self._refuse(kind, index, self.roster[kind.section][index], [why])
        return False

    @contextmanager
    def _refusing(self, kind: Kind, index: int) -> Iterator[None]:
        """Refuse the row where the block raises Refused, but for the tenant's own."""
        try:
            yield
        except Refused as refused:
            if kind is TENANT:
                raise
            self._refuse(kind, index, self.roster[kind.section][index], refused.reasons)

    def _refuse(self, kind: Kind, index: int, content: object, reasons: list[Reason]) -> None:
        """Keep the row as a roster of its own, so that it can be resubmitted alone."""
        self.refused.append(RefusedRow(kind.section, index, reasons))
        roster = {name: self.roster[name] for name in ("sent_at",) if name in self.roster}
        roster |= {"tenant": {"tenant_id": self.tenant_id}} | {
            kind.section: content if kind is TENANT else [content]
        }
        self.rejections.append(_rejection(roster, reasons, self.tenant_id))


def _is_known(versions: Sequence[Version], at: datetime) -> bool:
    """Tell whether the tenant is there at a moment, or will be."""
    return any(version.until > at for version in versions)


def _circle(people: Sequence[Id]) -> Reason:
    if len(people) == merges.LONGEST_CHAIN:
        return reason(
            "out_of_range",
            "merged_into",
            f"makes a chain of more than {merges.LONGEST_CHAIN} people; merge them into the last",
        )
    way = " into ".join(str(person_id) for person_id in (*people, people[0]))
    return reason(
        "circular",
        "merged_into",
        f"makes a circle of {way}; give the one to go on with null, and merge the others into it",
    )


def _there_until(assignment: Columns | None) -> datetime | None:
    """Return until when an assignment is in the roster, or None where it never is."""
    if assignment is None or assignment["never_was"]:
        return None
    ended_at: datetime | None = assignment["ended_at"]
    return ended_at or END
