"""What a tenant is told once, for ever: that a device its roster does not name is used like a kiosk."""

from datetime import datetime

import orjson
from psycopg import Cursor

from models.feed import Message
from models.schemas.said import instant_text
from worker.kiosks import UNDECLARED_SHARED_DEVICE, Kiosk, undeclared_kiosks
from worker.window import Window

# Beside the message_ids of noc.publish, and never pruned with them.
PREFIX = "rollcall:"

_REMEMBER = """
INSERT INTO published (tenant_id, message_id, said_at)
SELECT %(tenant_id)s, id, %(at)s FROM unnest(%(ids)s::text[]) AS id ORDER BY id
ON CONFLICT (tenant_id, message_id) DO NOTHING
RETURNING message_id
"""


def tell_kiosks(cursor: Cursor, window: Window) -> list[Message]:
    """A `finding_created` for each kiosk of the window that the tenant was not told of before. At most one statement."""
    kiosks = {f"{PREFIX}{UNDECLARED_SHARED_DEVICE}:{kiosk.device_id}": kiosk for kiosk in undeclared_kiosks(window)}
    if not kiosks:
        return []
    new = cursor.execute(_REMEMBER, {"tenant_id": window.tenant_id, "at": window.as_of, "ids": list(kiosks)}).fetchall()
    return [_message(window.tenant_id, kiosks[message_id], window.as_of) for (message_id,) in sorted(new)]


def _message(tenant_id: int, kiosk: Kiosk, as_of: datetime) -> Message:
    payload = {
        "type": "finding_created",
        "tenant_id": tenant_id,
        "site_id": kiosk.site_id,
        "severity": "LOW",
        "timestamp": instant_text(as_of),
        "finding": UNDECLARED_SHARED_DEVICE,
        "device_id": kiosk.device_id,
        "people": kiosk.people,
        "seen_at": instant_text(kiosk.seen_at),
        "explanation": f"{kiosk.people} people used the device {kiosk.device_id} within 7 days. Declare it as shared, or as somebody's.",
    }
    return Message("finding_created", kiosk.site_id, None, "LOW", None, orjson.dumps(payload).decode())
