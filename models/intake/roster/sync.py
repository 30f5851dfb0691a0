"""Syncing a roster: its rows are merged with the stored ones, and changes noted for the judge."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from psycopg import Cursor
from sqlalchemy import Engine

from models import substitutes
from models.database import KEEP_SESSION, transaction
from models.intake.punches.row import when_sent
from models.intake.refused.reasons import Reason, Refused, reason, validated
from models.intake.refused.refuse import refuse, refuse_alone
from models.intake.refused.rejection import Rejection, unreadable
from models.intake.roster import tables
from models.intake.roster.changed_keys import ChangedKey, changed_keys
from models.intake.roster.kinds import SECTIONS, SHIFT, SITE, TENANT, Columns, Kind, key_of
from models.intake.roster.merge import is_older, merge
from models.intake.submitter import OutsideSites, Submitter
from models.locks import tenant_lock_key
from models.schemas.roster import Envelope, RosterRow

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

    `tenant_id` is None where none could be read; `changed_keys` are what the judge looks at again.
    """

    tenant_id: int | None
    refused: list[RefusedRow]
    changed_keys: frozenset[ChangedKey]


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
    with transaction(engine) as cursor:
        sync = _Sync(cursor, roster, envelope, by, now)
        sync.run()
        refuse(cursor, sync.rejections, by, now, door=DOOR)
    return RosterOutcome(sync.tenant_id, sync.refused, frozenset(sync.changed_keys))


def _refuse_whole(
    engine: Engine, roster: object, reasons: list[Reason], by: Submitter, now: datetime
) -> RosterOutcome:
    tenant = roster.get("tenant") if isinstance(roster, dict) else None
    tenant_id = unreadable(tenant, []).tenant_id
    refuse_alone(engine, _rejection(roster, reasons, tenant_id), by, now, door=DOOR)
    return RosterOutcome(tenant_id or None, [RefusedRow("", 0, reasons)], frozenset())


def _rejection(roster: object, reasons: list[Reason], tenant_id: int) -> Rejection:
    """Return the rejection of a roster, which has no site, whatever fields it has."""
    return unreadable(roster, reasons)._replace(tenant_id=tenant_id, site_id=None)


class _Sync:
    """The sync of one roster, which collects what is refused and what changed."""

    def __init__(
        self,
        cursor: Cursor,
        roster: dict[str, Any],
        envelope: Envelope,
        by: Submitter,
        now: datetime,
    ) -> None:
        self.cursor = cursor
        self.roster = roster
        self.tenant_id = envelope.tenant.tenant_id
        self.sent_at, _ = when_sent(envelope.sent_at, now)
        self.by = by
        self.now = now
        self.refused: list[RefusedRow] = []
        self.rejections: list[Rejection] = []
        self.changed_keys: set[ChangedKey] = set()
        self.policy_changed = False

    def run(self) -> None:
        self.cursor.execute(KEEP_SESSION)
        self.cursor.execute("SELECT pg_advisory_xact_lock(%s)", [tenant_lock_key(self.tenant_id)])
        stored = tables.load_tenant(self.cursor, self.tenant_id)
        before = tables.presence(self.cursor, self.tenant_id)
        if not self._sync_tenant(stored):
            return
        for kind in SECTIONS:
            self._sync_section(kind)
        if self.policy_changed:
            tables.save_policy(
                self.cursor, self.tenant_id, self.by, is_first=stored is None, at=self.now
            )
        if self.changed_keys and tables.presence(self.cursor, self.tenant_id) != before:
            self.changed_keys.add(("tenant", ""))
        if self.changed_keys:
            tables.save_changed_keys(
                self.cursor, self.tenant_id, self.changed_keys, self.by, self.now
            )

    def _sync_tenant(self, stored: Columns | None) -> bool:
        """Store the tenant's own row. Return whether the tenant is known, before or from now on."""
        is_known = stored is not None and not stored["deleted"]
        content = self.roster["tenant"]
        if is_known and content.keys() == {"tenant_id"}:
            return True
        try:
            row = validated(TENANT.model, content)
            new = (
                stored
                if is_older(stored, self.sent_at, self.now)
                else merge(TENANT, stored, row, self.sent_at, self.now)
            )
        except Refused as refused:
            self._refuse_tenant(refused.reasons, is_known)
            return is_known
        if new is not None and new != stored:
            tables.save_tenant(self.cursor, self.tenant_id, new, self.by)
            self._note(TENANT, stored, new)
        return is_known or new is not stored

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

    def _sync_section(self, kind: Kind) -> None:
        rows = self._read_section(kind)
        if not rows:
            return
        stored = tables.load(self.cursor, self.tenant_id, kind, rows)
        changed = [
            new
            for key, (index, row) in rows.items()
            if (new := self._merged(kind, stored.get(key), index, row))
        ]
        if changed:
            tables.save(self.cursor, self.tenant_id, kind, changed, self.by)
        if changed and kind is SHIFT:
            substitutes.refresh(self.cursor, self.tenant_id, [new["shift_id"] for new in changed])

    def _read_section(self, kind: Kind) -> dict[tuple[Any, ...], tuple[int, RosterRow]]:
        """Return the readable rows of a section by their key, each with its place."""
        contents = self.roster.get(kind.section)
        if not isinstance(contents, list | None):
            self._refuse(kind, 0, contents, [reason("wrong_type", kind.section, "must be a list")])
        by_key: dict[tuple[Any, ...], list[tuple[int, RosterRow]]] = defaultdict(list)
        for index, content in enumerate(contents if isinstance(contents, list) else []):
            try:
                row = validated(kind.model, content)
                by_key[key_of(kind, row)].append((index, row))
            except Refused as refused:
                self._refuse(kind, index, content, refused.reasons)
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

    def _merged(
        self, kind: Kind, stored: Columns | None, index: int, row: RosterRow
    ) -> Columns | None:
        """Return the columns to write, or None where nothing changes or the row is refused."""
        if is_older(stored, self.sent_at, self.now):
            return None
        try:
            new = merge(kind, stored, row, self.sent_at, self.now)
        except Refused as refused:
            self._refuse(kind, index, self.roster[kind.section][index], refused.reasons)
            return None
        if new == stored:
            return None
        self._note(kind, stored, new)
        return new

    def _note(self, kind: Kind, old: Columns | None, new: Columns) -> None:
        self.changed_keys |= changed_keys(kind, old, new, self.now)
        if kind is TENANT and old is None:
            self.policy_changed = True
        if kind in (TENANT, SITE) and _policy(old) != _policy(new):
            self.policy_changed = True

    def _refuse(self, kind: Kind, index: int, content: object, reasons: list[Reason]) -> None:
        """Keep the row as a roster of its own, so that it can be resubmitted alone."""
        self.refused.append(RefusedRow(kind.section, index, reasons))
        roster = {name: self.roster[name] for name in ("sent_at",) if name in self.roster}
        roster |= {"tenant": {"tenant_id": self.tenant_id}} | {
            kind.section: content if kind is TENANT else [content]
        }
        self.rejections.append(_rejection(roster, reasons, self.tenant_id))


def _policy(columns: Columns | None) -> Columns:
    return {} if columns is None or columns["deleted"] else columns["policy"]
