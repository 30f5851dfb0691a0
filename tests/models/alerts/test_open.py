"""Which alerts are open: in the vocabulary, in the table of moves, and in the unique index."""

from itertools import product

import pytest
from psycopg.errors import UniqueViolation
from sqlalchemy import Engine

from models.alerts.moves import MOVES, SYSTEM
from models.vocabulary import ALERT_STATES, OPEN, TAKEN_UP, UNACKNOWLEDGED, WAITING
from tests.models.alerts.cast import open_alert


def test_the_database_keeps_one_of_what_the_vocabulary_calls_open(engine: Engine) -> None:
    """A state that is not open needs a migration of uq_alert_open too."""
    for person_id, (one, other) in enumerate(product(ALERT_STATES, repeat=2), 1):
        open_alert(engine, status=one, person_id=person_id)
        if one in OPEN and other in OPEN:
            with pytest.raises(UniqueViolation):
                open_alert(engine, status=other, person_id=person_id)
        else:
            open_alert(engine, status=other, person_id=person_id)


def test_what_time_does_to_an_alert_is_allowed_by_the_table() -> None:
    """If it were not, the upkeep of the whole tenant would fail again and again."""
    assert MOVES["escalate"].sources.issuperset(UNACKNOWLEDGED)
    assert MOVES["relapse"].sources.issuperset(TAKEN_UP)
    assert all(SYSTEM in MOVES[move].roles for move in ("escalate", "relapse"))


def test_what_waits_for_somebody_is_open() -> None:
    assert set(TAKEN_UP) <= set(WAITING) <= set(OPEN)
