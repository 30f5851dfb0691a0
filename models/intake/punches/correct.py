"""Correcting punches: of one submitted again, the same content changes nothing, another may win."""

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
    """A content of a punch that may be stored already. `known`: its tenant and site are there."""

    row: Row
    known: bool


class Corrected(NamedTuple):
    """What became of punches submitted again."""

    changed: list[Row]  # contents that stand now, where another one stood
    refused: set[ContentKey]  # contents that were not stored, as their tenant or site is unknown
    outside: set[ContentKey]  # contents of punches at sites that `by` may not write to
    standing: dict[Key, bytes]  # the hash of the content that stands now, by punch


class _PunchChange(NamedTuple):
    """What one punch's new contents change."""

    before: Row | None
    after: Row
    voided: bool
    revised: list[Row]  # contents to keep for the record
    reused: Row | None  # a new content that hardly is the same punch

    @property
    def is_correction(self) -> bool:
        return self.before is None or self.before.content_hash != self.after.content_hash

    def reuse(self) -> cause.Reuse | None:
        if self.before is None or self.reused is None:
            return None
        if self.after.content_hash == self.reused.content_hash and not self.voided:
            return cause.Reuse(lost=self.before, other=self.reused)
        return cause.Reuse(lost=self.reused, other=self.before)


def correct(
    cursor: Cursor, contents: Sequence[Again], received_at: datetime, backfill: bool, by: Submitter
) -> Corrected:
    """Let those of `contents` stand that win over what is stored.

    It locks the punches in the order of their keys.
    """
    groups: dict[Key, list[Again]] = defaultdict(list)
    for again in contents:
        groups[again.row.key].append(again)
    stored = lock(cursor, groups, received_at)
    barred = {key for key in groups if not _may_write(by, stored.get(key))}
    outside = {row.content_key for key in barred for row, _ in groups.pop(key)}
    differing = [key for key, group in groups.items() if _has_other(stored.get(key), group)]
    revised_contents = revisions(cursor, differing, received_at) if differing else {}
    refused: set[ContentKey] = set()
    changes: list[_PunchChange] = []
    for key, group in groups.items():
        before = stored[key].row if key in stored else None
        revised = revised_contents.get(key, {})
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
    standing_hashes = {change.after.key: change.after.content_hash for change in changes}
    return Corrected(changed, refused, outside, standing_hashes)


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
) -> _PunchChange:
    contents = dict(contents_before)
    current = _content(before) if before else _NOTHING
    winner = standing(current, contents, [_content(row) for row in rows])
    by_hash = {row.content_hash: row for row in ([before] if before else []) + rows}
    revised_rows = [
        _counted(by_hash[content_hash], content)
        for content_hash, content in contents.items()
        if len(contents) > 1 and revised.get(content_hash) != content
    ]
    new = [row for row in rows if row.content_hash not in contents_before]
    reused = next((row for row in new if before and cause.is_reuse(before, row)), None)
    after = _counted(by_hash[winner.content_hash], winner)
    return _PunchChange(before, after, voided, revised_rows, reused)


def _counted(row: Row, content: Content) -> Row:
    return row._replace(sent_at=content.sent_at, claimed_at=content.claimed_at)


def _write(
    cursor: Cursor,
    changes: Sequence[_PunchChange],
    received_at: datetime,
    backfill: bool,
    by: Submitter,
) -> None:
    if revised := [row for change in changes for row in change.revised]:
        revise(cursor, revised, received_at, by)
    if moved := [change.after for change in changes if change.after != change.before]:
        update(cursor, moved, received_at, backfill, by)
    if versions := [version for change in changes for version in _versions(change, backfill, by)]:
        put_up(cursor, versions, received_at, backfill)


def _versions(change: _PunchChange, backfill: bool, by: Submitter) -> Iterator[Version]:
    """Yield the versions to judge: a punch that is not voided as it was, and as it is.

    The judge also tells of a `punch_id` used twice, even where the other punch lost or is voided,
    but not in a backfill.
    """
    reuse = None if backfill else change.reuse()
    if change.is_correction and not change.voided:
        why = cause.of_correction(change.after, reuse, by) if change.before else None
        yield from (Version(row, why) for row in (change.before, change.after) if row)
    elif reuse:
        yield Version(reuse.lost, cause.of_loss(reuse, by))
