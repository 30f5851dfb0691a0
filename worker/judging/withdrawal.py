"""Name, in an anomaly's trail, the correction or void by which it was withdrawn.

The trail says which it was, whose, by which door, and when.
"""

from collections.abc import Collection
from typing import Any

from psycopg import Cursor

from models.alerts.anomaly import Anomaly
from models.bulk import document, insert
from models.ids import number_of
from worker.judging.corrections import NONE, Correction, behind, corrections_of, left_with
from worker.load.touched import Touched
from worker.rules.window import Window


def note_causes(
    cursor: Cursor,
    window: Window,
    withdrawn: Collection[Anomaly],
    touched: Touched,
) -> None:
    """Write a line for each anomaly that was withdrawn because of a correction or a void.

    It may be one that an earlier judgement left the punch with. This takes two statements at most.
    """
    if not withdrawn:
        return
    now = corrections_of(touched.punches)
    before = left_with(cursor, window.tenant_id, {anomaly.punch_id for anomaly in withdrawn})
    lines = [
        _line(window, anomaly, correction)
        for anomaly in withdrawn
        if (
            correction := behind(
                anomaly, window.policy_version, now, before.get(anomaly.punch_id, NONE)
            )
        )
    ]
    if lines:
        cursor.execute(insert("withdrawal_trail", lines[0]), {"rows": document(lines)})


def _line(window: Window, anomaly: Anomaly, correction: Correction) -> dict[str, Any]:
    other_sites = set(correction.sites) - {number_of(anomaly.site_id)}
    return {
        "tenant_id": window.tenant_id,
        "anomaly_id": anomaly.anomaly_id,
        "at": window.as_of,
        "cause": correction.what,
        "punch_id": correction.punch_id,
        "content_hash": correction.content and bytes.fromhex(correction.content),
        "other_sites": ",".join(str(site_id) for site_id in sorted(other_sites)),
        "received_at": correction.received_at,
        "submitted_by": correction.submitted_by,
    }
