"""Punches submitted again: the same content changes nothing, another one is a correction."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import Cursor

from models.intake.corrections import Content, standing
from models.intake.row import ContentKey, Key, Row
from models.intake.store import Stored, lock, put_up, revise, revisions, update

_NOTHING = Content(b"", None)


class Again(NamedTuple):
    """A content of a punch that may be there already. `known`: so are its tenant and site."""

    row: Row
    known: bool


class Corrected(NamedTuple):
    changed: list[Row]  # stand now, where another content stood
    refused: set[ContentKey]  # name an unknown tenant or site, and were never stored


class _Change(NamedTuple):
    """What one punch's new contents come to."""

    before: Row | None
    after: Row
    voided: bool
    revised: list[Row]

    @property
    def is_correction(self) -> bool:
        return self.before is None or self.before.content_hash != self.after.content_hash


def correct(cursor: Cursor, contents: Sequence[Again], received_at: datetime, backfill: bool) -> Corrected:
    """Let those of `contents` stand that win over what is stored. Locks the punches in the order of their keys."""
    arrived: dict[Key, list[Again]] = defaultdict(list)
    for again in contents:
        arrived[again.row.key].append(again)
    stored = lock(cursor, arrived)
    others = [key for key, group in arrived.items() if _has_other(stored.get(key), group)]
    seen = revisions(cursor, others) if others else {}
    refused: set[ContentKey] = set()
    changes: list[_Change] = []
    for key, group in arrived.items():
        before = stored[key].row if key in stored else None
        revised = seen.get(key, {})
        contents_before = revised or ({before.content_hash: before.sent_at} if before else {})
        rows = [row for row, known in group if known or row.content_hash in contents_before]
        refused |= {row.content_key for row, known in group if not known and row.content_hash not in contents_before}
        if rows:
            changes.append(_change(before, stored[key].voided, contents_before, revised, rows))
    _write(cursor, changes, received_at, backfill)
    return Corrected([change.after for change in changes if change.is_correction], refused)


def _has_other(stored: Stored | None, group: Iterable[Again]) -> bool:
    return stored is not None and any(stored.row is None or row.content_hash != stored.row.content_hash for row, _ in group)


def _change(
    before: Row | None,
    voided: bool,
    contents_before: dict[bytes, datetime | None],
    revised: dict[bytes, datetime | None],
    rows: list[Row],
) -> _Change:
    contents = dict(contents_before)
    current = Content(before.content_hash, before.sent_at) if before else _NOTHING
    top = standing(current, contents, [Content(row.content_hash, row.sent_at) for row in rows])
    by_hash = {row.content_hash: row for row in ([before] if before else []) + rows}
    kept = [
        by_hash[content_hash]._replace(sent_at=sent_at)
        for content_hash, sent_at in contents.items()
        if len(contents) > 1 and (content_hash not in revised or revised[content_hash] != sent_at)
    ]
    return _Change(before, by_hash[top.content_hash]._replace(sent_at=top.sent_at), voided, kept)


def _write(cursor: Cursor, changes: Sequence[_Change], received_at: datetime, backfill: bool) -> None:
    if moved := [change.after for change in changes if change.after != change.before]:
        update(cursor, moved, received_at, backfill)
    if revised := [row for change in changes for row in change.revised]:
        revise(cursor, revised, received_at)
    judged = [change for change in changes if change.is_correction and not change.voided]
    if versions := [row for change in judged for row in (change.before, change.after) if row]:
        put_up(cursor, versions, received_at)
