"""A process is killed between storing and correcting: its task comes again, and does the rest."""

import json
import signal
import subprocess
import sys

from sqlalchemy import Engine

from models.intake import submit
from tests.models.intake.stored import a_punch, forget, pending, punches, rejected, rows

KILLED = """
import json, os, signal, sys
from models.database import make_engine
from models.intake import submit
submitting = sys.modules["models.intake.punches.submit"]
submitting.transaction = lambda engine: os.kill(os.getpid(), signal.SIGKILL)
submit(make_engine(sys.argv[1]), json.loads(sys.argv[2]))
"""

BATCH = [
    a_punch(punch_id="new"),
    a_punch(punch_id="old", person_id=8, sent_at="2026-03-02T10:00:00Z"),
    a_punch(punch_id="twice", person_id=1, sent_at="2026-03-02T10:00:00Z"),
    a_punch(punch_id="twice", person_id=2, sent_at="2026-03-02T11:00:00Z"),
    a_punch(punch_id="mended"),
    a_punch(punch_id="homeless", site_id=99),
    a_punch(punch_id="bad", kind="lunch"),
]


def before(engine: Engine) -> None:
    submit(
        engine,
        [
            a_punch(punch_id="old", sent_at="2026-03-02T09:00:00Z"),
            a_punch(punch_id="mended", kind="lunch"),
        ],
    )
    forget(engine)


def killed_while_it_submits(postgres_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, postgres_url, json.dumps(BATCH)], check=False
    )
    assert done.returncode == -signal.SIGKILL


def standing(engine: Engine) -> object:
    """Return all that submitting leaves behind, but for the moments."""
    revised = (
        "SELECT punch_id, content ->> 'person_id' AS person_id FROM punch_revision ORDER BY 1, 2"
    )
    kept = [
        (row["punch_id"], row["times"], row["resubmitted_at"] is not None, row["waits_for"])
        for row in rejected(engine)
    ]
    return (
        [(punch["punch_id"], punch["person_id"]) for punch in punches(engine)],
        rows(engine, revised),
        sorted(kept),
        set(pending(engine)),
    )


def test_what_is_new_is_stored_and_waits_to_be_judged(engine: Engine, postgres_url: str) -> None:
    before(engine)
    killed_while_it_submits(postgres_url)
    assert [(punch["punch_id"], punch["person_id"]) for punch in punches(engine)] == [
        ("new", 7),
        ("old", 7),
        ("twice", 1),
    ]
    assert sorted(pending(engine)) == [("new", 7, 15), ("twice", 1, 15)]
    assert [(row["punch_id"], row["resubmitted_at"]) for row in rejected(engine)] == [
        ("mended", None)
    ]


def test_submitted_again_it_ends_as_if_nothing_had_been(engine: Engine, postgres_url: str) -> None:
    before(engine)
    submit(engine, BATCH)
    whole = standing(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE punch_revision, punch, rejected")
    before(engine)
    for _ in range(2):
        killed_while_it_submits(postgres_url)
    submit(engine, BATCH)
    assert standing(engine) == whole
