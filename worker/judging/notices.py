"""What a tenant is told once, for ever: that a device its roster does not name is used like a kiosk, that a punch_id was used twice."""

from datetime import datetime
from typing import Any

import orjson
from psycopg import Cursor

from models.feed import Message
from models.schemas.said import instant_text
from worker.load.touched import Touched
from worker.rules.kiosks import UNDECLARED_SHARED_DEVICE, Kiosk, undeclared_kiosks
from worker.rules.window import Window

PUNCH_ID_REUSED = "PUNCH_ID_REUSED"
# Beside the message_ids of noc.publish, and never pruned with them.
PREFIX = "rollcall:"

Finding = dict[str, Any]  # the payload, but for the envelope's fields

_REMEMBER = """
INSERT INTO published (tenant_id, message_id, said_at)
SELECT %(tenant_id)s, id, %(at)s FROM unnest(%(ids)s::text[]) AS id ORDER BY id
ON CONFLICT (tenant_id, message_id) DO NOTHING
RETURNING message_id
"""


def tell_once(cursor: Cursor, window: Window, touched: Touched) -> list[Message]:
    """A `finding_created` for each thing found that the tenant was not told of before. At most one statement."""
    findings = _kiosks(window) | _reused(touched)
    if not findings:
        return []
    new = cursor.execute(_REMEMBER, {"tenant_id": window.tenant_id, "at": window.as_of, "ids": list(findings)}).fetchall()
    return [_message(window.tenant_id, findings[message_id], window.as_of) for (message_id,) in sorted(new)]


def _kiosks(window: Window) -> dict[str, Finding]:
    return {f"{PREFIX}{UNDECLARED_SHARED_DEVICE}:{kiosk.device_id}": _kiosk(kiosk) for kiosk in undeclared_kiosks(window)}


def _kiosk(kiosk: Kiosk) -> Finding:
    return {
        "site_id": kiosk.site_id,
        "finding": UNDECLARED_SHARED_DEVICE,
        "device_id": kiosk.device_id,
        "people": kiosk.people,
        "seen_at": instant_text(kiosk.seen_at),
        "explanation": f"{kiosk.people} people used the device {kiosk.device_id} within 7 days. Declare it as shared, or as somebody's.",
    }


def _reused(touched: Touched) -> dict[str, Finding]:
    found: dict[str, Finding] = {}
    for version in touched.punches:
        if reuse := (version.cause or {}).get("reuse"):
            found.setdefault(f"{PREFIX}{PUNCH_ID_REUSED}:{version.punch_id}", _reuse(version.punch_id, **reuse))
    return found


def _reuse(punch_id: str, lost: dict[str, Any], other: dict[str, Any]) -> Finding:
    """Told where a punch does not count any more. Of another site it says a time and "another site"."""
    is_here = other["site_id"] == lost["site_id"]
    whom = "another person" if other["person_id"] != lost["person_id"] else "the same person"
    where = "" if is_here else " at another site"
    return {
        "site_id": lost["site_id"],
        "finding": PUNCH_ID_REUSED,
        "punch_id": punch_id,
        "person_id": lost["person_id"],
        "occurred_at": lost["occurred_at"],
        "other_person_id": other["person_id"] if is_here else None,
        "other_occurred_at": other["occurred_at"],
        "explanation": f"The punch_id {punch_id} of {lost['occurred_at']} also came for {whom}{where} at {other['occurred_at']}, which is "
        "taken as a correction: this punch does not count. Two clocks may use the same numbers; give each its own.",
    }


def _message(tenant_id: int, finding: Finding, as_of: datetime) -> Message:
    envelope = {"type": "finding_created", "tenant_id": tenant_id, "severity": "LOW", "timestamp": instant_text(as_of)}
    return Message("finding_created", finding["site_id"], None, "LOW", None, orjson.dumps(envelope | finding).decode())
