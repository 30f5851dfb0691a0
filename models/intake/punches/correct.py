"""Punches submitted again: the same content changes nothing, another one is a correction."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import Cursor

from models.intake.punches import cause
from models.intake.punches.corrections import Content, standing
from models.intake.punches.row import ContentKey, Key, Row
from models.intake.punches.store import Stored, Version, lock, put_up, revise, revisions, update
from models.intake.submitter import Submitter

_NOTHING = Content(b"", None)


class Again(NamedTuple):
    """A content of a punch that may be there already. `known`: so are its tenant and site."""

    row: Row
    known: bool


class Corrected(NamedTuple):
    changed: list[Row]  # stand now, where another content stood
    refused: set[ContentKey]  # name an unknown tenant or site, and were never stored
    # of punches at sites that their submitter may not write to: left as they are
    outside: set[ContentKey]
    # the hash of the content that stands now of each punch that was looked at
    standing: dict[Key, bytes]


class _Change(NamedTuple):
    """What one punch's new contents come to."""

    before: Row | None
    after: Row
    voided: bool
    revised: list[Row]
    reused: Row | None  # a new content that hardly is the same punch

    @property
    def is_correction(self) -> bool:
        return self.before is None or self.before.content_hash != self.after.content_hash

    def reuse(self) -> cause.Reuse | None:
        if self.before is None or self.reused is None:
            return None
        won = self.after.content_hash == self.reused.content_hash and not self.voided
        return (
            cause.Reuse(self.before, self.reused) if won else cause.Reuse(self.reused, self.before)
        )


def correct(
    cursor: Cursor, contents: Sequence[Again], received_at: datetime, backfill: bool, by: Submitter
) -> Corrected:
    """Let those of `contents` stand that win over what is stored. Locks the punches in the order of
    their keys.
    """
    arrived: dict[Key, list[Again]] = defaultdict(list)
    for again in contents:
        arrived[again.row.key].append(again)
    stored = lock(cursor, arrived, received_at)
    barred = {key for key in arrived if not _may_write(by, stored.get(key))}
    outside = {row.content_key for key in barred for row, _ in arrived.pop(key)}
    others = [key for key, group in arrived.items() if _has_other(stored.get(key), group)]
    seen = revisions(cursor, others, received_at) if others else {}
    refused: set[ContentKey] = set()
    changes: list[_Change] = []
    for key, group in arrived.items():
        before = stored[key].row if key in stored else None
        revised = seen.get(key, {})
        contents_before = revised or ({before.content_hash: _content(before)} if before else {})
        rows = [row for row, known in group if known or row.content_hash in contents_before]
        refused |= {
            row.content_key
            for row, known in group
            if not known and row.content_hash not in contents_before
        }
        if rows:
            changes.append(_change(before, stored[key].voided, contents_before, revised, rows))
    _write(cursor, changes, received_at, backfill, by)
    changed = [change.after for change in changes if change.is_correction]
    return Corrected(
        changed,
        refused,
        outside,
        {change.after.key: change.after.content_hash for change in changes},
    )


def _may_write(by: Submitter, stored: Stored | None) -> bool:
    return stored is None or stored.row is None or by.covers(stored.row.punch.site_id)


def _has_other(stored: Stored | None, group: Iterable[Again]) -> bool:
    return stored is not None and any(
        stored.row is None or row.content_hash != stored.row.content_hash for row, _ in group
    )


def _content(row: Row) -> Content:
    return Content(row.content_hash, row.sent_at, row.claimed_at)


def _change(
    before: Row | None,
    voided: bool,
    contents_before: dict[bytes, Content],
    revised: dict[bytes, Content],
    rows: list[Row],
) -> _Change:
    contents = dict(contents_before)
    top = standing(
        _content(before) if before else _NOTHING, contents, [_content(row) for row in rows]
    )
    by_hash = {row.content_hash: row for row in ([before] if before else []) + rows}
    kept = [
        _counted(by_hash[content_hash], content)
        for content_hash, content in contents.items()
        if len(contents) > 1 and revised.get(content_hash) != content
    ]
    new = [row for row in rows if row.content_hash not in contents_before]
    reused = next((row for row in new if before and cause.is_reuse(before, row)), None)
    return _Change(before, _counted(by_hash[top.content_hash], top), voided, kept, reused)


def _counted(row: Row, content: Content) -> Row:
    return row._replace(sent_at=content.sent_at, claimed_at=content.claimed_at)


def _write(
    cursor: Cursor, changes: Sequence[_Change], received_at: datetime, backfill: bool, by: Submitter
) -> None:
    if revised := [row for change in changes for row in change.revised]:
        revise(cursor, revised, received_at, by)
    if moved := [change.after for change in changes if change.after != change.before]:
        update(cursor, moved, received_at, backfill, by)
    if versions := [version for change in changes for version in _versions(change, backfill, by)]:
        put_up(cursor, versions, received_at)


def _versions(change: _Change, backfill: bool, by: Submitter) -> Iterator[Version]:
    """What is to be judged: of a punch that counts, as it was and as it is. A `punch_id` used twice
    is told by the judge as well, also where the other punch lost or is voided; but what is
    backfilled tells nobody.
    """
    reuse = None if backfill else change.reuse()
    if change.is_correction and not change.voided:
        why = cause.of_correction(change.after, reuse, by) if change.before else None
        yield from (Version(row, why) for row in (change.before, change.after) if row)
    elif reuse:
        yield Version(reuse.lost, cause.of_loss(reuse, by))
