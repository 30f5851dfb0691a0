"""What one roster said of one row: when it was said, from when it holds, and what it brings."""

import json
from datetime import date, datetime
from typing import NamedTuple

from models.intake.content import as_json, digest
from models.intake.roster.kinds import Columns, Kind, sent_columns
from models.schemas.roster import PastRow, RosterRow


class Statement(NamedTuple):
    """A statement of a row; a table row of `statement` without its key.

    `content` has the fields that it brings, None where they are cleared. `effective_from` is a
    moment, or a date.
    """

    said_at: datetime
    digest: bytes
    content: Columns
    extra: Columns | None = None
    effective_from: date | None = None
    correction: bool = False
    deleted: bool = False

    def canonical(self) -> bytes:
        """Return all that is said but for the key, as canonical JSON."""
        return json.dumps(
            self._said(), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()

    def _said(self) -> Columns:
        """Return what is said as the sender's object has it, without what goes without saying."""
        said = {**(self.extra or {}), **self.content}
        if self.effective_from is not None:
            said["effective_from"] = self.effective_from.isoformat()
        if self.correction:
            said["correction"] = True
        if self.deleted:
            said["deleted"] = True
        return said


def statement_of(kind: Kind, row: RosterRow, said_at: datetime) -> Statement:
    """Return what a row says. What removes a row says nothing else of it."""
    fields = {} if row.deleted else sent_columns(kind, row)
    content = {name: value for name, value in fields.items() if name not in kind.key}
    extra = None if row.deleted else row.model_extra or None
    effective_from = row.effective_from if isinstance(row, PastRow) else None
    said = Statement(said_at, b"", content, extra, effective_from, row.correction, row.deleted)
    return said._replace(digest=digest(as_json(said[2:])))
