"""Reading what is stored, for tests, and a punch to start from."""

from time import monotonic, sleep
from typing import Any

from sqlalchemy import Engine, text

Content = dict[str, Any]


def a_punch(**fields: Any) -> Content:
    """Return a sound punch of acme; a field given as None is left out."""
    punch = {
        "punch_id": "p-1",
        "tenant_id": 1,
        "person_id": 7,
        "site_id": 15,
        "kind": "check_in",
        "occurred_at": "2026-03-02T08:00:00+01:00",
        **fields,
    }
    return {name: value for name, value in punch.items() if value is not None}


def rows(engine: Engine, query: str, **values: Any) -> list[dict[str, Any]]:
    with engine.begin() as connection:
        return [dict(row) for row in connection.execute(text(query), values).mappings()]


def punches(engine: Engine) -> list[dict[str, Any]]:
    return rows(engine, "SELECT * FROM punch ORDER BY tenant_id, punch_id")


def rejected(engine: Engine) -> list[dict[str, Any]]:
    return rows(engine, "SELECT * FROM rejected ORDER BY tenant_id, received_at, rejected_id")


def pending(engine: Engine) -> list[tuple[str, int, int]]:
    """Return (punch_id, person_id, site_id) of each version that waits to be judged."""
    versions = rows(engine, "SELECT * FROM pending ORDER BY pending_id")
    return [(row["punch_id"], row["person_id"], row["site_id"]) for row in versions]


def changes(engine: Engine) -> set[tuple[int, str, str]]:
    return {
        (row["tenant_id"], row["kind"], row["key"])
        for row in rows(engine, "SELECT * FROM roster_change")
    }


def person_standing(engine: Engine) -> int:
    """Return the person of the only punch."""
    [punch] = punches(engine)
    person_id: int = punch["person_id"]
    return person_id


def forget(engine: Engine) -> None:
    """Remove what waits to be judged, as if everything so far had been."""
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE pending, roster_change"))


def codes(reasons: list[Any]) -> list[tuple[str, str]]:
    return [(why["code"], why["field"]) for why in reasons]


def until_it_waits(engine: Engine) -> None:
    """Wait until some connection waits for a lock that another one holds."""
    deadline = monotonic() + 30
    waiting = """
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
    """
    while not rows(engine, waiting):
        assert monotonic() < deadline, "nobody waits for a lock"
        sleep(0.01)
