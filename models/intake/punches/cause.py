"""The cause that a correction or a void notes with the versions of the punch that are to be judged.

The judge names it in the trail of each anomaly that it withdraws because of it, and tells the
tenant of a `punch_id` used twice.
"""

from datetime import timedelta
from typing import Any, NamedTuple

import orjson

from models.intake.punches.row import Row
from models.intake.submitter import Submitter
from models.schemas.payloads import instant_text

CORRECTION, VOID = "correction", "void"
# Of a punch that did not change, and is only to be judged again: of no correction, but of one
# judgement that had more to judge than it may take. That adds, as `by`, the corrections of other
# punches that its anomalies are to name if they are withdrawn (worker.judging.later).
AGAIN = '{"again": true}'
# A clock that corrects a punch does so within days. One whose counter began anew comes back with
# its old numbers later.
APART = timedelta(days=7)


class Reuse(NamedTuple):
    """A punch_id that named two punches, of which `lost` does not count from now on."""

    lost: Row
    other: Row


def is_reuse(before: Row, content: Row) -> bool:
    """Tell whether `content` is hardly a correction: another person's punch, or another week's."""
    return (
        content.punch.person_id != before.punch.person_id
        or abs(content.punch.occurred_at - before.punch.occurred_at) > APART
    )


def of_void(by: Submitter) -> str:
    return _text(by, what=VOID)


def of_correction(after: Row, reuse: Reuse | None, by: Submitter) -> str:
    """Return the cause of a correction; `after` is the content that stands from now on."""
    return _text(by, what=CORRECTION, content=after.content_hash.hex(), reuse=_as_json(reuse))


def of_loss(reuse: Reuse, by: Submitter) -> str:
    """Return the cause of a reuse whose new content came and changed nothing."""
    return _text(by, reuse=_as_json(reuse))


def _as_json(reuse: Reuse | None) -> dict[str, Any] | None:
    if reuse is None:
        return None
    names = ("person_id", "site_id")
    return {
        part: {name: getattr(row.punch, name) for name in names}
        | {"occurred_at": instant_text(row.punch.occurred_at)}
        for part, row in reuse._asdict().items()
    }


def _text(by: Submitter, **fields: Any) -> str:
    kept = {name: value for name, value in fields.items() if value is not None}
    return orjson.dumps(kept | {"submitted_by": orjson.Fragment(by.as_text())}).decode()
