"""List and resubmit what could not be judged, also what named no readable tenant."""

import json
import sys
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine

from models import intake
from models.database import transaction
from models.ids import Id
from models.schemas.payloads import instant_text

_FIELDS = (
    *("rejected_id", "received_at", "door", "punch_id", "reasons", "times", "submitted_by"),
    "content",
)
_OPEN = f"""
SELECT {", ".join(_FIELDS)} FROM rejected WHERE tenant_id = %s AND resubmitted_at IS NULL
ORDER BY received_at DESC, rejected_id DESC LIMIT %s
"""


def list_rejected(engine: Engine, tenant_id: Id, limit: int) -> int:
    """Print one JSON object a line, newest first; `content` is text, as it came. Return 0."""
    with transaction(engine) as cursor:
        for values in cursor.execute(_OPEN, (tenant_id, limit)):
            row = dict(zip(_FIELDS, values, strict=True))
            row["rejected_id"] = str(row["rejected_id"])
            row["received_at"] = instant_text(row["received_at"])
            print(json.dumps(row))
    return 0


def resubmit(engine: Engine, tenant_id: Id, rejected_id: UUID, mended_file: str | None) -> int:
    """Submit it again, print what became of it, and return the status. Workers judge it soon.

    The status is 1 where it is refused again or is not there, 2 where the file cannot be read.
    """
    try:
        mended = json.loads(Path(mended_file).read_text()) if mended_file else None
    except (OSError, ValueError) as error:
        print(f"{mended_file}: cannot be read as JSON: {error}", file=sys.stderr)
        return 2
    try:
        outcome = intake.resubmit(engine, tenant_id, rejected_id, mended)
    except LookupError as unknown:
        print(unknown, file=sys.stderr)
        return 1
    result = {
        "punch_id": outcome.punch_id,
        "status": outcome.status,
        "applied": outcome.applied,
        "reasons": outcome.reasons,
    }
    print(json.dumps(result))
    return int(outcome.status == "rejected")
