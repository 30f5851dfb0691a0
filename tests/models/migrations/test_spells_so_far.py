"""The update to counted spells: those of the last weeks are there, as the judge writes them."""

from datetime import UTC, datetime, timedelta

import psycopg

from models.database import make_engine, transaction
from models.migrations.upgrade import migrate
from worker.judging.spells_kept import keep_spells
from worker.load import load
from worker.load.touched import Touched, TouchedPunch
from worker.rules.window import Window

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PUNCH = """
INSERT INTO punch (
    tenant_id, punch_id, person_id, site_id, is_check_in, occurred_at, content_hash, received_at
) VALUES (1, %s, %s, %s, %s, %s, '', now())
"""
ROWS = "SELECT punch_id, person_id, site_id, begun_at, closed FROM spell ORDER BY punch_id"


def test_the_spells_of_the_last_weeks_are_filled_in_as_the_judge_has_them(empty_url: str) -> None:
    migrate(empty_url, revision="0019")
    punches = [
        ("closed", 1, 15, True, NOW - 20 * DAY),
        ("out", 1, 15, False, NOW - 20 * DAY + 16 * HOUR),
        ("too late", 1, 15, True, NOW - 18 * DAY),
        ("late out", 1, 15, False, NOW - 18 * DAY + 17 * HOUR),
        ("elsewhere", 1, 15, True, NOW - 16 * DAY),
        ("out elsewhere", 1, 16, False, NOW - 16 * DAY + HOUR),
        ("first", 2, 15, True, NOW - 9 * DAY),
        ("repeats it", 2, 15, True, NOW - 9 * DAY + HOUR / 6),
        ("its out", 2, 15, False, NOW - 9 * DAY + 8 * HOUR),
        ("not closed", 3, 16, True, NOW - 9 * DAY),
        ("the last", 3, 16, True, NOW - 8 * DAY),
    ]
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("INSERT INTO tenant (tenant_id, name, epoch) VALUES (1, 'Acme', 'e')")
        for site_id in (15, 16):
            connection.execute(
                "INSERT INTO site (tenant_id, site_id, name, timezone) VALUES (1, %s, 'S', 'UTC')",
                [site_id],
            )
        # More than one batch has room for.
        many = [(f"m{n}", n, 16, True, NOW - 7 * DAY + n * HOUR / 60) for n in range(10, 1_300)]
        with connection.cursor() as cursor:
            cursor.executemany(PUNCH, [*punches, *many])
            cursor.execute(PUNCH, ["long ago", 1, 15, True, NOW - 60 * DAY])
    migrate(empty_url)
    engine = make_engine(empty_url)
    with transaction(engine) as cursor:
        filled = cursor.execute(ROWS).fetchall()
        closed = {punch_id for punch_id, *_, is_closed in filled if is_closed}
        assert closed == {"closed", "first"}
        assert len(filled) == 6 + len(many)
        cursor.execute("DELETE FROM spell")
        touched = Touched(
            punches=tuple(
                TouchedPunch(punch_id, person_id, site_id, at, None, None)
                for punch_id, person_id, site_id, _, at in [*punches, *many]
            )
        )

        def keep(window: Window) -> None:
            keep_spells(cursor, window, touched)

        load(cursor, 1, touched, NOW, keep=keep)
        kept = [row for row in cursor.execute(ROWS).fetchall() if row[0] != "long ago"]
        assert kept == filled
    engine.dispose()
