"""What rosters repeated is forgotten after some time, and no version changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from models.intake import sync_roster
from models.intake.roster.pruning import prune_statements
from tests.models.intake.stored import Content, rows

DAY = timedelta(days=1)


def sync(engine: Engine, days_ago: int, **sections: Any) -> None:
    sent_at = (datetime.now(UTC) - days_ago * DAY).isoformat()
    roster = {"tenant": {"tenant_id": 1, "name": "Acme"}, "sent_at": sent_at, **sections}
    assert sync_roster(engine, roster).refused == []


def versions(engine: Engine) -> list[Content]:
    return rows(
        engine,
        "SELECT since::text, until::text, name FROM person_version ORDER BY person_version.since",
    )


def said(engine: Engine, kind: str) -> int:
    return len(rows(engine, "SELECT 1 FROM statement WHERE kind = :kind", kind=kind))


def test_what_was_repeated_long_ago_goes(bare_engine: Engine) -> None:
    for days_ago, name in ((19, "Ada"), (18, "Ada"), (17, "Eda"), (9, "Eda"), (2, "Eda")):
        sync(bare_engine, days_ago, people=[{"person_id": 7, "name": name}])
    before = versions(bare_engine)
    assert prune_statements(bare_engine, 1) == 5  # two, and three of the tenant's own
    assert (said(bare_engine, "person"), said(bare_engine, "tenant")) == (3, 2)
    sync(bare_engine, 1, people=[{"person_id": 7, "name": "Eda", "badge": 1}])
    assert versions(bare_engine) == before


def test_what_removed_a_shift_goes_and_the_shift_stays_removed(bare_engine: Engine) -> None:
    start = datetime.now(UTC)
    shift = {
        "shift_id": "s-1",
        "person_id": 7,
        "site_id": 15,
        "starts_at": start.isoformat(),
        "ends_at": (start + DAY).isoformat(),
    }
    sync(bare_engine, 99, shifts=[shift])
    sync(bare_engine, 90, shifts=[{"shift_id": "s-1", "deleted": True}])
    prune_statements(bare_engine, 1)
    assert said(bare_engine, "shift") == 0
    sync(bare_engine, 95, shifts=[shift])
    [row] = rows(bare_engine, "SELECT standing FROM shift")
    assert not row["standing"]


def test_only_rows_of_which_something_became_old_are_looked_at(bare_engine: Engine) -> None:
    """Ada was spoken of long ago, Bob a week ago and each is said twice."""
    sync(bare_engine, 30, people=[{"person_id": 7, "name": "Ada"}])
    sync(bare_engine, 29, people=[{"person_id": 7, "name": "Ada"}, {"person_id": 8, "name": "Bob"}])
    sync(bare_engine, 8, people=[{"person_id": 8, "name": "Bob"}])
    prune_statements(bare_engine, 1)
    assert said(bare_engine, "person") == 3
    assert len(rows(bare_engine, "SELECT 1 FROM statement WHERE key = '8'")) == 1


def test_what_only_says_unknown_fields_goes_once_they_were_said_again(bare_engine: Engine) -> None:
    """Exports say when they were made."""
    for days_ago in range(20, 0, -1):
        person = {"person_id": 7, "name": "Ada", "exported": f"{days_ago} days ago"}
        sync(bare_engine, days_ago, people=[person])
    prune_statements(bare_engine, 1)
    assert said(bare_engine, "person") == 1 + 6
    [ada] = rows(bare_engine, "SELECT extra FROM person")
    assert ada["extra"] == {"exported": "1 days ago"}
    sync(bare_engine, 9, people=[{"person_id": 7, "name": "Ada", "badge": 1}])
    [ada] = rows(bare_engine, "SELECT extra FROM person")
    assert ada["extra"] == {"exported": "1 days ago", "badge": 1}
