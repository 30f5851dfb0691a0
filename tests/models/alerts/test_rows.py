"""Alerts as rows: written whole, and on a newer schema too."""

from dataclasses import replace
from datetime import timedelta

from psycopg.rows import class_row
from sqlalchemy import Engine

from models.alerts.alert import Alert
from models.alerts.moves import SYSTEM
from models.alerts.rows import SELECTED, Entry, fields_of, lock_alerts, messages_of, save
from models.database import transaction
from models.ids import time_ordered_id
from tests.models.alerts.cast import move, new_alert, open_alert
from tests.worker.cast import NOON, feed, rows


def stored(engine: Engine) -> list[Alert]:
    with transaction(engine) as cursor:
        alerts = cursor.connection.cursor(row_factory=class_row(Alert))
        return alerts.execute(f"SELECT {SELECTED} FROM alert ORDER BY alert_id").fetchall()


def entry(alert: Alert, before: Alert | None = None) -> Entry:
    by = {"actor": SYSTEM, "role": SYSTEM}
    return Entry(before=before, alert=alert, move="bump", note="As it is.", added=2, **by)


def test_every_field_of_an_alert_is_written_and_read_back(engine: Engine) -> None:
    full = new_alert(
        NOON,
        device_id="d",
        assigned_to="Ann",
        escalation_step=2,
        escalated_to="admin",
        escalates_at=NOON + timedelta(microseconds=1),
        relapses_at=NOON,
        quiet_id=time_ordered_id(NOON),
        quiet_until=NOON,
        quiet_reason="Works — at the gate.",
        acknowledged_at=NOON,
        resolved_at=NOON,
        seconds_to_acknowledge=0.1,
        seconds_to_resolve=1 / 3,
    )
    with transaction(engine) as cursor:
        at = lock_alerts(cursor, 1)
        (first,) = save(cursor, [entry(full)], at)
    assert first.alert == replace(full, version=1, updated_at=at)
    assert stored(engine) == [first.alert]
    changed = replace(new_alert(NOON, alert_id=full.alert_id, status="RESOLVED"), version=1)
    with transaction(engine) as cursor:
        (second,) = save(cursor, [entry(changed, first.alert)], lock_alerts(cursor, 1))
    assert stored(engine) == [second.alert]
    columns = "version, move, from_status, to_status, note, added, quiet_id"
    assert rows(engine, f"SELECT {columns} FROM alert_trail ORDER BY version") == [
        (1, "bump", None, "NEW", "As it is.", 2, full.quiet_id),
        (2, "bump", "NEW", "RESOLVED", "As it is.", 2, None),
    ]


def test_only_another_severity_is_said_to_have_been_told_before() -> None:
    before, after = new_alert(NOON, severity="LOW"), new_alert(NOON, severity="HIGH")
    regraded, same, new = messages_of([entry(after, before), entry(after, after), entry(after)])
    assert (regraded.event, regraded.prior_severity) == ("alert_updated", "LOW")
    assert (same.event, same.prior_severity) == ("alert_updated", None)
    assert (new.event, new.prior_severity) == ("alert_created", None)


def test_what_a_move_answers_is_what_is_said_of_the_alert(engine: Engine) -> None:
    moved = move(engine, open_alert(engine), "acknowledge")
    said = feed(engine)[-1]
    del said["type"], said["position"]
    assert moved.alert == said
    assert [fields_of(alert) for alert in stored(engine)] == [moved.alert]


def test_columns_that_a_later_release_has_added_keep_their_defaults(engine: Engine) -> None:
    """Old code runs on the new schema: it neither reads nor nulls what it does not know."""
    with transaction(engine) as cursor:
        for table in ("alert", "alert_trail"):
            cursor.execute(f"ALTER TABLE {table} ADD COLUMN shade text NOT NULL DEFAULT 'grey'")
    alert_id = open_alert(engine)
    rows(engine, "UPDATE alert SET shade = 'red' RETURNING 1")
    assert move(engine, alert_id, "acknowledge").refused is None
    assert rows(engine, "SELECT shade, status FROM alert") == [("red", "ACKNOWLEDGED")]
    assert rows(engine, "SELECT DISTINCT shade FROM alert_trail") == [("grey",)]
